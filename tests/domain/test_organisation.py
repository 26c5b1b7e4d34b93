"""The organisation: every command, every refusal, nothing when nothing changes; admins only."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from schemas import organisation as events
from schemas.event import Event
from services.command.domain.campaign.state import Campaign, FollowUpRule, FollowUpRules
from services.command.domain.organisation.commands import (
    ActivateStatus,
    ActivateTeam,
    ActivateUser,
    AddStatus,
    AddTeam,
    AddUser,
    ChangeStatusCatalogue,
    ChangeUser,
    DeactivateStatus,
    DeactivateTeam,
    DeactivateUser,
    IssueApiKey,
    MoveTeam,
    MoveUser,
    RenameTeam,
    RevokeApiKey,
    SetOwnershipCode,
    SetUpOrganisation,
)
from services.command.domain.organisation.state import Organisation, evolve, fold
from tests.domain.stories import NEW_ID, SERVICE, Story, ask, facts, person

TOP, EAST, CITY, WEST = (f"01950000-0000-7000-8000-0000000001{n:02}" for n in range(4))
ANA, BEN, EVA = (f"01950000-0000-7000-8000-0000000002{n:02}" for n in range(3))
NOBODY = "01950000-0000-7000-8000-000000000999"
KEY, HASH = "abcdefgh23", "0" * 64

NOTHING = Story(fold)
SET_UP = NOTHING.after(ask(SetUpOrganisation, name="All", team=TOP), facts(SERVICE))


def state_of(story: Story) -> Organisation:
    """The story's state, typed."""
    state = story.state
    assert isinstance(state, Organisation)
    return state


def _whole() -> Story:
    story = SET_UP
    for command in (
        ask(AddTeam, id=EAST, name="East", ownership_code="E"),
        ask(AddTeam, id=CITY, name="City", parent=EAST),
        ask(AddTeam, id=WEST, name="West", parent=TOP),
        ask(AddUser, id=ANA, team=TOP, role="admin", name="Ana", email="ana@Example.org"),
        ask(AddUser, id=BEN, team=CITY, role="agent", name="Ben", ownership_code="b-1"),
        ask(IssueApiKey, user=BEN, key_id=KEY, secret_hash=HASH, label="dialer 1"),
    ):
        story = story.after(command)
    return story


WHOLE = _whole()


def test_set_up_once() -> None:
    state = state_of(SET_UP)
    assert (state.version, state.top, state.teams[TOP].name) == (1, TOP, "All")
    again = ask(SetUpOrganisation, name="Other")
    assert SET_UP.when(again, facts(SERVICE)) == []
    (event,) = NOTHING.when(again, facts(SERVICE))
    assert event == events.OrganisationSetUp(NEW_ID, "Other")
    assert NOTHING.refused(again) == ["role-not-allowed"]


ALL: list[Any] = [
    ask(AddTeam, name="x"),
    ask(RenameTeam, team=TOP, name="x"),
    ask(MoveTeam, team=TOP, parent=TOP),
    ask(SetOwnershipCode, owner=f"team:{TOP}", ownership_code=None),
    ask(AddUser, team=TOP, role="agent", name="x"),
    ask(ChangeUser, user=ANA),
    ask(MoveUser, user=ANA, team=TOP),
    ask(ActivateUser, user=ANA),
    ask(DeactivateUser, user=ANA),
    ask(IssueApiKey, user=ANA, key_id=KEY, secret_hash=HASH),
    ask(RevokeApiKey, key_id=KEY),
    ask(AddStatus, code="hot", label="Hot", group="open", dialable=True, kind="working"),
    ask(ChangeStatusCatalogue, code="ready"),
    ask(ActivateTeam, team=TOP),
    ask(DeactivateTeam, team=TOP),
    ask(ActivateStatus, code="ready"),
    ask(DeactivateStatus, code="ready"),
]


@pytest.mark.parametrize("command", ALL)
def test_before_it_is_set_up(command: Any) -> None:
    assert NOTHING.refused(command) == ["organisation-not-set-up"]


@pytest.mark.parametrize("command", ALL)
@pytest.mark.parametrize("role", ["agent", "team_leader", "auditor", "dialer"])
def test_lead_admins_are_no_admins_of_the_organisation(command: Any, role: str) -> None:
    known = facts(person(role, ["lead_admin", "extended_data"]))
    assert WHOLE.refused(command, known) == ["role-not-allowed"]


