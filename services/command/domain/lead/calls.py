"""Calls: StartCall reserves a dial before it is made (rule 10), RecordCall tells of it (9)."""

from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from schemas.event import Event
from schemas.instants import format_instant, is_before
from schemas.lead import LeadCallRecorded, LeadCallStarted
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, DIALERS, erased_reason, role_reasons
from services.command.domain.lead.dialling import dial_reasons, next_number, segment_reasons
from services.command.domain.lead.follow_up import follow_up
from services.command.domain.lead.ownership import owner_by_redial
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import (
    CallId,
    FieldMap,
    Id,
    Instant,
    Line,
    PhoneText,
    Seconds,
    Text,
)

EndCause = Literal[
    "NotApplicable",
    "NormalDisconnect",
    "NoResponse",
    "Busy",
    "VoiceMail",
    "DroppedCall",
    "DialingCancelled",
]


class StartCall(Command):
    """Reserve a lead for one dial, before dialling.

    Refused with every reason at once: rights, activity of lead, pool and campaign, suppression,
    do-not-call lists, status, lock, another call, reservation, due time, dial-time limit,
    dialling hours in every plausible time zone, those of the number and the lead's own, attempt
    limits. The reservation ends when the call with this id is recorded, or by itself after the
    campaign's time for it. Without a number the next one in the lead's order is dialled; without
    an agent it is you, and for a dialer an assistant's call that belongs to no agent. With a
    segment only its leads are dialled, by the agents who may pick it.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS
    needs_dnc: ClassVar[bool] = True
    needs_pool: ClassVar[bool] = True

    call_id: CallId
    number: PhoneText | None = None
    agent: Id | None = None
    contact_session_id: CallId | None = None
    segment_id: Id | None = None


class RecordCall(Command):
    """Take down a call that took place. A fact is never refused; the same call id counts once.

    Calls may come late and in any order; only the latest, by its own time, moves the lead on:
    the campaign's follow-up rules then say the next status, dial time and number. What people
    decided about the lead's status after the call began stays.
    """

    roles: ClassVar[frozenset[str]] = DIALERS
    is_fact: ClassVar[bool] = True

    call_id: CallId
    number: PhoneText | None = None
    agent: Id | None = None
    started_at: Instant
    ended_at: Instant | None = None
    end_cause: EndCause = "NotApplicable"
    disposition: Annotated[Line, Field(max_length=100)] | None = None
    talk_seconds: Seconds = 0
    contact_session_id: CallId | None = None
    recording: Annotated[Line, Field(max_length=200)] | None = None
    transcript: Text | None = None
    extracted: FieldMap | None = None

    @property
    def happened_at(self) -> datetime:
        """When the fact took place, however late it is told."""
        return self.started_at


@decides(StartCall)
def start_call(lead: Lead, command: StartCall, facts: Facts) -> list[Event]:
    """Reserve the dial; the same call started again by the same agent changes nothing."""
    if lead.version == 0:
        raise Refused([*role_reasons(command, facts), Reason("unknown-lead", "No such lead.")])
    if not lead.exists:
        raise Refused([*role_reasons(command, facts), erased_reason(lead)])
    reasons = role_reasons(command, facts)
    agent = _agent(command, facts, reasons)
    open_call = lead.reservation
    again = open_call is not None and open_call[:2] == (command.call_id, agent)
    if again and not reasons and lead.is_being_called(facts.now):
        return []
    number = _number(lead, command, reasons)
    if command.call_id in lead.calls:
        text = "That call is over already; start a call with an id of its own."
        reasons.append(Reason("call-over", text, "call_id"))
    reasons += dial_reasons(lead, agent, number, facts)
    if command.segment_id is not None:
        reasons += segment_reasons(lead, command.segment_id, agent, facts)
    if reasons or facts.campaign is None:
        raise Refused(reasons)
    status = _status_while_calling(lead, facts)
    expires_at = facts.now + timedelta(minutes=facts.campaign.limits.reservation_minutes)
    return [
        LeadCallStarted(
            call_id=command.call_id,
            expires_at=format_instant(expires_at),
            number=number,
            agent=agent,
            contact_session_id=command.contact_session_id,
            status_after=status,
            status_before=None if status is None else lead.status,
            rules_version=facts.campaign.rules_version,
        )
    ]


@decides(RecordCall)
def record_call(lead: Lead, command: RecordCall, facts: Facts) -> list[Event]:
    """Record the call once. Only a lead that never was, or a role that may not, is turned away."""
    if command.call_id in lead.calls:
        return []
    if facts.actor.role not in DIALERS or lead.version == 0:
        reasons = role_reasons(command, facts)
        if lead.version == 0:
            reasons.append(Reason("unknown-lead", "There is no such lead."))
        if reasons:
            raise Refused(reasons)
    started_at = format_instant(command.started_at)
    fact: dict[str, Any] = {
        "call_id": command.call_id,
        "campaign_id": lead.campaign_id,
        "started_at": started_at,
        "agent": command.agent,
        "ended_at": None if command.ended_at is None else format_instant(command.ended_at),
        "end_cause": command.end_cause,
        "disposition": command.disposition,
        "talk_seconds": command.talk_seconds,
        "contact_session_id": command.contact_session_id,
    }
    if not lead.exists:  # Rule 16: the call facts, without what tells who it was.
        return [LeadCallRecorded(**fact)]
    number = _recorded_number(lead, command.number)
    fact["number"] = number
    fact["recording"] = command.recording
    fact["transcript"] = command.transcript
    fact["extracted"] = command.extracted
    if not _moves_on(lead, command, started_at):
        return [LeadCallRecorded(**fact)]
    ended_at = max(command.started_at, command.ended_at or command.started_at)
    then = follow_up(lead, facts, command.end_cause, command.disposition, ended_at, number)
    changed = then.status is not None and then.status != lead.status
    recorded = LeadCallRecorded(
        **fact,
        rule=then.rule,
        status_after=then.status if changed else None,
        status_before=lead.status if changed else None,
        next_dial_at=then.next_dial_at,
        next_contact=then.next_contact,
    )
    freeing = freed(lead, then.status, "call")
    owning = owner_by_redial(lead, then.status, command.agent, facts, "call")
    return [recorded, *freeing, *owning]


def _agent(command: StartCall, facts: Facts, reasons: list[Reason]) -> str | None:
    actor = facts.actor
    if actor.role == "dialer":
        return command.agent
    if actor.role == "agent" and command.agent not in {None, actor.user_id}:
        text = "You can start calls for yourself only."
        reasons.append(Reason("agent-is-another", text, "agent"))
    return command.agent or actor.user_id


def _number(lead: Lead, command: StartCall, reasons: list[Reason]) -> str | None:
    if command.number is None:
        return next_number(lead)
    try:
        return parse_phone(command.number)
    except NotAPhone as problem:
        reasons.append(Reason(problem.reason.code, problem.reason.text, "number"))
        return command.number


def _status_while_calling(lead: Lead, facts: Facts) -> str | None:
    """Return `processing` for leads that wait to be dialled; what people set besides stays."""
    status = facts.organisation.statuses.get(lead.status)
    return "processing" if status is not None and status.kind in {"new", "redial"} else None


def _recorded_number(lead: Lead, number: str | None) -> str | None:
    """Return the number as E.164 where it is one; a fact is kept as it came otherwise."""
    if number is None or number in lead.numbers_known:
        return number
    try:
        return parse_phone(number)
    except NotAPhone:
        return number


def _moves_on(lead: Lead, command: RecordCall, started_at: str) -> bool:
    """Say whether the call is the latest, and nobody set the status since it began.

    A merged lead stays where it is: what comes next is decided about the survivor.
    """
    if lead.merged_into is not None:
        return False
    if lead.latest_call_at is not None and is_before(started_at, lead.latest_call_at):
        return False
    return lead.status_edited_at is None or command.started_at >= lead.status_edited_at
