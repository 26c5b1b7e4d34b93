"""What is known of the organisation: teams, users, their API keys, the status catalogue.

Ids are the text of a UUID. A state is never changed once handed out: `fold` works on a copy of its
own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from schemas import organisation as events
from schemas.envelope import Recorded
from schemas.event import Event
from schemas.instants import parse_instant
from schemas.rights import TeamTree
from schemas.statuses import BUILT_IN, Status


@dataclass(frozen=True, slots=True)
class Team:
    """A team; `parent` is None for the top-level team only."""

    id: str
    name: str
    parent: str | None = None
    ownership_code: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True)
class User:
    """A person or a dialer's service account. `email` is "" when there is none."""

    id: str
    team: str
    role: str
    rights: frozenset[str] = frozenset()
    ownership_code: str | None = None
    name: str = ""
    email: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that lets its holder act as `user`; only the hash of its secret is known."""

    id: str
    user: str
    secret_hash: str
    label: str = ""
    expires_at: str | None = None
    revoked: bool = False

    def opens(self, at: datetime) -> bool:
        """Say whether the key itself is good at that instant; its user must be active besides."""
        return not self.revoked and (self.expires_at is None or at < parse_instant(self.expires_at))


@dataclass(slots=True)
class Organisation:
    """The organisation. `version` 0 = not set up yet; `top` = the top-level team (rule 3).

    owners_by_code: owner (`team:…`, `user:…`) by ownership code; codes are compared exactly.
    users_by_email: user id by lower-case address. statuses: built-in and own, by code.
    """

    version: int = 0
    top: str = ""
    teams: dict[str, Team] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, ApiKey] = field(default_factory=dict)
    statuses: Mapping[str, Status] = field(default_factory=lambda: BUILT_IN)
    owners_by_code: dict[str, str] = field(default_factory=dict)
    users_by_email: dict[str, str] = field(default_factory=dict)
    parents: dict[str, str | None] = field(default_factory=dict)
    members: dict[str, frozenset[str]] = field(default_factory=dict)

    @property
    def tree(self) -> TeamTree:
        """The tree of teams with their users, for rules 1 and 2."""
        return TeamTree(self.parents, self.members)

    def knows_owner(self, owner: str) -> bool:
        """Say whether `owner` names a team or user of this organisation."""
        kind, _, owner_id = owner.partition(":")
        return owner_id in (self.teams if kind == "team" else self.users if kind == "user" else ())

    def is_active_owner(self, owner: str) -> bool:
        """Say whether `owner` is there and not switched off, so that leads may be given to it."""
        kind, _, owner_id = owner.partition(":")
        found = (self.teams if kind == "team" else self.users).get(owner_id)
        return found is not None and found.active and self.knows_owner(owner)

    def owner_by_code(self, ownership_code: str) -> str | None:
        """Return the owner with this ownership code, None when nobody has it (rule 3)."""
        return self.owners_by_code.get(ownership_code)


def _copy(known: Organisation) -> Organisation:
    return replace(
        known,
        teams=known.teams.copy(),
        users=known.users.copy(),
        keys=known.keys.copy(),
        owners_by_code=known.owners_by_code.copy(),
        users_by_email=known.users_by_email.copy(),
        parents=known.parents.copy(),
        members=known.members.copy(),
    )


def _put_team(known: Organisation, team: Team) -> None:
    known.teams[team.id] = team
    known.parents[team.id] = team.parent
    known.members.setdefault(team.id, frozenset())
    if team.ownership_code is not None:
        known.owners_by_code[team.ownership_code] = f"team:{team.id}"


def _set_up(known: Organisation, event: events.OrganisationSetUp) -> None:
    known.top = event.team
    _put_team(known, Team(event.team, event.name, None, event.ownership_code))


def _team_added(known: Organisation, event: events.TeamAdded) -> None:
    _put_team(known, Team(event.team, event.name, event.parent, event.ownership_code))


def _team_renamed(known: Organisation, event: events.TeamRenamed) -> None:
    team = known.teams.get(event.team)
    if team is not None:
        known.teams[team.id] = replace(team, name=event.name)


def _team_moved(known: Organisation, event: events.TeamMoved) -> None:
    team = known.teams.get(event.team)
    if team is not None:
        _put_team(known, replace(team, parent=event.parent))


def _team_switched(
    known: Organisation, event: events.TeamActivated | events.TeamDeactivated
) -> None:
    team = known.teams.get(event.team)
    if team is not None:
        active = isinstance(event, events.TeamActivated)
        known.teams[team.id] = replace(team, active=active)


def _ownership_code_changed(known: Organisation, event: events.OwnershipCodeChanged) -> None:
    known.owners_by_code = {
        code: owner for code, owner in known.owners_by_code.items() if owner != event.owner
    }
    if event.ownership_code is not None:
        known.owners_by_code[event.ownership_code] = event.owner
    kind, _, owner_id = event.owner.partition(":")
    if kind == "team" and owner_id in known.teams:
        team = replace(known.teams[owner_id], ownership_code=event.ownership_code)
        known.teams[owner_id] = team
    elif kind == "user" and owner_id in known.users:
        user = replace(known.users[owner_id], ownership_code=event.ownership_code)
        known.users[owner_id] = user


def _user_added(known: Organisation, event: events.UserAdded) -> None:
    known.users[event.user] = User(
        id=event.user,
        team=event.team,
        role=event.role,
        rights=frozenset(event.rights),
        ownership_code=event.ownership_code,
        name=event.name,
        email=event.email,
    )
    known.members[event.team] = known.members.get(event.team, frozenset()) | {event.user}
    if event.ownership_code is not None:
        known.owners_by_code[event.ownership_code] = f"user:{event.user}"
    if event.email:
        known.users_by_email[event.email.lower()] = event.user


def _user_changed(known: Organisation, event: events.UserChanged) -> None:
    user = known.users.get(event.user)
    if user is None:
        return
    if user.email:
        known.users_by_email.pop(user.email.lower(), None)
    if event.email:
        known.users_by_email[event.email.lower()] = user.id
    rights = frozenset(event.rights)
    known.users[user.id] = replace(
        user, role=event.role, rights=rights, name=event.name, email=event.email
    )


def _user_moved(known: Organisation, event: events.UserMoved) -> None:
    user = known.users.get(event.user)
    if user is None:
        return
    known.members[user.team] = known.members.get(user.team, frozenset()) - {user.id}
    known.members[event.team] = known.members.get(event.team, frozenset()) | {user.id}
    known.users[user.id] = replace(user, team=event.team)


def _user_switched(
    known: Organisation, event: events.UserActivated | events.UserDeactivated
) -> None:
    user = known.users.get(event.user)
    if user is not None:
        active = isinstance(event, events.UserActivated)
        known.users[user.id] = replace(user, active=active)


def _api_key_issued(known: Organisation, event: events.ApiKeyIssued) -> None:
    known.keys[event.key_id] = ApiKey(
        event.key_id, event.user, event.secret_hash, event.label, event.expires_at
    )


def _api_key_revoked(known: Organisation, event: events.ApiKeyRevoked) -> None:
    key = known.keys.get(event.key_id)
    if key is not None:
        known.keys[key.id] = replace(key, revoked=True)


def _status_added(known: Organisation, event: events.StatusAdded) -> None:
    values: Any = (event.code, event.label, event.group, event.dialable, event.kind)
    known.statuses = {**known.statuses, event.code: Status(*values)}


def _status_catalogue_changed(known: Organisation, event: events.StatusCatalogueChanged) -> None:
    status = known.statuses.get(event.code)
    if status is not None:
        changed = replace(status, label=event.label, dialable=event.dialable)
        known.statuses = {**known.statuses, event.code: changed}


def _status_switched(
    known: Organisation, event: events.StatusActivated | events.StatusDeactivated
) -> None:
    status = known.statuses.get(event.code)
    if status is not None:
        active = isinstance(event, events.StatusActivated)
        known.statuses = {**known.statuses, event.code: replace(status, active=active)}


_CHANGES: dict[type[Event], Callable[[Organisation, Any], None]] = {
    events.OrganisationSetUp: _set_up,
    events.TeamAdded: _team_added,
    events.TeamRenamed: _team_renamed,
    events.TeamMoved: _team_moved,
    events.TeamActivated: _team_switched,
    events.TeamDeactivated: _team_switched,
    events.OwnershipCodeChanged: _ownership_code_changed,
    events.UserAdded: _user_added,
    events.UserChanged: _user_changed,
    events.UserMoved: _user_moved,
    events.UserActivated: _user_switched,
    events.UserDeactivated: _user_switched,
    events.ApiKeyIssued: _api_key_issued,
    events.ApiKeyRevoked: _api_key_revoked,
    events.StatusAdded: _status_added,
    events.StatusCatalogueChanged: _status_catalogue_changed,
    events.StatusActivated: _status_switched,
    events.StatusDeactivated: _status_switched,
}


def fold(happened: Iterable[Event], organisation: Organisation | None = None) -> Organisation:
    """Return the organisation after these events, from `organisation` or from nothing."""
    known = Organisation() if organisation is None else _copy(organisation)
    for event in happened:
        known.version += 1
        change = _CHANGES.get(type(event))
        if change is not None:
            change(known, event)
    return known


def evolve(organisation: Organisation, event: Event) -> Organisation:
    """Return the organisation after one more event; an unknown event only counts."""
    return fold((event,), organisation)


def replay(recorded: Iterable[Recorded], organisation: Organisation | None = None) -> Organisation:
    """Return the organisation after these events as they stand in the log."""
    return fold((one.event for one in recorded), organisation)
