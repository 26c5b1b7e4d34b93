"""Who else has a view: users and teams, to look at or to edit. Its owner decides.

Sharing gives a way of looking, never sight: whoever opens the view sees the leads they see anyway.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field

from schemas import view as events
from schemas.event import Event
from services.command.domain.decider import Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.types import OwnerRef
from services.command.domain.view.commands import ViewCommand, known_view
from services.command.domain.view.state import View

SHARES_MAX = 200

Targets = Annotated[tuple[OwnerRef, ...], Field(min_length=1, max_length=SHARES_MAX)]


class ShareView(ViewCommand):
    """Share the view with users and teams, to `view` or to `edit`; teams with those below them.

    Sharing again with another `may` changes what they may.
    """

    to: Targets
    may: Literal["view", "edit"] = "view"


class UnshareView(ViewCommand):
    """Take the view back from users and teams. Who has it by another share keeps it."""

    to: Targets


@decides(ShareView)
def _share(view: View | None, command: ShareView, facts: Facts) -> Iterable[Event]:
    known = known_view(view, command, facts, "own")
    targets = dict.fromkeys(command.to)
    reasons = [reason for to in targets for reason in _problems(known, to, facts)]
    if len({*known.shares, *targets}) > SHARES_MAX:
        text = f"A view is shared with at most {SHARES_MAX} users and teams; name teams."
        reasons.append(Reason("too-many-shares", text, "to"))
    if reasons:
        raise Refused(reasons)
    for to in targets:
        if known.shares.get(to) != command.may:
            yield events.ViewShared(to, command.may, previous=known.shares.get(to))


@decides(UnshareView)
def _unshare(view: View | None, command: UnshareView, facts: Facts) -> Iterable[Event]:
    known = known_view(view, command, facts, "own")
    for to in dict.fromkeys(command.to):
        if to in known.shares:
            yield events.ViewShareEnded(to, previous=known.shares[to])


def _problems(view: View, to: str, facts: Facts) -> Iterable[Reason]:
    kind, _, place = to.partition(":")
    if kind == "team":
        if not facts.organisation.is_active_owner(to):
            yield Reason("unknown-team", f"There is no team {place}, or not any more.", "to")
        return
    user = facts.organisation.users.get(place)
    if user is None or not user.active:
        yield Reason("unknown-user", f"There is no user {place}, or not any more.", "to")
    elif place == view.owner:
        yield Reason("own-view", "The view is that user's own already.", "to")
