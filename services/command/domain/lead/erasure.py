"""Erasing a lead's data (rule 16). Call facts stay, but never the number.

The events destroy the lead's key (`DESTROYS_KEY`), so that its personal fields are gone from the
log, its copies and its backups alike.
"""

from typing import ClassVar

from schemas.event import Event
from schemas.lead import LeadAnonymised, LeadDeleted
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import ADMINS, admit, role_reasons
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id, Line


class DeleteLead(Command):
    """Delete a lead and erase its data, for good. Facts of its calls stay, without the number."""

    roles: ClassVar[frozenset[str]] = ADMINS
    bulk: ClassVar[bool] = True

    reason: Line = ""


class AnonymiseLead(Command):
    """Erase a lead's data, for good, and keep its row with the status `anonymised`."""

    roles: ClassVar[frozenset[str]] = ADMINS
    bulk: ClassVar[bool] = True

    reason: Line = ""


class DeleteUnprocessed(Command):
    """Delete a lead of a pool that nobody has worked on yet: never tried, and without a result.

    One that somebody worked on, or that is in another pool by now, is refused and stays.
    """

    roles: ClassVar[frozenset[str]] = ADMINS
    bulk: ClassVar[bool] = True

    pool_id: Id
    reason: Line = ""


@decides(DeleteLead)
def delete_lead(lead: Lead, command: DeleteLead, facts: Facts) -> list[Event]:
    """Delete; one that is deleted stays so, an anonymised one may still go."""
    reasons = role_reasons(command, facts)
    if not reasons and lead.version == 0:
        reasons.append(Reason("unknown-lead", "There is no such lead."))
    if reasons:
        raise Refused(reasons)
    return [] if lead.deleted else [LeadDeleted(reason=command.reason)]


@decides(DeleteUnprocessed)
def delete_unprocessed(lead: Lead, command: DeleteUnprocessed, facts: Facts) -> list[Event]:
    """Delete what nobody has touched; what is deleted already stays so."""
    if lead.deleted and not role_reasons(command, facts):
        return []
    admit(lead, command, facts)
    reasons = []
    if lead.pool_id != command.pool_id:
        text = "The lead is not in that pool, or not any more."
        reasons.append(Reason("not-in-pool", text))
    status = facts.organisation.statuses.get(lead.status)
    waits = status is not None and status.kind == "new"
    if not waits or lead.calls or lead.result is not None or lead.reservation is not None:
        text = "Somebody has worked on the lead; delete it by itself if it has to go."
        reasons.append(Reason("already-processed", text))
    if reasons:
        raise Refused(reasons)
    return [LeadDeleted(reason=command.reason)]


@decides(AnonymiseLead)
def anonymise_lead(lead: Lead, command: AnonymiseLead, facts: Facts) -> list[Event]:
    """Anonymise; done already it changes nothing, a deleted lead is refused."""
    if lead.anonymised and not lead.deleted and not role_reasons(command, facts):
        return []
    admit(lead, command, facts, merged=True)
    return [LeadAnonymised(reason=command.reason, previous=lead.status)]
