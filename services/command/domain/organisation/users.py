"""Decisions on users and on the keys that act for them."""

from collections.abc import Iterable

from schemas import organisation as events
from schemas.event import Event
from schemas.instants import format_instant
from services.command.domain.decider import Reason, decides
from services.command.domain.facts import Facts
from services.command.domain.organisation.commands import (
    ActivateUser,
    AddUser,
    ChangeUser,
    DeactivateUser,
    IssueApiKey,
    MoveUser,
    RevokeApiKey,
)
from services.command.domain.organisation.state import ApiKey, Organisation, User
from services.command.domain.organisation.teams import (
    code_must_be_free,
    id_must_be_free,
    known,
    refuse,
    team_must_take,
)


def _user_must_exist(organisation: Organisation, user: str) -> Iterable[Reason]:
    if user not in organisation.users:
        yield Reason("unknown-user", "There is no such user.", "user")


def _email_must_be_free(
    organisation: Organisation, email: str | None, user: str
) -> Iterable[Reason]:
    holder = None if email is None else organisation.users_by_email.get(email.lower())
    if holder not in {None, user}:
        yield Reason("email-taken", "Another user has this e-mail address.", "email")


def _admin_must_remain(organisation: Organisation, user: User) -> Iterable[Reason]:
    """Nobody could undo it if the last admin were gone."""
    admins = (one for one in organisation.users.values() if one.role == "admin" and one.active)
    if all(one.id == user.id for one in admins) and user.role == "admin" and user.active:
        text = "This is the last active admin; make somebody else an admin first."
        yield Reason("last-admin", text, "user")


@decides(AddUser)
def _add(organisation: Organisation | None, command: AddUser, facts: Facts) -> Iterable[Event]:
    state = known(organisation, command, facts)
    user = command.id or str(facts.new_ids[0])
    refuse(
        (
            *id_must_be_free(state, user),
            *team_must_take(state, command.team),
            *code_must_be_free(state, command.ownership_code),
            *_email_must_be_free(state, command.email, user),
        )
    )
    yield events.UserAdded(
        user=user,
        team=command.team,
        role=command.role,
        rights=tuple(sorted(set(command.rights))),
        ownership_code=command.ownership_code,
        name=command.name,
        email=command.email or "",
    )


@decides(ChangeUser)
def _change(
    organisation: Organisation | None, command: ChangeUser, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse(_user_must_exist(state, command.user))
    user = state.users[command.user]
    reasons = list(_email_must_be_free(state, command.email, user.id))
    if command.role not in {None, "admin"}:
        reasons.extend(_admin_must_remain(state, user))
    refuse(reasons)
    rights = user.rights if command.rights is None else frozenset(command.rights)
    changed = events.UserChanged(
        user=user.id,
        role=command.role or user.role,
        rights=tuple(sorted(rights)),
        before={"role": user.role, "rights": sorted(user.rights)},
        name=command.name or user.name,
        email=command.email or user.email,
        personal_before={"name": user.name, "email": user.email},
    )
    before = (user.role, user.rights, user.name, user.email)
    if (changed.role, rights, changed.name, changed.email) != before:
        yield changed


@decides(MoveUser)
def _move(organisation: Organisation | None, command: MoveUser, facts: Facts) -> Iterable[Event]:
    state = known(organisation, command, facts)
    before = state.users[command.user].team if command.user in state.users else None
    taking = () if before == command.team else team_must_take(state, command.team)
    refuse((*_user_must_exist(state, command.user), *taking))
    if before is not None and before != command.team:
        yield events.UserMoved(command.user, command.team, before)


@decides(ActivateUser)
def _activate(
    organisation: Organisation | None, command: ActivateUser, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse(_user_must_exist(state, command.user))
    user = state.users[command.user]
    if not user.active:
        refuse(team_must_take(state, user.team))
        yield events.UserActivated(command.user)


@decides(DeactivateUser)
def _deactivate(
    organisation: Organisation | None, command: DeactivateUser, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse(_user_must_exist(state, command.user))
    user = state.users[command.user]
    refuse(_admin_must_remain(state, user))
    if user.active:
        yield events.UserDeactivated(command.user)


@decides(IssueApiKey)
def _issue_key(
    organisation: Organisation | None, command: IssueApiKey, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    expires_at = None if command.expires_at is None else format_instant(command.expires_at)
    asked = ApiKey(command.key_id, command.user, command.secret_hash, command.label, expires_at)
    if state.keys.get(command.key_id) == asked:
        return
    reasons = list(_user_must_exist(state, command.user))
    if not reasons and not state.users[command.user].active:
        reasons.append(
            Reason("user-inactive", "The user may not act; activate them first.", "user")
        )
    if command.key_id in state.keys:
        reasons.append(Reason("key-exists", "A key with this id exists; make another.", "key_id"))
    if command.expires_at is not None and command.expires_at <= facts.now:
        text = "The key would have expired already; choose a later time, or none."
        reasons.append(Reason("time-is-past", text, "expires_at"))
    refuse(reasons)
    yield events.ApiKeyIssued(
        key_id=command.key_id,
        user=command.user,
        secret_hash=command.secret_hash,
        label=command.label,
        expires_at=expires_at,
    )


@decides(RevokeApiKey)
def _revoke_key(
    organisation: Organisation | None, command: RevokeApiKey, facts: Facts
) -> Iterable[Event]:
    key = known(organisation, command, facts).keys.get(command.key_id)
    if key is None:
        refuse([Reason("unknown-key", "There is no such API key.", "key_id")])
    elif not key.revoked:
        yield events.ApiKeyRevoked(key.id, key.user)
