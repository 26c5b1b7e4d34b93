"""How a lead changes by messages, contracts and merging; part of lead/evolving.py."""

from collections.abc import Callable, Mapping
from typing import Any

from schemas import lead as events
from schemas.event import Event
from schemas.instants import format_instant
from services.command.domain.lead.state import Contact, Contract, Lead, Outgoing, Wording

_NOTHING: Mapping[str, Any] = {}


def _message_recorded(lead: Lead, event: events.LeadMessageRecorded) -> None:
    lead.messages = lead.messages | {event.message_id}


def _message_queued(lead: Lead, event: events.LeadMessageQueued) -> None:
    message = Outgoing(event.channel, "queued", event.timestamp, event.contract_id)
    lead.messages = lead.messages | {event.message_id}
    lead.outbox = {**lead.outbox, event.message_id: message}
    if event.contract_id is not None:
        said = Wording(event.address, event.subject, event.body)
        about = (event.contract_id, event.channel)
        lead.contract_messages = {**lead.contract_messages, about: said}


def _message(lead: Lead, message_id: str, **changes: Any) -> None:
    known = lead.outbox.get(message_id)
    if known is not None:
        lead.outbox = {**lead.outbox, message_id: known._replace(**changes)}


def _message_requeued(lead: Lead, event: events.LeadMessageRequeued) -> None:
    _message(lead, event.message_id, state="queued", since=event.timestamp, code="", sent=False)


def _message_sent(lead: Lead, event: events.LeadMessageSent) -> None:
    known = lead.outbox.get(event.message_id)
    arrived = known is not None and known.state == "delivered"  # its report was quicker
    _message(lead, event.message_id, state="delivered" if arrived else "sent", code="", sent=True)


def _message_delivered(lead: Lead, event: events.LeadMessageDelivered) -> None:
    _message(lead, event.message_id, state="delivered", code="")


def _message_failed(lead: Lead, event: events.LeadMessageFailed) -> None:
    _message(lead, event.message_id, state="failed", code=event.code)


def _message_cancelled(lead: Lead, event: events.LeadMessageCancelled) -> None:
    _message(lead, event.message_id, state="cancelled")


def _step(lead: Lead, contract_id: str, at: str, step: str) -> None:
    known = lead.contracts.get(contract_id, Contract(()))
    lead.contracts = {**lead.contracts, contract_id: known.after(at, step)}


def _contract_recorded(lead: Lead, event: events.LeadContractRecorded) -> None:
    _step(lead, event.contract_id, event.at, event.step)


def _contract_rejected(lead: Lead, event: events.LeadContractRejected) -> None:
    _step(lead, event.contract_id, format_instant(event.timestamp), "cancelled")


def _contract_resend_requested(lead: Lead, event: events.LeadContractResendRequested) -> None:
    """The step is taken when the reminder was sent."""


def _absorbed(lead: Lead, event: events.LeadAbsorbed) -> None:
    came = tuple(
        Contact(one["id"], one.get("phone"), one.get("typed"), one.get("fields") or _NOTHING)
        for one in event.contacts
    )
    lead.contacts = (*lead.contacts, *came)
    lead.contacts_made = max((lead.contacts_made, *(one.id for one in came)))
    lead.numbers_known = lead.numbers_known | {one.phone for one in came if one.phone is not None}
    lead.absorbed = {**lead.absorbed, event.lead_id: tuple(one.id for one in came)}


def _released(lead: Lead, event: events.LeadReleased) -> None:
    gone = event.contacts
    lead.contacts = tuple(one for one in lead.contacts if one.id not in gone)
    lead.absorbed = {one: came for one, came in lead.absorbed.items() if one != event.lead_id}


def _merged(lead: Lead, event: events.LeadMerged) -> None:
    lead.merged_into, lead.active_alone = event.into, event.was_active
    lead.active = False


def _unmerged(lead: Lead, event: events.LeadUnmerged) -> None:
    lead.merged_into = None
    lead.active = event.active


CHANGES: dict[type[Event], Callable[[Lead, Any], None]] = {
    events.LeadMessageRecorded: _message_recorded,
    events.LeadMessageQueued: _message_queued,
    events.LeadMessageRequeued: _message_requeued,
    events.LeadMessageSent: _message_sent,
    events.LeadMessageDelivered: _message_delivered,
    events.LeadMessageFailed: _message_failed,
    events.LeadMessageCancelled: _message_cancelled,
    events.LeadContractRecorded: _contract_recorded,
    events.LeadContractRejected: _contract_rejected,
    events.LeadContractResendRequested: _contract_resend_requested,
    events.LeadAbsorbed: _absorbed,
    events.LeadReleased: _released,
    events.LeadMerged: _merged,
    events.LeadUnmerged: _unmerged,
}
