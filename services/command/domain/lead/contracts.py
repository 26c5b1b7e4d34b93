"""Contracts of a lead: steps taken down, reminders asked for, cancelled (schemas/contracts.py)."""

from typing import ClassVar, Literal

from schemas.contracts import SETTLED
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadContractRecorded,
    LeadContractRejected,
    LeadContractResendRequested,
)
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, DIALERS, LEADERS, admit
from services.command.domain.lead.state import Contract, Lead
from services.command.domain.types import CallId, Instant, Line

_CONTRACTS_MAX = 100
_STEPS_MAX = 200


class RecordContract(Command):
    """Take down a step of a contract: updated, sent, reminded, accepted, cancelled and so on.

    Steps may come late: a contract stands where its latest step by its own time put it. The same
    step at the same time counts once. Without `at` it was now.
    """

    roles: ClassVar[frozenset[str]] = AGENTS | DIALERS

    contract_id: CallId
    step: Literal[
        "updated",
        "confirmation_sent",
        "reminder_1",
        "reminder_2",
        "reminder_3",
        "help",
        "accepted",
        "cancelled",
        "expired",
    ]
    at: Instant | None = None


class ResendContract(Command):
    """Ask for a reminder of an open contract by SMS or e-mail.

    What is asked for stands in the event stream; whoever sends it records the step it makes.
    """

    roles: ClassVar[frozenset[str]] = AGENTS

    contract_id: CallId
    channel: Literal["sms", "email"]


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
    previous = None if contract is None else contract.step
    return [LeadContractRecorded(command.contract_id, command.step, at, previous)]


@decides(ResendContract)
def resend_contract(lead: Lead, command: ResendContract, facts: Facts) -> list[Event]:
    """Ask for a reminder; each request is one of its own."""
    admit(lead, command, facts)
    contract = _known(lead, command.contract_id)
    if contract.step in SETTLED:
        raise Refused([_settled(contract)])
    return [LeadContractResendRequested(command.contract_id, command.channel)]


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
