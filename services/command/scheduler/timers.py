"""Which due times an event sets and which it cancels. Pure, and never too few.

A time that is kept although the state no longer has it does no harm: the rule is decided on the
state when it comes, and does nothing. A time that is missing would be a rule that never applies,
so a test holds these against `due_times` of folded leads.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from schemas import dnc, mailing
from schemas import lead as events
from schemas.campaign import CampaignActivityRangeChanged, CampaignCreated
from schemas.event import Event
from schemas.instants import parse_instant
from services.command.domain.lead.clock import ABANDONED_AFTER, CALLBACK_OVERDUE_AFTER

LEAD_RULES = (
    "end-suppression",
    "end-lock",
    "end-call",
    "callback-due",
    "callback-overdue",
    "dial-due",
    "abandon",
    "expire",
)
"""Rules of leads; what falls due at one instant is applied in this order."""

END_DNC = "end-dnc"
VIEW_MAIL = "view-mail"
RULES = (*LEAD_RULES, END_DNC, VIEW_MAIL)


class Timer(NamedTuple):
    """A due time of a stream: one per rule and `about`, which tells apart a rule's several times.

    at: None cancels it. first: keep the time there is, if there is one.
    """

    rule: str
    at: datetime | None
    about: str = ""
    first: bool = False


def timers_of(event: Event, recorded_at: datetime) -> Iterator[Timer]:
    """Yield what the event, known since `recorded_at`, sets and cancels.

    A retry that is past already when its call is told has nothing to fall due: whoever hears of
    the call knows it. So calls of last year, told today, make no events of their own.
    """
    find = _TIMERS.get(type(event))
    if find is not None:
        past = isinstance(event, events.LeadCallRecorded)
        for timer in find(event):
            if past and timer.rule == "dial-due" and timer.at is not None:
                yield timer if timer.at > recorded_at else timer._replace(at=None)
            else:
                yield timer
    status = _status_after(event)
    if status == "unresolved":
        yield Timer("abandon", event.timestamp + ABANDONED_AFTER, first=True)
    elif status:
        yield Timer("abandon", None)


def dnc_about(scope: str, campaign_id: str | None) -> str:
    """Return what tells the entries of one number apart."""
    return f"{scope} {campaign_id or ''}"


def dnc_entry(about: str) -> tuple[str, str | None]:
    """Return scope and campaign of what `dnc_about` made."""
    scope, _, campaign_id = about.partition(" ")
    return scope, campaign_id or None


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


def _dial(at: str | None) -> Timer:
    return Timer("dial-due", _instant(at))


def _callback(at: str | None) -> Iterator[Timer]:
    instant = _instant(at)
    yield Timer("callback-due", instant)
    yield Timer("callback-overdue", None if instant is None else instant + CALLBACK_OVERDUE_AFTER)


def _created(event: events.LeadCreated) -> Iterator[Timer]:
    if event.active_until is not None:
        yield Timer("expire", _instant(event.active_until))
    if event.next_dial_at is not None:
        yield _dial(event.next_dial_at)


def _status_changed(event: events.LeadStatusChanged) -> Iterator[Timer]:
    yield from _ended(event)
    if event.next_dial_at is not None:
        yield _dial(event.next_dial_at)


def _ended(
    event: events.LeadStatusChanged | events.LeadStatusRestored | events.LeadResultRecorded,
) -> Iterator[Timer]:
    if event.ends_waiting:
        yield _dial(None)
        yield from _callback(None)


def _suppressed(event: events.LeadSuppressed) -> Iterator[Timer]:
    yield Timer("end-suppression", _instant(event.until))


def _unsuppressed(_: events.LeadUnsuppressed) -> Iterator[Timer]:
    yield Timer("end-suppression", None)


def _locked(event: events.LeadLocked) -> Iterator[Timer]:
    yield Timer("end-lock", _instant(event.until))


def _unlocked(_: events.LeadUnlocked) -> Iterator[Timer]:
    yield Timer("end-lock", None)


def _call_started(event: events.LeadCallStarted) -> Iterator[Timer]:
    yield Timer("end-call", _instant(event.expires_at), event.call_id)


def _call_over(event: events.LeadCallRecorded | events.LeadCallLapsed) -> Iterator[Timer]:
    yield Timer("end-call", None, event.call_id)


def _call_recorded(event: events.LeadCallRecorded) -> Iterator[Timer]:
    yield from _call_over(event)
    yield from _followed_up(event)


def _followed_up(
    event: events.LeadCallRecorded | events.LeadManualPassRecorded,
) -> Iterator[Timer]:
    if event.rule is not None:
        yield _dial(event.next_dial_at)
        yield from _callback(None)


def _reset(event: events.LeadReset) -> Iterator[Timer]:
    yield _dial(event.next_dial_at)


def _scheduled(event: events.LeadDialScheduled) -> Iterator[Timer]:
    yield _dial(event.at)


def _unscheduled(_: events.LeadScheduledDialCancelled | events.LeadDialDue) -> Iterator[Timer]:
    yield _dial(None)


def _callback_set(event: events.LeadCallbackSet) -> Iterator[Timer]:
    yield _dial(event.at)
    yield from _callback(event.at)


def _callback_cancelled(_: events.LeadCallbackCancelled) -> Iterator[Timer]:
    yield _dial(None)
    yield from _callback(None)


def _callback_told(_: events.LeadCallbackDue) -> Iterator[Timer]:
    yield Timer("callback-due", None)


def _overdue_told(_: events.LeadCallbackOverdue) -> Iterator[Timer]:
    yield Timer("callback-overdue", None)


def _dnc_added(event: dnc.DncAdded) -> Iterator[Timer]:
    about = dnc_about(event.scope, event.campaign_id)
    yield Timer(END_DNC, _instant(event.expires_at), about)


def _dnc_removed(event: dnc.DncRemoved) -> Iterator[Timer]:
    yield Timer(END_DNC, None, dnc_about(event.scope, event.campaign_id))


def _mailing(
    event: mailing.MailingScheduled
    | mailing.MailingChanged
    | mailing.MailingResumed
    | mailing.MailingFired,
) -> Iterator[Timer]:
    yield Timer(VIEW_MAIL, _instant(event.next_at))


def _mailing_over(_: mailing.MailingPaused | mailing.MailingStopped) -> Iterator[Timer]:
    yield Timer(VIEW_MAIL, None)


_TIMERS: dict[type[Event], Callable[[Any], Iterator[Timer]]] = {
    events.LeadCreated: _created,
    events.LeadStatusChanged: _status_changed,
    events.LeadStatusRestored: _ended,
    events.LeadResultRecorded: _ended,
    events.LeadSuppressed: _suppressed,
    events.LeadUnsuppressed: _unsuppressed,
    events.LeadLocked: _locked,
    events.LeadUnlocked: _unlocked,
    events.LeadCallStarted: _call_started,
    events.LeadCallRecorded: _call_recorded,
    events.LeadCallLapsed: _call_over,
    events.LeadManualPassRecorded: _followed_up,
    events.LeadReset: _reset,
    events.LeadDialScheduled: _scheduled,
    events.LeadScheduledDialCancelled: _unscheduled,
    events.LeadDialDue: _unscheduled,
    events.LeadCallbackSet: _callback_set,
    events.LeadCallbackCancelled: _callback_cancelled,
    events.LeadCallbackDue: _callback_told,
    events.LeadCallbackOverdue: _overdue_told,
    dnc.DncAdded: _dnc_added,
    dnc.DncRemoved: _dnc_removed,
    mailing.MailingScheduled: _mailing,
    mailing.MailingChanged: _mailing,
    mailing.MailingResumed: _mailing,
    mailing.MailingFired: _mailing,
    mailing.MailingPaused: _mailing_over,
    mailing.MailingStopped: _mailing_over,
}

_SETS_STATUS: dict[type[Event], Callable[[Any], str | None]] = {
    events.LeadCreated: lambda event: event.status if event.status == "unresolved" else None,
    events.LeadStatusChanged: lambda event: event.status,
    events.LeadStatusRestored: lambda event: event.status,
    events.LeadReset: lambda _: "ready",
    events.LeadReadied: lambda _: "ready",
    events.LeadCancelled: lambda _: "cancelled",
    events.LeadPaused: lambda _: "paused",
    events.LeadCallbackSet: lambda _: "callback",
    events.LeadCallbackCancelled: lambda event: event.status,
    events.LeadCallStarted: lambda event: event.status_after,
    events.LeadCallRecorded: lambda event: None if event.rule is None else event.status_after,
    events.LeadCallLapsed: lambda event: event.status_after,
    events.LeadManualPassRecorded: lambda event: None if event.rule is None else event.status_after,
    events.LeadResultRecorded: lambda event: event.result,
    events.LeadSessionEnded: lambda event: event.status_after,
}


def _status_after(event: Event) -> str | None:
    """Return the status the event sets, None when it sets none."""
    find = _SETS_STATUS.get(type(event))
    return None if find is None else find(event)


FORGETS: frozenset[type[Event]] = frozenset({events.LeadDeleted, events.LeadAnonymised})
"""Events after which nothing of the stream falls due any more."""

_OTHERS: tuple[type[Event], ...] = (
    *FORGETS,
    events.LeadMoved,
    CampaignCreated,
    CampaignActivityRangeChanged,
)
FOLLOWED: frozenset[str] = frozenset(kind.TOPIC for kind in (*_TIMERS, *_SETS_STATUS, *_OTHERS))
"""Stored names of all events the scheduler looks at."""
