"""Messages we send to a lead: queued by a command, sent by a service of its own, told of in facts.

A command only puts the message into the lead's stream. The sender (services/command/sending) takes
it from there and notes what became of it; gateways report what they learn later.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas.contracts import SENT_AFTER, SETTLED
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadContractRecorded,
    LeadMessageCancelled,
    LeadMessageDelivered,
    LeadMessageFailed,
    LeadMessageQueued,
    LeadMessageRequeued,
    LeadMessageSent,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import (
    AGENTS,
    DIALERS,
    admit,
    reach_reasons,
    role_reasons,
)
from services.command.domain.lead.dialling import dnc_reasons
from services.command.domain.lead.state import Lead, Outgoing
from services.command.domain.types import CallId, Instant, Line, Name, NoteText

WAITING_MAX = 20
SMS_CHARS_MAX = 1_600
CONTRACT_STEPS_MAX = 200

_SET_UP = {
    "email": "E-mail is not set up here: set LEADS_SMTP_URL and LEADS_MAIL_FROM.",
    "sms": "SMS is not set up here: set LEADS_MESSAGE_GATEWAY_URL and its secret.",
    "whatsapp": "WhatsApp is not set up here: set LEADS_MESSAGE_GATEWAY_URL and its secret.",
}
_WITHOUT = {
    "email": "The lead has no e-mail address; put it into a field first.",
    "sms": "The lead has no phone number.",
    "whatsapp": "The lead has neither a WhatsApp identity nor a phone number.",
}


class SendEmail(Command):
    """Send an e-mail to the lead, to its first address unless `to` names another one of its own.

    The message waits in the lead's stream until it was sent; the lead shows what became of it. With
    `contract_id` it is about that contract, which takes its next step (confirmation, reminder) once
    the message is sent.
    """

    roles: ClassVar[frozenset[str]] = AGENTS

    to: Name | None = None
    subject: Name
    body: NoteText
    contract_id: CallId | None = None


class SendSms(Command):
    """Send an SMS to the lead's number, or to the one of its numbers that `to` names.

    A number on a do-not-call list gets none. The rest is as with e-mail.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    needs_dnc: ClassVar[bool] = True

    to: Name | None = None
    body: Annotated[NoteText, Field(max_length=SMS_CHARS_MAX)]
    contract_id: CallId | None = None


class SendWhatsapp(Command):
    """Send a WhatsApp message to the lead's WhatsApp identity, else to its number.

    A number on a do-not-call list gets none. The rest is as with e-mail.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    needs_dnc: ClassVar[bool] = True

    to: Name | None = None
    body: Annotated[NoteText, Field(max_length=4_096)]
    contract_id: CallId | None = None


class CancelMessage(Command):
    """Take back a message that waits to be sent. One that is under way may still arrive."""

    roles: ClassVar[frozenset[str]] = AGENTS

    message_id: CallId
    reason: Line = ""


class RetryMessage(Command):
    """Have a message that failed sent again. One that waits is tried again by itself."""

    roles: ClassVar[frozenset[str]] = AGENTS

    message_id: CallId


class ReportMessage(Command):
    """Take down what became of a message that was sent: it arrived, or it could not be delivered.

    A fact: reports may come late, twice and in any order; what has arrived has not failed.
    """

    roles: ClassVar[frozenset[str]] = DIALERS
    is_fact: ClassVar[bool] = True

    message_id: CallId
    state: Literal["delivered", "failed"]
    at: Instant
    reason: Line = ""

    @property
    def happened_at(self) -> datetime:
        """When the fact took place, however late it is told."""
        return self.at


class NoteMessageSent(Command):
    """Say that mail server or gateway took the message. Given by the sender."""

    message_id: CallId
    attempts: int
    reference: Line | None = None


class NoteMessageFailed(Command):
    """Say that the message is not tried any more. Given by the sender."""

    message_id: CallId
    code: str
    attempts: int
    detail: Line | None = None


Sending = SendEmail | SendSms | SendWhatsapp


@decides(SendEmail)
def send_email(lead: Lead, command: SendEmail, facts: Facts) -> list[Event]:
    """Queue the e-mail."""
    admit(lead, command, facts)
    return [_queued(lead, command, "email", command.subject, facts)]


@decides(SendSms)
def send_sms(lead: Lead, command: SendSms, facts: Facts) -> list[Event]:
    """Queue the SMS."""
    admit(lead, command, facts)
    return [_queued(lead, command, "sms", None, facts)]


@decides(SendWhatsapp)
def send_whatsapp(lead: Lead, command: SendWhatsapp, facts: Facts) -> list[Event]:
    """Queue the WhatsApp message."""
    admit(lead, command, facts)
    return [_queued(lead, command, "whatsapp", None, facts)]


def _queued(
    lead: Lead, command: Sending, channel: str, subject: str | None, facts: Facts
) -> LeadMessageQueued:
    reasons = list(sending_reasons(lead, channel, command.to, facts))
    if command.contract_id is not None:
        contract = lead.contracts.get(command.contract_id)
        if contract is None:
            text = "The lead has no contract with this id."
            reasons.append(Reason("unknown-contract", text, "contract_id"))
        elif contract.step in SETTLED:
            text = f"The contract is {contract.step}; nothing is sent about it any more."
            reasons.append(Reason("contract-settled", text))
    if reasons:
        raise Refused(reasons)
    return LeadMessageQueued(
        message_id=message_id(lead),
        channel=channel,
        agent=facts.actor.user_id,
        contract_id=command.contract_id,
        address=command.to or addresses_of(lead, channel, facts)[0],
        subject=subject,
        body=command.body,
    )


def message_id(lead: Lead, events_before: int = 0) -> str:
    """Return the id of the message queued next: its event's own name, so it names one message."""
    return f"{lead.id}.{lead.version + events_before + 1}"


