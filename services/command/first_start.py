"""An organisation to begin with: teams, a user of every role, and a key for each, made on the first
start.

Safe to run at every start and to be killed at any moment: everything has an id of its own that does
not change, and the keys are kept by the caller before they are let in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid5

from schemas.organisation import ORGANISATION_ID
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.organisation.commands import (
    AddTeam,
    AddUser,
    IssueApiKey,
    Right,
    Role,
    SetUpOrganisation,
)
from services.command.domain.organisation.state import Organisation
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.kit.auth import Principal, make_key, split_key

_DEMO = UUID("01920000-0000-7000-8000-00000064656d")
_ACTOR = Actor("service:first-start", "admin")
_NOBODY = Principal(user_id="", role="admin")


def _id(name: str) -> str:
    return str(uuid5(_DEMO, name))


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A user of the organisation to begin with; `name` is also the name of their key."""

    name: str
    shown_as: str
    role: Role
    team: str
    rights: tuple[Right, ...] = ()

    @property
    def id(self) -> str:
        """The user's id, the same in every installation."""
        return _id(f"user {self.name}")


TOP = "Head office"
TEAMS = ("North", "South")
USERS = (
    DemoUser("admin", "Ada Admin", "admin", TOP),
    DemoUser("auditor", "Otto Auditor", "auditor", TOP, ("extended_data", "extended_insights")),
    DemoUser("team_leader", "Lena Leader", "team_leader", "North"),
    DemoUser("agent", "Nils North", "agent", "North"),
    DemoUser("agent_south", "Sara South", "agent", "South"),
    DemoUser("dialer", "Dialer", "dialer", TOP),
)


def team_id(name: str) -> str:
    """Return the id of a team, the same in every installation."""
    return _id(f"team {name}")


def make_demo_keys() -> dict[str, str]:
    """Make a key for each user, by name. Keep them before giving them to `set_up`."""
    return {user.name: make_key().text for user in USERS}


async def is_set_up(commanding: Commanding) -> bool:
    """Say whether there is an organisation already."""
    return (await _organisation(commanding)).version > 0


async def set_up(commanding: Commanding, keys: Mapping[str, str]) -> None:
    """Make what is missing of teams and users, and let these keys (text by user name) in.

    An organisation that did not begin here is left alone.
    """
    known = await _organisation(commanding)
    if known.top not in ("", team_id(TOP)):
        return
    wanted: list[Command] = []
    if not known.top:
        wanted.append(SetUpOrganisation(name=TOP, team=team_id(TOP)))
    wanted += [
        AddTeam(id=team_id(name), name=name, ownership_code=name.lower())
        for name in TEAMS
        if team_id(name) not in known.teams
    ]
    wanted += [
        AddUser(
            id=user.id,
            team=team_id(user.team),
            role=user.role,
            name=user.shown_as,
            rights=user.rights,
        )
        for user in USERS
        if user.id not in known.users
    ]
    for user in USERS:
        parts = split_key(keys.get(user.name, ""))
        if parts is not None:
            key_id, secret_hash = parts
            wanted.append(
                IssueApiKey(user=user.id, key_id=key_id, secret_hash=secret_hash, label="demo")
            )
    for command in wanted:
        await commanding.handle(Order(command, _NOBODY, actor=_ACTOR))


async def _organisation(commanding: Commanding) -> Organisation:
    states = await commanding.states.refresh({ORGANISATION_ID: "organisation"})
    organisation: Organisation = states[ORGANISATION_ID]
    return organisation
