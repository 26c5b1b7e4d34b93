"""The command service as a process of its own, over a test's database, killed where a test says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from services.command.first_start import set_up
from services.command.handler import Commanding
from services.kit.clock import SystemClock
from services.local.ports import choose_port
from tests.contract.command_service import KEYS
from tests.faults.child import child, on_log
from tests.kit.event_logs import opened

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
    environ = {**on_log(url), "LEADS_HTTP_PORT": str(port)}
    headers = {"authorization": f"Bearer {KEYS['admin']}"}
    async with (
        child("services.command", environ, failpoint) as process,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=20
        ) as client,
    ):
        yield client, process
