"""Decisions on the tree of teams and on who is reached by which code."""

from collections.abc import Iterable, Sequence

from schemas import organisation as events
from schemas.event import Event
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.organisation.commands import (
    ActivateTeam,
    AddTeam,
    DeactivateTeam,
    MoveTeam,
    RenameTeam,
    SetOwnershipCode,
    SetUpOrganisation,
)
from services.command.domain.organisation.state import Organisation

_NAMED = 10


def known(organisation: Organisation | None, command: Command, facts: Facts) -> Organisation:
    """Return the organisation; refuse when the actor may not, or when it was never set up."""
    admit(command, facts)
    if organisation is None or not organisation.top:
        text = "The organisation has not been set up yet; start the service once."
        raise Refused([Reason("organisation-not-set-up", text)])
    return organisation


def refuse(reasons: Iterable[Reason]) -> None:
    """Refuse if there is any reason, with all of them."""
    found = list(reasons)
    if found:
        raise Refused(found)


def team_must_exist(organisation: Organisation, team: str, field: str = "team") -> Iterable[Reason]:
    """Yield a reason unless the team exists."""
    if team not in organisation.teams:
        yield Reason("unknown-team", "There is no such team.", field)


def team_must_take(organisation: Organisation, team: str, field: str = "team") -> Iterable[Reason]:
    """Yield a reason unless the team exists and may be given users and teams."""
    yield from team_must_exist(organisation, team, field)
    if team in organisation.teams and not organisation.teams[team].active:
        text = "That team is switched off; activate it, or choose another."
        yield Reason("team-inactive", text, field)


def code_must_be_free(
    organisation: Organisation, ownership_code: str | None, owner: str = ""
) -> Iterable[Reason]:
    """Yield a reason when the ownership code belongs to somebody other than `owner`."""
    holder = None if ownership_code is None else organisation.owner_by_code(ownership_code)
    if holder not in {None, owner}:
        text = f"The ownership code {ownership_code} belongs to {holder}; choose another."
        yield Reason("ownership-code-taken", text, "ownership_code")


def id_must_be_free(organisation: Organisation, new_id: str) -> Iterable[Reason]:
    """Yield a reason when a team or user has this id."""
    if new_id in organisation.teams or new_id in organisation.users:
        yield Reason("id-taken", "A team or user with this id exists already.", "id")


@decides(SetUpOrganisation)
def _set_up(
    organisation: Organisation | None, command: SetUpOrganisation, facts: Facts
) -> Iterable[Event]:
    admit(command, facts)
    if organisation is None or not organisation.top:
        team = command.team or str(facts.new_ids[0])
        yield events.OrganisationSetUp(team, command.name, command.ownership_code)


@decides(AddTeam)
def _add(organisation: Organisation | None, command: AddTeam, facts: Facts) -> Iterable[Event]:
    state = known(organisation, command, facts)
    parent = command.parent or state.top
    team = command.id or str(facts.new_ids[0])
    refuse(
        (
            *id_must_be_free(state, team),
            *team_must_take(state, parent, "parent"),
            *code_must_be_free(state, command.ownership_code),
        )
    )
    yield events.TeamAdded(team, command.name, parent, command.ownership_code)


@decides(RenameTeam)
def _rename(
    organisation: Organisation | None, command: RenameTeam, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse(team_must_exist(state, command.team))
    before = state.teams[command.team].name
    if before != command.name:
        yield events.TeamRenamed(command.team, command.name, before)


@decides(MoveTeam)
def _move(organisation: Organisation | None, command: MoveTeam, facts: Facts) -> Iterable[Event]:
    state = known(organisation, command, facts)
    reasons = list(team_must_exist(state, command.team))
    known_team = state.teams.get(command.team)
    if known_team is None or known_team.parent != command.parent:
        reasons += team_must_take(state, command.parent, "parent")
    if command.team == state.top:
        text = "The top-level team stays on top; move the teams below it."
        reasons.append(Reason("team-is-top", text, "team"))
    elif command.parent in state.tree.subtree(command.team):
        text = "A team cannot hang under itself or under a team below it."
        reasons.append(Reason("team-cycle", text, "parent"))
    refuse(reasons)
    before = state.teams[command.team].parent
    if before != command.parent:
        yield events.TeamMoved(command.team, command.parent, before or "")


@decides(ActivateTeam)
def _activate(
    organisation: Organisation | None, command: ActivateTeam, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse(team_must_exist(state, command.team))
    team = state.teams[command.team]
    if team.parent is not None and not state.teams[team.parent].active:
        text = f"The team above it, {state.teams[team.parent].name}, is switched off; start there."
        refuse([Reason("team-inactive", text, "team")])
    if not team.active:
        yield events.TeamActivated(team.id)


@decides(DeactivateTeam)
def _deactivate(
    organisation: Organisation | None, command: DeactivateTeam, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    refuse((*team_must_exist(state, command.team), *_hangs_on(state, command.team)))
    if state.teams[command.team].active:
        yield events.TeamDeactivated(command.team)


def _hangs_on(organisation: Organisation, team: str) -> Iterable[Reason]:
    """Yield what would be left without the team. Users by id: their names are personal."""
    if team == organisation.top:
        text = "The top-level team owns what nobody else does; it cannot be switched off."
        yield Reason("team-is-top", text, "team")
    below = [one.name for one in organisation.teams.values() if one.parent == team and one.active]
    if below:
        text = f"Active teams hang below it: {_some(below)}; move them or switch them off first."
        yield Reason("team-has-teams", text, "team")
    members = organisation.members.get(team, frozenset())
    users = sorted(user for user in members if organisation.users[user].active)
    if users:
        text = f"Active users are in it: {_some(users)}; move them or switch them off first."
        yield Reason("team-has-users", text, "team")


def _some(names: Sequence[str]) -> str:
    more = "" if len(names) <= _NAMED else f" and {len(names) - _NAMED} more"
    return ", ".join(names[:_NAMED]) + more


@decides(SetOwnershipCode)
def _set_code(
    organisation: Organisation | None, command: SetOwnershipCode, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    reasons = list(code_must_be_free(state, command.ownership_code, command.owner))
    if not state.knows_owner(command.owner):
        reasons.append(Reason("unknown-owner", "There is no such team or user.", "owner"))
    refuse(reasons)
    kind, _, owner_id = command.owner.partition(":")
    owner = state.teams[owner_id] if kind == "team" else state.users[owner_id]
    if owner.ownership_code != command.ownership_code:
        yield events.OwnershipCodeChanged(
            command.owner, command.ownership_code, owner.ownership_code
        )
