"""What can happen to a view that is mailed by the clock: set up, changed, paused, due, stopped.

One stream each. What a mail holds, and where it goes, is an export of its own (schemas/export.py),
which is begun with the same append. Addresses are of people, so they are stored as personal.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class MailingScheduled(Event):
    """A view is mailed for a user (`by`, an id): at these times of the wall clock of `zone`.

    view: an id or the code of a default view. times: `HH:MM`. weekdays: 1 Monday to 7 Sunday, days:
    of the month; neither = every day. next_at: when it is due first.
    """

    TOPIC: ClassVar[str] = "mailing.scheduled"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"recipients"})

    by: str
    view: str
    times: Sequence[str]
    zone: str
    next_at: str
    weekdays: Sequence[int] = ()
    days: Sequence[int] = ()
    format: str = "csv"
    contacts: bool = False
    skip_empty: bool = False
    recipients: Sequence[str] = ()


@dataclass(frozen=True)
class MailingChanged(Event):
    """It is mailed like this from now on. next_at: None while it is paused."""

    TOPIC: ClassVar[str] = "mailing.changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"recipients"})

    times: Sequence[str]
    zone: str
    next_at: str | None = None
    weekdays: Sequence[int] = ()
    days: Sequence[int] = ()
    format: str = "csv"
    contacts: bool = False
    skip_empty: bool = False
    recipients: Sequence[str] = ()


@dataclass(frozen=True)
class MailingPaused(Event):
    """Nothing is due until it is resumed."""

    TOPIC: ClassVar[str] = "mailing.paused"


@dataclass(frozen=True)
class MailingResumed(Event):
    """It is due again, first at `next_at`; what was passed over meanwhile is not sent."""

    TOPIC: ClassVar[str] = "mailing.resumed"

    next_at: str


@dataclass(frozen=True)
class MailingFired(Event):
    """It was due at `at`, and an export was begun for it. missed: earlier due times that nothing
    was sent for, because nothing ran. next_at: when it is due next.
    """

    TOPIC: ClassVar[str] = "mailing.fired"

    at: str
    export: str
    next_at: str
    missed: int = 0


@dataclass(frozen=True)
class MailingSentNow(Event):
    """Somebody had it sent out of turn, to see what it is like."""

    TOPIC: ClassVar[str] = "mailing.sent_now"

    export: str


@dataclass(frozen=True)
class MailingStopped(Event):
    """It is over: `asked`, `view-gone`, `view-out-of-reach`, `user-inactive` or `no-recipient`."""

    TOPIC: ClassVar[str] = "mailing.stopped"

    reason: str


MAILING_EVENTS: tuple[type[Event], ...] = (
    MailingScheduled,
    MailingChanged,
    MailingPaused,
    MailingResumed,
    MailingFired,
    MailingSentNow,
    MailingStopped,
)
