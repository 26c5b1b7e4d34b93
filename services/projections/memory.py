"""What a worker remembers of the streams it works on: their folded states, the oldest dropped."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

STREAMS_KEPT = 25_000
"""A lead with a dozen fields takes about 5 kB. Packing rows cost more time than it saved room."""

States = list[Any]
"""The state of one stream in each read model of its category, in the registry's order."""


class Memory:
    """States by stream. What is taken out has to be put back."""

    def __init__(self, most: int = STREAMS_KEPT) -> None:
        """Remember at most so many streams."""
        self._most = most
        self._states: OrderedDict[UUID, States] = OrderedDict()

    def take(self, stream_id: UUID) -> States | None:
        """Take the states of a stream out; None when they are not known."""
        return self._states.pop(stream_id, None)

    def put_all(self, states: Mapping[UUID, States]) -> None:
        """Remember these states by stream; they must not be changed any more."""
        self._states.update(states)
        for _ in range(len(self._states) - self._most):
            self._states.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        self._states.clear()
