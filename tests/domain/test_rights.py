"""Who may call and who may see: rules 1 and 2 on random trees, against their plainest reading."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from schemas.rights import (
    RIGHTS,
    ROLES,
    Sight,
    TeamTree,
    callable_owners,
    may_call,
    may_unmask_phones,
    sees,
    sight_of,
)


@dataclass(frozen=True)
class World:
    """A tree of teams t0 (top), t1, …; user u<n> belongs to the n-th team drawn."""

    tree: TeamTree
    team_of: dict[str, str]

    def is_above(self, upper: str, lower: str) -> bool:
        """Whether `upper` is somewhere above `lower`, by walking up from it."""
        parent = self.tree.parents[lower]
        return parent is not None and (parent == upper or self.is_above(upper, parent))

    @property
    def owners(self) -> list[str]:
        """Everybody who may own a lead."""
        teams = [f"team:{team}" for team in self.tree.parents]
        return teams + [f"user:{user}" for user in self.team_of]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a tree of up to 12 teams with up to 8 users."""
    size = draw(st.integers(1, 12))
    parents: dict[str, str | None] = {"t0": None}
    for n in range(1, size):
        parents[f"t{n}"] = f"t{draw(st.integers(0, n - 1))}"
    places = draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=8))
    team_of = {f"u{n}": f"t{team}" for n, team in enumerate(places)}
    members = {
        team: frozenset(user for user, its in team_of.items() if its == team) for team in parents
    }
    return World(TeamTree(parents, members), team_of)


def _may_call_plainly(world: World, owner: str, user: str) -> bool:
    kind, owner_id = owner.split(":")
    if kind == "user":
        return owner_id == user
    team = world.team_of[user]
    return owner_id == team or world.is_above(owner_id, team)


@given(worlds())
def test_rule_1(world: World) -> None:
    for user, team in world.team_of.items():
        above = world.tree.ancestors(team)
        allowed = {one for one in world.owners if may_call(one, user, team, above)}
        assert allowed == {one for one in world.owners if _may_call_plainly(world, one, user)}
        assert allowed == callable_owners(user, team, above)


@given(worlds())
def test_the_tree(world: World) -> None:
    teams = list(world.tree.parents)
    for team in teams:
        below = world.tree.subtree(team)
        assert below == {one for one in teams if one == team or world.is_above(team, one)}
        assert set(world.tree.ancestors(team)) == {
            one for one in teams if world.is_above(one, team)
        }
    assert world.tree.ancestors("nowhere") == ()
    assert world.tree.subtree("nowhere") == {"nowhere"}


def _sees_plainly(
    world: World, role: str, rights: frozenset[str], user: str, owner: str, active: bool, by: str
) -> bool:
    if role in ("admin", "auditor") or "extended_data" in rights:
        return True
    kind, owner_id = owner.split(":")
    team = world.team_of[user]
    place = world.team_of[owner_id] if kind == "user" else owner_id
    if role == "team_leader" and (place == team or world.is_above(team, place)):
        return True
    if not active or role == "dialer":
        return False
    return by == user or (role == "agent" and _may_call_plainly(world, owner, user))


@given(worlds(), st.sampled_from(ROLES), st.frozensets(st.sampled_from(RIGHTS)))
def test_rule_2(world: World, role: str, rights: frozenset[str]) -> None:
    for user, team in world.team_of.items():
        sight = sight_of(role, rights, user, team, world.tree)
        for owner in world.owners:
            for active in (True, False):
                for by in (user, "somebody else", None):
                    expected = _sees_plainly(world, role, rights, user, owner, active, by or "")
                    assert sees(sight, owner, active, by) == expected


def test_rule_2_by_example() -> None:
    parents = {"top": None, "east": "top", "city": "east"}
    tree = TeamTree(parents, {"city": {"ben", "eva"}, "east": {"lea"}})
    agent = sight_of("agent", (), "ben", "city", tree)
    assert agent.owners == {"user:ben", "team:city", "team:east", "team:top"}
    assert not sees(agent, "user:eva", True, None)
    assert sees(agent, "user:eva", True, "ben")
    assert not sees(agent, "user:ben", False, "ben")
    leader = sight_of("team_leader", (), "lea", "east", tree)
    assert leader.owners == {"team:east", "team:city", "user:lea", "user:ben", "user:eva"}
    assert sees(leader, "user:eva", False, None)
    assert not sees(leader, "team:top", True, None)
    assert sees(leader, "team:top", True, "lea")
    assert not sees(leader, "team:top", False, "lea")


def test_nobody_sees_nothing() -> None:
    assert not sees(Sight(), "team:", True, "")
    assert not may_call("team:", "ben", "", ())
    assert not may_call("user:", "ben", "city", ())
    assert not may_call("city", "ben", "city", ())


def test_insights() -> None:
    tree = TeamTree({"top": None})
    with_insights = {
        (role, right)
        for role in ROLES
        for right in ("", *RIGHTS)
        if sight_of(role, (right,), "u", "top", tree).insights
    }
    everybody = {(role, "extended_insights") for role in ROLES}
    all_of_two = {(role, right) for role in ("admin", "auditor") for right in ("", *RIGHTS)}
    assert with_insights == everybody | all_of_two


def test_phones_are_unmasked_for_those_who_call() -> None:
    assert {role for role in ROLES if may_unmask_phones(role, ())} == {
        "agent",
        "team_leader",
        "admin",
    }
    assert may_unmask_phones("auditor", ("extended_data",))
    assert not may_unmask_phones("dialer", RIGHTS)
