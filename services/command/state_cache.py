"""Folded states at hand, so that a command on a known lead costs no read. Bounded; the least used
go first.

A cached state may be behind: another process may have appended. Whoever acts on one names its
version to the log, which refuses the append when it has moved; whoever refuses on one looks first.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.command.aggregates import AGGREGATES
from services.kit.eventlog import EventLog
from services.kit.postgres import RETRYABLE

REMEMBERED_MAX = {"lead": 10_000, "campaign": 1_000, "organisation": 1, "dnc": 10_000}
_FEW = 100
READS_AT_ONCE = 2
READ_SECONDS = 5.0

Wanted = Mapping[UUID, str]
"""Streams by id, with their category."""


@dataclass(slots=True)
class _Reading:
    """What is read next, together, and who waits for which part of it."""

    wanted: dict[UUID, str] = field(default_factory=dict)
    waiting: "list[tuple[Wanted, asyncio.Future[dict[UUID, Any]]]]" = field(default_factory=list)
    task: "asyncio.Task[None] | None" = None


class StateCache:
    """The states of streams, loaded when first asked for, and afterwards only what is new."""

    def __init__(self, log: EventLog) -> None:
        """Load from `log`."""
        self._log = log
        self._known: dict[str, OrderedDict[UUID, Any]] = {
            category: OrderedDict() for category in AGGREGATES
        }
        self._next: _Reading | None = None
        self._reads = asyncio.Semaphore(READS_AT_ONCE)

    def peek(self, category: str, stream: UUID) -> Any | None:
        """Return the state as remembered, None when it is not."""
        known = self._known[category]
        state = known.get(stream)
        if state is not None:
            known.move_to_end(stream)
        return state

    async def get(self, wanted: Wanted) -> tuple[dict[UUID, Any], bool]:
        """Return the states, and whether all were just read rather than remembered.

        A stream that does not exist, or is of another kind, has its aggregate's empty state,
        version 0.
        """
        states = {stream: self.peek(category, stream) for stream, category in wanted.items()}
        missing = {stream: wanted[stream] for stream, state in states.items() if state is None}
        if missing:
            states.update(await self.refresh(missing))
        return states, len(missing) == len(wanted)

    async def refresh(self, wanted: Wanted) -> dict[UUID, Any]:
        """Return the states as they are in the log now, reading only what is not yet known.

        While two reads are under way, what is asked for waits and is read together, as appends
        are stored together: two hundred refusals at once cost a query or two, not hundreds. Who
        asks for a stream as something else than those before (an id in a wrong place) reads alone.
        """
        reading = self._next
        if reading is not None and any(
            reading.wanted.get(stream, category) != category for stream, category in wanted.items()
        ):
            return await self._read(wanted)
        if reading is None:
            reading = self._next = _Reading()
            reading.task = asyncio.create_task(self._read_together(reading))
        reading.wanted.update(wanted)
        answer: asyncio.Future[dict[UUID, Any]] = asyncio.get_running_loop().create_future()
        reading.waiting.append((wanted, answer))
        return await answer

    async def _read_together(self, reading: _Reading) -> None:
        states: dict[UUID, Any] | None = None
        failure: Exception | None = None
        async with self._reads:
            self._next = None  # Whoever comes from here on wants to see what is later.
            try:
                async with asyncio.timeout(READ_SECONDS):
                    states = await self._read(reading.wanted)
            except Exception as error:  # noqa: BLE001 - raised where the states are asked for
                failure = error
        for wanted, answer in reading.waiting:
            if answer.done():
                continue
            if states is not None:
                answer.set_result({stream: states[stream] for stream in wanted})
            elif isinstance(failure, RETRYABLE) or len(reading.waiting) == 1:
                answer.set_exception(failure or RuntimeError("not read"))
            else:
                await self._read_alone(wanted, answer)

    async def _read_alone(self, wanted: Wanted, answer: "asyncio.Future[dict[UUID, Any]]") -> None:
        """Read one part again: one stream's fault is not that of the others read with it."""
        try:
            states = await self._read(wanted)
        except Exception as error:  # noqa: BLE001 - raised where the states are asked for
            if not answer.done():
                answer.set_exception(error)
        else:
            if not answer.done():
                answer.set_result(states)

    async def _read(self, wanted: Wanted) -> dict[UUID, Any]:
        before = {stream: self._known[wanted[stream]].get(stream) for stream in wanted}
        after = {stream: state.version for stream, state in before.items() if state is not None}
        recorded = await self._log.load(wanted, after)
        states = {}
        for stream, category in wanted.items():
            aggregate = AGGREGATES[category]
            state = before[stream]
            new = recorded[stream]
            if state is None and new and new[0].event.category() != category:
                new = []  # The id of something else: there is no such stream of this kind.
            if new or state is None:
                state = aggregate.replay(new, state)
            states[stream] = state
            self.put(category, stream, state)
        return states

    def put(self, category: str, stream: UUID, state: Any) -> None:
        """Remember a state, unless a later one is known.

        Of streams that do not exist only numbers without a do-not-call entry are remembered: each
        call asks for them, and the log is told that the decision rests on there being none.
        """
        if state.version == 0 and category != "dnc":
            return
        known = self._known[category]
        present = known.get(stream)
        if present is not None and present.version > state.version:
            return
        known[stream] = state
        known.move_to_end(stream)
        if len(known) > REMEMBERED_MAX.get(category, _FEW):
            known.popitem(last=False)

    def forget(self, streams: Collection[UUID]) -> None:
        """Drop states of which it is not known whether they still hold."""
        for known in self._known.values():
            for stream in streams:
                known.pop(stream, None)
