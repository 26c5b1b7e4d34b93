"""Questions that take too long are answered from a sample of the leads, and say so."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas import lead as events
from schemas.filters import parse_filter
from services.kit.postgres import connect_pool
from services.query import counting, lead, sampling
from services.query.filters_sql import Terms, filter_condition
from services.query.sql import Arguments
from tests.contract.query_service import (
    NOON,
    SPRING,
    World,
    named,
    running,
    team,
    user,
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


def samples_asked(monkeypatch: pytest.MonkeyPatch, place: str) -> list[int]:
    """What is asked of `sample_of` there from now on: how much smaller each sample is to be."""
    asked: list[int] = []
    sample_of = sampling.sample_of

    async def noted_down(connection: Any, smaller: int = 1) -> Any:
        asked.append(smaller)
        return await sample_of(connection, smaller)

    monkeypatch.setattr(place, noted_down)
    return asked


async def test_a_breakdown_that_costs_much_is_drawn_from_a_sample_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(12):
        await world.lead(f"lead {index}", status="ready" if index % 4 else "created")
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr("services.query.breakdown.COST_EXACT_MAX", 0.0)
    monkeypatch.setattr("services.query.sampling.LEADS_SAMPLED", 11)
    exact = {"created": 3, "ready": 9}

    async def spread(**more: Any) -> tuple[dict[str, int], bool]:
        answer = await world.asked("/v1/leads/breakdown", {"field": "status", **more})
        return {part["value"]: part["count"] for part in answer["parts"]}, answer["exact"]

    assert await spread() == (exact, True)  # too few were found to stand for all
    monkeypatch.setattr("services.query.breakdown.FOUND_MIN", 0)
    counts, is_exact = await spread()
    assert not is_exact
    # All leads fit one page of the table: it is drawn or not, and stands for 12 / 11 of it.
    assert counts in ({}, {"created": 3, "ready": 10})
    assert await spread(exact=True) == (exact, True)


async def test_what_is_not_counted_quickly_is_told_from_a_sample(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(12):
        await world.lead(f"lead {index}", owner=user("agent"))
    pool = await connect_pool(world.url, "leads_query", largest=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            monkeypatch.setattr(sampling, "QUICKLY_MS", 30)
            await connection.execute("set local role leads_sight; set local statement_timeout = 77")
            sleep, state = "select pg_sleep($1)", "select current_setting('statement_timeout')"
            assert await sampling.quickly(connection, lambda: connection.fetch(sleep, 5)) is None
            assert await sampling.quickly(connection, lambda: connection.fetch(sleep, 0))
            assert await connection.fetchval(state) == "77ms"
            assert await connection.fetchval("select current_user") == "leads_sight"
            await connection.execute("set local role leads_projections; analyze read.lead_v1")
    finally:
        await pool.close()

    async def too_slow(connection: Any, ask: Any, within_ms: int | None = None) -> Any:
        return await ask() if within_ms == sampling.DRAWN_MS else None

    for place in ("services.query.counting.quickly", "services.query.breakdown.quickly"):
        monkeypatch.setattr(place, too_slow)
    spread = {"field": "status"}
    for by in ("admin", "agent"):  # few leads are counted whatever it takes
        assert (await world.asked("/v1/leads/count", {}, by))["exact"]
        assert (await world.asked("/v1/leads/breakdown", spread, by))["exact"]
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 11)
    for by in ("admin", "agent"):
        for path, body, key in (("count", {}, "count"), ("breakdown", spread, "total")):
            answer = await world.asked(f"/v1/leads/{path}", body, by)
            # All leads fit one page of the table: it is drawn or not, and stands for 12 / 11 of it.
            assert (answer[key] in (0, 13), answer["exact"]) == (True, False), answer
        assert (await world.asked("/v1/leads/count", {"exact": True}, by))["count"] == 12

    async def all_slow(connection: Any, ask: Any, within_ms: int | None = None) -> None:
        return None

    monkeypatch.setattr("services.query.counting.quickly", all_slow)
    drawn = samples_asked(monkeypatch, "services.query.counting.sample_of")
    answer = await world.asked("/v1/leads/count", {})
    assert (answer["count"], answer["exact"]) == (12, False)  # as the planner expects
    assert drawn == [1, sampling.SMALLER], "a smaller sample was tried before"


async def test_a_count_that_is_to_be_exact_is_given_more_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to 10,000 leads are counted exactly, as soon as something says that there are no more."""
    for index in range(12):
        await world.lead(f"lead {index}")
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 11)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    tried: list[int | None] = []

    async def slow_at_first(_: Any, ask: Any, within_ms: int | None = None) -> Any:
        tried.append(within_ms)
        return await ask() if len(tried) > 1 else None

    monkeypatch.setattr(counting, "quickly", slow_at_first)
    assert not (await world.asked("/v1/leads/count", {}))["exact"]  # longer than it is worth
    assert tried == [sampling.COUNTED_MS, sampling.DRAWN_MS]

    async def many(*_: Any) -> int:
        return 99_999

    for drawn, exact in ((10_001, False), (10_000, True)):
        tried.clear()

        async def told(*_: Any, leads: int = drawn) -> int:
            return leads

        monkeypatch.setattr(counting, "estimate", many)
        monkeypatch.setattr(counting, "_count_drawn", told)
        answer = await world.asked("/v1/leads/count", {})
        assert (answer["count"], answer["exact"]) == (12 if exact else drawn, exact)
        assert tried == [None, *([sampling.COUNTED_MS] if exact else [])]