def test_teams_are_added() -> None:
    state = state_of(WHOLE)
    assert state.tree.ancestors(CITY) == (EAST, TOP)
    assert state.tree.subtree(EAST) == {EAST, CITY}
    assert state.owner_by_code("E") == f"team:{EAST}"
    (event,) = WHOLE.when(ask(AddTeam, name="Made"))
    assert event == events.TeamAdded(NEW_ID, "Made", TOP)
    asked = ask(AddTeam, id=ANA, name="x", parent=NOBODY, ownership_code="b-1")
    assert WHOLE.refused(asked) == ["id-taken", "unknown-team", "ownership-code-taken"]


def test_teams_are_renamed() -> None:
    assert state_of(WHOLE.after(ask(RenameTeam, team=CITY, name="Town"))).teams[CITY].name == "Town"
    assert WHOLE.when(ask(RenameTeam, team=CITY, name="City")) == []
    assert WHOLE.refused(ask(RenameTeam, team=NOBODY, name="x")) == ["unknown-team"]


def test_teams_are_moved_but_never_in_a_circle() -> None:
    state = state_of(WHOLE.after(ask(MoveTeam, team=EAST, parent=WEST)))
    assert state.tree.ancestors(CITY) == (EAST, WEST, TOP)
    assert WHOLE.when(ask(MoveTeam, team=EAST, parent=TOP)) == []
    assert WHOLE.refused(ask(MoveTeam, team=EAST, parent=CITY)) == ["team-cycle"]
    assert WHOLE.refused(ask(MoveTeam, team=EAST, parent=EAST)) == ["team-cycle"]
    assert WHOLE.refused(ask(MoveTeam, team=TOP, parent=EAST)) == ["team-is-top"]
    unknown = ask(MoveTeam, team=NOBODY, parent=ANA)
    assert WHOLE.refused(unknown) == ["unknown-team", "unknown-team"]


def test_teams_are_switched_off_and_on() -> None:
    assert WHOLE.refused(ask(DeactivateTeam, team=TOP)) == ["team-is-top", "team-has-teams",
                                                            "team-has-users"]  # fmt: skip
    assert WHOLE.refused(ask(DeactivateTeam, team=EAST)) == ["team-has-teams"]
    assert WHOLE.refused(ask(DeactivateTeam, team=CITY)) == ["team-has-users"]
    gone = WHOLE.after(ask(DeactivateUser, user=BEN)).after(ask(DeactivateTeam, team=CITY))
    off = gone.after(ask(DeactivateTeam, team=EAST))
    assert not state_of(off).teams[EAST].active
    assert off.when(ask(DeactivateTeam, team=EAST)) == []
    assert off.when(ask(MoveTeam, team=CITY, parent=EAST)) == []
    for command, field in (
        (ask(AddTeam, name="x", parent=EAST), "parent"),
        (ask(MoveTeam, team=WEST, parent=EAST), "parent"),
        (ask(AddUser, team=EAST, role="agent", name="x"), "team"),
        (ask(MoveUser, user=ANA, team=EAST), "team"),
        (ask(ActivateUser, user=BEN), "team"),
        (ask(ActivateTeam, team=CITY), "team"),
    ):
        assert off.refused(command) == ["team-inactive"], (command, field)
    on = off.after(ask(ActivateTeam, team=EAST)).after(ask(ActivateTeam, team=CITY))
    assert state_of(on.after(ask(ActivateUser, user=BEN))).teams[CITY].active
    assert on.when(ask(ActivateTeam, team=CITY)) == []
    for kind in (ActivateTeam, DeactivateTeam):
        assert WHOLE.refused(ask(kind, team=NOBODY)) == ["unknown-team"]


def test_ownership_codes_belong_to_one() -> None:
    later = WHOLE.after(ask(SetOwnershipCode, owner=f"team:{EAST}", ownership_code="E2"))
    assert state_of(later).owners_by_code == {"E2": f"team:{EAST}", "b-1": f"user:{BEN}"}
    later = later.after(ask(SetOwnershipCode, owner=f"user:{BEN}", ownership_code=None))
    assert state_of(later).owner_by_code("b-1") is None
    assert state_of(later).users[BEN].ownership_code is None
    taken = ask(SetOwnershipCode, owner=f"team:{NOBODY}", ownership_code="E")
    assert WHOLE.refused(taken) == ["ownership-code-taken", "unknown-owner"]
    later.after(ask(SetOwnershipCode, owner=f"team:{WEST}", ownership_code="E"))


