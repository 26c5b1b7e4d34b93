"""Callbacks, and leads kept for one agent."""

from typing import ClassVar

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadCallbackCancelled,
    LeadCallbackSet,
    LeadReserved,
    LeadUnreserved,
)
from schemas.rights import may_call
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, LEADERS, admit
from services.command.domain.lead.sessions import freed
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id, Instant


class SetCallback(Command):
    """Call a lead back at that time, by any agent or by one. It takes the place of a retry.

    The status becomes `callback`; with an agent the lead is reserved for them until then.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True

    at: Instant
    agent: Id | None = None


class CancelCallback(Command):
    """Cancel the callback of a lead, and any retry; its status from before comes back."""

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True


class Reserve(Command):
    """Keep a lead for one agent: nobody else may call it."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    agent: Id


class Unreserve(Command):
    """Let every agent with the right to it call the lead again."""

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True


@decides(SetCallback)
def set_callback(lead: Lead, command: SetCallback, facts: Facts) -> list[Event]:
    """Set the callback, in place of an earlier one."""
    admit(lead, command, facts)
    reasons = [] if command.agent is None else _agent_reasons(lead, command.agent, facts)
    if command.at <= facts.now:
        reasons.append(Reason("time-is-past", "Set the callback for a time to come.", "at"))
    if reasons:
        raise Refused(reasons)
    at = format_instant(command.at)
    if (lead.status, lead.callback_at, lead.callback_agent) == ("callback", at, command.agent):
        return []
    return [
        LeadCallbackSet(
            at=at, agent=command.agent, status_before=lead.status, previous=lead.callback_at
        ),
        *freed(lead, "callback"),
    ]


@decides(CancelCallback)
def cancel_callback(lead: Lead, command: CancelCallback, facts: Facts) -> list[Event]:
    """Cancel the callback; nothing when there is none."""
    admit(lead, command, facts)
    if lead.callback_at is None:
        return []
    status = lead.status
    if status == "callback" and lead.previous_statuses:
        status = lead.previous_statuses[-1]
    return [LeadCallbackCancelled(status=status, previous=lead.callback_at)]


@decides(Reserve)
def reserve(lead: Lead, command: Reserve, facts: Facts) -> list[Event]:
    """Reserve the lead, also in place of another agent's reservation."""
    admit(lead, command, facts)
    reasons = _agent_reasons(lead, command.agent, facts)
    if reasons:
        raise Refused(reasons)
    if lead.reserved_for == command.agent:
        return []
    return [LeadReserved(agent=command.agent, previous=lead.reserved_for)]


@decides(Unreserve)
def unreserve(lead: Lead, command: Unreserve, facts: Facts) -> list[Event]:
    """Lift the reservation."""
    admit(lead, command, facts)
    return [] if lead.reserved_for is None else [LeadUnreserved(previous=lead.reserved_for)]


def _agent_reasons(lead: Lead, agent: str, facts: Facts) -> list[Reason]:
    """Say why the lead cannot be kept for this agent: who may not call it, would block it."""
    user = facts.organisation.users.get(agent)
    if user is None or not user.active:
        text = "There is no such user, or not any more."
        return [Reason("unknown-agent", text, "agent")]
    if may_call(lead.owner, agent, user.team, facts.organisation.tree.ancestors(user.team)):
        return []
    text = "The agent may not call this lead; change its owner first."
    return [Reason("agent-may-not-call", text, "agent")]
