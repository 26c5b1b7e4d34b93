"""The command service as a process: starts, answers, drains on SIGTERM, ends with 0."""

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
from services.kit.keys import MasterKey
from services.local.ports import choose_port
from tests.contract.command_service import KEYS
from tests.kit.event_logs import opened

ROOT = Path(__file__).parents[2]
SECRET = bytes(range(32))


@asynccontextmanager
async def process(url: str, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service, once it says it is ready; killed at the end if it still runs."""
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.command",
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "LEADS_DATABASE_URL": url,
            "LEADS_TRANSPORT": "log",
            "LEADS_MASTER_KEY": SECRET.hex(),
            "LEADS_SIGNING_KEY": SECRET.hex(),
            "LEADS_HTTP_PORT": str(port),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert started.stdout is not None
        async with asyncio.timeout(30):
            assert (await started.stdout.readline()).decode().strip() == READY
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def test_it_serves_and_ends_with_zero_when_told_to(database_url: str, tmp_path: Path) -> None:
    async with opened(database_url, master=MasterKey(SECRET)) as log:
        await set_up(Commanding(log, SystemClock()), KEYS)
    port = choose_port(tmp_path / "http.port")
    headers = {"authorization": f"Bearer {KEYS['admin']}"}
    async with process(database_url, port) as service:
        address = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=address, headers=headers) as client:
            assert (await client.get("/readyz")).json()["parts"] == {"event log": "ok"}
            answer = await client.post("/v1/campaigns", json={"name": "Spring +14155550123"})
            assert answer.status_code == 201
            many = [
                asyncio.create_task(client.post("/v1/campaigns", json={"name": f"N{i}"}))
                for i in range(20)
            ]
            await asyncio.sleep(0)
            await many[0]
            service.send_signal(signal.SIGTERM)
            answers = await asyncio.gather(*many, return_exceptions=True)
        assert service.stderr is not None
        async with asyncio.timeout(60):
            said = (await service.stderr.read()).decode()
            assert await service.wait() == 0
    done = [one for one in answers if isinstance(one, httpx.Response) and one.status_code == 201]
    refused = [one for one in answers if isinstance(one, BaseException)]
    assert all(isinstance(one, httpx.ConnectError | httpx.ReadError) for one in refused)
    async with opened(database_url, master=MasterKey(SECRET)) as log:
        campaigns = await log.streams_of("campaign")
    assert len(campaigns) == 1 + len(done)
    assert "Traceback" not in said
    assert "+14155550123" not in said
    assert '"route":"/v1/campaigns"' in said
