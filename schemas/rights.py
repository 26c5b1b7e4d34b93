"""Who may call a lead and who may see one: rules 1 and 2, here and nowhere else.

Pure, shared by commands and queries. Commands use `may_call`; queries turn a `Sight` into SQL and
`sees` into the same answer in Python. An owner is `team:<uuid>` or `user:<uuid>`, ids are the text
of a UUID.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

ROLES: tuple[str, ...] = ("agent", "team_leader", "admin", "auditor", "dialer")
RIGHTS: tuple[str, ...] = ("extended_data", "extended_insights", "lead_admin", "lead_pools")


@dataclass(frozen=True, slots=True)
class TeamTree:
    """The teams, each with the one above it, and who belongs to which. Fails on no unknown id.

    parents: parent by team, None for the top-level team. members: users by team.
    """

    parents: Mapping[str, str | None] = field(default_factory=dict)
    members: Mapping[str, Collection[str]] = field(default_factory=dict)

    def ancestors(self, team: str) -> tuple[str, ...]:
        """Return the teams above `team`, the nearest first."""
        above: list[str] = []
        parent = self.parents.get(team)
        while parent is not None and parent not in above:
            above.append(parent)
            parent = self.parents.get(parent)
        return tuple(above)

    def subtree(self, team: str) -> frozenset[str]:
        """Return `team` and all teams below it."""
        children: dict[str | None, list[str]] = {}
        for child, parent in self.parents.items():
            children.setdefault(parent, []).append(child)
        found = {team}
        waiting = [team]
        while waiting:
            below = [child for child in children.get(waiting.pop(), ()) if child not in found]
            found.update(below)
            waiting.extend(below)
        return frozenset(found)


def callable_owners(user_id: str, team_id: str, ancestors: Collection[str]) -> frozenset[str]:
    """Return the owners whose leads the user may call: self, team, every team above (rule 1)."""
    teams = (f"team:{team}" for team in (team_id, *ancestors) if team)
    return frozenset((f"user:{user_id}", *teams))


def may_call(owner: str, user_id: str, team_id: str, ancestors: Collection[str]) -> bool:
    """Say whether the user's place lets them call a lead of `owner` (rule 1).

    ancestors: the teams above the user's own, `TeamTree.ancestors(team_id)`.
    """
    kind, _, owner_id = owner.partition(":")
    if kind == "user":
        return owner_id == user_id
    return kind == "team" and bool(owner_id) and (owner_id == team_id or owner_id in ancestors)


@dataclass(frozen=True, slots=True)
class Sight:
    """Which leads somebody may see (rule 2).

    everything: all leads, inactive ones too. owners: leads of these owners. processed_by: leads
    this user processed, whoever owns them now, "" = none. inactive: whether inactive leads of
    `owners` are seen. insights: whether reports may count leads out of sight.
    """

    everything: bool = False
    owners: frozenset[str] = frozenset()
    processed_by: str = ""
    inactive: bool = False
    insights: bool = False


def sees(sight: Sight, owner: str, active: bool, processed_by: str | None) -> bool:
    """Say whether a lead with this owner, active or not, processed by that user, is in sight."""
    if sight.everything:
        return True
    if owner in sight.owners:
        return active or sight.inactive
    return active and bool(processed_by) and processed_by == sight.processed_by


def sight_of(
    role: str, rights: Collection[str], user_id: str, team_id: str, teams: TeamTree
) -> Sight:
    """Return what a user of this role, with these rights, in this team may see (rule 2).

    A dialer is no person with a place among the owners: it sees nothing but by extended data.
    """
    insights = role in {"admin", "auditor"} or "extended_insights" in rights
    if role in {"admin", "auditor"} or "extended_data" in rights:
        return Sight(everything=True, processed_by=user_id, inactive=True, insights=insights)
    if role == "team_leader":
        below = teams.subtree(team_id)
        users = (f"user:{user}" for team in below for user in teams.members.get(team, ()))
        owners = frozenset((f"user:{user_id}", *(f"team:{team}" for team in below), *users))
        return Sight(owners=owners, processed_by=user_id, inactive=True, insights=insights)
    if role == "agent":
        owners = callable_owners(user_id, team_id, teams.ancestors(team_id))
        return Sight(owners=owners, processed_by=user_id, insights=insights)
    return Sight(insights=insights)


def view_access(
    owner: str, shares: Mapping[str, str], user_id: str, team_id: str, ancestors: Collection[str]
) -> str:
    """Return what a user may do with a view: `own`, `edit`, `view`, or "" when it is not theirs.

    owner: a user's id. shares: `view` or `edit` by `user:<uuid>` or `team:<uuid>`; what a team has
    all in it and below have. Of several shares the one that allows most counts.
    """
    if owner == user_id:
        return "own"
    found = {shares.get(one, "") for one in callable_owners(user_id, team_id, ancestors)}
    return "edit" if "edit" in found else "view" if "view" in found else ""


def may_unmask_phones(role: str, rights: Collection[str]) -> bool:
    """Say whether phone numbers of leads in sight are shown in full.

    People who work on leads need them; an auditor needs the right to the data, a dialer none.
    """
    return role in {"agent", "team_leader", "admin"} or (
        role == "auditor" and "extended_data" in rights
    )
