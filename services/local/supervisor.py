"""Keeps programs running: starts them in order, restarts what crashed, stops them from the top.

Each writes to its own file in the log folder. A crash is said, never hidden.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from services.local.process import Child, Program, StartFailed, describe_exit

FIRST_DELAY_S = 0.25
DELAY_S_MAX = 10.0
# A child that ran this long has recovered: its next crash starts from the first delay again.
STEADY_S = 30.0
STOP_S_MAX = 9.0
KILL_S = 0.2


@dataclass(slots=True)
class _Kept:
    program: Program
    child: Child
    keeper: "asyncio.Task[None] | None" = None
    starts: int = 1


@dataclass(slots=True)
class Supervisor:
    """Runs programs until `stop`. `say` is told of every crash, restart and refusal to stop."""

    logs: Path
    say: Callable[[str], None]
    first_delay_s: float = FIRST_DELAY_S
    delay_s_max: float = DELAY_S_MAX
    _kept: dict[str, _Kept] = field(default_factory=dict)

    async def start(self, program: Program) -> Child:
        """Starts one program, waits until it is ready, keeps it running from then on.

        Raises StartFailed when the very first start fails: that is a fault to show, not to repeat.
        """
        assert program.name not in self._kept, f"{program.name} runs already"
        child = await Child.start(program, self._log(program))
        kept = _Kept(program, child)
        kept.keeper = asyncio.create_task(self._keep(kept), name=f"keep {program.name}")
        self._kept[program.name] = kept
        return child

    def names(self) -> list[str]:
        """The programs it keeps running, in the order they were started."""
        return list(self._kept)

    def pid(self, name: str) -> int:
        """Process id of a program's present child."""
        return self._kept[name].child.pid

    def starts(self, name: str) -> int:
        """How often a program was started, restarts included."""
        return self._kept[name].starts

    async def stop(self) -> None:
        """Stops all, storey by storey from the top, within STOP_S_MAX; what does not stop in time
        is killed. Those of one storey stop at the same time.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + STOP_S_MAX
        keepers = [kept.keeper for kept in self._kept.values() if kept.keeper is not None]
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        storeys = sorted({kept.program.storey for kept in self._kept.values()}, reverse=True)
        for below, storey in enumerate(storeys, 1 - len(storeys)):
            left = max(KILL_S, deadline - loop.time() + KILL_S * below)
            here = [kept for kept in self._kept.values() if kept.program.storey == storey]
            await asyncio.gather(*(self._stop_one(kept, left) for kept in here))
        self._kept.clear()

    async def _stop_one(self, kept: _Kept, left: float) -> None:
        code = await kept.child.stop(min(kept.program.stop_timeout_s, left))
        if code == -9:
            self.say(f"{kept.program.name} did not stop in time and was killed")

    def kill(self) -> None:
        """Kills all at once: for a second Ctrl-C."""
        for kept in self._kept.values():
            kept.child.kill()

    async def _keep(self, kept: _Kept) -> None:
        loop = asyncio.get_running_loop()
        delay_s = self.first_delay_s
        while True:
            ready_at = loop.time()
            code = await kept.child.wait()
            # Whatever it left in its process group must not live beside the next one.
            kept.child.kill()
            if loop.time() - ready_at > STEADY_S:
                delay_s = self.first_delay_s
            delay_s = await self._start_again(kept, _ended(kept.child, code), delay_s)
            self.say(f"{kept.program.name} runs again")

    async def _start_again(self, kept: _Kept, ended: str, delay_s: float) -> float:
        """Returns once it is ready again, with the delay before the next start after that."""
        while True:
            self.say(
                f"{kept.program.name} ended with {ended}; starting it again in {delay_s:.2g} s"
                f" (log: {kept.child.log_path})"
            )
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, self.delay_s_max)
            kept.child = Child(kept.program, self._log(kept.program))
            kept.starts += 1
            try:
                await kept.child.until_ready()
            except StartFailed:
                kept.child.kill()
                ended = _ended(kept.child, kept.child.exit_code or 0) + " before it was ready"
            else:
                return delay_s

    def _log(self, program: Program) -> Path:
        return self.logs / f"{program.name}.log"


def _ended(child: Child, code: int) -> str:
    """Say how it ended, and what it said last when it ended by itself and badly."""
    last = child.last_lines(1) if code > 0 else ""
    return f"{describe_exit(code)} ({last})" if last else describe_exit(code)
