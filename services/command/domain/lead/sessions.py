"""Contact sessions: the time a user spends on a lead's contact page, however many calls it holds.

Whoever leaves one without a result keeps the lead: `unresolved`, locked to them (rule 8).
"""

from typing import ClassVar

from schemas.event import Event
from schemas.instants import parse_instant
from schemas.lead import LeadLocked, LeadSessionEnded, LeadUnlocked
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, DIALERS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import CallId, Id

_REACHED_NOBODY = frozenset({"NoResponse", "Busy", "VoiceMail", "DroppedCall", "DialingCancelled"})


class EndSession(Command):
    """End a contact session: the user has left the lead's contact page.

    A session ends with a result when somebody set the lead's status since its latest call began,
    when that call has a disposition or reached nobody, when a dial waits, or when the lead is
    closed. Otherwise the lead becomes `unresolved` and is locked to the user until they, a team
    leader or a later call say what became of it; after seven days it is `abandoned`. Without an
    agent it is your session; dialers name the agent. The same session ends once.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS

    contact_session_id: CallId
    agent: Id | None = None


@decides(EndSession)
def end_session(lead: Lead, command: EndSession, facts: Facts) -> list[Event]:
    """End the session, and keep an unresolved lead for its user."""
    admit(lead, command, facts)
    if command.contact_session_id in lead.sessions_ended:
        return []
    agent, reasons = _agent(command, facts)
    resolved = _is_resolved(lead, facts)
    if lead.is_locked(facts.now) and lead.locked_by != agent and not resolved:
        reasons.append(Reason("locked", "The lead is locked to another user."))
    if reasons:
        raise Refused(reasons)
    if resolved:
        return [LeadSessionEnded(command.contact_session_id, agent)]
    ended = LeadSessionEnded(
        command.contact_session_id, agent, status_after="unresolved", status_before=lead.status
    )
    if agent is None or (lead.locked_by, lead.locked_until) == (agent, None):
        return [ended]
    return [ended, LeadLocked(user=agent, previous=lead.locked_by)]


def freed(lead: Lead, status: str | None, part_of: str | None = None) -> list[Event]:
    """Return the end of the lock an unresolved session left, when the lead goes on to `status`.

    part_of: what it comes with, when that leaves "last modified" alone: `status` or `call`.
    """
    if status in {None, "unresolved"} or lead.status != "unresolved":
        return []
    if lead.unresolved_by is None or lead.locked_by != lead.unresolved_by:
        return []
    return [LeadUnlocked(previous=lead.locked_by, part_of=part_of)]


def _agent(command: EndSession, facts: Facts) -> tuple[str | None, list[Reason]]:
    actor = facts.actor
    agent = command.agent or (None if actor.role == "dialer" else actor.user_id)
    if agent is None:
        return None, [Reason("agent-missing", "Name the agent whose session it is.", "agent")]
    if actor.role == "agent" and agent != actor.user_id:
        text = "You can end sessions of your own only."
        return agent, [Reason("agent-is-another", text, "agent")]
    user = facts.organisation.users.get(agent)
    if user is None or not user.active:
        text = "There is no such user, or not any more."
        return agent, [Reason("unknown-agent", text, "agent")]
    return agent, []


def _is_resolved(lead: Lead, facts: Facts) -> bool:
    """Say whether it is known what comes next for the lead."""
    status = facts.organisation.statuses.get(lead.status)
    if status is None or status.group != "open" or lead.next_dial_at is not None:
        return True
    if lead.latest_disposition is not None or lead.latest_end_cause in _REACHED_NOBODY:
        return True
    if lead.latest_call_at is None or lead.status_edited_at is None:
        return False
    return lead.status_edited_at >= parse_instant(lead.latest_call_at)
