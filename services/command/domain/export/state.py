"""What is known of an export. Frozen, so that it can be shared and cached."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from schemas import export as events
from schemas.filter_numbers import numbers_in
from schemas.instants import parse_instant
from services.command.domain.evolution import Evolution


@dataclass(frozen=True, slots=True)
class Export:
    """One export. `version` 0 = there is none.

    by: a user's id. state: `requested`, `finished`, `failed`, `cancelled` or `removed`. mailed:
    what became of the mail to the n-th address (from 1), `sent` or `failed`.
    note: what its mails say of why they come.
    """

    id: str = ""
    version: int = 0
    by: str = ""
    name: str = ""
    state: str = ""
    format: str = "csv"
    filter: Mapping[str, Any] | None = None
    recipients: tuple[str, ...] = ()
    skip_empty: bool = False
    note: str = ""
    shown: int = 0
    leads: int = 0
    digest: str = ""
    expires_at: datetime | None = None
    finished_at: datetime | None = None
    mailed: Mapping[int, str] = field(default_factory=dict)
    erased: bool = False

    @property
    def numbers(self) -> frozenset[str]:
        """The phone numbers in its filter."""
        return numbers_in(self.filter)

    def unsent(self) -> tuple[int, ...]:
        """Return which addresses wait for their mail, counted from 1."""
        if self.state != "finished" or (self.skip_empty and not self.leads):
            return ()
        every = range(1, len(self.recipients) + 1)
        return tuple(one for one in every if one not in self.mailed)


def _requested(export: Export, event: events.ExportRequested) -> Export:
    return replace(
        export,
        id=str(event.originator_id),
        by=event.by,
        name=event.name,
        state="requested",
        format=event.format,
        filter=event.filter,
        recipients=tuple(event.recipients),
        skip_empty=event.skip_empty,
        note=event.note,
    )


def _finished(export: Export, event: events.ExportFinished) -> Export:
    return replace(
        export,
        state="finished",
        shown=event.shown,
        leads=event.leads,
        digest=event.digest,
        expires_at=parse_instant(event.expires_at),
        finished_at=event.timestamp,
    )


def _mailed(export: Export, recipient: int, outcome: str) -> Export:
    return replace(export, mailed={**export.mailed, recipient: outcome})


EVOLUTION = Evolution(
    Export(),
    {
        events.ExportRequested: _requested,
        events.ExportFinished: _finished,
        events.ExportFailed: lambda export, _: replace(export, state="failed"),
        events.ExportCancelled: lambda export, _: replace(export, state="cancelled"),
        events.ExportRemoved: lambda export, _: replace(export, state="removed"),
        events.ExportMailed: lambda export, event: _mailed(export, event.recipient, "sent"),
        events.ExportMailFailed: lambda export, event: _mailed(export, event.recipient, "failed"),
        events.ExportErased: lambda export, _: replace(
            export, state="removed", filter=None, recipients=(), erased=True
        ),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
