"""`leads test` and `leads bench`: the project's own checks, run as on a newcomer's machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from services.cli_browser import chromium_made_ready
from services.cli_ui import ui_checks

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
WHOLE_STACKS = ("tests/e2e", "tests/faults", "tests/browser")
"""These take about half of the time. They run beside the others, for neither keeps more than one
processor busy.
"""


def run_tests(pytest_arguments: list[str]) -> int:
    """Runs every check and then pytest, all of them even when one fails; returns an exit code.

    With arguments it is pytest with them, nothing else.
    """
    if pytest_arguments:
        return _run([sys.executable, "-m", "pytest", *pytest_arguments])
    commands: dict[str, Sequence[str]] = {
        "ruff check": [str(TOOLS / "ruff"), "check", "--output-format", "concise", "."],
        "ruff format": [str(TOOLS / "ruff"), "format", "--check", "."],
        "mypy": [sys.executable, "-m", "mypy"],
        "lint-imports": [str(TOOLS / "lint-imports"), "--no-logo"],
    }
    checks: dict[str, Callable[[], int]] = {
        **{name: partial(_run, command) for name, command in commands.items()},
        **ui_checks(),
        "chromium": chromium_made_ready,
        "pytest": _pytest,
    }
    failed = []
    for name, check in checks.items():
        print(f"== {name}", flush=True)
        if check() != 0:
            failed.append(name)
    others = [name for name in failed if name != "pytest"]
    if others:
        print(f"FAILED besides the tests: {', '.join(others)} (output above)")
    return 1 if failed else 0


def run_bench(name: str, *, as_json: bool) -> int:
    """Runs one benchmark of tests/bench, or all. Returns 1 when a target is missed."""
    arguments = [name] if name else []
    return _run([sys.executable, "-m", "tests.bench", *arguments, *(["--json"] if as_json else [])])


def _pytest() -> int:
    """Run all tests in two processes at once, and tell what each says, one after the other."""
    # They would write one cache.
    pytest = (sys.executable, "-m", "pytest", "--color=no", "-p", "no:cacheprovider")
    with TemporaryFile() as told, _started((*pytest, *WHOLE_STACKS), told) as beside:
        others = _run([*pytest, *(f"--ignore={one}" for one in WHOLE_STACKS)])
        stacks = beside.wait()
        print(f"== pytest {' '.join(WHOLE_STACKS)}", flush=True)
        told.seek(0)
        shutil.copyfileobj(told, sys.stdout.buffer)
        sys.stdout.flush()
    return others or stacks


def _run(command: Sequence[str]) -> int:
    with _started(command) as running:
        return running.wait()


def _started(command: Sequence[str], told: IO[bytes] | None = None) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=told,
        stderr=None if told is None else subprocess.STDOUT,
        env={**os.environ, "NO_COLOR": "1"},
    )
