"""The `leads` command: quick to answer, refuses in one sentence, knows a log that was changed."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from schemas.organisation import ORGANISATION_ID
from services.cli_client import Problem
from services.cli_log import (
    migrate_database,
    print_audit_package,
    rebuild_read_model,
    run_sql,
    unpark_streams,
    verify_log,
)
from services.command.app import open_commanding
from services.command.first_start import make_demo_keys, set_up
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from services.kit.offline_verifier import verify_package
from services.kit.settings import read_settings
from services.local.lock import data_lock
from services.local.stack import running_servers
from services.projections.registry import BY_NAME

ROOT = Path(__file__).parents[2]


def leads(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", *arguments],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, **environ},
    )


def test_help_names_every_command() -> None:
    told = leads("--help", COLUMNS="100")
    assert told.returncode == 0
    for name in (
        "up",
        "sample",
        "verify",
        "check",
        "rebuild",
        "index",
        "unpark",
        "migrate",
        "quarantine",
        "test",
        "bench",
    ):
        assert f" {name} " in told.stdout


def test_a_folder_in_use_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with data_lock(tmp_path):
        told = leads("up", LEADS_DATA_DIR=str(tmp_path))
    assert told.returncode == 1
    assert told.stderr == f"leads: {tmp_path} is in use by process {os.getpid()}\n"


async def test_verify_names_the_event_that_was_changed(
    tmp_path: Path,
    owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEADS_DATABASE_URL", owner_url)
    monkeypatch.setenv("LEADS_DATA_DIR", str(tmp_path))
    async with (
        running_servers(tmp_path, print, broker=False) as servers,
        open_commanding(read_settings(servers.environ), SystemClock()) as commanding,
    ):
        await set_up(commanding, make_demo_keys())

    assert await verify_log(print) == 0
    assert "verified: " in capsys.readouterr().out
    assert await print_audit_package(str(ORGANISATION_ID), print) == 0
    told_package = capsys.readouterr().out
    package = json.loads(told_package[told_package.index("{") :])
    assert verify_package(package, bytes.fromhex(package["public_key"])) == []
    refusals: list[str] = []
    assert await print_audit_package("nobody", refusals.append) == 1
    assert await print_audit_package(str(new_id()), refusals.append) == 1
    assert refusals[0] == "leads: nobody is not the id of a lead"

    change = "set data = set_byte(data, 9, get_byte(data, 9) # 1) where position = 4"
    told: list[str] = []
    assert await run_sql(f"update log.events {change}", told.append) == 1
    assert told[-1] == "leads: the event log is append-only"
    assert await run_sql("alter table log.events disable trigger all", print) == 0
    assert await run_sql(f"update log.events {change} returning position, type", print) == 0
    assert '{"position":4,"type":"' in capsys.readouterr().out
    assert await verify_log(print) == 1
    assert "at position 4 was changed" in capsys.readouterr().out


async def test_what_is_parked_is_shown_and_flows_again(
    tmp_path: Path,
    owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEADS_DATABASE_URL", owner_url)
    monkeypatch.setenv("LEADS_DATA_DIR", str(tmp_path))
    async with (
        running_servers(tmp_path, print, broker=False) as servers,
        open_commanding(read_settings(servers.environ), SystemClock()) as commanding,
    ):
        await set_up(commanding, make_demo_keys())
    parked = f"{ORGANISATION_ID} from version 1"
    row = f"('{ORGANISATION_ID}', 0, 1, 1, 'a worker that did not know it')"
    columns = "(stream_id, partition, from_version, position, error)"
    assert await run_sql(f"insert into read.parked {columns} values {row}", print) == 0
    capsys.readouterr()

    assert await unpark_streams(print, list_only=True) == 0
    assert f"{parked}: a worker that did not know it\n1 parked" in capsys.readouterr().out
    assert await unpark_streams(print, list_only=False) == 0
    assert f"{parked}: flows again\nnothing is parked" in capsys.readouterr().out
    assert await unpark_streams(print, list_only=True) == 0
    assert "nothing is parked" in capsys.readouterr().out


async def test_all_read_models_are_rebuilt_and_an_unknown_one_is_refused(
    tmp_path: Path,
    owner_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEADS_DATABASE_URL", owner_url)
    monkeypatch.setenv("LEADS_DATA_DIR", str(tmp_path))
    told: list[str] = []
    assert await rebuild_read_model("leeds", told.append) == 1
    assert "no read model leeds; there are api_key, app_user" in told[-1]
    assert await rebuild_read_model("all", told.append) == 0
    lines = capsys.readouterr().out.splitlines()
    built = [line.split(" is now ")[0] for line in lines if " is now " in line]
    assert sorted(built) == sorted(BY_NAME)


async def test_migrations_are_named_before_they_are_applied(
    empty_database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LEADS_DATABASE_URL", empty_database_url)
    assert await migrate_database(print, dry_run=True, login="") == 0
    assert "would apply: 0001_event_log" in capsys.readouterr().out
    assert await migrate_database(print, dry_run=False, login="") == 0
    assert "applied: 0001_event_log" in capsys.readouterr().out
    assert await migrate_database(print, dry_run=False, login="") == 0
    assert capsys.readouterr().out == "nothing to apply\n"


def test_a_download_that_breaks_off_leaves_no_file(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\nlead_id\r\n"
    key = tmp_path / "key"
    key.write_text("any")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65_536)
                line.sendall(head)

        answering = threading.Thread(target=answer)
        answering.start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        where = ("--address", address, "--key-file", str(key), "-o", str(tmp_path / "all.csv"))
        told = leads("lead", "export", *where)
        answering.join()
    assert told.returncode == 3
    assert "it is not complete" in told.stderr
    assert list(tmp_path.iterdir()) == [key]


def test_a_refusal_says_each_thing_once() -> None:
    one = {"code": "role-not-allowed", "detail": "Your role may not.", "pointer": ""}
    refused = {"title": "You may not do this", "detail": "Your role may not.", "errors": [one]}
    told = ["You may not do this", "  - Your role may not. [role-not-allowed]"]
    assert Problem(403, refused).lines() == told
    assert Problem(404, {"title": "Gone", "detail": "It is no id."}).lines() == [
        "Gone: It is no id."
    ]
