"""May this agent call this lead, and if not, since when and by which event? Also of the past.

The checks are those of StartCall, asked of the streams as they stood: a check's cause is found by
folding each stream event by event and seeing with which event the check began to fail.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas import organisation as org
from schemas.envelope import Recorded
from schemas.event import Event
from schemas.organisation import ORGANISATION_ID
from services.command.aggregates import AGGREGATES, EMPTY
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Reason
from services.command.domain.facts import Actor, Facts
from services.command.domain.lead.access import erased_reason
from services.command.domain.lead.dialling import dial_reasons, next_number, segment_reasons
from services.command.domain.lead.state import PRIMARY, Lead
from services.command.hashes import dnc_stream
from services.kit.eventlog import EventLog

KINDS = ("lead", "campaign", "organisation", "pool", "segment", "dnc")
NEEDS_NUMBER = frozenset({"no-number", "number-not-of-lead", "zone-unknown"})
"""Checks that say nothing about a lead whose numbers were erased since."""

_NO_CONCERN: tuple[type[Event], ...] = (
    org.ApiKeyIssued,
    org.ApiKeyRevoked,
)
"""What happens often in an organisation and changes nothing a call depends on."""

_NEVER_THERE: Mapping[str, str] = {"unknown-agent": "organisation", "unknown-segment": "segment"}
"""Checks that something is there, and whose stream says so. What never was has no event."""


@dataclass(frozen=True, slots=True)
class Question:
    """At `at`, may `agent` (None: a dialer alone) call on this number, or on the next in order?"""

    at: datetime
    asker: Actor
    agent: str | None
    number: str | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A failed check, and the event with which it began to fail; None: what it asks for never was
    there.
    """

    reason: Reason
    by: Recorded | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All failed checks; [] = callable. The states as of then, and the last event they hold.

    contact: of the number to dial, 0 = the primary one, None = not one of the lead's.
    rules: the event that made the campaign's rules, limits and hours what they were.
    """

    found: list[Found]
    lead: Lead
    campaign: Campaign
    contact: int | None
    rules: Recorded | None
    position: int
    erased: bool


Streams = Mapping[str, Sequence[Recorded]]


async def streams_of(
    log: EventLog, lead_id: UUID, question: Question, *, past: bool
) -> dict[str, list[Recorded]]:
    """Return the events of all streams the answer depends on, of the past those known by then."""

    def known(events: Sequence[Recorded]) -> list[Recorded]:
        return [one for one in events if not past or one.recorded_at <= question.at]

    streams = {"lead": known((await log.load([lead_id]))[lead_id])}
    lead: Lead = _replay("lead", streams["lead"])
    ids: dict[str, UUID] = {"organisation": ORGANISATION_ID}
    if lead.campaign_id:
        ids["campaign"] = UUID(lead.campaign_id)
    if lead.pool_id:
        ids["pool"] = UUID(lead.pool_id)
    if question.segment:
        ids["segment"] = UUID(question.segment)
    number = question.number or next_number(lead)
    if number is not None:
        ids["dnc"] = dnc_stream(log.keys.master, number)
    loaded = await log.load(ids.values())
    return streams | {kind: known(loaded[stream]) for kind, stream in ids.items()}


def explain(streams: Streams, question: Question) -> Explanation:
    """Answer from the streams as they stood."""
    states = {kind: _replay(kind, streams.get(kind, ())) for kind in KINDS}
    lead: Lead = states["lead"]
    number = question.number or next_number(lead)
    reasons = _reasons(states, question, number)
    erased = any(one.erased for one in streams["lead"]) and lead.exists
    if erased:
        reasons = [one for one in reasons if one.code not in NEEDS_NUMBER]
    causes = _causes(streams, states, question, number, {one.code for one in reasons})
    campaign: Campaign = states["campaign"]
    told = [one for events in streams.values() for one in events]
    return Explanation(
        [Found(one, causes[one.code]) for one in reasons],
        lead,
        campaign,
        _contact_of(lead, number),
        next((one for one in streams.get("campaign", ()) if one.version == campaign.rules_version),
             None),
        max(one.position for one in told),
        erased,
    )  # fmt: skip


def _replay(kind: str, events: Sequence[Recorded]) -> Any:
    return AGGREGATES[kind].replay(events, None)


def _reasons(states: Mapping[str, Any], question: Question, number: str | None) -> list[Reason]:
    """Ask the checks of StartCall."""
    lead = states["lead"]
    if not lead.exists:
        return [erased_reason(lead)]
    facts = Facts(
        now=question.at,
        actor=question.asker,
        organisation=states["organisation"],
        campaign=states["campaign"],
        dnc={} if number is None else {number: states["dnc"].entries},
        pool_active=lead.pool_id is None or states["pool"].active,
        segment=states["segment"],
    )
    reasons = dial_reasons(lead, question.agent, number, facts)
    if question.segment is not None:
        reasons += segment_reasons(lead, question.segment, question.agent, facts)
    return reasons


def _causes(
    streams: Streams,
    states: Mapping[str, Any],
    question: Question,
    number: str | None,
    codes: set[str],
) -> dict[str, Recorded | None]:
    """Return for each failed check the latest event with which it began to fail, if any did."""
    causes: dict[str, Recorded | None] = dict.fromkeys(codes, streams["lead"][0])
    causes.update(dict.fromkeys(codes & _NEVER_THERE.keys()))
    for kind in KINDS if codes else ():
        for code, event in _began(kind, streams, states, question, number).items():
            if code not in codes or _NEVER_THERE.get(code, kind) != kind:
                continue
            before = causes[code]
            if before is None or event.position > before.position:
                causes[code] = event
    return causes


def _began(
    kind: str,
    streams: Streams,
    states: Mapping[str, Any],
    question: Question,
    number: str | None,
) -> dict[str, Recorded]:
    """Fold one stream event by event, all others as they ended; return which event began what."""
    began: dict[str, Recorded] = {}
    state = None
    failing: set[str] = set()
    if kind != "lead":
        failing = _codes({**states, kind: EMPTY[kind]}, question, number)
    for event in streams.get(kind, ()):
        state = AGGREGATES[kind].replay([event], state)
        if isinstance(event.event, _NO_CONCERN):
            continue
        now = _codes({**states, kind: state}, question, number)
        began.update(dict.fromkeys(now - failing, event))
        failing = now
    return began


def _codes(states: Mapping[str, Any], question: Question, number: str | None) -> set[str]:
    return {reason.code for reason in _reasons(states, question, number)}


def _contact_of(lead: Lead, number: str | None) -> int | None:
    if number is None:
        return None
    if number == lead.phone:
        return PRIMARY
    return next((one.id for one in lead.contacts if one.phone == number), None)