def test_users_are_added() -> None:
    state = state_of(WHOLE)
    assert state.users[ANA].email == "ana@example.org"
    assert state.members[CITY] == {BEN}
    assert state.knows_owner(f"user:{BEN}")
    assert not state.knows_owner(f"team:{BEN}")
    assert not state.knows_owner(BEN)
    taken = ask(
        AddUser, id=BEN, team=NOBODY, role="agent", name="x", email="ANA@example.org",
        ownership_code="E",
    )  # fmt: skip
    assert WHOLE.refused(taken) == [
        "id-taken",
        "unknown-team",
        "ownership-code-taken",
        "email-taken",
    ]
    for wrong in ({"email": "ana"}, {"role": "root"}, {"rights": ["all"]}, {"name": " "}):
        with pytest.raises(ValidationError):
            ask(AddUser, **{"team": TOP, "role": "agent", "name": "x", **wrong})


def test_names_and_addresses_are_personal() -> None:
    assert {"name", "email"} == events.UserAdded.PERSONAL
    assert {"name", "email", "personal_before"} <= events.UserChanged.PERSONAL


def test_users_are_changed() -> None:
    later = WHOLE.after(
        ask(ChangeUser, user=ANA, email="a@example.org", rights=["lead_pools", "extended_data"])
    )
    ana = state_of(later).users[ANA]
    assert (ana.role, ana.name, ana.email) == ("admin", "Ana", "a@example.org")
    assert ana.rights == {"lead_pools", "extended_data"}
    assert state_of(later).users_by_email == {"a@example.org": ANA}
    assert WHOLE.when(ask(ChangeUser, user=ANA, email="ana@example.org", rights=[])) == []
    assert WHOLE.refused(ask(ChangeUser, user=NOBODY)) == ["unknown-user"]
    taken = ask(ChangeUser, user=BEN, email="ana@example.org")
    assert WHOLE.refused(taken) == ["email-taken"]


def test_the_last_admin_stays() -> None:
    assert WHOLE.refused(ask(ChangeUser, user=ANA, role="agent")) == ["last-admin"]
    assert WHOLE.refused(ask(DeactivateUser, user=ANA)) == ["last-admin"]
    two = WHOLE.after(ask(ChangeUser, user=BEN, role="admin"))
    one = two.after(ask(DeactivateUser, user=ANA))
    assert one.refused(ask(DeactivateUser, user=BEN)) == ["last-admin"]
    one.after(ask(ChangeUser, user=ANA, role="agent"))


def test_users_are_moved() -> None:
    state = state_of(WHOLE.after(ask(MoveUser, user=BEN, team=WEST)))
    assert state.members[CITY] == set()
    assert state.members[WEST] == {BEN}
    assert WHOLE.when(ask(MoveUser, user=BEN, team=CITY)) == []
    unknown = ask(MoveUser, user=NOBODY, team=NOBODY)
    assert WHOLE.refused(unknown) == ["unknown-user", "unknown-team"]


def test_users_are_switched_off_and_on() -> None:
    off = WHOLE.after(ask(DeactivateUser, user=BEN))
    assert not state_of(off).users[BEN].active
    assert WHOLE.when(ask(ActivateUser, user=BEN)) == []
    assert state_of(off.after(ask(ActivateUser, user=BEN))).users[BEN].active
    for kind in (ActivateUser, DeactivateUser):
        assert WHOLE.refused(ask(kind, user=NOBODY)) == ["unknown-user"]


def test_keys_are_issued_and_revoked() -> None:
    key = state_of(WHOLE).keys[KEY]
    now = facts().now
    assert (key.user, key.label, key.opens(now)) == (BEN, "dialer 1", True)
    short = ask(
        IssueApiKey, user=BEN, key_id="2" * 10, secret_hash=HASH, expires_at="2026-03-02T09:00:01Z"
    )
    brief = state_of(WHOLE.after(short)).keys["2" * 10]
    assert brief.opens(now)
    assert not brief.opens(now.replace(second=1))
    gone = WHOLE.after(ask(RevokeApiKey, key_id=KEY))
    assert not state_of(gone).keys[KEY].opens(now)
    assert gone.refused(ask(IssueApiKey, user=BEN, key_id=KEY, secret_hash=HASH)) == ["key-exists"]


def test_key_refusals() -> None:
    other = {"key_id": KEY, "secret_hash": "1" * 64, "expires_at": "2026-03-02T09:00:00Z"}
    asked = ask(IssueApiKey, user=NOBODY, **other)
    assert WHOLE.refused(asked) == ["unknown-user", "key-exists", "time-is-past"]
    off = WHOLE.after(ask(DeactivateUser, user=BEN))
    asked = ask(IssueApiKey, user=BEN, key_id="2" * 10, secret_hash=HASH)
    assert off.refused(asked) == ["user-inactive"]
    assert WHOLE.refused(ask(RevokeApiKey, key_id="2" * 10)) == ["unknown-key"]
    with pytest.raises(ValidationError):
        ask(IssueApiKey, user=BEN, key_id=KEY, secret_hash="the secret itself")


