"""Which view opens first for a user. One stream a user, so that one favourite replaces another."""

from dataclasses import dataclass
from typing import ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class FavouriteChosen(Event):
    """This view opens first for the user: a view's id, or the code of a default one."""

    TOPIC: ClassVar[str] = "favourite.chosen"

    user: str
    view: str
    previous: str | None = None


@dataclass(frozen=True)
class FavouriteCleared(Event):
    """The user has no favourite; all leads open first."""

    TOPIC: ClassVar[str] = "favourite.cleared"

    user: str
    previous: str = ""


FAVOURITE_EVENTS: tuple[type[Event], ...] = (FavouriteChosen, FavouriteCleared)
