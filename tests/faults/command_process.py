"""The command service as a process of its own, over a test's database, killed where a test says."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.command.first_start import set_up
from services.command.handler import Commanding
from services.kit.background import READY
from services.kit.clock import SystemClock
from services.local.ports import choose_port
from tests.contract.command_service import KEYS
from tests.kit.event_logs import opened

ROOT = Path(__file__).parents[2]
READY_SECONDS = 60.0


async def let_users_in(url: str) -> None:
    """Make the organisation, so that the process finds the keys of the tests."""
    async with opened(url) as log:
        await set_up(Commanding(log, SystemClock()), KEYS)


@asynccontextmanager
async def serving(
    url: str, folder: Path, failpoint: str = ""
) -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    """A client of a running command service, and its process; at the end it stops in order."""
    port = choose_port(folder / "command.port")
    environ = {
        **os.environ,
        "LEADS_DATABASE_URL": url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": bytes(range(32)).hex(),
        "LEADS_SIGNING_KEY": bytes(range(32)).hex(),
        "LEADS_HTTP_PORT": str(port),
        "LEADS_FAILPOINT": failpoint,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.command"),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    headers = {"authorization": f"Bearer {KEYS['admin']}"}
    try:
        assert process.stdout is not None
        said = await asyncio.wait_for(process.stdout.readline(), READY_SECONDS)
        assert said.decode().strip() == READY
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20
        ) as client:
            yield client, process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(process.wait(), 60) == 0
