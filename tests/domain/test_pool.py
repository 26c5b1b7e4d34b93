"""Lead pools: created, renamed, on and off, shuffled; and what that means for their leads."""

from dataclasses import replace
from typing import Any

import pytest

from schemas import pool as events
from schemas.event import Event
from schemas.lead import (
    LeadCallRecorded,
    LeadCallStarted,
    LeadCreated,
    LeadDeleted,
    LeadResultRecorded,
    LeadStatusChanged,
)
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.erasure import DeleteUnprocessed
from services.command.domain.pool.commands import (
    ActivatePool,
    CreatePool,
    DeactivatePool,
    RenamePool,
    ShufflePool,
)
from services.command.domain.pool.state import Pool, evolve, fold
from tests.domain import world
from tests.domain.given_when_then import STREAM, given
from tests.domain.stories import Story, ask, facts, person
from tests.domain.world import ADA, ANA, CAMPAIGN, LEE, PHONE, POOL, SELLING, TARGET, created

HERE = facts(campaign=SELLING)
CREATE = ask(CreatePool, campaign_id=CAMPAIGN, name="March")
NOTHING = Story(fold)
MADE = NOTHING.after(CREATE, HERE)
MARCH = Pool(POOL, 1, "March", CAMPAIGN)


def test_a_pool_begins_in_a_campaign_and_is_on() -> None:
    assert MADE.happened == (events.PoolCreated("March", CAMPAIGN),)
    assert MADE.state == Pool(str(STREAM), 1, "March", CAMPAIGN, "upload", active=True)
    assert NOTHING.refused(CREATE, facts()) == ["unknown-campaign"]
    assert MADE.refused(CREATE, HERE) == ["pool-exists"]


def test_renamed_switched_off_and_on_each_once() -> None:
    renamed = MADE.after(ask(RenamePool, name="April"))
    assert renamed.happened[-1] == events.PoolRenamed("April", previous="March")
    off = renamed.after(ask(DeactivatePool))
    assert off.state.active is False
    assert off.after(ask(ActivatePool)).state == replace(renamed.state, version=4)
    assert MADE.when(ask(ActivatePool)) == []


def test_shuffled_by_a_seed_or_drawn_anew() -> None:
    shuffled = MADE.after(ask(ShufflePool, seed=7))
    assert shuffled.happened[-1] == events.PoolShuffled(7)
    assert shuffled.when(ask(ShufflePool, seed=8)) == [events.PoolShuffled(8, previous=7)]
    (drawn,) = MADE.when(ask(ShufflePool))
    assert isinstance(drawn, events.PoolShuffled)
    assert drawn.seed == 0xFF


@pytest.mark.parametrize(
    "command",
    [ask(RenamePool, name="X"), ask(ActivatePool), ask(DeactivatePool), ask(ShufflePool, seed=1)],
)
def test_only_admins_and_who_has_the_right_may(command: Any) -> None:
    assert NOTHING.refused(command) == ["unknown-pool"]
    assert MADE.refused(command, facts(person("team_leader"))) == ["role-not-allowed"]
    assert MADE.refused(command, facts(person("agent", ["lead_admin"]))) == ["role-not-allowed"]
    MADE.when(command, facts(person("agent", ["lead_pools"])))


def test_what_newer_code_wrote_only_counts() -> None:
    assert evolve(MARCH, LeadDeleted()) == replace(MARCH, version=2)


def test_a_lead_is_created_in_a_pool_of_its_campaign() -> None:
    command = CreateLead(campaign_id=CAMPAIGN, phone=PHONE, pool_id=POOL)
    asked = given().when(command, world.facts(pool=MARCH))
    (made,) = asked.outcomes
    assert isinstance(made, LeadCreated)
    assert made.pool_id == POOL
    given().when(command, world.facts()).refused("unknown-pool")
    given().when(command, world.facts(pool=Pool())).refused("unknown-pool")
    elsewhere = replace(MARCH, campaign_id=TARGET)
    given().when(command, world.facts(pool=elsewhere)).refused("pool-of-other-campaign")


def test_a_pool_that_is_off_is_not_dialled_but_for_private_and_vip() -> None:
    off = world.facts(ANA, pool_active=False)
    lead = created(pool_id=POOL)
    given(lead).when(StartCall(call_id="c1"), off).refused("pool-inactive")
    private = created(pool_id=POOL, status="manual_redial_private")
    assert given(private).when(StartCall(call_id="c1"), off).outcomes


def test_unprocessed_leads_of_a_pool_are_deleted_and_no_other() -> None:
    command = DeleteUnprocessed(pool_id=POOL, reason="wrong file")
    gone = LeadDeleted(reason="wrong file")
    given(created(pool_id=POOL)).when(command, world.facts(ADA)).then(gone)
    given(created(pool_id=POOL), gone).when(command, world.facts(ADA)).nothing()
    given(created()).when(command, world.facts(ADA)).refused("not-in-pool")
    given(created(pool_id=POOL)).when(command, world.facts(LEE)).refused("role-not-allowed")


@pytest.mark.parametrize(
    "worked",
    [
        LeadStatusChanged(status="interested", previous="created"),
        LeadCallRecorded("c1", CAMPAIGN, "2026-03-02T09:00:00Z"),
        LeadCallStarted("c1", "2026-03-02T09:30:00Z"),
        LeadResultRecorded("ready", ANA),
    ],
    ids=lambda event: event.TOPIC,
)
def test_a_lead_somebody_worked_on_is_not_unprocessed(worked: Event) -> None:
    story = given(created(pool_id=POOL), worked)
    story.when(DeleteUnprocessed(pool_id=POOL), world.facts(ADA)).refused("already-processed")
