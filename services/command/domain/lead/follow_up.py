"""What becomes of a lead after a call: next status, next dial, next number (rule 19).

The campaign's rule for the call decides; where it has none, a built-in one per end cause does.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.instants import format_instant
from services.command.domain.campaign.state import FollowUpRule
from services.command.domain.facts import Facts
from services.command.domain.lead.state import PRIMARY, Lead

_BUILT_IN: dict[str, str | None] = {
    "NormalDisconnect": "contacted",
    "NoResponse": "no_answer",
    "Busy": "no_answer",
    "VoiceMail": "no_answer",
    "DroppedCall": "automatic_redial",
    "DialingCancelled": None,
    "NotApplicable": None,
}
"""Next status per end cause; None = the one the lead had before the call."""


class FollowUp(NamedTuple):
    """What a call leads to, as its event holds it. status None = stays as it is."""

    rule: str
    status: str | None
    next_dial_at: str | None
    next_contact: int | None


def follow_up(
    lead: Lead,
    facts: Facts,
    end_cause: str,
    disposition: str | None,
    ended_at: datetime,
    number: str | None,
) -> FollowUp:
    """Return what this call, the latest of the lead, leads to."""
    campaign = facts.campaign
    rule = None if campaign is None else campaign.rules.find(end_cause, disposition)
    found = _built_in(lead, end_cause) if rule is None else _by_rule(lead, rule, ended_at, number)
    if campaign is None:
        return found
    limits = campaign.limits
    if limits.per_lead is None and limits.per_number is None:
        return found
    status = facts.organisation.statuses.get(found.status or lead.status)
    if status is None or not status.dialable:
        return found
    if limits.per_lead is not None and lead.attempts + 1 >= limits.per_lead:
        return _exhausted(found.rule, "max_call_attempts")
    if limits.per_number is None:
        return found
    return _on_a_free_number(lead, found, number, limits.per_number)


def retry_at(lead: Lead, status: str, facts: Facts) -> str | None:
    """Return when a retry in this status is due that is timed from now; None without a rule.

    The rule of the latest call times it if it leads to the status, else the campaign's first rule
    that does, else the rule of the latest call whatever it leads to.
    """
    if facts.campaign is None:
        return None
    rules = facts.campaign.rules
    latest = None
    if lead.latest_end_cause is not None:
        latest = rules.find(lead.latest_end_cause, lead.latest_disposition)
    known = (*rules.rules,) if latest is None else (latest, *rules.rules)
    timed = [rule for rule in known if rule.delay_minutes is not None]
    rule = next((one for one in timed if one.next_status == status), None)
    if rule is None and timed and timed[0] is latest:
        rule = latest
    if rule is None or rule.delay_minutes is None:
        return None
    return format_instant(facts.now + timedelta(minutes=rule.delay_minutes))


def _built_in(lead: Lead, end_cause: str) -> FollowUp:
    status = _BUILT_IN.get(end_cause)
    name = f"built-in:{end_cause}"
    if status is not None:
        return FollowUp(name, status, None, None)
    before = None
    if lead.status == "processing" and lead.previous_statuses:
        before = lead.previous_statuses[-1]
    return FollowUp(name, before, lead.next_dial_at, lead.next_contact)


def _by_rule(lead: Lead, rule: FollowUpRule, ended_at: datetime, number: str | None) -> FollowUp:
    name = f"campaign:{rule.name}"
    if rule.max_attempts is not None and lead.attempts_by_rule.get(name, 0) >= rule.max_attempts:
        by_assistant = rule.next_status == "rescheduled"  # The AI-call flow has its own end.
        return _exhausted(name, "max_retries" if by_assistant else "max_call_attempts")
    if rule.delay_minutes is None:
        return FollowUp(name, rule.next_status, None, None)
    next_dial_at = format_instant(ended_at + timedelta(minutes=rule.delay_minutes))
    order = _dialling_order(lead)
    contact = next((one for one, phone in order if phone == number), None)
    if rule.number == "next" and contact is not None:
        ids = [one for one, _phone in order]
        contact = ids[(ids.index(contact) + 1) % len(ids)]
    return FollowUp(name, rule.next_status, next_dial_at, contact)


def _exhausted(rule: str, status: str) -> FollowUp:
    return FollowUp(rule, status, None, None)


def _on_a_free_number(lead: Lead, found: FollowUp, number: str | None, limit: int) -> FollowUp:
    """Go on to the next number that may still be tried; without one the lead is exhausted."""
    counts = dict(lead.attempts_by_number)
    if number is not None:
        counts[number] = counts.get(number, 0) + 1
    order = _dialling_order(lead)
    start = next((at for at, (one, _) in enumerate(order) if one == found.next_contact), 0)
    for contact, phone in (*order[start:], *order[:start]):
        if counts.get(phone, 0) < limit:
            return found if found.next_contact is None else found._replace(next_contact=contact)
    return _exhausted(found.rule, "max_call_attempts")


def _dialling_order(lead: Lead) -> list[tuple[int, str]]:
    order = [] if lead.phone is None else [(PRIMARY, lead.phone)]
    order += [(one.id, one.phone) for one in lead.contacts if one.phone is not None]
    return order
