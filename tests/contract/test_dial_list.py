"""What an agent dials next: who, in which order, and what is left out because it must not be."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID

import pytest

from schemas import lead as events
from schemas.campaign import (
    CampaignActivityRangeChanged,
    CampaignAttemptLimitsChanged,
    CampaignDeactivated,
    CampaignDiallingHoursChanged,
)
from schemas.dnc import DncAdded
from schemas.instants import format_instant
from schemas.organisation import ORGANISATION_ID, StatusAdded, StatusCatalogueChanged
from schemas.pool import PoolActivated, PoolCreated, PoolDeactivated, PoolShuffled
from schemas.segment import SegmentCreated, SegmentDeactivated
from services.kit.clock import FixedClock
from services.kit.postgres import connect_pool
from services.projections.number_zones import fill_number_zones
from services.query.dial_list import FOR_DIALERS
from tests.contract.query_service import AUTUMN, NOON, SPRING, World, named, running, team, user

ME, OTHER = named("agent"), named("agent_east")
BEFORE, AFTER = format_instant(NOON - timedelta(hours=1)), format_instant(NOON + timedelta(hours=1))
MINE = {"owner": user("agent")}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def move(world: World, now: datetime) -> None:
    """Set the clock of the service."""
    assert isinstance(world.clock, FixedClock)
    world.clock.at = now


async def ask(world: World, by: str = "agent", **params: Any) -> Any:
    return await world.read("/v1/dial-list", by, **{"campaign": SPRING, **params})


async def listed(world: World, names: list[str], by: str = "agent", **params: Any) -> list[str]:
    """Return the names of the leads in the list, in its order."""
    known = {named(name): name for name in names}
    answer = await ask(world, by, **params)
    return [known[lead["lead_id"]] for lead in answer["leads"]]


LEFT_OUT: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "theirs": ({"owner": user("agent_east")}, []),
    "below": ({"owner": team("north_east")}, []),
    "elsewhere": ({"campaign_id": AUTUMN}, []),
    "inactive": ({"active": False}, []),
    "paused": ({"status": "paused"}, []),
    "closed": ({"status": "success"}, []),
    "no number": ({"phone": None}, []),
    "later": ({"next_dial_at": AFTER}, []),
    "not begun": ({"active_from": AFTER}, []),
    "over": ({"active_until": BEFORE}, []),
    "suppressed": ({}, [events.LeadSuppressed()]),
    "suppressed until": ({}, [events.LeadSuppressed(until=AFTER)]),
    "locked": ({}, [events.LeadLocked(user=OTHER)]),
    "reserved": ({}, [events.LeadReserved(agent=OTHER)]),
    "being called": ({}, [events.LeadCallStarted("c1", AFTER)]),
    "deleted": ({}, [events.LeadDeleted()]),
    "merged": ({}, [events.LeadMerged(into=named("other"))]),
    "listed": ({"phone": "+4915199999999"}, []),
}
TAKEN: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "mine": ({}, []),
    "of my team": ({"owner": team("north")}, []),
    "of a team above": ({"owner": team("top")}, []),
    "due": ({"next_dial_at": BEFORE}, []),
    "my lock": ({}, [events.LeadLocked(user=ME)]),
    "lock over": ({}, [events.LeadLocked(user=OTHER, until=BEFORE)]),
    "kept for me": ({}, [events.LeadReserved(agent=ME)]),
    "suppression over": ({}, [events.LeadSuppressed(until=BEFORE)]),
    "call over": ({}, [events.LeadCallStarted("c1", BEFORE)]),
    "only a contact": (
        {"phone": None, "contacts": ({"id": 1, "phone": "+4915112345679"},)},
        [],
    ),
}


async def test_only_what_this_agent_may_dial_now(world: World) -> None:
    for name, (given, more) in {**LEFT_OUT, **TAKEN}.items():
        usual = {"campaign_id": SPRING, "phone": "+4915112345678", **MINE}
        await world.record(named(name), events.LeadCreated(**{**usual, **given}), *more)
    await world.happen(named("n"), DncAdded("global", number="+4915199999999"))
    names = [*LEFT_OUT, *TAKEN]
    assert set(await listed(world, names)) == set(TAKEN)
    assert set(await listed(world, names, limit=3)) <= set(TAKEN)
    answer = await ask(world)
    assert (answer["agent"], answer["reasons"]) == (ME, [])
    assert "attempts-per-day" in answer["left_to_start_call"]
    await world.happen(
        SPRING, CampaignAttemptLimitsChanged({"per_lead": 1}), CampaignDiallingHoursChanged(None)
    )
    called = events.LeadCallRecorded("c2", SPRING, BEFORE)
    await world.happen(named("mine"), called)
    assert "mine" not in await listed(world, names)


async def test_priority_then_due_time_then_the_order_of_the_pool(world: World) -> None:
    pool = named("pool")
    await world.record(pool, PoolCreated("P", SPRING))
    made: dict[str, dict[str, Any]] = {
        "low": {"priority": 1, "next_dial_at": BEFORE},
        "early": {"priority": 9, "next_dial_at": format_instant(NOON - timedelta(hours=3))},
        "late": {"priority": 9, "next_dial_at": BEFORE},
        **{f"new {n}": {"priority": 9, "pool_id": pool} for n in range(6)},
    }
    for name, given in made.items():
        await world.lead(name, **MINE, **given)
    new = sorted((name for name in made if name.startswith("new")), key=named)
    order = await listed(world, list(made))
    assert order[:2] == ["early", "late"]
    assert order[-1] == "low"
    assert _rotated(order[2:-1]) == _rotated(new)
    await world.happen(pool, PoolShuffled(7))
    drawn = sorted(new, key=lambda name: _drawn(7, named(name)))
    assert _rotated((await listed(world, list(made)))[2:-1]) == _rotated(drawn)
    raised = events.LeadPriorityChanged(priority=10, previous=1)
    await world.happen(named("low"), raised)
    assert (await listed(world, list(made)))[0] == "low"


def _drawn(seed: int, lead: str) -> str:
    return md5(f"{seed}{lead}".encode(), usedforsecurity=False).hexdigest()


def _rotated(names: list[str]) -> list[str]:
    """The same ring, begun at its smallest: agents begin at different places."""
    start = names.index(min(names))
    return [*names[start:], *names[:start]]


async def test_agents_begin_at_different_places_among_equals(world: World) -> None:
    names = [f"lead {n}" for n in range(10)]
    for name in names:
        await world.lead(name, owner=team("north"))
    lists = {by: await listed(world, names, by) for by in ("agent", "agent_east")}
    assert len({tuple(_rotated(one)) for one in lists.values()}) == 1
    assert len({one[0] for one in lists.values()}) == 2
    assert await listed(world, names, "agent") == lists["agent"]


async def test_a_pool_that_is_off_keeps_all_but_private_and_vip(world: World) -> None:
    pool = named("pool")
    await world.lead("plain", **MINE, pool_id=pool)
    for kind in ("private", "vip"):
        await world.lead(kind, **MINE, pool_id=pool, status=f"manual_redial_{kind}")
    names = ["plain", "private", "vip"]
    await world.happen(pool, PoolCreated("P", SPRING, active=False))  # told after its leads
    assert set(await listed(world, names)) == {"private", "vip"}
    await world.happen(pool, PoolActivated())
    assert set(await listed(world, names)) == set(names)
    await world.happen(pool, PoolDeactivated())
    assert set(await listed(world, names)) == {"private", "vip"}


async def test_a_status_of_ones_own_counts_as_the_catalogue_says(world: World) -> None:
    await world.lead("lead", **MINE, status="asleep")
    organisation = str(ORGANISATION_ID)
    added = StatusAdded("asleep", "Asleep", group="open", dialable=False, kind="waiting")
    await world.happen(organisation, added)
    assert await listed(world, ["lead"]) == []
    await world.happen(organisation, StatusCatalogueChanged("asleep", "Awake", dialable=True))
    assert await listed(world, ["lead"]) == ["lead"]


async def test_a_segment_limits_the_list_to_its_leads_and_agents(world: World) -> None:
    segment, foreign = named("segment"), named("foreign")
    await world.record(segment, SegmentCreated("S", agents=(ME,)))
    await world.record(foreign, SegmentCreated("F", agents=(OTHER,)))
    await world.lead("in", events.LeadAddedToSegment(segment), **MINE)
    await world.lead("out", **MINE)
    assert await listed(world, ["in", "out"], segment=segment) == ["in"]
    answer = await ask(world, segment=foreign)
    assert [one["code"] for one in answer["reasons"]] == ["segment-not-for-agent"]
    await world.happen(segment, SegmentDeactivated())
    answer = await ask(world, segment=segment)
    assert [one["code"] for one in answer["reasons"]] == ["segment-inactive"]
    assert (await world.get("/v1/dial-list", "agent", campaign=SPRING,
                            segment=named("none"))).status_code == 404  # fmt: skip


async def test_leads_outside_their_hours_are_passed_over(world: World) -> None:
    numbers = {
        "berlin": "+493012345678",
        "new york": "+12125550100",
        "los angeles": "+12135550100",
        "toll free": "+18005550100",
        "unknown": "+8835100012345",
    }
    for name, phone in numbers.items():
        await world.lead(name, **MINE, phone=phone)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await fill_number_zones(pool)
    zones = await pool.fetch("select lead_id, zone from read.lead_dial")
    await pool.close()
    assert len({row["zone"] for row in zones if row["lead_id"] != UUID(named("unknown"))}) == 4
    names = list(numbers)
    assert set(await listed(world, names)) == set(names)
    windows = {"windows": [[["09:00", "17:00"]]] * 7}
    await world.happen(SPRING, CampaignDiallingHoursChanged({**windows, "zone": None}))
    assert await listed(world, names) == ["berlin"]  # noon in London, seven in New York
    move(world, NOON + timedelta(hours=6))  # 19:00 in Berlin, 13:00 and 10:00 over there
    assert set(await listed(world, names)) == {"new york", "los angeles"}
    limited = events.LeadDialTimeLimited("11:00", "12:00")
    await world.happen(named("los angeles"), limited)
    assert await listed(world, names) == ["new york"]
    move(world, NOON + timedelta(hours=14))
    answer = await ask(world)
    assert [one["code"] for one in answer["reasons"]] == []
    assert answer["leads"] == []
    await world.happen(SPRING, CampaignDiallingHoursChanged({**windows, "zone": "Europe/Berlin"}))
    answer = await ask(world)
    assert [one["code"] for one in answer["reasons"]] == ["outside-dialling-hours"]


async def test_leads_are_passed_over_while_their_own_zone_is_closed(world: World) -> None:
    there = ({"id": 1, "phone": "+493012345679", "fields": {"time_zone": "America/New_York"}},)
    made: dict[str, dict[str, Any]] = {
        "silent": {},
        "at home": {"fields": {"time_zone": "Europe/Berlin"}},
        "abroad": {"fields": {"time_zone": "America/New_York"}},
        "contact abroad": {"phone": None, "contacts": there},
        "of no zone": {"fields": {"time_zone": "Mars/Olympus"}},
        "unknown": {"phone": "+8835100012345", "fields": {"time_zone": "Europe/Paris"}},
    }
    async with await connect_pool(world.url, "leads_projections", largest=1) as pool:
        await fill_number_zones(pool)
        for name, given in made.items():
            await world.lead(name, **{**MINE, "phone": "+493012345678", **given})
        names = list(made)
        windows = {"windows": [[["09:00", "17:00"]]] * 7, "zone": None}
        await world.happen(SPRING, CampaignDiallingHoursChanged(windows))
        at_noon = {"silent", "at home", "of no zone", "unknown"}  # seven in New York
        assert set(await listed(world, names)) == at_noon
        shut = "select count(*) from read.lead_dial where zone < 0 and own_zone ~ 'New_York'"
        assert await pool.fetchval(shut) == 2, "what is closed is found by the index alone"
        same = "select count(distinct zone) from read.lead_dial where begins ~ '^.49' and zone > 0"
        assert await pool.fetchval(same) == 1, "a zone the number has anyway makes no new one"
        move(world, NOON + timedelta(hours=2, minutes=30))  # 15:30 in Berlin, 9:30 in New York
        assert set(await listed(world, names)) == set(names)
        move(world, NOON)
        changed = events.LeadFieldsChanged(set={"time_zone": "Asia/Tokyo"})
        await world.happen(named("at home"), changed)
        back = events.LeadFieldsChanged(unset=("time_zone",))
        await world.happen(named("abroad"), back)
        assert set(await listed(world, names)) == at_noon - {"at home"} | {"abroad"}
        kept = await pool.fetch("select lead_id, zone from read.lead_dial order by lead_id")
        await pool.execute("update read.number_zone set zone = zone - 1")  # as older tables had it
        await pool.execute("update read.lead_dial set zone = zone - 1")
        await fill_number_zones(pool)
        assert await pool.fetch("select lead_id, zone from read.lead_dial order by lead_id") == kept
        assert set(await listed(world, names)) == at_noon - {"at home"} | {"abroad"}


async def test_what_became_due_since_is_listed_before_its_event_comes(world: World) -> None:
    far = NOON.replace(year=NOON.year + 60)
    await world.lead("lead", **MINE, next_dial_at=format_instant(far))
    assert await listed(world, ["lead"]) == []
    move(world, far)
    assert await listed(world, ["lead"]) == ["lead"]


async def test_a_campaign_that_does_not_run_says_so(world: World) -> None:
    await world.lead("lead", **MINE)
    await world.happen(SPRING, CampaignActivityRangeChanged(active_until=BEFORE))
    answer = await ask(world)
    assert [one["code"] for one in answer["reasons"]] == ["campaign-ended"]
    await world.happen(
        SPRING, CampaignActivityRangeChanged(active_from=AFTER), CampaignDeactivated()
    )
    answer = await ask(world)
    codes = [one["code"] for one in answer["reasons"]]
    assert (codes, answer["leads"]) == (["campaign-inactive", "campaign-not-begun"], [])


async def test_who_may_ask_for_whom(world: World) -> None:
    await world.lead("mine", **MINE)
    await world.lead("above", owner=team("top"))
    both = ["mine", "above"]
    assert set(await listed(world, both, "agent", agent=ME)) == set(both)
    assert set(await listed(world, both, "admin", agent=ME)) == set(both)
    assert await listed(world, both, "leader", agent=ME) == ["mine"], "what a leader may see"
    answer = await ask(world, "dialer", agent=ME)
    assert {lead["lead_id"] for lead in answer["leads"]} == {named(name) for name in both}
    assert set(answer["leads"][0]) == set(FOR_DIALERS)
    for by, params, status in (
        ("agent", {"agent": OTHER}, 403),
        ("auditor", {"agent": ME}, 403),
        ("leader", {"agent": named("agent_south")}, 422),
        ("admin", {"agent": named("nobody")}, 422),
        ("admin", {"agent": ME, "campaign": named("none")}, 404),
        ("agent", {"limit": 0}, 422),
        ("agent", {"limit": 201}, 422),
        ("agent", {"campaign": "x"}, 422),
        ("agent", {"what": 1}, 422),
    ):
        answer = await world.get("/v1/dial-list", by, **{"campaign": SPRING, **params})
        assert answer.status_code == status, (by, params, answer.text)
