"""How the state of a stream follows from its events, for states that are small and frozen.

Leads and the organisation are large; they fold in a way of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from schemas.envelope import Recorded
from schemas.event import Event


class Versioned(Protocol):
    """A frozen dataclass that counts the events it follows from."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def version(self) -> int:
        """How many events it follows from."""


State = TypeVar("State", bound=Versioned)
Change = Callable[[State, Any], State]


@dataclass(frozen=True, slots=True)
class Evolution(Generic[State]):
    """What each kind of event makes of a state; one that is not among `changes` only counts.

    new: the state before any event.
    """

    new: State
    changes: Mapping[type[Event], Change[State]]

    def evolve(self, state: State, event: Event) -> State:
        """Return the state after one more event."""
        change = self.changes.get(type(event))
        changed = state if change is None else change(state, event)
        return replace(changed, version=state.version + 1)

    def fold(self, happened: Iterable[Event], state: State | None = None) -> State:
        """Return the state after these events, from `state` or from nothing."""
        found = self.new if state is None else state
        for event in happened:
            found = self.evolve(found, event)
        return found

    def replay(self, recorded: Iterable[Recorded], state: State | None = None) -> State:
        """Return the state after these events as they stand in the log."""
        return self.fold((one.event for one in recorded), state)
