"""ChangeOwner, locks, and who may do what to which lead."""

from datetime import timedelta

import pytest

from schemas.instants import format_instant
from schemas.lead import LeadDeactivated, LeadLocked, LeadOwnerChanged, LeadUnlocked
from schemas.organisation import TeamDeactivated
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.lead.activity import Activate
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.locking import LockLead, UnlockLead
from services.command.domain.lead.notes import AddNote
from services.command.domain.lead.ownership import ChangeOwner
from services.command.domain.organisation.state import evolve
from tests.domain.given_when_then import given
from tests.domain.world import (
    ADA,
    ANA,
    AUD,
    BEN,
    CAMPAIGN,
    DIA,
    LEE,
    NORTH,
    NOW,
    OLD,
    ORGANISATION,
    PHONE,
    SALES,
    SUE,
    SUPPORT,
    TOP,
    an_id,
    created,
    facts,
)

LATER, EARLIER = format_instant(NOW + timedelta(hours=1)), format_instant(NOW - timedelta(hours=1))


def test_the_owner_changes_and_the_original_one_stays() -> None:
    changed = LeadOwnerChanged(owner=f"user:{ANA}", previous=f"team:{SALES}")
    lead = given(created()).when(ChangeOwner(owner=f"user:{ANA}"), facts(LEE)).then(changed)
    assert (lead.owner, lead.original_owner) == (f"user:{ANA}", f"team:{SALES}")
    given(created(), changed).when(ChangeOwner(owner=f"user:{ANA}"), facts(LEE)).nothing()


@pytest.mark.parametrize("status", ["manual_redial_private", "manual_redial_vip"])
def test_private_and_vip_keep_their_owner_unless_asked(status: str) -> None:
    lead = given(created(status=status))
    lead.when(ChangeOwner(owner=f"team:{TOP}"), facts()).nothing()
    anyway = ChangeOwner(owner=f"team:{TOP}", retain_private_vip=False)
    lead.when(anyway, facts()).then(LeadOwnerChanged(owner=f"team:{TOP}", previous=f"team:{SALES}"))


@pytest.mark.parametrize(
    ("by", "owner", "codes"),
    [
        (ANA, f"user:{ANA}", ["role-not-allowed"]),
        (LEE, f"team:{SUPPORT}", ["owner-out-of-reach"]),
        (LEE, f"user:{SUE}", ["owner-out-of-reach"]),
        (ADA, f"user:{OLD}", ["owner-inactive"]),
        (ADA, f"team:{an_id(99)}", ["unknown-owner"]),
    ],
)
def test_owners_that_are_refused(by: str, owner: str, codes: list[str]) -> None:
    given(created()).when(ChangeOwner(owner=owner), facts(by)).refused(*codes)


def test_no_lead_goes_to_a_team_that_is_switched_off() -> None:
    less = evolve(ORGANISATION, TeamDeactivated(SALES))
    given(created(owner=f"team:{TOP}")).when(
        ChangeOwner(owner=f"team:{SALES}"), facts(organisation=less)
    ).refused("owner-inactive")
    by_code = CreateLead(campaign_id=CAMPAIGN, phone=PHONE, ownership_code="S1")
    given().when(by_code, facts(organisation=less)).refused("owner-inactive")
    given(created()).when(ChangeOwner(owner=f"team:{TOP}"), facts(organisation=less)).then(
        LeadOwnerChanged(owner=f"team:{TOP}", previous=f"team:{SALES}")
    )


def test_a_locked_lead_is_unlocked_first() -> None:
    locked = given(created(), LeadLocked(user=BEN))
    locked.when(ChangeOwner(owner=f"user:{OLD}"), facts()).refused("locked", "owner-inactive")
    over = given(created(), LeadLocked(user=BEN, until=EARLIER))
    over.when(ChangeOwner(owner=f"user:{ANA}"), facts()).then(
        LeadOwnerChanged(owner=f"user:{ANA}", previous=f"team:{SALES}")
    )


def test_locking() -> None:
    mine = LeadLocked(user=ANA, until=LATER)
    command = LockLead(until=NOW + timedelta(hours=1))
    assert given(created()).when(command, facts(ANA)).then(mine).locked_by == ANA
    given(created(), mine).when(command, facts(ANA)).nothing()
    given(created(), mine).when(LockLead(), facts(BEN)).refused("locked")
    given(created()).when(LockLead(until=NOW), facts(ANA)).refused("time-is-past")
    service = Actor("service:scheduler", "admin")
    given(created()).when(LockLead(), facts(actor=service)).refused("not-a-person")


def test_unlocking() -> None:
    locked = given(created(), LeadLocked(user=ANA, until=LATER))
    unlocked = LeadUnlocked(previous=ANA)
    assert locked.when(UnlockLead(), facts(ANA)).then(unlocked).locked_by is None
    locked.when(UnlockLead(), facts(LEE)).then(unlocked)
    locked.when(UnlockLead(), facts(BEN)).refused("locked")
    locked.when(UnlockLead(release_to=f"team:{NORTH}"), facts(LEE)).then(
        unlocked, LeadOwnerChanged(owner=f"team:{NORTH}", previous=f"team:{SALES}")
    )
    locked.when(UnlockLead(release_to=f"user:{OLD}"), facts(BEN)).refused(
        "locked", "owner-inactive"
    )
    given(created()).when(UnlockLead(), facts(ANA)).nothing()


OWNERS = {
    "own": f"user:{ANA}",
    "colleague": f"user:{BEN}",
    "team": f"team:{NORTH}",
    "above": f"team:{SALES}",
    "top": f"team:{TOP}",
    "foreign": f"team:{SUPPORT}",
}


@pytest.mark.parametrize(
    ("by", "reached"),
    [
        (ADA, {"own", "colleague", "team", "above", "top", "foreign"}),
        (LEE, {"own", "colleague", "team", "above"}),
        (ANA, {"own", "team", "above", "top"}),
        (SUE, {"top", "foreign"}),
        (AUD, set()),
        (DIA, set()),
    ],
)
@pytest.mark.parametrize("whose", list(OWNERS))
def test_whose_leads_may_be_worked_on(by: str, reached: set[str], whose: str) -> None:
    asked = given(created(owner=OWNERS[whose])).when(AddNote(text="hi"), facts(by))
    if whose in reached:
        asked.after()
        assert asked.outcomes
    else:
        asked.refused("role-not-allowed" if by in {AUD, DIA} else "lead-out-of-reach")


def test_the_right_lead_admin_reaches_every_lead() -> None:
    lead_admin = Actor(f"user:{SUE}", "agent", SUE, SUPPORT, frozenset({"lead_admin"}))
    foreign = given(created(owner=f"user:{BEN}"))
    foreign.when(ChangeOwner(owner=f"team:{NORTH}"), facts(actor=lead_admin)).then(
        LeadOwnerChanged(owner=f"team:{NORTH}", previous=f"user:{BEN}")
    )


def test_agents_lose_inactive_leads() -> None:
    off = given(created(), LeadDeactivated())
    off.when(AddNote(text="hi"), facts(ANA)).refused("lead-inactive")
    seeing = Actor(f"user:{ANA}", "agent", ANA, NORTH, frozenset({"extended_data"}))
    off.when(AddNote(text="hi"), facts(actor=seeing)).after()


@pytest.mark.parametrize(
    "command", [AddNote(text="x"), ChangeOwner(owner=f"team:{TOP}"), Activate()]
)
def test_a_lead_that_never_was(command: Command) -> None:
    given().when(command, facts()).refused("unknown-lead")
