"""What can happen to the organisation: teams, users, API keys, statuses. One stream, one fixed id.

Ids of teams and users are the text of a UUID; an owner is `team:<uuid>` or `user:<uuid>`. People's
names and addresses are personal fields of this stream. The secret of an API key is in no event,
only its hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from schemas.event import Event

ORGANISATION_ID = UUID("01920000-0000-7000-8000-6f7267616e69")
"""The stream of the organisation: there is one in an installation."""

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class OrganisationSetUp(Event):
    """The organisation began, with the top-level team that owns what nobody else does (rule 3)."""

    TOPIC: ClassVar[str] = "organisation.set_up"

    team: str
    name: str
    ownership_code: str | None = None


@dataclass(frozen=True)
class TeamAdded(Event):
    """A team was added below `parent`."""

    TOPIC: ClassVar[str] = "organisation.team_added"

    team: str
    name: str
    parent: str
    ownership_code: str | None = None


@dataclass(frozen=True)
class TeamRenamed(Event):
    """The team has this name now."""

    TOPIC: ClassVar[str] = "organisation.team_renamed"

    team: str
    name: str
    previous: str = ""


@dataclass(frozen=True)
class TeamMoved(Event):
    """The team, with all below it, hangs under `parent` now; who may call what follows (rule 1)."""

    TOPIC: ClassVar[str] = "organisation.team_moved"

    team: str
    parent: str
    previous: str = ""


@dataclass(frozen=True)
class TeamActivated(Event):
    """The team may be given leads, users and teams below it again."""

    TOPIC: ClassVar[str] = "organisation.team_activated"

    team: str


@dataclass(frozen=True)
class TeamDeactivated(Event):
    """The team gets no more leads, users or teams; the leads it owns stay its own."""

    TOPIC: ClassVar[str] = "organisation.team_deactivated"

    team: str


@dataclass(frozen=True)
class OwnershipCodeChanged(Event):
    """Uploads and the API reach this team or user by this code now; None = by none (rule 3)."""

    TOPIC: ClassVar[str] = "organisation.ownership_code_changed"

    owner: str
    ownership_code: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class UserAdded(Event):
    """A person, or a dialer's service account, may act from now on."""

    TOPIC: ClassVar[str] = "organisation.user_added"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"name", "email"})

    user: str
    team: str
    role: str
    rights: Sequence[str] = ()
    ownership_code: str | None = None
    name: str = ""
    email: str = ""


@dataclass(frozen=True)
class UserChanged(Event):
    """The user has this role, these rights, this name and this address now."""

    TOPIC: ClassVar[str] = "organisation.user_changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"name", "email", "personal_before"})

    user: str
    role: str
    rights: Sequence[str] = ()
    before: Stored | None = None
    name: str = ""
    email: str = ""
    personal_before: Stored | None = None


@dataclass(frozen=True)
class UserMoved(Event):
    """The user belongs to this team now."""

    TOPIC: ClassVar[str] = "organisation.user_moved"

    user: str
    team: str
    previous: str = ""


@dataclass(frozen=True)
class UserActivated(Event):
    """The user may act again."""

    TOPIC: ClassVar[str] = "organisation.user_activated"

    user: str


@dataclass(frozen=True)
class UserDeactivated(Event):
    """The user may not act any more, by no key; what they own stays theirs."""

    TOPIC: ClassVar[str] = "organisation.user_deactivated"

    user: str


@dataclass(frozen=True)
class ApiKeyIssued(Event):
    """A key lets its holder act as this user, until it ends or is revoked; only a hash is kept."""

    TOPIC: ClassVar[str] = "organisation.api_key_issued"

    key_id: str
    user: str
    secret_hash: str
    label: str = ""
    expires_at: str | None = None


@dataclass(frozen=True)
class ApiKeyRevoked(Event):
    """The key opens nothing any more; a revoked key never comes back."""

    TOPIC: ClassVar[str] = "organisation.api_key_revoked"

    key_id: str
    user: str = ""


@dataclass(frozen=True)
class StatusAdded(Event):
    """The organisation has a lead status of its own (schemas/statuses.py)."""

    TOPIC: ClassVar[str] = "organisation.status_added"

    code: str
    label: str
    group: str
    dialable: bool
    kind: str


@dataclass(frozen=True)
class StatusCatalogueChanged(Event):
    """An entry of the status catalogue is shown and dialled like this now."""

    TOPIC: ClassVar[str] = "organisation.status_catalogue_changed"

    code: str
    label: str
    dialable: bool
    before: Stored | None = None


@dataclass(frozen=True)
class StatusActivated(Event):
    """The status may be set again."""

    TOPIC: ClassVar[str] = "organisation.status_activated"

    code: str


@dataclass(frozen=True)
class StatusDeactivated(Event):
    """No lead is given the status any more; those that have it keep it."""

    TOPIC: ClassVar[str] = "organisation.status_deactivated"

    code: str


ORGANISATION_EVENTS: tuple[type[Event], ...] = (
    OrganisationSetUp,
    TeamAdded,
    TeamRenamed,
    TeamMoved,
    TeamActivated,
    TeamDeactivated,
    OwnershipCodeChanged,
    UserAdded,
    UserChanged,
    UserMoved,
    UserActivated,
    UserDeactivated,
    ApiKeyIssued,
    ApiKeyRevoked,
    StatusAdded,
    StatusCatalogueChanged,
    StatusActivated,
    StatusDeactivated,
)
