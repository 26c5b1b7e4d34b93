"""Deadlines for many short things at once.

Like `asyncio.timeout`, which sets a timer of its own for each and costs a tenth of a whole command.
Here all last equally long, so they end in the order in which they began: one timer, set for the
oldest that is still open, does for all.
"""

import asyncio
from collections import deque
from types import TracebackType
from typing import Self


class Deadline:
    """One deadline, as a context manager: what is not over in time is cancelled, and leaves the
    block with TimeoutError.
    """

    __slots__ = ("_cancelling", "_expired", "ends_at", "task")

    def __init__(self, task: "asyncio.Task[object]", ends_at: float) -> None:
        """Watch `task` until `ends_at` by the clock of its loop."""
        self.task: asyncio.Task[object] | None = task
        self.ends_at = ends_at
        self._cancelling = task.cancelling()
        self._expired = False

    def __enter__(self) -> Self:
        """Begin; the time has run since `Deadlines.begin`."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End; whoever else cancelled the task is not mistaken for the deadline."""
        task, self.task = self.task, None
        if self._expired and task is not None:
            by_others = task.uncancel() > self._cancelling
            if kind is asyncio.CancelledError and not by_others:
                raise TimeoutError from error

    def expire(self) -> None:
        """Cancel the task, unless it has left the block."""
        if self.task is not None:
            self._expired = True
            self.task.cancel()


class Deadlines:
    """Makes deadlines of one length, in seconds."""

    def __init__(self, seconds: float) -> None:
        """Let each last for `seconds`."""
        self._seconds = seconds
        self._open: deque[Deadline] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> Deadline:
        """Return a deadline of the current task that begins now: `with deadlines.begin(): …`."""
        task = asyncio.current_task()
        assert task is not None, "a deadline needs a task that it can cancel"
        loop = task.get_loop()
        if loop is not self._loop:  # What an earlier loop left behind will not end any more.
            self._loop, self._timer = loop, None
            self._open.clear()
        waiting = self._open
        while waiting and waiting[0].task is None:
            waiting.popleft()
        one = Deadline(task, loop.time() + self._seconds)
        waiting.append(one)
        if self._timer is None:
            self._timer = loop.call_at(one.ends_at, self._expire)
        return one

    def _expire(self) -> None:
        assert self._loop is not None
        now = self._loop.time()
        waiting = self._open
        while waiting and (waiting[0].task is None or waiting[0].ends_at <= now):
            waiting.popleft().expire()
        self._timer = None
        if waiting:
            self._timer = self._loop.call_at(waiting[0].ends_at, self._expire)
