"""`./leads`: makes its environment once, notices a new lock or place, says what is missing."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("sh", "dirname", "cat", "cksum", "rm", "mkdir", "cp", "chmod")
# Stands for Python and for pip: knows its version, makes "environments", notes what it was asked.
PYTHON = """#!/bin/sh
case "$1 $2" in
  "-c import sys;"*) exit {old};;
  "-c import sysconfig;"*) echo "$CHECKOUT"; exit;;
  "-m venv") mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; echo "made" >>"$NOTES"; exit;;
  "-m pip") echo "pip $*" >>"$NOTES"; exit;;
esac
echo "run $*" >>"$NOTES"
"""
UV = """#!/bin/sh
echo "uv $*" >>"$NOTES"
[ "$1" = venv ] || exit 0
for last; do :; done
mkdir -p "$last/bin"
cp "$(dirname "$0")/python3" "$last/bin/python"
"""


class Machine:
    """A checkout in a folder with a space in its name, and a PATH with nothing but what is put."""

    def __init__(self, folder: Path) -> None:
        self.checkout = folder / "my project"
        self.checkout.mkdir()
        shutil.copy(ROOT / "leads", self.checkout)
        (self.checkout / "requirements.lock").write_text("one==1\n")
        self.path = folder / "bin"
        self.path.mkdir()
        self.notes = folder / "notes"
        for tool in TOOLS:
            (self.path / tool).symlink_to(str(shutil.which(tool)))

    def put(self, name: str, script: str) -> None:
        (self.path / name).write_text(script)
        (self.path / name).chmod(0o755)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(self.checkout / "leads"), *arguments],
            check=False,
            cwd="/",
            capture_output=True,
            text=True,
            env={
                "PATH": str(self.path),
                "NOTES": str(self.notes),
                "CHECKOUT": str(self.checkout),
            },
        )

    def noted(self) -> list[str]:
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return [line.split(" ")[0] for line in lines]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_environment_is_made_once(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0))
    first = machine.run("up", "two words")
    assert first.returncode == 0, first.stderr
    assert "making .venv" in first.stderr
    assert machine.notes.read_text().endswith("run -m services.cli up two words\n")
    assert machine.noted() == ["made", "pip", "run"]
    assert (machine.checkout / "leads.pth").read_text() == f"{machine.checkout}\n"
    assert machine.run("up").stderr == ""
    assert machine.noted() == ["run"]


def test_hashes_are_required(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0))
    machine.run()
    assert "--require-hashes" in machine.notes.read_text()
    assert "--no-deps" in machine.notes.read_text()


def test_a_new_lock_is_installed_into_the_same_environment(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0))
    machine.run()
    machine.noted()
    (machine.checkout / "requirements.lock").write_text("one==2\n")
    machine.run()
    assert machine.noted() == ["pip", "run"]


def test_a_moved_checkout_gets_a_new_environment(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0))
    machine.run()
    machine.noted()
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("elsewhere"))
    machine.run()
    assert machine.noted() == ["made", "pip", "run"]


def test_an_interrupted_installation_is_repeated(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0).replace("exit;;\nesac", "exit 1;;\nesac"))
    assert machine.run().returncode == 1
    machine.put("python3", PYTHON.format(old=0))
    machine.noted()
    assert machine.run().returncode == 0
    assert machine.noted() == ["made", "pip", "run"]


def test_uv_is_used_when_it_is_there(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0))
    machine.put("uv", UV)
    machine.run()
    assert machine.noted() == ["uv", "uv", "run"]


def test_an_old_python_is_passed_over_and_none_at_all_is_said(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=1))
    refused = machine.run()
    assert refused.returncode == 1
    assert "Python 3.11 or newer is needed, and none is on PATH" in refused.stderr
    assert not (machine.checkout / ".venv").exists()
    machine.put("python3.12", PYTHON.format(old=0))
    assert machine.run().returncode == 0


def test_a_python_without_venv_is_said(machine: Machine) -> None:
    machine.put("python3", PYTHON.format(old=0).replace("mkdir -p", "exit 1; mkdir -p"))
    refused = machine.run()
    assert refused.returncode == 1
    assert "Debian: python3-venv" in refused.stderr


def test_scripts_may_be_run() -> None:
    assert os.access(ROOT / "leads", os.X_OK)
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
