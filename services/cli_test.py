"""`leads test` and `leads bench`: the project's own checks, run as on a newcomer's machine."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from services.cli_browser import chromium_made_ready
from services.cli_ui import ui_checks

ROOT = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent


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
        "pytest": partial(_run, [sys.executable, "-m", "pytest", "--color=no"]),
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


def _run(command: Sequence[str]) -> int:
    return subprocess.run(
        command,
        check=False,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "NO_COLOR": "1"},
    ).returncode
