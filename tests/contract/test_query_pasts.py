"""Lists as of an earlier moment: the very lists that were shown then, and nothing left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from schemas import lead as events
from schemas.envelope import Origin
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.ids import new_id
from services.kit.keys import KeyRing
from services.kit.postgres import connect_pool
from services.projections.decoding import Decoder
from services.query import sampling
from services.query.pasts import jobs
from services.query.pasts.building import apply_erasures, build_waiting
from tests.contract.query_service import NOON, World, named, running, team, user
from tests.kit.event_logs import MASTER

TREE = {"op": "not", "of": {"op": "equals", "field": "status", "value": "success"}}


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


@asynccontextmanager
async def building(world: World) -> AsyncIterator[tuple[Any, Decoder]]:
    pool = await connect_pool(world.url, "leads_projections", largest=3)
    try:
        yield pool, Decoder(KeyRing(MASTER, pool))
    finally:
        await pool.close()


async def build(world: World) -> bool:
    async with building(world) as (pool, decoder):
        return await build_waiting(pool, decoder, asyncio.Event())


async def asked_for(world: World, as_of: str = "", by: str = "admin") -> str:
    as_of = as_of or f"position:{await world.log.head()}"
    response = await world.post("/v1/pasts", {"as_of": as_of}, by)
    assert response.status_code == 202, response.text
    past: str = response.json()["past"]["id"]
    assert response.headers["location"] == f"/v1/pasts/{past}"
    return past


async def state(world: World, past: str) -> str:
    found: str = (await world.read(f"/v1/pasts/{past}"))["past"]["state"]
    return found


async def shown(world: World, path: str, by: str) -> list[Any]:
    """Everything a caller gets to see of the leads, by several questions, over small pages."""
    answers: list[Any] = []
    for sort in ("last_modified_at", "next_dial_at", "call_attempts", "fields.age", "name"):
        body: dict[str, Any] = {"filter": TREE, "limit": 2, "sort": [{"field": sort}]}
        while True:
            page = await world.asked(f"{path}/search", body, by)
            answers.append(page["leads"])
            if page["next"] is None:
                break
            body["cursor"] = page["next"]
    called = {"op": "log", "kinds": ["lead.note_added"], "since": "now-1h"}
    for tree in (None, TREE, {"op": "search", "value": "ada"}, called):
        counted = await world.asked(f"{path}/count", {"filter": tree}, by)
        answers += [counted["count"]]
    for field in ("owner", "fields.age", "next_dial_at"):
        spread = await world.asked(f"{path}/breakdown", {"field": field, "filter": TREE}, by)
        answers.append((spread["parts"], spread["empty"], spread["total"]))
    return answers


async def some_leads(world: World) -> None:
    due = "2026-03-05T09:00:00Z"
    for index, (name, owner) in enumerate(
        (("a", team("north")), ("b", team("south")), ("c", user("agent")), ("d", team("top")))
    ):
        scheduled = [events.LeadDialScheduled(due)] if index % 2 else []
        personal = {"name": f"Ada {name}"}
        fields = {"age": 30 + index} if index else {}
        await world.lead(name, *scheduled, owner=owner, fields=fields, personal_fields=personal)


async def test_a_past_answers_as_the_present_did_then(world: World) -> None:
    await some_leads(world)
    position = await world.happen(named("a"), events.LeadNoteAdded(1, "secret"))
    then = {by: await shown(world, "/v1/leads", by) for by in ("admin", "auditor", "leader")}
    later = NOON + timedelta(hours=2)
    await world.happen(named("a"), events.LeadFieldsChanged(set={"age": 99}), at=later)
    await world.happen(named("c"), events.LeadStatusChanged("success", "created"), at=later)
    await world.lead("new")
    assert await shown(world, "/v1/leads", "admin") != then["admin"]
    past = await asked_for(world, f"position:{position}")
    assert (await world.post(f"/v1/pasts/{past}/search", {})).status_code == 409
    assert await state(world, past) == "waiting"
    assert await build(world)
    built = (await world.read(f"/v1/pasts/{past}"))["past"]
    assert (built["state"], built["leads"], built["as_of"]) == ("ready", 4, position)
    assert built["progress"] == {"events": position, "of": position}
    for by, expected in then.items():
        found = await shown(world, f"/v1/pasts/{past}", by)
        assert found[:-5] == expected[:-5], by
        assert found[-3:] == expected[-3:], by
    answer = await world.asked(f"/v1/pasts/{past}/count", {})
    assert (answer["count"], answer["position"], answer["lag"]) == (4, position, 0)


async def test_a_past_of_many_leads_is_counted_quickly_or_from_a_sample_like_the_present(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await some_leads(world)
    past = f"/v1/pasts/{await asked_for(world)}"
    assert await build(world)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr("services.query.sampling.LEADS_SAMPLED", 1)
    for by, leads in (("admin", 4), ("leader", 2)):
        for path in ("/v1/leads", past):
            counted = await world.asked(f"{path}/count", {}, by)
            spread = await world.asked(f"{path}/breakdown", {"field": "status"}, by)
            assert (counted["count"], counted["exact"]) == (leads, True), (by, path)
            assert (spread["total"], spread["exact"]) == (leads, True), (by, path)

    async def too_slow(connection: Any, ask: Any, within_ms: int | None = None) -> Any:
        return await ask() if within_ms == sampling.DRAWN_MS else None

    for place in ("services.query.counting.quickly", "services.query.breakdown.quickly"):
        monkeypatch.setattr(place, too_slow)
    for by in ("admin", "leader"):
        for path, key in (("count", "count"), ("breakdown", "total")):
            body = {"field": "status"} if path == "breakdown" else {}
            drawn = await world.asked(f"{past}/{path}", body, by)
            # All leads fit one page of the table: it is drawn or not.
            assert (drawn["exact"], drawn[key] in (0, 8, 16)) == (False, True), (by, drawn)


async def test_who_sees_a_lead_now_sees_it_then_and_nobody_else(world: World) -> None:
    await some_leads(world)
    await world.happen(named("b"), events.LeadOwnerChanged(team("north"), team("south")))
    position = await world.happen(named("c"), events.LeadPriorityChanged(3))
    await world.happen(named("b"), events.LeadOwnerChanged(team("south"), team("north")))
    await world.happen(named("d"), events.LeadOwnerChanged(team("north"), team("top")))
    past = await asked_for(world, f"position:{position}", "leader")
    assert await build(world)
    page = await world.asked(f"/v1/pasts/{past}/search", {}, "leader")
    owners = {lead["lead_id"]: lead["owner"] for lead in page["leads"]}
    assert owners == {named("a"): team("north"), named("c"): user("agent"), named("d"): team("top")}
    for path in ("", "/search", "/count", "/breakdown"):
        place = f"/v1/pasts/{past}{path}"
        body = {"field": "status"} if path == "/breakdown" else {}
        response = await (world.post(place, body, "agent") if path else world.get(place, "agent"))
        assert response.status_code == 403, path
    masked = await world.asked(f"/v1/pasts/{past}/search", {}, "auditor")
    assert all(lead["phone"].startswith("•") for lead in masked["leads"])


async def test_few_are_kept_and_each_can_be_let_go(world: World) -> None:
    await some_leads(world)
    first, second = await asked_for(world, "position:9"), await asked_for(world)
    full = await world.post("/v1/pasts", {"as_of": "position:1"})
    assert (full.status_code, full.headers["retry-after"]) == (429, "60")
    assert (await world.post(f"/v1/pasts/{first}/cancel", {}, "leader")).status_code == 403
    assert (await world.post(f"/v1/pasts/{first}/cancel", {})).status_code == 202
    assert await build(world)
    assert [await state(world, one) for one in (first, second)] == ["cancelled", "ready"]
    assert not await build(world)
    listed = (await world.read("/v1/pasts"))["pasts"]
    assert [one["id"] for one in listed] == [second, first]
    for broken in ("version:1", "position:0", "position:99999999", "2020-01-01T00:00:00Z", "then"):
        response = await world.post("/v1/pasts", {"as_of": broken})
        assert response.status_code == 422, broken
        assert response.json()["errors"][0]["pointer"] == "/as_of"
    assert (await world.get(f"/v1/pasts/{named('none')}")).status_code == 404


async def tables(owner_url: str) -> list[str]:
    connection = await asyncpg.connect(owner_url)
    try:
        rows = await connection.fetch(
            "select relname from pg_class"
            " where relnamespace = 'past'::regnamespace and relkind in ('r', 'v')"
        )
    finally:
        await connection.close()
    return [row[0] for row in rows]


async def test_nothing_is_left_of_a_past_that_ended_however_it_ended(
    world: World, owner_url: str
) -> None:
    await some_leads(world)
    past = await asked_for(world)
    assert await build(world)
    assert len(await tables(owner_url)) == 5
    async with building(world) as (pool, decoder):
        await pool.execute("update job.pasts set ends_at = now()")
        await jobs.clear_away(pool)
        assert await tables(owner_url) == []
        assert await state(world, past) == "expired"
        # Killed while it was building: no beat any more, its tables half made.
        past = await asked_for(world)
        assert await jobs.claim(pool) is not None
        number = await pool.fetchval("select max(number) from job.pasts")
        await pool.execute(f"create table past.lead_{number} (lead_id uuid)")
        await jobs.clear_away(pool)
        assert (await state(world, past), len(await tables(owner_url))) == ("building", 1)
        await pool.execute("update job.pasts set beat_at = now() - interval '1 minute'")
        await jobs.clear_away(pool)
        assert (await state(world, past), await tables(owner_url)) == ("failed", [])
        # Told to stop while it was building.
        past = await asked_for(world)
        stop = asyncio.Event()
        stop.set()
        assert await build_waiting(pool, decoder, stop)
        found = (await world.read(f"/v1/pasts/{past}"))["past"]
        assert (found["state"], found["fault"]) == ("failed", "interrupted")
        assert await tables(owner_url) == []


async def test_what_is_erased_later_is_erased_there_too(world: World, owner_url: str) -> None:
    await some_leads(world)
    await world.happen(named("a"), events.LeadPhoneChanged("+4915187654321", "0151 87654321", ""))
    past = await asked_for(world)
    assert await build(world)
    search = {"filter": {"op": "search", "value": "ada a"}}
    found = await world.asked(f"/v1/pasts/{past}/count", search)
    assert found["count"] == 1
    new = NewEvent(events.LeadAnonymised(), NOON, Origin(user("admin"), "command:test"))
    stream = StreamAppend(UUID(named("a")), 2, [new])
    await world.log.append(
        Append([Commanded(new_id(), bytes(32))], [stream], destroyed_keys=[UUID(named("a"))])
    )
    refused = await world.post(f"/v1/pasts/{past}/search", {})
    assert (refused.status_code, refused.json()["retryable"]) == (503, True)
    async with building(world) as (pool, decoder):
        assert await apply_erasures(pool, decoder) == 1
        assert await apply_erasures(pool, decoder) == 0
    page = await world.asked(f"/v1/pasts/{past}/search", {})
    (erased,) = [lead for lead in page["leads"] if lead["lead_id"] == named("a")]
    assert (erased["name"], erased["phone"], erased["owner"]) == (None, None, team("north"))
    connection = await asyncpg.connect(owner_url)
    try:
        number = await connection.fetchval("select max(number) from job.pasts")
        for table in ("lead", "lead_search"):
            text = await connection.fetchval(
                f"select string_agg(t::text, '') from past.{table}_{number} t"
            )
            assert "Ada b" in text or "ada b" in text
            assert "87654321" not in text
            assert "ada a" not in text.lower()
    finally:
        await connection.close()
