"""What can happen to a lead: the facts of one stream `lead-<uuid>`, one contact in one campaign.

These names and fields are the storage format: never rename one, only add fields with a default.
Instants are text (schemas/instants.py), owners are `team:<uuid>` or `user:<uuid>`, `previous` and
`before` are what stood there until then. What concerns dialling is in schemas/lead_dialling.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event
from schemas.lead_clock import (
    LeadCallbackDue,
    LeadCallbackOverdue,
    LeadCallLapsed,
    LeadDialDue,
    LeadSessionEnded,
)
from schemas.lead_dealings import (
    LeadAbsorbed,
    LeadContractRecorded,
    LeadContractRejected,
    LeadContractResendRequested,
    LeadMerged,
    LeadMessageCancelled,
    LeadMessageDelivered,
    LeadMessageFailed,
    LeadMessageQueued,
    LeadMessageRecorded,
    LeadMessageRequeued,
    LeadMessageSent,
    LeadReleased,
    LeadUnmerged,
)
from schemas.lead_dialling import (
    LeadAttemptsRestored,
    LeadCallbackCancelled,
    LeadCallbackSet,
    LeadCallRecorded,
    LeadCallStarted,
    LeadDialScheduled,
    LeadDialTimeLimited,
    LeadDialTimeLimitRemoved,
    LeadLocked,
    LeadManualPassRecorded,
    LeadReserved,
    LeadResultRecorded,
    LeadScheduledDialCancelled,
    LeadUnlocked,
    LeadUnreserved,
)

__all__ = [
    "LEAD_EVENTS",
    "Fields",
    "LeadAbsorbed",
    "LeadActivated",
    "LeadAddedToSegment",
    "LeadAnonymised",
    "LeadAttemptsRestored",
    "LeadCallLapsed",
    "LeadCallRecorded",
    "LeadCallStarted",
    "LeadCallbackCancelled",
    "LeadCallbackDue",
    "LeadCallbackOverdue",
    "LeadCallbackSet",
    "LeadCancelled",
    "LeadCloned",
    "LeadContactAdded",
    "LeadContactChanged",
    "LeadContactRemoved",
    "LeadContactsReordered",
    "LeadContractRecorded",
    "LeadContractRejected",
    "LeadContractResendRequested",
    "LeadCreated",
    "LeadDeactivated",
    "LeadDeleted",
    "LeadDialDue",
    "LeadDialScheduled",
    "LeadDialTimeLimitRemoved",
    "LeadDialTimeLimited",
    "LeadFieldsChanged",
    "LeadLocked",
    "LeadManualPassRecorded",
    "LeadMerged",
    "LeadMessageCancelled",
    "LeadMessageDelivered",
    "LeadMessageFailed",
    "LeadMessageQueued",
    "LeadMessageRecorded",
    "LeadMessageRequeued",
    "LeadMessageSent",
    "LeadMoved",
    "LeadNoteAdded",
    "LeadNoteEdited",
    "LeadNoteRemoved",
    "LeadOwnerChanged",
    "LeadPaused",
    "LeadPhoneChanged",
    "LeadPriorityChanged",
    "LeadReadied",
    "LeadReleased",
    "LeadRemovedFromSegment",
    "LeadReserved",
    "LeadReset",
    "LeadResultRecorded",
    "LeadScheduledDialCancelled",
    "LeadSessionEnded",
    "LeadStatusChanged",
    "LeadStatusRestored",
    "LeadSuppressed",
    "LeadUnlocked",
    "LeadUnmerged",
    "LeadUnreserved",
    "LeadUnsuppressed",
]

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class LeadCreated(Event):
    """A lead came into a campaign.

    key: import name of the campaign's duplicate key, `phone` = the primary number (rule 15).
    claims: False for a clone made on purpose beside its duplicate; it holds no claim.
    source: manual, upload, api, clone or dialer.
    contacts: secondary contacts in dialling order, each `{"id", "phone", "typed", "fields"}`.
    personal_fields also holds the built-in `name`, `email` and `whatsapp`.
    """

    TOPIC: ClassVar[str] = "lead.created"
    PERSONAL: ClassVar[frozenset[str]] = frozenset(
        {"phone", "phone_typed", "personal_fields", "contacts"}
    )

    campaign_id: str
    owner: str
    status: str = "created"
    phone: str | None = None
    phone_typed: str | None = None
    fields: Fields | None = None
    personal_fields: Fields | None = None
    contacts: Sequence[Fields] = ()
    priority: int = 5
    active: bool = True
    pool_id: str | None = None
    source: str = "manual"
    key: str = "phone"
    claims: bool = True
    active_from: str | None = None
    active_until: str | None = None
    next_dial_at: str | None = None
    cloned_from: str | None = None


@dataclass(frozen=True)
class LeadFieldsChanged(Event):
    """Fields got new values or lost theirs. `before` holds only names that had a value."""

    TOPIC: ClassVar[str] = "lead.fields_changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"personal_set", "personal_before"})

    set: Fields | None = None
    unset: Sequence[str] = ()
    before: Fields | None = None
    personal_set: Fields | None = None
    personal_before: Fields | None = None


@dataclass(frozen=True)
class LeadPhoneChanged(Event):
    """The primary number changed; with it the claim, where the phone is the duplicate key."""

    TOPIC: ClassVar[str] = "lead.phone_changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"phone", "phone_typed", "previous"})

    phone: str | None = None
    phone_typed: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class LeadContactAdded(Event):
    """A secondary contact was added at the end of the dialling order; `contact` counts from 1."""

    TOPIC: ClassVar[str] = "lead.contact_added"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"phone", "phone_typed", "fields"})

    contact: int
    phone: str | None = None
    phone_typed: str | None = None
    fields: Fields | None = None


@dataclass(frozen=True)
class LeadContactChanged(Event):
    """A secondary contact now has this number and these fields."""

    TOPIC: ClassVar[str] = "lead.contact_changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"phone", "phone_typed", "fields", "before"})

    contact: int
    phone: str | None = None
    phone_typed: str | None = None
    fields: Fields | None = None
    before: Fields | None = None


@dataclass(frozen=True)
class LeadContactRemoved(Event):
    """A secondary contact was removed; its number is no longer the lead's."""

    TOPIC: ClassVar[str] = "lead.contact_removed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"before"})

    contact: int
    before: Fields | None = None


