"""What is known of one number: the entries that keep it from being called; not the number."""

from dataclasses import dataclass, replace
from datetime import datetime

from schemas.dnc import DncAdded, DncNumberErased, DncRemoved
from schemas.instants import parse_instant
from services.command.domain.evolution import Evolution


@dataclass(frozen=True, slots=True)
class DncEntry:
    """One entry: scope `global` blocks in every campaign, `campaign` in `campaign_id` only."""

    scope: str
    campaign_id: str | None = None
    reason: str = ""
    expires_at: str | None = None

    def lasts(self, at: datetime) -> bool:
        """Say whether the entry still counts at that instant; it ends with `expires_at`."""
        return self.expires_at is None or at < parse_instant(self.expires_at)

    def blocks(self, campaign_id: str, at: datetime) -> bool:
        """Say whether a call for that campaign at that instant is forbidden by this entry."""
        return (self.scope == "global" or self.campaign_id == campaign_id) and self.lasts(at)


@dataclass(frozen=True, slots=True)
class DncNumber:
    """All entries of one number, at most one per scope and campaign, expired ones included.

    erased: the number may not be written down any more (rule 16).
    """

    version: int = 0
    entries: tuple[DncEntry, ...] = ()
    erased: bool = False

    def entry(self, scope: str, campaign_id: str | None, at: datetime) -> DncEntry | None:
        """Return the entry of that scope and campaign if it still counts at that instant."""
        for entry in self.entries:
            if (entry.scope, entry.campaign_id) == (scope, campaign_id) and entry.lasts(at):
                return entry
        return None


def _others(number: DncNumber, event: DncAdded | DncRemoved) -> tuple[DncEntry, ...]:
    same = (event.scope, event.campaign_id)
    return tuple(entry for entry in number.entries if (entry.scope, entry.campaign_id) != same)


def _added(number: DncNumber, event: DncAdded) -> DncNumber:
    entry = DncEntry(event.scope, event.campaign_id, event.reason, event.expires_at)
    return replace(number, entries=(*_others(number, event), entry))


def _removed(number: DncNumber, event: DncRemoved) -> DncNumber:
    return replace(number, entries=_others(number, event))


EVOLUTION = Evolution(
    DncNumber(),
    {
        DncAdded: _added,
        DncRemoved: _removed,
        DncNumberErased: lambda number, event: replace(number, erased=True),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
