"""What happens between a lead and the world besides calls, and between two leads: messages,
contracts, merging.

Part of the lead's stream; import these from schemas/lead.py. The same rules of storage hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class LeadMessageRecorded(Event):
    """A message went to the lead (direction `out`) or came from it (`in`), at `sent_at`.

    channel: email, sms or whatsapp. message_id: its name where it was sent; counts once.
    address: the lead's, as the gateway has it. agent: id of the user who wrote or read it.
    """

    TOPIC: ClassVar[str] = "lead.message_recorded"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"address", "subject", "body"})

    message_id: str
    channel: str
    direction: str
    sent_at: str
    agent: str | None = None
    address: str | None = None
    subject: str | None = None
    body: str | None = None


@dataclass(frozen=True)
class LeadMessageQueued(Event):
    """A message to the lead waits to be sent, by `email`, `sms` or `whatsapp`.

    message_id: unique, and the same in every try. agent: id of the user who wrote it. contract_id:
    the contract it is about.
    """

    TOPIC: ClassVar[str] = "lead.message_queued"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"address", "subject", "body"})

    message_id: str
    channel: str
    agent: str | None = None
    contract_id: str | None = None
    address: str | None = None
    subject: str | None = None
    body: str | None = None


@dataclass(frozen=True)
class LeadMessageRequeued(Event):
    """A message that failed, for the reason `previous`, waits to be sent again."""

    TOPIC: ClassVar[str] = "lead.message_requeued"

    message_id: str
    channel: str
    previous: str = ""


@dataclass(frozen=True)
class LeadMessageSent(Event):
    """The mail server or the gateway took the message, after so many tries.

    reference: its name there.
    """

    TOPIC: ClassVar[str] = "lead.message_sent"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"reference"})

    message_id: str
    attempts: int = 1
    reference: str | None = None


@dataclass(frozen=True)
class LeadMessageDelivered(Event):
    """The message reached the lead at that time, as the gateway says."""

    TOPIC: ClassVar[str] = "lead.message_delivered"

    message_id: str
    at: str


@dataclass(frozen=True)
class LeadMessageFailed(Event):
    """The message will not be sent, or did not arrive; `code` says why, `detail` in their words."""

    TOPIC: ClassVar[str] = "lead.message_failed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"detail"})

    message_id: str
    code: str
    at: str
    attempts: int = 0
    detail: str | None = None


@dataclass(frozen=True)
class LeadMessageCancelled(Event):
    """The message was taken back before it was sent."""

    TOPIC: ClassVar[str] = "lead.message_cancelled"

    message_id: str
    reason: str = ""


@dataclass(frozen=True)
class LeadContractRecorded(Event):
    """A contract took this step (schemas/contracts.py) at that time; `previous` stood till then."""

    TOPIC: ClassVar[str] = "lead.contract_recorded"

    contract_id: str
    step: str
    at: str
    previous: str | None = None


@dataclass(frozen=True)
class LeadContractResendRequested(Event):
    """Somebody asked for a reminder by `sms` or `email`; the message itself is queued beside it."""

    TOPIC: ClassVar[str] = "lead.contract_resend_requested"

    contract_id: str
    channel: str


@dataclass(frozen=True)
class LeadContractRejected(Event):
    """Somebody cancelled the contract, at the event's time."""

    TOPIC: ClassVar[str] = "lead.contract_rejected"

    contract_id: str
    reason: str = ""
    previous: str | None = None


@dataclass(frozen=True)
class LeadAbsorbed(Event):
    """Another lead was merged into this one: its history is read from here.

    contacts: numbers that came with it, as contacts at the end of the dialling order, each
    `{"id", "phone", "typed", "fields"}`.
    """

    TOPIC: ClassVar[str] = "lead.absorbed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"contacts"})

    lead_id: str
    contacts: Sequence[Fields] = ()


@dataclass(frozen=True)
class LeadReleased(Event):
    """A lead that was merged into this one stands alone again; these contacts left with it."""

    TOPIC: ClassVar[str] = "lead.released"

    lead_id: str
    contacts: Sequence[int] = ()


@dataclass(frozen=True)
class LeadMerged(Event):
    """The lead was merged into another one: inactive, without a claim, worked on there."""

    TOPIC: ClassVar[str] = "lead.merged"

    into: str
    was_active: bool = True


@dataclass(frozen=True)
class LeadUnmerged(Event):
    """The lead stands alone again, active or not as it was before it was merged."""

    TOPIC: ClassVar[str] = "lead.unmerged"

    previous: str
    active: bool = True
