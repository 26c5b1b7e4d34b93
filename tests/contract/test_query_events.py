"""The whole log by a cursor, for integrators: every category of events, for whom it is, masked."""

from collections.abc import AsyncIterator
from typing import Any, get_args

import pytest

from schemas import bulk, dnc, export, favourite, imports, mailing, quarantine, view
from schemas import lead as leads
from schemas.catalogue import EVENTS
from schemas.pool import PoolCreated
from schemas.segment import SegmentCreated
from services.query import events
from tests.contract.query_service import USERS, World, named, running, team, user

VIEW, PRIVATE, JOB, PHONE = named("view"), named("private"), named("job"), "+4915112345678"


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        await world.record(named("pool"), PoolCreated("March", named("spring")))
        await world.record(named("segment"), SegmentCreated("North"))
        await world.record(named("number"), dnc.DncAdded("global", number=PHONE, reason="asked"))
        held = quarantine.PayloadHeld("unknown-lead", "nobody has it", "http", PHONE, raw="{}")
        await world.record(named("held"), held)
        by = named("leader")
        await world.record(JOB, bulk.BulkRequested(by, "Ready", 1, "x"), bulk.BulkPlanned("x", 1))
        await world.record(named("file"), export.ExportRequested(named("agent"), "leads"))
        scheduled = mailing.MailingScheduled(
            named("agent"), "mine", ["09:00"], "UTC", "2026-03-02T09:00:00Z"
        )
        await world.record(named("mailing"), scheduled)
        await world.record(named("import"), imports.ImportRequested(by, named("spring"), 1, "0"))
        shared = view.ViewShared(team("north"), "view")
        await world.record(VIEW, view.ViewCreated("Ours", named("leader")), shared)
        await world.record(PRIVATE, view.ViewCreated("Mine", named("agent_south")))
        await world.record(named("star"), favourite.FavouriteChosen(named("agent"), VIEW))
        await world.lead("one", leads.LeadPhoneChanged(phone=PHONE), owner=user("agent"))
        yield world


async def heard(world: World, by: str, **given: Any) -> list[dict[str, Any]]:
    page = await world.read("/v1/events", by, limit=1000, **given)
    assert (page["next"], page["more"], page["lag"]) == (page["position"], False, 0)
    found: list[dict[str, Any]] = page["events"]
    return found


def test_every_category_there_is_can_be_asked_for() -> None:
    assert {kind.category() for kind in EVENTS.values()} == set(get_args(events.Category))


async def test_of_a_category_nobody_thought_of_nothing_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "FOR_EVERYBODY", ())
    assert await heard(world, "admin", category="campaign") == []


async def test_everybody_hears_of_what_they_may_read(world: World) -> None:
    known = {"campaign", "organisation", "pool", "segment"}
    expected = {
        "admin": {"dnc", "quarantine", "bulk", "export", "mailing", "import", "lead"},
        "auditor": {"dnc", "quarantine", "bulk", "export", "mailing", "import", "lead"},
        "inspector": {"dnc", "quarantine", "bulk", "export", "mailing", "import", "lead"},
        "leader": {"dnc", "bulk", "import", "view", "lead"},
        "agent": {"lead", "view", "favourite", "export", "mailing"},
        "agent_east": {"view"},
        "agent_south": {"view"},
        "analyst": set(),
        "dialer": {"quarantine"},
    }
    for by in USERS:
        found = {one["category"] for one in await heard(world, by)}
        assert found == known | expected[by], by
        for category in (
            "dnc",
            "bulk",
            "export",
            "mailing",
            "view",
            "favourite",
            "quarantine",
            "lead",
        ):
            some = await heard(world, by, category=category)
            assert bool(some) == (category in expected[by]), (by, category)
            assert {one["category"] for one in some} <= {category}


async def test_only_its_owner_hears_whom_a_view_is_shared_with(world: World) -> None:
    async def kinds(by: str) -> list[str]:
        return [one["kind"] for one in await heard(world, by, category="view")]

    assert await kinds("leader") == ["view.created", "view.shared"]
    assert await kinds("agent_east") == ["view.created"]
    await world.happen(VIEW, view.ViewDeleted())
    assert await kinds("agent_east") == []
    assert await kinds("leader") == ["view.created", "view.shared", "view.deleted"]