@dataclass(frozen=True)
class LeadContactsReordered(Event):
    """The secondary contacts are dialled in this order, after the primary number."""

    TOPIC: ClassVar[str] = "lead.contacts_reordered"

    order: Sequence[int]
    previous: Sequence[int] = ()


@dataclass(frozen=True)
class LeadNoteAdded(Event):
    """Somebody wrote a note; notes of a lead are numbered from 1."""

    TOPIC: ClassVar[str] = "lead.note_added"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"text"})

    note: int
    text: str = ""


@dataclass(frozen=True)
class LeadNoteEdited(Event):
    """A note now has this text."""

    TOPIC: ClassVar[str] = "lead.note_edited"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"text", "previous"})

    note: int
    text: str = ""
    previous: str = ""


@dataclass(frozen=True)
class LeadNoteRemoved(Event):
    """A note was removed; its number is not used again."""

    TOPIC: ClassVar[str] = "lead.note_removed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"previous"})

    note: int
    previous: str = ""


@dataclass(frozen=True)
class LeadOwnerChanged(Event):
    """The lead belongs to another team or user now (rules 1, 4).

    part_of: `status` or `call` when it comes with an edited status or a call (lead_modified.py).
    """

    TOPIC: ClassVar[str] = "lead.owner_changed"

    owner: str
    previous: str = ""
    part_of: str | None = None


@dataclass(frozen=True)
class LeadStatusChanged(Event):
    """The status was edited; `last_modified_by` stays (rule 5), the log names the actor.

    next_dial_at: the retry timer that the status starts. ends_waiting: the status closes the lead,
    so that no dial, retry or callback waits any more.
    """

    TOPIC: ClassVar[str] = "lead.status_changed"

    status: str
    previous: str = ""
    reason: str | None = None
    next_dial_at: str | None = None
    ends_waiting: bool = False


@dataclass(frozen=True)
class LeadStatusRestored(Event):
    """The status from before the last change came back (rule 6).

    ends_waiting: it closes the lead, so that no dial, retry or callback waits any more.
    """

    TOPIC: ClassVar[str] = "lead.status_restored"

    status: str
    previous: str = ""
    ends_waiting: bool = False


