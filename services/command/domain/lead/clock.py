"""Rules that the clock sets off, as commands of the scheduler (rule 8): each by lead and due time.

`due_times` says when which rule falls due; a rule applies only at exactly that time, so a time
that was moved or cancelled meanwhile does nothing, and neither does a rule that is applied twice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from schemas.event import Event
from schemas.instants import parse_instant
from schemas.lead import (
    LeadCallbackDue,
    LeadCallbackOverdue,
    LeadCallLapsed,
    LeadDialDue,
    LeadStatusChanged,
    LeadUnlocked,
    LeadUnsuppressed,
)
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import ends_waiting
from services.command.domain.types import Instant

ABANDONED_AFTER = timedelta(days=7)
CALLBACK_OVERDUE_AFTER = timedelta(minutes=30)

LeadRule = Literal[
    "end-suppression",
    "end-lock",
    "end-call",
    "callback-due",
    "callback-overdue",
    "dial-due",
    "abandon",
    "expire",
]


class ApplyClockRule(Command):
    """Apply to a lead what falls due at `at`. Given by the scheduler; the cause names the rule."""

    rule: LeadRule
    at: Instant


def due_times(lead: Lead, campaign: Campaign | None) -> dict[LeadRule, datetime]:
    """Return when which rule falls, or fell, due for the lead as it stands."""
    if not lead.exists:
        return {}
    texts: dict[LeadRule, str | None] = {
        "end-suppression": lead.suppressed_until if lead.suppressed else None,
        "end-lock": lead.locked_until if lead.locked_by is not None else None,
        "end-call": None if lead.reservation is None else lead.reservation.expires_at,
        "callback-due": _untold(lead, "callback-due", lead.callback_at),
        "dial-due": _untold(lead, "dial-due", lead.next_dial_at),
    }
    due = {rule: parse_instant(text) for rule, text in texts.items() if text is not None}
    late = _untold(lead, "callback-overdue", lead.callback_at)
    if late is not None:
        due["callback-overdue"] = parse_instant(late) + CALLBACK_OVERDUE_AFTER
    if lead.unresolved_at is not None:
        due["abandon"] = lead.unresolved_at + ABANDONED_AFTER
    ends = [lead.active_until, None if campaign is None else campaign.active_until]
    found = [parse_instant(end) for end in ends if end is not None]
    if found:
        due["expire"] = min(found)
    return due


def _untold(lead: Lead, rule: LeadRule, at: str | None) -> str | None:
    return None if lead.told.get(rule) == at else at


@decides(ApplyClockRule)
def apply_clock_rule(lead: Lead, command: ApplyClockRule, facts: Facts) -> list[Event]:
    """Apply the rule, if the lead is due at exactly that time."""
    if due_times(lead, facts.campaign).get(command.rule) != command.at:
        return []
    if command.at > facts.now:
        raise Refused([Reason("not-due", "The time of this rule has not come yet.", "at")])
    return _RULES[command.rule](lead, command.at, facts)


def _end_suppression(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    return [LeadUnsuppressed(reason="Its time is over.")]


def _end_lock(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    return [LeadUnlocked(previous=lead.locked_by)]


def _end_call(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    """Free the lead from a call that was never told the end of; it waits as it did before."""
    assert lead.reservation is not None
    before = None
    if lead.status == "processing" and lead.previous_statuses:
        before = lead.previous_statuses[-1]
    return [
        LeadCallLapsed(
            call_id=lead.reservation.call_id,
            status_after=before,
            status_before=None if before is None else lead.status,
        )
    ]


def _callback_due(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    assert lead.callback_at is not None
    return [LeadCallbackDue(at=lead.callback_at, agent=lead.callback_agent)]


def _callback_overdue(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    assert lead.callback_at is not None
    return [LeadCallbackOverdue(at=lead.callback_at, agent=lead.callback_agent)]


def _dial_due(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    """Say so of a lead that can be dialled; a callback says it for itself."""
    status = facts.organisation.statuses.get(lead.status)
    if not lead.active or status is None or not status.dialable:
        return []
    if lead.next_dial_at is None or lead.next_dial_at == lead.callback_at:
        return []
    return [LeadDialDue(at=lead.next_dial_at)]


def _abandon(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    text = f"Unresolved for {ABANDONED_AFTER.days} days."
    return _closed(lead, "abandoned", text, facts)


def _expire(lead: Lead, at: datetime, facts: Facts) -> list[Event]:
    """Expire what is still open or set aside; a result that was reached stays."""
    status = facts.organisation.statuses.get(lead.status)
    if lead.merged_into is not None or (status is not None and status.group == "closed"):
        return []
    own = lead.active_until is not None and parse_instant(lead.active_until) == at
    whose = "lead" if own else "campaign"
    text = f"The active range of the {whose} is over."
    return _closed(lead, "expired", text, facts)


def _closed(lead: Lead, status: str, reason: str, facts: Facts) -> list[Event]:
    """Close the lead: nothing waits any more, and no unresolved session holds it."""
    changed = LeadStatusChanged(
        status=status,
        previous=lead.status,
        reason=reason,
        ends_waiting=ends_waiting(lead, status, facts),
    )
    return [changed, *freed(lead, status)]


_RULES: Mapping[LeadRule, Callable[[Lead, datetime, Facts], list[Event]]] = {
    "end-suppression": _end_suppression,
    "end-lock": _end_lock,
    "end-call": _end_call,
    "callback-due": _callback_due,
    "callback-overdue": _callback_overdue,
    "dial-due": _dial_due,
    "abandon": _abandon,
    "expire": _expire,
}
