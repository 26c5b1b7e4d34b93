"""What a lead is at one version: the memory on which decisions about it are made.

States are cached and shared, so everybody treats them as immutable; only lead/evolving.py makes
new ones. Instants are text (schemas/instants.py) where events carry them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from schemas.instants import is_before, parse_instant

PRIMARY = 0
"""Id of the primary number among the lead's contacts."""


class Contact(NamedTuple):
    """A secondary contact: another number of the same lead, with fields of its own."""

    id: int
    phone: str | None
    typed: str | None
    fields: Mapping[str, Any]


class Reservation(NamedTuple):
    """A started call: nobody else may dial the lead until it is recorded or has expired."""

    call_id: str
    agent: str | None
    number: str | None
    expires_at: str


class Contract(NamedTuple):
    """A contract: its steps as (at, step) in order of their own time."""

    steps: tuple[tuple[str, str], ...]

    @property
    def step(self) -> str | None:
        """Where it stands: the latest step by its own time, of equals the one told last."""
        return self.steps[-1][1] if self.steps else None

    def after(self, at: str, step: str) -> "Contract":
        """Return the contract with one more step at its place in time."""
        place = self._place(at)
        return Contract((*self.steps[:place], (at, step), *self.steps[place:]))

    def step_at(self, at: str) -> str | None:
        """Where it stood at that time, as far as is known; None before its first step."""
        place = self._place(at)
        return self.steps[place - 1][1] if place else None

    def _place(self, at: str) -> int:
        place = len(self.steps)
        while place and is_before(at, self.steps[place - 1][0]):
            place -= 1
        return place


class Outgoing(NamedTuple):
    """A message to the lead: `queued`, `sent`, `delivered`, `failed` for `code`, or `cancelled`.

    since: when it was queued last. sent: whether a server took it since.
    """

    channel: str
    state: str
    since: datetime
    contract_id: str | None = None
    code: str = ""
    sent: bool = False


class Wording(NamedTuple):
    """What a message said, and where it went."""

    address: str | None
    subject: str | None
    body: str | None


class DialWindow(NamedTuple):
    """Dialled only between these times of day; zone None = every plausible zone."""

    start: str
    end: str
    zone: str | None


@dataclass(slots=True, eq=True)
class Lead:
    """One lead. `version` counts its events; 0 = there is no such lead."""

    version: int = 0
    id: str = ""
    campaign_id: str = ""
    pool_id: str | None = None
    segment_id: str | None = None
    source: str = ""
    key: str = "phone"
    claims: bool = True
    cloned_from: str | None = None

    owner: str = ""
    original_owner: str = ""
    status: str = ""
    previous_statuses: tuple[str, ...] = ()
    status_edited_at: datetime | None = None
    active: bool = True
    active_from: str | None = None
    active_until: str | None = None
    suppressed: bool = False
    suppressed_until: str | None = None
    priority: int = 5

    phone: str | None = None
    phone_typed: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    contacts_made: int = 0
    numbers_known: frozenset[str] = frozenset()
    notes: Mapping[int, str] = field(default_factory=dict)
    notes_made: int = 0

    messages: frozenset[str] = frozenset()
    """Ids of all messages ever."""
    outbox: Mapping[str, Outgoing] = field(default_factory=dict)
    """Messages we send, by id."""
    contract_messages: Mapping[tuple[str, str], Wording] = field(default_factory=dict)
    """The latest message about each contract, by (contract, channel)."""
    contracts: Mapping[str, Contract] = field(default_factory=dict)
    merged_into: str | None = None
    active_alone: bool = True
    """Whether a merged lead was active before."""
    absorbed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Leads merged into this one, each with the ids of the contacts that came with it."""

    calls: dict[str, tuple[str, str | None]] = field(default_factory=dict)
    """Call id → (started at, number), every call ever."""
    sessions: set[str] = field(default_factory=set)
    attempts: int = 0
    """Since the last reset (pass count)."""
    attempts_by_number: Mapping[str, int] = field(default_factory=dict)
    attempts_by_rule: Mapping[str, int] = field(default_factory=dict)
    call_attempts: int = 0
    contact_attempts: int = 0
    talk_seconds: int = 0
    reset_at: str | None = None
    reservation: Reservation | None = None
    latest_call_id: str | None = None
    latest_call_at: str | None = None
    latest_call_by: str | None = None
    latest_end_cause: str | None = None
    latest_disposition: str | None = None

    next_dial_at: str | None = None
    next_contact: int | None = None
    callback_at: str | None = None
    callback_agent: str | None = None
    locked_by: str | None = None
    locked_until: str | None = None
    reserved_for: str | None = None
    dial_window: DialWindow | None = None

    sessions_ended: frozenset[str] = frozenset()
    unresolved_at: datetime | None = None
    """Since when the status is `unresolved`."""
    unresolved_by: str | None = None
    """Whose session left it so; the lock that came with it is theirs."""
    told: Mapping[str, str] = field(default_factory=dict)
    """Which due times the log holds already, by rule (lead/clock.py)."""

    result: str | None = None
    processed_by: str | None = None
    processed_at: datetime | None = None
    created_at: datetime | None = None
    created_by: str = ""
    modified_at: datetime | None = None
    modified_by: str = ""
    anonymised: bool = False
    deleted: bool = False

    @property
    def exists(self) -> bool:
        """Whether there is lead data: created, and neither deleted nor anonymised."""
        return self.version > 0 and not self.deleted and not self.anonymised

    def is_locked(self, now: datetime) -> bool:
        """Say whether somebody's lock holds at that instant."""
        if self.locked_by is None:
            return False
        return self.locked_until is None or now < parse_instant(self.locked_until)

    def is_suppressed(self, now: datetime) -> bool:
        """Say whether the lead is suppressed at that instant."""
        if not self.suppressed:
            return False
        return self.suppressed_until is None or now < parse_instant(self.suppressed_until)

    def is_being_called(self, now: datetime) -> bool:
        """Say whether a started call holds the lead at that instant."""
        return self.reservation is not None and now < parse_instant(self.reservation.expires_at)

    def value(self, import_name: str) -> Any:
        """Return the value of a field, personal or not; None when it has none."""
        found = self.fields.get(import_name)
        return self.personal.get(import_name) if found is None else found

    def contact(self, contact_id: int) -> Contact | None:
        """Return the secondary contact with this id."""
        return next((one for one in self.contacts if one.id == contact_id), None)
