"""What a worker remembers of the streams it works on: their folded states, packed, at most so many.

A row is kept as a tuple of its values beside a tuple of its columns that all rows of a table
share: a third of the size of a dict.
"""

from typing import Any
from uuid import UUID

STREAMS_KEPT = 40_000
States = list[Any]
"""The state of one stream in each read model of its category, in the registry's order."""

_Columns = tuple[str, ...]


class Memory:
    """States by stream. What is taken out has to be put back."""

    def __init__(self, most: int = STREAMS_KEPT) -> None:
        """Remember at most so many streams."""
        self._most = most
        self._packed: dict[UUID, tuple[Any, ...]] = {}
        self._columns: dict[_Columns, _Columns] = {}

    def take(self, stream_id: UUID) -> States | None:
        """Take the states of a stream out; None when they are not known."""
        packed = self._packed.pop(stream_id, None)
        if packed is None:
            return None
        return [
            dict(zip(state[0], state[1], strict=True)) if type(state) is tuple else state
            for state in packed
        ]

    def put(self, stream_id: UUID, states: States) -> None:
        """Remember these states; they must not be changed any more."""
        self._packed[stream_id] = tuple(
            self._pack(state) if type(state) is dict else state for state in states
        )
        if len(self._packed) > self._most:
            del self._packed[next(iter(self._packed))]

    def clear(self) -> None:
        """Forget everything."""
        self._packed.clear()

    def _pack(self, row: dict[str, Any]) -> tuple[_Columns, tuple[Any, ...]]:
        columns = tuple(row)
        return self._columns.setdefault(columns, columns), tuple(row.values())
