"""The kinds of streams there are, and how each is folded: what the handler needs to know of
them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.envelope import Recorded
from schemas.event import Event
from services.command.domain.bulk import state as bulk
from services.command.domain.campaign import state as campaign
from services.command.domain.dnc import state as dnc
from services.command.domain.export import state as export
from services.command.domain.favourite import state as favourite
from services.command.domain.imports import state as imports
from services.command.domain.lead import evolving as lead
from services.command.domain.mailing import state as mailing
from services.command.domain.organisation import state as organisation
from services.command.domain.pool import state as pool
from services.command.domain.quarantine import state as quarantine
from services.command.domain.segment import state as segment
from services.command.domain.view import state as view


@dataclass(frozen=True, slots=True)
class Aggregate:
    """How a stream becomes a state.

    replay  events as they stand in the log, onto a state or None.
    fold    placed events of one actor that are about to be appended, onto a state or None.
    """

    replay: Callable[[Iterable[Recorded], Any], Any]
    fold: Callable[[Sequence[Event], str, Any], Any]


def _fold_lead(events: Sequence[Event], actor: str, state: Any) -> Any:
    return lead.fold(((event, actor) for event in events), state)


def _without_actor(fold: Callable[..., Any]) -> Callable[[Sequence[Event], str, Any], Any]:
    return lambda events, actor, state: fold(events, state)


AGGREGATES: dict[str, Aggregate] = {
    "lead": Aggregate(lead.replay, _fold_lead),
    "campaign": Aggregate(campaign.replay, _without_actor(campaign.fold)),
    "organisation": Aggregate(organisation.replay, _without_actor(organisation.fold)),
    "dnc": Aggregate(dnc.replay, _without_actor(dnc.fold)),
    "quarantine": Aggregate(quarantine.replay, _without_actor(quarantine.fold)),
    "pool": Aggregate(pool.replay, _without_actor(pool.fold)),
    "segment": Aggregate(segment.replay, _without_actor(segment.fold)),
    "view": Aggregate(view.replay, _without_actor(view.fold)),
    "favourite": Aggregate(favourite.replay, _without_actor(favourite.fold)),
    "export": Aggregate(export.replay, _without_actor(export.fold)),
    "mailing": Aggregate(mailing.replay, _without_actor(mailing.fold)),
    "bulk": Aggregate(bulk.replay, _without_actor(bulk.fold)),
    "import": Aggregate(imports.replay, _without_actor(imports.fold)),
}

EMPTY: dict[str, Any] = {
    category: aggregate.replay((), None) for category, aggregate in AGGREGATES.items()
}
"""The state of a stream that does not exist, by category."""

PLACES = {
    "lead": "/v1/leads",
    "campaign": "/v1/campaigns",
    "quarantine": "/v1/quarantine",
    "pool": "/v1/pools",
    "segment": "/v1/segments",
    "view": "/v1/views",
    "export": "/v1/exports",
    "mailing": "/v1/view-mails",
}
"""Where streams of a category are read and commanded by id; others have no id in their address."""
