"""What can be asked about the view that opens first. Everybody decides for themselves."""

from collections.abc import Iterable
from typing import ClassVar

from schemas import favourite as events
from schemas.default_views import DEFAULT_VIEWS
from schemas.event import Event
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.favourite.state import Favourite
from services.command.domain.view.commands import EVERYBODY, ViewRef, access


class FavouriteCommand(Command):
    """What the two commands share."""

    aggregate: ClassVar[str] = "favourite"
    roles: ClassVar[frozenset[str]] = EVERYBODY


class ChooseFavourite(FavouriteCommand):
    """Let this view open first for you: one you see, or a default one. It replaces the last."""

    view: ViewRef


class ClearFavourite(FavouriteCommand):
    """Have no favourite; all leads open first."""


def _user(command: Command, facts: Facts) -> str:
    admit(command, facts)
    if facts.actor.user_id is None:
        raise Refused([Reason("no-user", "Our services open no views.")])
    return facts.actor.user_id


@decides(ChooseFavourite)
def _choose(favourite: Favourite, command: ChooseFavourite, facts: Facts) -> Iterable[Event]:
    user = _user(command, facts)
    known = facts.view
    if command.view not in DEFAULT_VIEWS and (
        known is None or known.deleted or not access(known, facts)
    ):
        raise Refused([Reason("unknown-view", "There is no such view.", "view")])
    if favourite.view != command.view:
        yield events.FavouriteChosen(user, command.view, previous=favourite.view)


@decides(ClearFavourite)
def _clear(favourite: Favourite, command: ClearFavourite, facts: Facts) -> Iterable[Event]:
    user = _user(command, facts)
    if favourite.view is not None:
        yield events.FavouriteCleared(user, previous=favourite.view)
