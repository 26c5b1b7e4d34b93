"""The servers of a data folder together: one starter, found by others, nothing left behind."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from services.command.app import open_commanding
from services.kit.clock import SystemClock
from services.kit.settings import SettingsError, read_settings
from services.local.demo_keys import let_demo_users_in
from services.local.lock import AlreadyRunning, FolderUnusable
from services.local.postgres import PostgresUnavailable
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
        async with asyncio.timeout(60):
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


@pytest.fixture
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No setting of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith("LEADS_"):
            monkeypatch.delenv(name)
    return monkeypatch


async def test_key_files_that_are_named_are_used(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch, owner_url: str
) -> None:
    nothing_set.setenv("LEADS_DATABASE_URL", owner_url)
    for name, byte in (("MASTER", b"\x01"), ("SIGNING", b"\x02")):
        (tmp_path / name).write_text(32 * byte.hex())
        nothing_set.setenv(f"LEADS_{name}_KEY_FILE", str(tmp_path / name))
    folder = tmp_path / "data"
    async with running_servers(folder, print, broker=False) as servers:
        settings = read_settings(servers.environ)
    assert settings.master_key == 32 * b"\x01"
    assert settings.signing_key == 32 * b"\x02"
    assert not list(folder.glob("*.key"))


async def test_settings_that_are_wrong_are_all_named_before_anything_starts(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch
) -> None:
    nothing_set.setenv("LEADS_TRANSPORT", "kafak")
    nothing_set.setenv("LEADS_HTTP_PORT", "abc")
    nothing_set.setenv("LEADS_SMTP_URL", "smtp://mail.example")
    nothing_set.setenv("LEADS_MASTER_KEY", 64 * "0")
    with pytest.raises(SettingsError) as refused:
        async with running_servers(tmp_path, print):
            raise AssertionError("started")
    told = str(refused.value)
    wrong = (
        "MASTER_KEY is not taken",
        "TRANSPORT is 'kafak'",
        "HTTP_PORT is 'abc'",
        "SMTP_URL and",
    )
    assert all(f"leads: LEADS_{each}" in told for each in wrong), told
    assert not (tmp_path / "postgres").exists()


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://leads:secret@127.0.0.1:1/leads", "Connect call failed"),
        ("leads:secret@127.0.0.1/leads", "scheme is expected"),
        ("", "password authentication failed|no such|does not exist"),
    ],
)
async def test_a_named_server_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch, owner_url: str, url: str, why: str
) -> None:
    given = url or owner_url.rpartition("/")[0] + "/no_such_database"
    nothing_set.setenv("LEADS_DATABASE_URL", given)
    with pytest.raises(PostgresUnavailable, match=why) as refused:
        async with running_servers(tmp_path, print, broker=False):
            raise AssertionError("started")
    assert str(refused.value).startswith("LEADS_DATABASE_URL: ")
    assert "secret" not in str(refused.value)


async def test_a_named_database_that_may_not_be_migrated_says_who_may(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch, owner_url: str, database_url: str
) -> None:
    owner = await asyncpg.connect(owner_url)
    await owner.execute("delete from public.migrations where name = '0001_event_log'")
    await owner.execute("grant all on public.migrations to leads_app")
    await owner.close()
    nothing_set.setenv("LEADS_DATABASE_URL", database_url)
    with pytest.raises(PostgresUnavailable, match="for the database's owner"):
        async with running_servers(tmp_path, print, broker=False):
            raise AssertionError("started")


async def test_a_named_broker_that_does_not_answer_is_said(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch, owner_url: str
) -> None:
    nothing_set.setenv("LEADS_DATABASE_URL", owner_url)
    nothing_set.setenv("LEADS_KAFKA", "127.0.0.1:1")
    told: list[str] = []
    async with running_servers(tmp_path, told.append) as servers:
        assert servers.transport == "kafka"
    assert [line for line in told if "does not answer yet" in line]


async def test_another_databases_master_key_stops_what_appends(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch, owner_url: str
) -> None:
    nothing_set.setenv("LEADS_DATABASE_URL", owner_url)
    async with running_servers(tmp_path, print, broker=False) as servers:
        settings = read_settings(servers.environ)
        async with open_commanding(settings, SystemClock()) as commanding:
            await let_demo_users_in(commanding, tmp_path)
        async with open_commanding(settings, SystemClock()):
            """Its own key opens it again."""
        other = replace(settings, master_key=bytes(32))
        with pytest.raises(SettingsError, match=r"LEADS_MASTER_KEY_FILE: .* does not open"):
            async with open_commanding(other, SystemClock()):
                raise AssertionError("opened")


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderUnusable, match="Not a directory"):
        async with running_servers(tmp_path / "file" / "data", print):
            raise AssertionError("started")


async def test_a_port_that_is_taken_is_refused_in_a_sentence_before_anything_starts(
    tmp_path: Path, nothing_set: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        nothing_set.setenv("LEADS_HTTP_PORT", str(port))
        told = await one_sentence(("services.cli", "up", "--no-sample"), tmp_path)
        assert told.startswith(f"leads: port {port} is taken by process {os.getpid()} (")
        assert told.endswith("); stop that, or set LEADS_HTTP_PORT to another port")
        assert not (tmp_path / "postgres").exists()
        nothing_set.setenv("LEADS_METRICS_PORT", str(port))
        for name in ("DATABASE_URL", "TRANSPORT", "MASTER_KEY", "SIGNING_KEY"):
            value = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "TRANSPORT": "log"}
            nothing_set.setenv(f"LEADS_{name}", value.get(name, 64 * "0"))
        told = await one_sentence(("services.command.relay",), tmp_path)
        assert told.endswith("set LEADS_METRICS_PORT to another port")
        nothing_set.setenv("LEADS_HTTP_HOST", "192.0.2.1")
        told = await one_sentence(("services.command.relay",), tmp_path)
        assert "cannot listen on 192.0.2.1" in told


async def one_sentence(module: tuple[str, ...], folder: Path) -> str:
    """Run a module that cannot start; return the only line it says."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *module),
        cwd=ROOT,
        env={**os.environ, "LEADS_DATA_DIR": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 1
    (line,) = said.decode().splitlines()
    return line
