"""What a worker remembers of the streams it works on: their folded states, the oldest dropped."""

from typing import Any
from uuid import UUID

STREAMS_KEPT = 30_000
"""A lead takes about 3 KB. Rows packed into tuples took 2 KB, and 11 µs more for each event."""

States = list[Any]
"""The state of one stream in each read model of its category, in the registry's order."""


class Memory:
    """States by stream. What is taken out has to be put back."""

    def __init__(self, most: int = STREAMS_KEPT) -> None:
        """Remember at most so many streams."""
        self._most = most
        self._states: dict[UUID, States] = {}

    def take(self, stream_id: UUID) -> States | None:
        """Take the states of a stream out; None when they are not known."""
        return self._states.pop(stream_id, None)

    def put(self, stream_id: UUID, states: States) -> None:
        """Remember these states; they must not be changed any more."""
        self._states[stream_id] = states
        if len(self._states) > self._most:
            del self._states[next(iter(self._states))]

    def clear(self) -> None:
        """Forget everything."""
        self._states.clear()
