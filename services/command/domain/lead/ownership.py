"""Whose lead it is: the owner decides who may call it (rules 1, 3, 4)."""

from typing import ClassVar

from schemas.event import Event
from schemas.lead import LeadOwnerChanged
from schemas.statuses import PERSONAL_REDIALS
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit, owner_reasons
from services.command.domain.lead.state import Lead
from services.command.domain.types import OwnerRef


class ChangeOwner(Command):
    """Give a lead to a team or a user, written `team:<id>` or `user:<id>`.

    Leads in a Private or VIP redial stay with their owner unless `retain_private_vip` is false;
    they count as unchanged. A locked lead must be unlocked first.
    """

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    owner: OwnerRef
    retain_private_vip: bool = True


@decides(ChangeOwner)
def change_owner(lead: Lead, command: ChangeOwner, facts: Facts) -> list[Event]:
    """Change the owner, or nothing where the owner has the lead already or is retained (rule 4)."""
    admit(lead, command, facts)
    reasons = owner_reasons(command.owner, facts)
    if lead.is_locked(facts.now):
        text = "The lead is locked to a user; unlock it first."
        reasons.append(Reason("locked", text))
    if reasons:
        raise Refused(reasons)
    if command.retain_private_vip and lead.status in PERSONAL_REDIALS:
        return []
    return take_over(lead, command.owner)


def take_over(lead: Lead, owner: str, part_of: str | None = None) -> list[Event]:
    """Return the change of owner, nothing when the lead is theirs already.

    part_of: what it comes with, when that leaves "last modified" alone: `status` or `call`.
    """
    if lead.owner == owner:
        return []
    return [LeadOwnerChanged(owner=owner, previous=lead.owner, part_of=part_of)]


def owner_by_redial(
    lead: Lead, status: str | None, agent: str | None, facts: Facts, part_of: str | None = None
) -> list[Event]:
    """Return the change of owner that a dialled attempt brings: Private and VIP go to its agent."""
    if status not in PERSONAL_REDIALS or agent is None or agent not in facts.organisation.users:
        return []
    return take_over(lead, f"user:{agent}", part_of)


def owner_by_status(
    lead: Lead, status: str, facts: Facts, part_of: str | None = None
) -> list[Event]:
    """Return the change of owner that a status brings: Private and VIP go to who acts (rule 4)."""
    actor = facts.actor
    if status not in PERSONAL_REDIALS or not actor.user_id or actor.role not in AGENTS:
        return []
    return take_over(lead, f"user:{actor.user_id}", part_of)