async def test_no_secret_and_no_number_is_told(world: World) -> None:
    keys = await heard(world, "admin", kind="organisation.api_key_issued")
    assert len(keys) == len(USERS)
    assert all("secret_hash" not in one["data"] for one in keys)
    for by in USERS:
        text = (await world.get("/v1/events", by, limit=1000)).text
        assert "secret" not in text, by
        if by in ("auditor", "dialer"):
            assert PHONE[1:] not in text, by


async def test_pages_go_on_after_a_position(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = await heard(world, "agent")
    positions = [one["position"] for one in whole]
    assert positions == sorted(positions)
    monkeypatch.setattr(events, "LOOKED_AT_MAX", 4)
    after, more, pages = 0, True, []
    while more:
        page = await world.read("/v1/events", "agent", after=after, limit=2)
        assert page["next"] > after
        after, more = page["next"], page["more"]
        pages.append(page["events"])
    assert [one for page in pages for one in page] == whole
    assert [] in pages  # a stretch in which nothing was for the agent
    head = await world.log.head()
    page = await world.read("/v1/events", "agent", after=head)
    assert (page["events"], page["next"], page["more"]) == ([], head, False)
    await world.record(named("one"), leads.LeadPaused())  # not in the read models yet
    page = await world.read("/v1/events", "agent", after=head)
    assert (page["events"], page["next"], page["lag"]) == ([], head, 1)
    page = await world.read("/v1/events", "agent", after=head + 1)
    assert (page["events"], page["next"], page["more"]) == ([], head + 1, False)


async def test_events_are_told_by_kind_and_actor(world: World) -> None:
    (one,) = await heard(world, "agent", kind=["lead.created", "lead.paused"])
    assert (one["stream_id"], one["version"], one["actor"]) == (named("one"), 1, user("admin"))
    assert one["data"]["owner"] == user("agent")
    assert "phone" not in one["data"]  # what is personal stays in the log
    await world.happen(named("one"), leads.LeadPaused(), by="agent")
    (mine,) = await heard(world, "agent", actor=user("agent"))
    assert mine["kind"] == "lead.paused"
    assert len(await heard(world, "agent", cause="command:test")) == len(
        await heard(world, "agent")
    )
    assert await heard(world, "agent", cause="command:other") == []


async def test_the_next_of_a_cause_or_an_actor_is_found_however_far_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "LOOKED_AT_MAX", 3)
    for number in range(32):
        await world.lead(f"between {number}")
    await world.happen(named("one"), leads.LeadPaused(), by="agent")
    far = await world.log.head()
    await world.record(named("late pool"), PoolCreated("April", named("spring")))
    later = await world.log.head()
    for number in range(32, 40):
        await world.lead(f"between {number}")

    async def first(by: str, **given: Any) -> tuple[list[int], int]:
        page = await world.read("/v1/events", by, after=far - 30, limit=5, **given)
        return [one["position"] for one in page["events"]], page["next"]

    start = far - 30
    for by in ("admin", "auditor"):
        assert await first(by, actor=user("agent")) == ([far], far + 2)
        assert await first(by, actor=[user("agent_east"), user("agent")]) == ([far], far + 2)
        assert await first(by, category=["pool", "campaign"]) == ([later], later + 2)
        assert await first(by, kind="pool.created") == ([later], later + 2)
        nobody = await first(by, cause="command:nobody")
        assert nobody == ([], await world.log.head())
    # Who does not see everything goes on stretch by stretch: a leap would tell of what they miss.
    assert await first("leader", actor=user("agent")) == ([], start + 3)
    # Of kinds of leads' events there is no index; nothing is left out for it.
    assert await first("admin", kind="lead.paused") == ([], start + 3)
    await world.happen(named("one"), leads.LeadReadied(), cause="command:alone")
    (only,) = (await first("admin", cause="command:alone"))[0]
    assert only == await world.log.head()


@pytest.mark.parametrize(
    "given", [{"after": 10**6}, {"after": "x"}, {"category": "leads"}, {"kind": "created"}]
)
async def test_what_cannot_be_asked_is_refused(world: World, given: dict[str, Any]) -> None:
    refused = await world.get("/v1/events", **given)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith("/query/")
