"""Ports, locks and secrets of a data folder."""

import os
import re
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.local import ports
from services.local.lock import AlreadyRunning, data_lock
from services.local.ports import choose_port, held, is_free
from services.local.postgres import SETTINGS, buffers_mb
from services.local.secret_file import secret_in
from services.local.stack import ALWAYS, ON_KAFKA

ROOT = Path(__file__).parents[2]


def test_a_port_is_remembered(tmp_path: Path) -> None:
    port = choose_port(tmp_path / "deep" / "port")
    assert is_free(port)
    assert choose_port(tmp_path / "deep" / "port") == port


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "port").write_text(f"{port}\n")
        assert choose_port(tmp_path / "port", first=port) != port


def test_the_wished_port_is_taken_first_and_nonsense_is_ignored(tmp_path: Path) -> None:
    wished = choose_port(tmp_path / "any")
    (tmp_path / "port").write_text("soon\n")
    assert choose_port(tmp_path / "port", first=wished) == wished


def test_no_port_is_drawn_twice_by_servers_that_start_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "COUNT", 8)
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    monkeypatch.setattr(ports, "_drawn", set())
    assert len({choose_port(tmp_path / f"{number}.port") for number in range(8)}) == 8
    with pytest.raises(OSError, match="no free port"):
        choose_port(tmp_path / "another.port")


def test_a_folder_has_one_starter(tmp_path: Path) -> None:
    held_by_us = pytest.raises(AlreadyRunning, match=f"process {os.getpid()}")
    with data_lock(tmp_path), held_by_us, data_lock(tmp_path):
        raise AssertionError("two starters")
    with data_lock(tmp_path):
        pass


def test_the_lock_of_a_killed_starter_is_free(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from services.local.lock import data_lock\n"
        "with data_lock(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=ROOT)
    assert killed.returncode == -9
    assert (tmp_path / "lock").read_text().strip().isdecimal()
    with data_lock(tmp_path):
        pass


def test_a_secret_is_made_once_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "key"
    secret = secret_in(path)
    assert len(bytes.fromhex(secret)) == 32
    assert secret_in(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["key"]


def test_the_compose_file_runs_every_service_of_the_stack() -> None:
    text = (ROOT / "deploy" / "compose.yaml").read_text()
    missing = [module for module in {**ALWAYS, **ON_KAFKA}.values() if f"-m, {module}]" not in text]
    assert not missing


def test_what_the_image_copies_and_the_containers_run_is_there() -> None:
    image = (ROOT / "deploy" / "Dockerfile").read_text()
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+)", image, re.MULTILINE)
    assert copied
    assert not [path for path in copied if not (ROOT / path).exists()]
    modules = re.findall(r"python, -m, ([\w.]+)", compose)
    modules += re.findall(r'"python", "-m", "([\w.]+)"', image)
    assert len(modules) > 8
    for module in modules:
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
        assert place.relative_to(ROOT).parts[0] in copied


def test_the_containers_are_given_settings_there_are() -> None:
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    kit = ROOT / "services" / "kit"
    known = "".join((kit / name).read_text() for name in ("settings.py", "outside.py"))
    given = set(re.findall(r"\bLEADS_\w+", compose))
    readme = (ROOT / "README.md").read_text()
    # A key is read from the file that `…_FILE` names; the reader puts the two together.
    assert not {name for name in given if name.removesuffix("_FILE") not in known}
    assert not {name for name in given if name not in readme}
    secrets = set(re.findall(r"/run/secrets/(\w+)", compose))
    assert secrets == set(re.findall(r"^  (\w+): \{file: ", compose, re.MULTILINE))


def test_the_database_in_a_container_is_set_as_ours() -> None:
    compose = (ROOT / "deploy" / "compose.yaml").read_text()
    given = dict(re.findall(r"^      - -c(\w+)=(\S+)$", compose, re.MULTILINE))
    own_to_a_machine = {"listen_addresses", "unix_socket_directories"}
    as_delivered = {"log_checkpoints", "log_line_prefix", "password_encryption", "timezone"}
    as_delivered.add("synchronous_commit")
    assert given.pop("shared_buffers") == "1GB"
    named = {*given, *own_to_a_machine, *as_delivered}
    assert given == {name: value for name, value in SETTINGS.items() if name in given}
    assert named == set(SETTINGS), "what is new in SETTINGS is for containers too"


@pytest.mark.parametrize(("machine", "buffers"), [(256, 128), (8192, 2048), (65536, 4096)])
def test_a_server_takes_a_quarter_of_the_memory_within_bounds(
    monkeypatch: pytest.MonkeyPatch, machine: int, buffers: int
) -> None:
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": machine * 256}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)
    assert buffers_mb() == buffers


def test_a_port_that_is_held_is_nobody_elses(tmp_path: Path) -> None:
    port = choose_port(tmp_path / "port")
    with held(port):
        assert not is_free(port)
        assert choose_port(tmp_path / "port") != port
    assert is_free(port)