async def test_many_leads_in_sight_are_counted_by_what_they_are_seen_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each, and no more than are counted exactly of each."""
    mine = {"owner": user("agent")}
    done = events.LeadResultRecorded("success", named("agent"))
    for index in range(3):
        await world.lead(f"mine {index}", **mine)
        await world.lead(f"mine and done {index}", done, **mine)
        await world.lead(f"done by me {index}", done, owner=team("south"))
        await world.lead(f"of others {index}", owner=team("south"))
    asked: list[str] = []
    parts = counting._by_parts_of_sight

    async def many(*_: Any) -> int:
        return 99_999

    def noted(*given: Any) -> str:
        asked.append("by parts")
        return parts(*given)

    monkeypatch.setattr(counting, "estimate", many)
    monkeypatch.setattr(counting, "_by_parts_of_sight", noted)
    for by in ("agent", "leader"):
        listed = len(await world.found(by=by))
        answer = await world.asked("/v1/leads/count", {}, by)
        assert (answer["count"], answer["exact"]) == (listed, True), by
    assert asked == ["by parts"] * 2
    for most, expected in ((9, (9, True)), (8, (99_999, False))):
        monkeypatch.setattr(counting, "COUNT_EXACT_MAX", most)
        answer = await world.asked("/v1/leads/count", {}, "agent")
        assert (answer["count"], answer["exact"]) == expected


async def test_of_a_sample_the_log_is_asked_lead_by_lead(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All calls that ended so are many more than those of the leads that were drawn."""
    began = "2026-03-04T11:00:00Z"
    busy = [events.LeadCallRecorded(f"c{n}", SPRING, began, end_cause="Busy") for n in range(3)]
    for count in range(4):
        await world.lead(f"called {count}", *busy[:count], events.LeadNoteAdded(1, "x"))
    pool = await connect_pool(world.url, "leads_query", largest=1)

    async def found(drawn: bool, **node: Any) -> tuple[int, str]:
        arguments = Arguments()
        terms = Terms({}, NOON, drawn=drawn)
        condition = filter_condition(parse_filter({"op": "log", **node}), terms, arguments)
        statement = " ".join(("select from read.lead l where", condition))
        plan = await pool.fetch(f"explain {statement}", *arguments.values)
        rows = await pool.fetch(statement, *arguments.values)
        return len(rows), "\n".join(line for (line,) in plan)

    try:
        for at_least, expected in ((1, 3), (2, 2), (3, 1), (4, 0)):
            node = {"end_causes": ["Busy"], "at_least": at_least}
            assert (await found(False, **node))[0] == expected
            leads_found, plan = await found(True, **node)
            assert leads_found == expected
            assert ("SubPlan" in plan, "Join" in plan) == (True, False), plan
        assert (await found(True, kinds=["lead.note_added"]))[0] == 4
    finally:
        await pool.close()
    drawn: list[bool] = []
    condition = lead.leads_condition

    def noted(*given: Any, **more: Any) -> str:
        drawn.append(more.get("drawn", False))
        return condition(*given, **more)

    async def too_slow(connection: Any, ask: Any, within_ms: int | None = None) -> Any:
        return await ask() if within_ms == sampling.DRAWN_MS else None

    for place in ("counting", "breakdown"):
        monkeypatch.setattr(f"services.query.{place}.leads_condition", noted)
        monkeypatch.setattr(f"services.query.{place}.quickly", too_slow)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 2)
    for path, more in (("count", {}), ("breakdown", {"field": "status"})):
        body = {"filter": {"op": "log", "end_causes": ["Busy"]}, **more}
        assert not (await world.asked(f"/v1/leads/{path}", body))["exact"]
        assert drawn[-1], path


async def test_an_exact_breakdown_is_tried_once_and_its_statements_share_the_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index in range(12):
        await world.lead(f"lead {index}", events.LeadNoteAdded(1, "x"), priority=index % 10)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_v1")
    await pool.close()
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 11)
    tried: list[bool] = []
    quickly = sampling.quickly

    async def counted(connection: Any, ask: Any, within_ms: int | None = None) -> Any:
        answer = await quickly(connection, ask, within_ms)
        if within_ms is None:  # no sample
            tried.append(answer is not None)
        return answer

    monkeypatch.setattr("services.query.breakdown.quickly", counted)
    noted = {"op": "log", "kinds": ["lead.note_added"]}
    body = {"field": "priority", "top": 3, "filter": noted}
    assert (await world.asked("/v1/leads/breakdown", body))["exact"]
    # What of many leads the log is asked for is drawn first; so few say little, and all are asked.
    monkeypatch.setattr("services.query.breakdown.ROWS_EXACT_MAX", 11)
    assert (await world.asked("/v1/leads/breakdown", body))["exact"]
    assert tried == [True, True]
    monkeypatch.setattr("services.query.breakdown.ROWS_HOPELESS", 11)
    assert not (await world.asked("/v1/leads/breakdown", body))["exact"]
    assert tried == [True, True]
    monkeypatch.setattr("services.query.breakdown.ROWS_HOPELESS", 20)
    monkeypatch.setattr("services.query.breakdown.FOUND_MIN", -1)
    assert not (await world.asked("/v1/leads/breakdown", body))["exact"]
    assert tried == [True, True]
    monkeypatch.undo()
    monkeypatch.setattr(sampling, "LEADS_SAMPLED", 11)
    monkeypatch.setattr("services.query.breakdown.quickly", counted)

    async def all_used(connection: Any, began: float, within_ms: int | None) -> None:
        await sampling.hurry(connection, began - 1, within_ms)
        await connection.fetchval("select pg_sleep(0.05)")

    drawn = samples_asked(monkeypatch, "services.query.breakdown.sample_of")

    monkeypatch.setattr("services.query.breakdown.hurry", all_used)
    assert not (await world.asked("/v1/leads/breakdown", body))["exact"]
    assert tried == [True, True, False]
    assert drawn == [1, sampling.SMALLER], "what is late of the sample is asked of a part of it"
