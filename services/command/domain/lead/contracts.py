"""Contracts of a lead: steps taken down, reminders asked for, cancelled (schemas/contracts.py)."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from schemas.contracts import SETTLED, Step
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadContractRecorded,
    LeadContractRejected,
    LeadContractResendRequested,
    LeadMessageQueued,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, DIALERS, LEADERS, admit
from services.command.domain.lead.sending import (
    SMS_CHARS_MAX,
    addresses_of,
    message_id,
    sending_reasons,
)
from services.command.domain.lead.state import Contract, Lead
from services.command.domain.types import CallId, Instant, Line, Name, NoteText

_CONTRACTS_MAX = 100
_STEPS_MAX = 200


class RecordContract(Command):
    """Take down a step of a contract: updated, sent, reminded, accepted, cancelled and so on.

    Steps may come late: a contract stands where its latest step by its own time put it. The same
    step at the same time counts once. Without `at` it was now.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS

    contract_id: CallId
    step: Step
    at: Instant | None = None


class ResendContract(Command):
    """Send a reminder of an open contract by SMS or e-mail.

    Without a text it is the last message about the contract on that channel, sent once more. The
    contract takes its next step when the message is sent.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    needs_dnc: ClassVar[bool] = True

    contract_id: CallId
    channel: Literal["sms", "email"]
    subject: Name | None = None
    body: NoteText | None = None


class RejectContract(Command):
    """Cancel a contract, also an accepted one; an expired one is over."""

    roles: ClassVar[frozenset[str]] = LEADERS

    contract_id: CallId
    reason: Line = ""


@decides(RecordContract)
def record_contract(lead: Lead, command: RecordContract, facts: Facts) -> list[Event]:
    """Record the step once."""
    admit(lead, command, facts)
    at = format_instant(command.at or facts.now)
    contract = lead.contracts.get(command.contract_id)
    if contract is not None and command.at is None and contract.step == command.step:
        return []
    if contract is not None and (at, command.step) in contract.steps:
        return []
    if contract is None and len(lead.contracts) >= _CONTRACTS_MAX:
        text = f"The lead has {_CONTRACTS_MAX} contracts already."
        raise Refused([Reason("too-many-contracts", text)])
    if contract is not None and len(contract.steps) >= _STEPS_MAX:
        text = f"The contract took {_STEPS_MAX} steps already; begin another one."
        raise Refused([Reason("too-many-steps", text)])
    previous = None if contract is None else contract.step_at(at)
    return [LeadContractRecorded(command.contract_id, command.step, at, previous)]


@decides(ResendContract)
def resend_contract(lead: Lead, command: ResendContract, facts: Facts) -> list[Event]:
    """Queue a reminder; each request is one of its own."""
    admit(lead, command, facts)
    contract = _known(lead, command.contract_id)
    last = lead.contract_messages.get((command.contract_id, command.channel))
    known = addresses_of(lead, command.channel, facts)
    to = last.address if last is not None and last.address in known else None
    reasons = list(sending_reasons(lead, command.channel, to, facts))
    if contract.step in SETTLED:
        reasons.insert(0, _settled(contract))
    body = command.body or (last.body if last is not None else None)
    subject = command.subject or (last.subject if last is not None else None)
    reasons += _wording_reasons(command.channel, subject, body)
    if reasons:
        raise Refused(reasons)
    return [
        LeadContractResendRequested(command.contract_id, command.channel),
        LeadMessageQueued(
            message_id=message_id(lead, 1),
            channel=command.channel,
            agent=facts.actor.user_id,
            contract_id=command.contract_id,
            address=to or known[0],
            subject=subject if command.channel == "email" else None,
            body=body,
        ),
    ]


def _wording_reasons(channel: str, subject: str | None, body: str | None) -> Iterator[Reason]:
    if body is None:
        text = "No message about the contract went out by this channel yet; write one."
        yield Reason("no-message-yet", text, "body")
    elif channel == "sms" and len(body) > SMS_CHARS_MAX:
        yield Reason("too-long", f"An SMS has at most {SMS_CHARS_MAX} characters.", "body")
    if channel == "email" and subject is None:
        yield Reason("no-subject", "An e-mail needs a subject.", "subject")


@decides(RejectContract)
def reject_contract(lead: Lead, command: RejectContract, facts: Facts) -> list[Event]:
    """Cancel the contract; nothing when it is cancelled."""
    admit(lead, command, facts)
    contract = _known(lead, command.contract_id)
    if contract.step == "cancelled":
        return []
    if contract.step == "expired":
        raise Refused([_settled(contract)])
    return [LeadContractRejected(command.contract_id, command.reason, contract.step)]


def _known(lead: Lead, contract_id: str) -> Contract:
    contract = lead.contracts.get(contract_id)
    if contract is None:
        text = "The lead has no contract with this id."
        raise Refused([Reason("unknown-contract", text, "contract_id")])
    return contract


def _settled(contract: Contract) -> Reason:
    return Reason("contract-settled", f"The contract is {contract.step}; begin another one.")
