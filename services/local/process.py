"""One program run as a child: started on a leash, watched, stopped.

Output goes straight to a log file, so a busy or stopped parent never blocks the child.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
POLL_S = 0.02
LOG_BYTES_MAX = 16 * 1024 * 1024


class StartFailed(Exception):
    """A program ended, or stayed silent, before it was ready. The text ends with its last lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to end it.

    `ready` returns when the program can be used; it is cancelled when the program ends first.
    The kernel sends `on_exit_signal` when the parent is gone; `stop` sends `stop_signal`.
    Programs of a higher `storey` stand on those of the lower ones and are stopped before them.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    on_exit_signal: signal.Signals = signal.SIGKILL
    stop_timeout_s: float = 3.0
    storey: int = 0
    ready: Callable[["Child"], Awaitable[None]] | None = None
    ready_timeout_s: float = 60.0


class Child:
    """A running `Program`. Make it with `await Child.start(program, log_path)`."""

    def __init__(self, program: Program, log_path: Path) -> None:
        self.program = program
        self.log_path = log_path
        log_path.parent.mkdir(parents=True, exist_ok=True)
        if log_path.exists() and log_path.stat().st_size > LOG_BYTES_MAX:
            log_path.replace(log_path.with_name(f"{log_path.name}.1"))
        with log_path.open("ab") as log:
            self._log_start = log.tell()
            self._popen = subprocess.Popen(
                [
                    sys.executable,
                    *("-I", "-S", str(LEASH), str(int(program.on_exit_signal)), str(os.getpid())),
                    program.user or "-",
                    *program.argv,
                ],
                env={**os.environ, **program.env},
                cwd=program.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @classmethod
    async def start(cls, program: Program, log_path: Path) -> "Child":
        """Starts the program and returns when it is ready.

        Raises StartFailed when it ends first or is not ready in time; then nothing is left running.
        """
        child = cls(program, log_path)
        try:
            await child.until_ready()
        except BaseException:
            child.kill()
            raise
        return child

    async def until_ready(self) -> None:
        """Waits for the program's own sign of readiness. Raises StartFailed."""
        if self.program.ready is None:
            return
        ready = asyncio.ensure_future(self.program.ready(self))
        ended = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait(
                (ready, ended),
                timeout=self.program.ready_timeout_s,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if ready.done():
                ready.result()
                return
            why = (
                f"ended with {describe_exit(ended.result())}"
                if ended.done()
                else f"was not ready within {self.program.ready_timeout_s:.0f} s"
            )
            raise StartFailed(f"{self.program.name} {why}\n{self.last_lines()}".rstrip())
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; -N when signal N ended it."""
        return self._popen.poll()

    async def wait(self) -> int:
        """Returns its exit code once it has ended."""
        while (code := self._popen.poll()) is None:
            await asyncio.sleep(POLL_S)
        return code

    async def stop(self, timeout_s: float | None = None) -> int:
        """Asks it to stop, and kills it when it has not within `timeout_s` (default: its own)."""
        if self._popen.poll() is None:
            self._popen.send_signal(self.program.stop_signal)
        try:
            limit = self.program.stop_timeout_s if timeout_s is None else timeout_s
            await asyncio.wait_for(self.wait(), limit)
        except TimeoutError:
            pass
        finally:
            # Also when it ended by itself: what it started may still be in its group.
            self.kill()
        return self._popen.wait()

    def kill(self) -> None:
        """Kills it and its process group at once, and reaps it."""
        try:
            os.killpg(self._popen.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self._popen.kill()
        self._popen.wait()

    def output(self) -> str:
        """What it has written since this start."""
        with self.log_path.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def last_lines(self, count: int = 20) -> str:
        """The end of its output, for a message."""
        return "\n".join(self.output().splitlines()[-count:])


async def run_once(program: Program, log_path: Path) -> None:
    """Runs a program that is expected to end with 0. Raises StartFailed with its last lines."""
    child = Child(program, log_path)
    try:
        code = await asyncio.wait_for(child.wait(), program.ready_timeout_s)
    finally:
        child.kill()
    if code != 0:
        raise StartFailed(
            f"{program.name} ended with {describe_exit(code)}\n{child.last_lines()}".rstrip()
        )


def says(line: str) -> Callable[[Child], Awaitable[None]]:
    """Readiness by a line on the program's output."""

    async def said(child: Child) -> None:
        while line not in child.output().splitlines():
            await asyncio.sleep(POLL_S)

    return said


def describe_exit(code: int) -> str:
    """`exit code 3` or `SIGKILL`."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
