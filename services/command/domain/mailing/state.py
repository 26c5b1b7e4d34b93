"""What is known of a mailing. Frozen, so that it can be shared and cached."""

from dataclasses import dataclass, replace
from datetime import datetime

from schemas import mailing as events
from schemas.instants import parse_instant
from services.command.domain.evolution import Evolution
from services.command.domain.mailing.times import Timetable

_NEVER = Timetable((), "UTC")


@dataclass(frozen=True, slots=True)
class Mailing:
    """One mailing. `version` 0 = there is none. by: a user's id. state: `active`, `paused` or
    `stopped`.
    """

    id: str = ""
    version: int = 0
    by: str = ""
    view: str = ""
    state: str = ""
    table: Timetable = _NEVER
    format: str = "csv"
    contacts: bool = False
    skip_empty: bool = False
    recipients: tuple[str, ...] = ()
    next_at: datetime | None = None


def _like(mailing: Mailing, event: events.MailingScheduled | events.MailingChanged) -> Mailing:
    table = Timetable(tuple(event.times), event.zone, tuple(event.weekdays), tuple(event.days))
    return replace(
        mailing,
        table=table,
        format=event.format,
        contacts=event.contacts,
        skip_empty=event.skip_empty,
        recipients=tuple(event.recipients),
        next_at=None if event.next_at is None else parse_instant(event.next_at),
    )


def _scheduled(mailing: Mailing, event: events.MailingScheduled) -> Mailing:
    stream = str(event.originator_id)
    began = replace(mailing, id=stream, by=event.by, view=event.view, state="active")
    return _like(began, event)


EVOLUTION = Evolution(
    Mailing(),
    {
        events.MailingScheduled: _scheduled,
        events.MailingChanged: _like,
        events.MailingPaused: lambda mailing, _: replace(mailing, state="paused", next_at=None),
        events.MailingResumed: lambda mailing, event: replace(
            mailing, state="active", next_at=parse_instant(event.next_at)
        ),
        events.MailingFired: lambda mailing, event: replace(
            mailing, next_at=parse_instant(event.next_at)
        ),
        events.MailingStopped: lambda mailing, _: replace(mailing, state="stopped", next_at=None),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
