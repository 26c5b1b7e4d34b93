"""Messages to and from a lead: what a gateway or a person says was sent."""

from datetime import datetime
from typing import ClassVar, Literal

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadMessageRecorded
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, DIALERS, reach_reasons, role_reasons
from services.command.domain.lead.state import Lead
from services.command.domain.types import CallId, Id, Instant, Line, Text


class RecordMessage(Command):
    """Take down a message that was sent to a lead or came from it. The same id counts once.

    A fact from a gateway is not refused for what the lead has become: of a lead whose data was
    erased only the fact is kept, without address, subject and text.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS
    is_fact: ClassVar[bool] = True

    message_id: CallId
    channel: Literal["email", "sms", "whatsapp"]
    direction: Literal["in", "out"]
    sent_at: Instant
    address: Line | None = None
    subject: Line | None = None
    body: Text | None = None
    agent: Id | None = None

    @property
    def happened_at(self) -> datetime:
        """When the fact took place, however late it is told."""
        return self.sent_at


@decides(RecordMessage)
def record_message(lead: Lead, command: RecordMessage, facts: Facts) -> list[Event]:
    """Record the message once, for who may work on the lead and for gateways."""
    reasons = role_reasons(command, facts)
    if lead.version == 0:
        reasons.append(Reason("unknown-lead", "There is no such lead."))
    reasons = reasons or reach_reasons(lead, facts)
    if reasons:
        raise Refused(reasons)
    if command.message_id in lead.messages:
        return []
    readable = lead.exists
    return [
        LeadMessageRecorded(
            message_id=command.message_id,
            channel=command.channel,
            direction=command.direction,
            sent_at=format_instant(command.sent_at),
            agent=command.agent,
            address=command.address if readable else None,
            subject=command.subject if readable else None,
            body=command.body if readable else None,
        )
    ]
