"""Locks: a lead that one user keeps for themselves, until it is unlocked or the lock runs out."""

from typing import ClassVar

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadLocked, LeadUnlocked
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit, owner_reasons
from services.command.domain.lead.ownership import take_over
from services.command.domain.lead.state import Lead
from services.command.domain.types import Instant, OwnerRef


class LockLead(Command):
    """Keep a lead for yourself: nobody else may dial or reassign it until it is unlocked."""

    roles: ClassVar[frozenset[str]] = AGENTS

    until: Instant | None = None


class UnlockLead(Command):
    """Lift a lock, and give the lead to a team or user if `release_to` names one.

    Whoever holds the lock may lift it; so may team leaders and administrators.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True

    release_to: OwnerRef | None = None


@decides(LockLead)
def lock_lead(lead: Lead, command: LockLead, facts: Facts) -> list[Event]:
    """Lock to the acting user; refused while another user holds the lock."""
    admit(lead, command, facts)
    user = facts.actor.user_id
    reasons = []
    if not user:
        reasons.append(Reason("not-a-person", "Only a user can keep a lead for themselves."))
    if command.until is not None and command.until <= facts.now:
        reasons.append(Reason("time-is-past", "The lock must end in the future.", "until"))
    if lead.is_locked(facts.now) and lead.locked_by != user:
        reasons.append(Reason("locked", "The lead is locked to another user."))
    if reasons or user is None:
        raise Refused(reasons)
    until = None if command.until is None else format_instant(command.until)
    if (lead.locked_by, lead.locked_until) == (user, until):
        return []
    return [LeadLocked(user=user, until=until, previous=lead.locked_by)]


@decides(UnlockLead)
def unlock_lead(lead: Lead, command: UnlockLead, facts: Facts) -> list[Event]:
    """Unlock, and hand over where asked."""
    admit(lead, command, facts)
    actor = facts.actor
    reasons = [] if command.release_to is None else owner_reasons(command.release_to, facts)
    leads_others = actor.is_admin or actor.role in LEADERS
    if lead.is_locked(facts.now) and lead.locked_by != actor.user_id and not leads_others:
        text = "The lead is locked to another user; that user or a team leader can unlock it."
        reasons.append(Reason("locked", text))
    if reasons:
        raise Refused(reasons)
    unlocked: list[Event] = (
        [] if lead.locked_by is None else [LeadUnlocked(previous=lead.locked_by)]
    )
    if command.release_to is None:
        return unlocked
    return [*unlocked, *take_over(lead, command.release_to)]
