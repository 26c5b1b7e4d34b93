"""What is known of a user's favourite. Frozen, so that it can be shared and cached."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from schemas import favourite as events
from schemas.envelope import Recorded
from schemas.event import Event


@dataclass(frozen=True, slots=True)
class Favourite:
    """The favourite of one user: a view's id, a default view's code, or None."""

    version: int = 0
    view: str | None = None


def evolve(favourite: Favourite, event: Event) -> Favourite:
    """Return the favourite after one more event; an unknown event only counts."""
    version = favourite.version + 1
    match event:
        case events.FavouriteChosen():
            return Favourite(version, event.view)
        case events.FavouriteCleared():
            return Favourite(version)
    return replace(favourite, version=version)


def fold(happened: Iterable[Event], favourite: Favourite | None = None) -> Favourite:
    """Return the favourite after these events, from `favourite` or from nothing."""
    state = Favourite() if favourite is None else favourite
    for event in happened:
        state = evolve(state, event)
    return state


def replay(recorded: Iterable[Recorded], favourite: Favourite | None = None) -> Favourite:
    """Return the favourite after these events as they stand in the log."""
    return fold((one.event for one in recorded), favourite)
