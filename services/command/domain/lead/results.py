"""What came of the work on a lead: the result an agent records, and attempts entered by hand."""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.event import Event
from schemas.lead import LeadManualPassRecorded, LeadResultRecorded
from services.command.domain.decider import Command, Reason, Refused, decides, within
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit
from services.command.domain.lead.fields import fields_changed
from services.command.domain.lead.follow_up import follow_up
from services.command.domain.lead.ownership import owner_by_redial, owner_by_status
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import ends_waiting, status_reasons
from services.command.domain.types import Code, FieldMap, Id, Name


class RecordResult(Command):
    """Finish work on a lead with a result, a status of the catalogue, and the fields that came up.

    You become "user processed by", and keep sight of the lead whoever owns it later.
    """

    roles: ClassVar[frozenset[str]] = AGENTS

    result: Code
    fields: FieldMap = Field(default_factory=dict)


class CreateManualPass(Command):
    """Enter an attempt that no dialer made. It counts, and the follow-up rules apply to it."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    disposition: Annotated[Name, Field(max_length=100)]
    agent: Id | None = None


@decides(RecordResult)
def record_result(lead: Lead, command: RecordResult, facts: Facts) -> list[Event]:
    """Record the result and the changed fields."""
    admit(lead, command, facts)
    reasons = status_reasons(command.result, facts)
    user = facts.actor.user_id
    changed: list[Event] = []
    if not user:
        reasons.append(Reason("not-a-person", "Only a user can record a result."))
    if command.fields and facts.campaign is None:
        reasons.append(Reason("unknown-campaign", "The lead's campaign is not known."))
    elif command.fields and facts.campaign is not None:
        clean, personal, misfits = facts.campaign.template.check_change(command.fields)
        reasons += within("fields", misfits)
        changed = fields_changed(lead, clean, personal)
    if reasons or user is None:
        raise Refused(reasons)
    if (lead.status, lead.result, lead.processed_by) == (command.result, command.result, user):
        return changed
    recorded = LeadResultRecorded(
        result=command.result,
        processed_by=user,
        previous=lead.status,
        ends_waiting=ends_waiting(lead, command.result, facts),
    )
    freeing = freed(lead, command.result)
    return [*changed, recorded, *freeing, *owner_by_status(lead, command.result, facts)]


@decides(CreateManualPass)
def create_manual_pass(lead: Lead, command: CreateManualPass, facts: Facts) -> list[Event]:
    """Count the attempt; each is one of its own. Private and VIP go to its agent (rule 4)."""
    admit(lead, command, facts)
    if command.agent is not None and command.agent not in facts.organisation.users:
        raise Refused([Reason("unknown-agent", "There is no such user.", "agent")])
    then = follow_up(lead, facts, "NotApplicable", command.disposition, facts.now, None)
    changed = then.status is not None and then.status != lead.status
    recorded = LeadManualPassRecorded(
        agent=command.agent,
        disposition=command.disposition,
        rule=then.rule,
        status_after=then.status if changed else None,
        status_before=lead.status if changed else None,
        next_dial_at=then.next_dial_at,
        next_contact=then.next_contact,
    )
    by = command.agent or facts.actor.user_id
    freeing = freed(lead, then.status)
    return [recorded, *freeing, *owner_by_redial(lead, then.status, by, facts)]