def test_own_statuses() -> None:
    hot = {"code": "hot", "label": "Hot", "group": "open", "dialable": True, "kind": "working"}
    later = WHOLE.after(ask(AddStatus, **hot))
    assert state_of(later).statuses["hot"].dialable
    assert len(state_of(later).statuses) == 37
    assert len(state_of(WHOLE).statuses) == 36
    exists = ask(AddStatus, **{**hot, "code": "ready", "group": "closed"})
    assert WHOLE.refused(exists) == ["status-not-dialable", "status-exists", "status-kind-mismatch"]
    cold = later.after(ask(ChangeStatusCatalogue, code="hot", label="Warm", dialable=False))
    assert state_of(cold).statuses["hot"].label == "Warm"
    assert not state_of(cold).statuses["hot"].dialable


def test_own_statuses_are_switched_off_and_on() -> None:
    hot = {"code": "hot", "label": "Hot", "group": "open", "dialable": True, "kind": "working"}
    there = WHOLE.after(ask(AddStatus, **hot))
    rules = FollowUpRules((FollowUpRule("hot", "Busy"),))
    used = {UUID(EAST): Campaign(id=EAST, version=2, name="Spring", rules=rules)}
    free = {UUID(EAST): Campaign(id=EAST, version=2, name="Spring")}
    off = ask(DeactivateStatus, code="hot")
    assert there.refused(off, replace(facts(), campaigns=used)) == ["status-in-use"]
    later = there.after(off, replace(facts(), campaigns=free))
    assert not state_of(later).statuses["hot"].active
    assert later.when(off) == []
    assert later.refused(ask(AddStatus, **hot)) == ["status-exists"]
    named = later.after(ask(ChangeStatusCatalogue, code="hot", label="Warm"))
    assert not state_of(named).statuses["hot"].active
    assert state_of(later.after(ask(ActivateStatus, code="hot"))).statuses["hot"].active
    assert there.when(ask(ActivateStatus, code="hot")) == []
    for kind in (ActivateStatus, DeactivateStatus):
        assert WHOLE.refused(ask(kind, code="nope")) == ["unknown-status"]
    assert WHOLE.refused(ask(DeactivateStatus, code="ready")) == ["status-built-in"]


def test_built_in_statuses_keep_their_meaning() -> None:
    named = WHOLE.after(ask(ChangeStatusCatalogue, code="created", label="New"))
    assert state_of(named).statuses["created"].label == "New"
    assert WHOLE.when(ask(ChangeStatusCatalogue, code="created", dialable=True)) == []
    assert WHOLE.refused(ask(ChangeStatusCatalogue, code="nope")) == ["unknown-status"]
    off = ask(ChangeStatusCatalogue, code="created", dialable=False)
    assert WHOLE.refused(off) == ["status-built-in"]
    on = ask(ChangeStatusCatalogue, code="success", dialable=True)
    assert WHOLE.refused(on) == ["status-not-dialable", "status-built-in"]


def test_a_handed_out_state_never_changes() -> None:
    state = state_of(WHOLE)
    before = repr(state)
    for event in (
        events.UserMoved(BEN, WEST),
        events.TeamMoved(EAST, WEST),
        events.OwnershipCodeChanged(f"team:{EAST}"),
        events.ApiKeyRevoked(KEY),
        events.UserChanged(ANA, "agent"),
        events.StatusAdded("hot", "Hot", "open", True, "working"),
        events.TeamDeactivated(EAST),
        events.StatusDeactivated("ready"),
    ):
        evolve(state, event)
    assert repr(state) == before


def test_evolving_never_fails() -> None:
    class Later(Event):
        TOPIC = "organisation.later"

    strange = [
        Later(),
        events.TeamRenamed(NOBODY, "x"),
        events.TeamMoved(NOBODY, NOBODY),
        events.OwnershipCodeChanged("nobody", "x"),
        events.UserChanged(NOBODY, "agent"),
        events.UserMoved(NOBODY, NOBODY),
        events.UserActivated(NOBODY),
        events.UserDeactivated(NOBODY),
        events.ApiKeyRevoked(NOBODY),
        events.StatusCatalogueChanged("x", "x", True),
        events.TeamDeactivated(NOBODY),
        events.StatusDeactivated("x"),
    ]
    assert fold(strange).version == len(strange)
