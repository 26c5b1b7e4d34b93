"""Folded states at hand, so that a command on a known lead costs no read. Bounded; the least used
go first.

A cached state may be behind: another process may have appended. Whoever acts on one names its
version to the log, which refuses the append when it has moved; whoever refuses on one looks first.
"""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from services.command.aggregates import AGGREGATES
from services.kit.eventlog import EventLog

REMEMBERED_MAX = {"lead": 10_000, "campaign": 1_000, "organisation": 1, "dnc": 10_000}
_FEW = 100

Wanted = Mapping[UUID, str]
"""Streams by id, with their category."""


class StateCache:
    """The states of streams, loaded when first asked for, and afterwards only what is new."""

    def __init__(self, log: EventLog) -> None:
        """Load from `log`."""
        self._log = log
        self._known: dict[str, OrderedDict[UUID, Any]] = {
            category: OrderedDict() for category in AGGREGATES
        }

    def peek(self, category: str, stream: UUID) -> Any | None:
        """Return the state as remembered, None when it is not."""
        known = self._known[category]
        state = known.get(stream)
        if state is not None:
            known.move_to_end(stream)
        return state

    async def get(self, wanted: Wanted) -> tuple[dict[UUID, Any], bool]:
        """Return the states, and whether all were just read rather than remembered.

        A stream that does not exist has its aggregate's empty state, version 0.
        """
        states = {stream: self.peek(category, stream) for stream, category in wanted.items()}
        missing = {stream: wanted[stream] for stream, state in states.items() if state is None}
        if missing:
            states.update(await self._read(missing))
        return states, len(missing) == len(wanted)

    async def refresh(self, wanted: Wanted) -> dict[UUID, Any]:
        """Return the states as they are in the log now, reading only what is not yet known."""
        return await self._read(wanted)

    async def _read(self, wanted: Wanted) -> dict[UUID, Any]:
        before = {stream: self._known[wanted[stream]].get(stream) for stream in wanted}
        after = {stream: state.version for stream, state in before.items() if state is not None}
        recorded = await self._log.load(wanted, after)
        states = {}
        for stream, category in wanted.items():
            aggregate = AGGREGATES[category]
            state = before[stream]
            if recorded[stream] or state is None:
                state = aggregate.replay(recorded[stream], state)
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
