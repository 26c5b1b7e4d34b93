"""Who may give which command about which lead (rules 1 and 2), asked before anything else.

Somebody without the right learns nothing else about the lead, so these refusals stand alone; only
StartCall lists them among its other checks.
"""

from schemas.rights import may_call
from services.command.domain.decider import Command, Reason, Refused
from services.command.domain.facts import Facts
from services.command.domain.lead.state import Lead

ADMINS = frozenset({"admin"})
LEADERS = frozenset({"admin", "team_leader"})
AGENTS = frozenset({"admin", "team_leader", "agent"})
DIALERS = frozenset({"admin", "dialer"})
"""Roles of a command. The right `lead_admin` makes anybody an admin of leads."""


def admit(lead: Lead, command: Command, facts: Facts, *, merged: bool = False) -> None:
    """Raise Refused unless the lead has data and the actor may give this command about it.

    A lead that was merged into another one is worked on there, but for what passes `merged`.
    """
    reasons = role_reasons(command, facts)
    if lead.version == 0:
        reasons.append(Reason("unknown-lead", "There is no such lead."))
    elif not reasons:
        reasons += reach_reasons(lead, facts)
    if reasons:
        raise Refused(reasons)
    if not lead.exists:
        raise Refused([erased_reason(lead)])
    if lead.merged_into is not None and not merged:
        raise Refused([merged_reason(lead)])


def merged_reason(lead: Lead) -> Reason:
    """Say where a merged lead is worked on."""
    return Reason("lead-merged", f"The lead was merged into {lead.merged_into}; work on that one.")


def erased_reason(lead: Lead) -> Reason:
    """Say that the lead's data is gone, so that nothing about it can change any more."""
    if lead.deleted:
        return Reason("lead-deleted", "The lead was deleted; only its call facts are left.")
    return Reason("lead-anonymised", "The lead was anonymised; its data cannot come back.")


def role_reasons(command: Command, facts: Facts) -> list[Reason]:
    """Say why the actor may not give this command at all, about whatever lead."""
    actor = facts.actor
    if actor.role in command.roles or (actor.is_admin and "admin" in command.roles):
        return []
    text = f"Your role ({actor.role}) may not do this; ask a team leader or an administrator."
    return [Reason("role-not-allowed", text)]


def reach_reasons(lead: Lead, facts: Facts) -> list[Reason]:
    """Say why this lead is out of the actor's reach."""
    actor = facts.actor
    if actor.is_admin or actor.role == "dialer":
        return []
    if actor.role == "team_leader":
        if owner_within(lead.owner, actor.team_id, facts):
            return []
        text = "The lead belongs to nobody in your team or below; ask for it to be handed over."
        return [Reason("lead-out-of-reach", text)]
    if actor.role != "agent" or not may_be_called_by(lead.owner, facts):
        text = "The lead belongs neither to you, nor to your team, nor to a team above yours."
        return [Reason("lead-out-of-reach", text)]
    if not lead.active and "extended_data" not in actor.rights:
        return [Reason("lead-inactive", "The lead is not active; a team leader can activate it.")]
    return []


def owner_within(owner: str, team_id: str | None, facts: Facts) -> bool:
    """Say whether the owner is this team, one below it, or a user of those."""
    organisation = facts.organisation
    kind, _, owner_id = owner.partition(":")
    if kind == "user":
        user = organisation.users.get(owner_id)
        owner_id = "" if user is None else user.team
    if not team_id or not owner_id:
        return False
    return owner_id == team_id or team_id in organisation.tree.ancestors(owner_id)


def may_be_called_by(owner: str, facts: Facts) -> bool:
    """Say whether the actor's place lets them call this owner's leads (rule 1)."""
    actor = facts.actor
    if not actor.user_id:
        return False
    team = actor.team_id or ""
    return may_call(owner, actor.user_id, team, facts.organisation.tree.ancestors(team))


def owner_inactive(field: str) -> Reason:
    """Say that who was named as owner is switched off."""
    text = "That team or user is not active any more; choose another owner."
    return Reason("owner-inactive", text, field)


def owner_reasons(owner: str, facts: Facts) -> list[Reason]:
    """Say why the actor may not make this team or user the owner of a lead."""
    if not facts.organisation.knows_owner(owner):
        return [Reason("unknown-owner", "There is no such team or user.", "owner")]
    if not facts.organisation.is_active_owner(owner):
        return [owner_inactive("owner")]
    actor = facts.actor
    if actor.is_admin or actor.role == "dialer":
        return []
    if actor.role == "team_leader":
        reachable = owner_within(owner, actor.team_id, facts)
    else:
        reachable = may_be_called_by(owner, facts)
    if reachable:
        return []
    return [Reason("owner-out-of-reach", "You may not hand leads to that team or user.", "owner")]