def sending_reasons(lead: Lead, channel: str, to: str | None, facts: Facts) -> Iterator[Reason]:
    """Yield every reason why no message may go out by this channel, to this address."""
    if channel not in facts.channels:
        yield Reason(f"{channel}-not-set-up", _SET_UP[channel])
    known = addresses_of(lead, channel, facts)
    if not known and to is None:
        yield Reason("no-address", _WITHOUT[channel])
    if to is not None and to not in known:
        yield Reason("address-not-of-lead", "That is no address of this lead.", "to")
    address = to or next(iter(known), None)
    if channel != "email" and address is not None:
        yield from dnc_reasons(lead, facts.dnc.get(address, ()), facts.now)
    waiting = sum(one.state == "queued" for one in lead.outbox.values())
    if waiting >= WAITING_MAX:
        text = f"{waiting} messages to the lead wait to be sent; wait, or cancel some."
        yield Reason("too-many-waiting", text)


def addresses_of(lead: Lead, channel: str, facts: Facts) -> list[str]:
    """Return the lead's addresses for a channel, the usual one first."""
    found: list[str | None] = []
    if channel == "email":
        fields = facts.campaign.template.fields if facts.campaign is not None else ()
        names = ["email", *(one.import_name for one in fields if one.type == "email")]
        found += (lead.value(name) for name in names)
        found += (one.fields.get(name) for one in lead.contacts for name in names)
    else:
        found += [lead.personal.get("whatsapp")] if channel == "whatsapp" else []
        found += [lead.phone, *(contact.phone for contact in lead.contacts)]
    return list(dict.fromkeys(one for one in found if one))


@decides(CancelMessage)
def cancel_message(lead: Lead, command: CancelMessage, facts: Facts) -> list[Event]:
    """Cancel what waits; what is cancelled stays so."""
    admit(lead, command, facts, merged=True)
    message = _known(lead, command.message_id)
    if message.state == "cancelled":
        return []
    if message.state != "queued":
        text = f"The message is {message.state}; only one that waits can be cancelled."
        raise Refused([Reason("not-waiting", text)])
    return [LeadMessageCancelled(command.message_id, command.reason)]


@decides(RetryMessage)
def retry_message(lead: Lead, command: RetryMessage, facts: Facts) -> list[Event]:
    """Queue again what failed; nothing to do for one that waits."""
    admit(lead, command, facts)
    message = _known(lead, command.message_id)
    if message.state == "queued":
        return []
    reasons = []
    if message.state != "failed":
        text = f"The message is {message.state}; write a new one."
        reasons.append(Reason("not-failed", text))
    if message.channel not in facts.channels:
        reasons.append(Reason(f"{message.channel}-not-set-up", _SET_UP[message.channel]))
    if reasons:
        raise Refused(reasons)
    return [LeadMessageRequeued(command.message_id, message.channel, message.code)]


@decides(ReportMessage)
def report_message(lead: Lead, command: ReportMessage, facts: Facts) -> list[Event]:
    """Record the report once; what has arrived stays so."""
    reasons = role_reasons(command, facts)
    if lead.version == 0:
        reasons.append(Reason("unknown-lead", "There is no such lead."))
    reasons = reasons or reach_reasons(lead, facts)
    if reasons:
        raise Refused(reasons)
    message = _known(lead, command.message_id)
    at = format_instant(command.at)
    if message.state == "delivered":
        return []
    if command.state == "delivered":
        return [LeadMessageDelivered(command.message_id, at)]
    if message.state == "failed":
        return []
    detail = command.reason or None
    return [
        LeadMessageFailed(
            command.message_id, "undelivered", at, detail=detail if lead.exists else None
        )
    ]


@decides(NoteMessageSent)
def note_message_sent(lead: Lead, command: NoteMessageSent, facts: Facts) -> list[Event]:
    """Record it once; the contract the message is about takes its next step."""
    message = _known(lead, command.message_id)
    if message.sent:
        return []
    reference = command.reference if lead.exists else None
    noted: list[Event] = [LeadMessageSent(command.message_id, command.attempts, reference)]
    contract = lead.contracts.get(message.contract_id or "")
    step = None if contract is None or contract.step is None else SENT_AFTER.get(contract.step)
    if contract is None or message.contract_id is None or step is None:
        return noted
    if len(contract.steps) < CONTRACT_STEPS_MAX:
        at = format_instant(facts.now)
        noted.append(LeadContractRecorded(message.contract_id, step, at, contract.step))
    return noted


@decides(NoteMessageFailed)
def note_message_failed(lead: Lead, command: NoteMessageFailed, facts: Facts) -> list[Event]:
    """Record it for a message that waits."""
    if _known(lead, command.message_id).state != "queued":
        return []
    detail = command.detail if lead.exists else None
    at = format_instant(facts.now)
    return [LeadMessageFailed(command.message_id, command.code, at, command.attempts, detail)]


def _known(lead: Lead, name: str) -> Outgoing:
    message = lead.outbox.get(name)
    if message is None:
        text = "We have sent the lead no message with this id."
        raise Refused([Reason("unknown-message", text, "message_id")])
    return message
