"""What is known of a user's favourite. Frozen, so that it can be shared and cached."""

from dataclasses import dataclass, replace

from schemas import favourite as events
from services.command.domain.evolution import Evolution


@dataclass(frozen=True, slots=True)
class Favourite:
    """The favourite of one user: a view's id, a default view's code, or None."""

    version: int = 0
    view: str | None = None


EVOLUTION = Evolution(
    Favourite(),
    {
        events.FavouriteChosen: lambda favourite, event: replace(favourite, view=event.view),
        events.FavouriteCleared: lambda favourite, event: replace(favourite, view=None),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