@dataclass(frozen=True)
class LeadReset(Event):
    """Attempts count from 0 again, status `ready`, next dial at the event's time (rule 7)."""

    TOPIC: ClassVar[str] = "lead.reset"

    next_dial_at: str
    previous: str = ""
    attempts_before: int = 0


@dataclass(frozen=True)
class LeadReadied(Event):
    """Status `ready`; attempts and next dial stay (rule 7)."""

    TOPIC: ClassVar[str] = "lead.readied"

    previous: str = ""


@dataclass(frozen=True)
class LeadCancelled(Event):
    """Status `cancelled`: not dialled until restored or readied (rule 6)."""

    TOPIC: ClassVar[str] = "lead.cancelled"

    previous: str = ""


@dataclass(frozen=True)
class LeadPaused(Event):
    """Status `paused`: not dialled for now (rule 6)."""

    TOPIC: ClassVar[str] = "lead.paused"

    previous: str = ""


@dataclass(frozen=True)
class LeadActivated(Event):
    """The lead may be called again."""

    TOPIC: ClassVar[str] = "lead.activated"


@dataclass(frozen=True)
class LeadDeactivated(Event):
    """The lead is taken out of its campaign's work and of most people's sight (rule 2)."""

    TOPIC: ClassVar[str] = "lead.deactivated"


@dataclass(frozen=True)
class LeadSuppressed(Event):
    """The lead is not dialled, status untouched, until lifted or until `until` (rule 6)."""

    TOPIC: ClassVar[str] = "lead.suppressed"

    reason: str = ""
    until: str | None = None


@dataclass(frozen=True)
class LeadUnsuppressed(Event):
    """The suppression is lifted; the status is what it was all along."""

    TOPIC: ClassVar[str] = "lead.unsuppressed"

    reason: str = ""


@dataclass(frozen=True)
class LeadPriorityChanged(Event):
    """The lead is dialled earlier or later: 10 first, 1 last (rule 18)."""

    TOPIC: ClassVar[str] = "lead.priority_changed"

    priority: int
    previous: int = 5


@dataclass(frozen=True)
class LeadAddedToSegment(Event):
    """The lead is in this segment, and in no other."""

    TOPIC: ClassVar[str] = "lead.added_to_segment"

    segment_id: str
    previous: str | None = None


@dataclass(frozen=True)
class LeadRemovedFromSegment(Event):
    """The lead is in no segment."""

    TOPIC: ClassVar[str] = "lead.removed_from_segment"

    previous: str | None = None


@dataclass(frozen=True)
class LeadMoved(Event):
    """The lead went to another campaign or pool; `dropped` fields do not exist there.

    key: import name of the duplicate key there; the claim moves with the lead (rule 15).
    claims: False for a lead moved on purpose beside its duplicate; it holds no claim.
    """

    TOPIC: ClassVar[str] = "lead.moved"

    campaign_id: str
    pool_id: str | None = None
    key: str = "phone"
    dropped: Sequence[str] = ()
    previous: str = ""
    previous_pool: str | None = None
    claims: bool = True


@dataclass(frozen=True)
class LeadCloned(Event):
    """The lead was cloned into another campaign (rule 14); the clone's own stream tells the rest.

    outcome: `created` (lead_id is new), `updated` or `moved` (lead_id is the duplicate found).
    dropped: import names the target's template does not have.
    """

    TOPIC: ClassVar[str] = "lead.cloned"

    lead_id: str
    campaign_id: str
    outcome: str = "created"
    dropped: Sequence[str] = ()


@dataclass(frozen=True)
class LeadAnonymised(Event):
    """Lead data is erased, the row stays with status `anonymised` (rule 16)."""

    TOPIC: ClassVar[str] = "lead.anonymised"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""
    previous: str = ""


@dataclass(frozen=True)
class LeadDeleted(Event):
    """Lead data is erased; call facts stay, without the number (rule 16). The key is destroyed."""

    TOPIC: ClassVar[str] = "lead.deleted"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""


LEAD_EVENTS: tuple[type[Event], ...] = tuple(
    kind for name, kind in list(globals().items()) if name.startswith("Lead")
)
