"""The servers of a data folder together: one starter, found by others, nothing left behind."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from services.local.lock import AlreadyRunning
from services.local.stack import found_servers, running_servers
from tests.processes import alive

ROOT = Path(__file__).parents[2]
STARTER = """
import asyncio, sys
from pathlib import Path
from services.cli import run, say
from services.local.stack import running_servers

async def stay() -> int:
    async with running_servers(Path(sys.argv[1]), say) as servers:
        for name in ("postgres", "kafka"):
            print(servers.supervisor.pid(name), flush=True)
        await asyncio.Event().wait()
    return 0

run(stay())
"""


@asynccontextmanager
async def starter(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[int]]]:
    """A process that holds the folder, and the numbers of its two servers."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", STARTER, str(folder)),
        cwd=ROOT,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield process, [int(await process.stdout.readline()) for _ in range(2)]
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
async def test_nothing_is_left_running(tmp_path: Path, how: signal.Signals) -> None:
    async with starter(tmp_path) as (process, servers):
        assert all(alive(pid) for pid in servers)
        process.send_signal(how)
        async with asyncio.timeout(10):
            await process.wait()
            while any(alive(pid) for pid in servers):
                await asyncio.sleep(0.02)


async def test_a_second_starter_is_refused_but_others_find_the_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LEADS_DATABASE_URL", "LEADS_KAFKA", "LEADS_TRANSPORT"):
        monkeypatch.delenv(name, raising=False)
    async with starter(tmp_path) as (process, _):
        with pytest.raises(AlreadyRunning, match=str(process.pid)):
            async with running_servers(tmp_path, print):
                raise AssertionError("two starters")
        # It tells where it is once its last server is up.
        async with found_servers(tmp_path, print) as (environ, owner_url):
            assert environ["LEADS_TRANSPORT"] == "kafka"
            connection = await asyncpg.connect(environ["LEADS_DATABASE_URL"])
            assert await connection.fetchval("select count(*) from log.events") == 0
            await connection.close()
            assert owner_url not in environ.values()
    assert (tmp_path / "connection.json").stat().st_mode & 0o777 == 0o600


async def test_without_a_broker_the_log_transport_is_used_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LEADS_DATABASE_URL", "LEADS_KAFKA", "LEADS_TRANSPORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LEADS_KAFKA_JARS", str(tmp_path / "empty"))
    told: list[str] = []
    async with running_servers(tmp_path, told.append) as servers:
        assert servers.transport == "log"
        assert servers.environ["LEADS_KAFKA"] == ""
    loud = [line for line in told if line.startswith("NO KAFKA: ")]
    assert "46 of 46 jars are missing" in loud[0]
    assert "going on with the log transport" in loud[1]


async def test_servers_of_others_are_used_when_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner_url: str, kafka: str
) -> None:
    monkeypatch.delenv("LEADS_TRANSPORT", raising=False)
    monkeypatch.setenv("LEADS_DATABASE_URL", owner_url)
    monkeypatch.setenv("LEADS_KAFKA", kafka)
    async with running_servers(tmp_path, print) as servers:
        assert servers.environ["LEADS_DATABASE_URL"] == owner_url
        assert servers.environ["LEADS_KAFKA"] == kafka
        key = Path(servers.environ["LEADS_MASTER_KEY_FILE"])
        assert len(bytes.fromhex(key.read_text())) == 32
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "kafka").exists()
