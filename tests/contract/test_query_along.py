"""Pages are the same whichever index their order is gone along, and pass by nothing they need not:
leads of one status, of a common text, and the few that were looked up.
"""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from schemas import lead as events
from services.kit.postgres import connect_pool
from services.query import along, lead, log_lookup, searching
from services.query.filters_sql import Found
from tests.contract.query_service import AUTUMN, NOON, SPRING, World, named, running, team, user


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


@pytest.fixture
def by_indexes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What selected the ids of each page from indexes alone; "" for a page that is found else."""
    told: list[str] = []
    asked = along.by_indexes

    def noted(*given: Any) -> str:
        told.append(asked(*given))
        return told[-1]

    monkeypatch.setattr(lead, "by_indexes", noted)
    return told


async def _paged(world: World, body: dict[str, Any], by: str = "admin") -> list[str]:
    """All leads of a list by pages of two, forth; back they are the same."""
    asked = {**body, "limit": 2, "columns": ["lead_id"]}
    ways: list[list[str]] = []
    page = await world.asked("/v1/leads/search", asked, by)
    for way in ("next", "previous"):
        ways.append([one["lead_id"] for one in page["leads"]])
        while page[way]:
            page = await world.asked("/v1/leads/search", {**asked, "cursor": page[way]}, by)
            found = [one["lead_id"] for one in page["leads"]]
            ways[-1] = ways[-1] + found if way == "next" else found + ways[-1]
    assert ways[0] == ways[1]
    return ways[0]


async def test_leads_of_some_statuses_are_merged_from_their_campaigns(
    world: World, monkeypatch: pytest.MonkeyPatch, by_indexes: list[str]
) -> None:
    of_status: dict[str, list[str]] = {"ready": [], "callback": [], "paused": []}
    for index in range(12):
        status = list(of_status)[index % 3]
        name = f"lead {index}"
        await world.record(
            named(name),
            events.LeadCreated(
                campaign_id=AUTUMN if index % 2 else SPRING,
                owner=user("agent") if index % 4 else team("south"),
                status=status,
                phone="+4915112345678",
            ),
            at=NOON + timedelta(minutes=7 * index % 11),
        )
        of_status[status].append(named(name))
    await world.happen(of_status["ready"].pop(), events.LeadDeleted("asked for"))
    of_one = {"op": "equals", "field": "status", "value": "ready"}
    of_two = {"op": "in", "field": "status", "values": ["ready", "paused", "ready"]}
    for tree in (of_one, of_two):
        for descending in (True, False):
            sort = [{"field": "last_modified_at", "descending": descending}]
            body = {"filter": tree, "sort": sort}
            monkeypatch.setattr(along, "MERGED_MAX", 200)
            by_indexes.clear()
            merged = await _paged(world, body)
            assert all(by_indexes)
            wanted = of_status["ready"] + (of_status["paused"] if tree is of_two else [])
            assert sorted(merged) == sorted(wanted)
            monkeypatch.setattr(along, "MERGED_MAX", 1)  # there are two campaigns
            by_indexes.clear()
            assert await _paged(world, body) == merged
            assert not any(by_indexes)
    monkeypatch.setattr(along, "MERGED_MAX", 200)
    # Who sees little is asked with their sight; what else is asked, or in another order, also else.
    mine = await _paged(world, {"filter": of_one}, "agent")
    assert set(mine) < set(of_status["ready"])
    more = {"op": "and", "of": [of_one, {"op": "range", "field": "priority", "gte": 1}]}
    assert sorted(await _paged(world, {"filter": more})) == sorted(of_status["ready"])
    by_age = {"filter": of_one, "sort": [{"field": "uploaded_at"}]}
    assert sorted(await _paged(world, by_age)) == sorted(of_status["ready"])
    assert not any(by_indexes)


async def test_of_many_changed_leads_a_list_by_status_reads_those_of_the_status(
    world: World, by_indexes: list[str]
) -> None:
    """A thousand leads of another status were changed last; the plan passes none of them."""
    await world.lead("the one", status="ready")
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    columns = await pool.fetchval(
        "select string_agg(column_name, ', ') from information_schema.columns where"
        " table_schema = 'read' and table_name = 'lead_v1' and column_name not in"
        " ('lead_id', 'status', 'last_modified_at')"
    )
    await pool.execute(
        f"insert into read.lead_v1 (lead_id, status, last_modified_at, {columns})"
        " select gen_random_uuid(), 'paused', last_modified_at + n * interval '1 second',"
        f" {columns} from read.lead_v1, generate_series(1, 1000) n"
    )
    await pool.execute("analyze read.lead_v1")
    tree = {"op": "equals", "field": "status", "value": "ready"}
    assert await world.found(tree) == [named("the one")]
    values = [1001, ["ready"]]
    assert by_indexes[-1].count("limit $2") == 3
    statement = by_indexes[-1].replace("$2", "$1").replace("$3", "$2")
    plan = "\n".join(
        line for (line,) in await pool.fetch(f"explain (analyze) {statement}", *values)
    )
    await pool.close()
    assert "campaign_id_status_last_modified_at" in plan
    assert "Rows Removed by Filter: 1000" not in plan, plan


async def test_few_leads_looked_up_are_sorted_and_a_common_text_is_gone_along_by_indexes(
    world: World, monkeypatch: pytest.MonkeyPatch, by_indexes: list[str]
) -> None:
    ours = team("south")
    for index in range(5):
        name = {"name": f"Ada {index}" if index % 2 else "Ben"}
        await world.lead(f"lead {index}", owner=ours, personal_fields=name)
    pool = await connect_pool(world.url, "leads_projections", largest=1)
    await pool.execute("analyze read.lead_search")
    await pool.close()
    search = {"op": "search", "value": "ada"}
    both = {"op": "and", "of": [search, {"op": "equals", "field": "owner", "value": ours}]}
    sorts: tuple[dict[str, Any], ...] = (
        {},
        {"sort": [{"field": "pool_name"}]},
        {"sort": [{"field": "owner"}, {"field": "lead_id"}]},
    )
    bodies = [{"filter": tree, **sort} for tree in (search, both) for sort in sorts]
    pages: list[list[list[str]]] = []
    gathered: list[along.Step] = []

    def noted(step: along.Step) -> str:
        gathered.append(step)
        return along.gathered(step)

    monkeypatch.setattr(lead, "gathered", noted)
    for few, walked in ((20_000, 100_000), (20_000, 0), (0, 0)):
        monkeypatch.setattr(searching, "FEW", few)
        monkeypatch.setattr(searching, "DRAWN", 5)
        monkeypatch.setattr(along, "WALKED_MAX", walked)
        gathered.clear()
        by_indexes.clear()
        callers = ("admin", "inspector")
        pages += [[await _paged(world, body, by) for body in bodies] for by in callers]
        assert bool(gathered) == (few > 0 and walked == 0)
        assert any(by_indexes) == (few == 0)
    assert all(one == pages[0] for one in pages)
    assert set(pages[0][0]) == {named("lead 1"), named("lead 3")}


async def test_more_leads_are_asked_where_a_small_sample_leaves_it_open_how_common_a_text_is() -> (
    None
):
    class Connection:
        """Of 5,000,000 leads so many of a thousand have the text, by each sample drawn."""

        def __init__(self, *shares: int) -> None:
            self.shares = list(shares)

        async def fetch(self, statement: str, *_: Any) -> list[dict[str, int]]:
            share = self.shares.pop(0)
            return [{"mask": 0, "leads": 1000 - share}, {"mask": 1, "leads": share}]

    sought = searching.Sought(lambda _: "true", ("4711",))
    for shares, is_common in (((9,), True), ((4,), False), ((5, 5), True), ((5, 4), False)):
        connection = Connection(*shares)
        rare = await searching._rare_parts(connection, sought, 5_000_000)
        assert (rare is None) == is_common, shares
        assert not connection.shares, shares


def found_before(monkeypatch: pytest.MonkeyPatch) -> list[Found]:
    """What lists look up from now on, before they look at any lead."""
    known: list[Found] = []
    looked_up = searching.look_up

    async def noted(*given: Any) -> Found:
        known.append(await looked_up(*given))
        return known[-1]

    monkeypatch.setattr(lead, "look_up", noted)
    return known


async def test_a_disposition_that_few_leads_have_is_looked_up_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = "2026-03-04T11:00:00Z"
    for index, disposition in enumerate(["sold", "later", "sold", None]):
        call = events.LeadCallRecorded(
            f"c{index}", SPRING, began, end_cause="Busy" if index else "NoResponse",
            disposition=disposition,
        )  # fmt: skip
        await world.lead(f"lead {index}", call, owner=user("agent"))
    await world.lead("by hand", events.LeadManualPassRecorded(named("agent"), "sold"))
    known = found_before(monkeypatch)
    sold = {"op": "log", "dispositions": ["sold"]}
    expected: tuple[tuple[Any, list[str]], ...] = (
        (sold, ["lead 0", "lead 2"]),
        ({**sold, "end_causes": ["Busy"]}, ["lead 2"]),
        ({**sold, "kinds": ["lead.manual_pass_recorded"]}, ["by hand"]),
        ({**sold, "dispositions": ["sold", "later"]}, ["lead 0", "lead 1", "lead 2"]),
        ({"op": "and", "of": [sold, {"op": "not", "of": {**sold, "end_causes": ["Busy"]}}]},
         ["lead 0"]),
        ({**sold, "dispositions": ["nobody says"]}, []),
    )  # fmt: skip
    for few in (3_000, 2, -1):
        monkeypatch.setattr(log_lookup, "ENTRIES_FEW", few)
        for by in ("admin", "agent"):
            for tree, names in expected:
                wanted = {named(one) for one in names}
                for sort in ({}, {"sort": [{"field": "pool_name"}]}):
                    assert set(await world.found(tree, by, **sort)) == wanted, (few, by, tree)
        # What nobody ever said is known before any lead is looked at.
        assert list(known[-1].few.values()) == ([[]] if few >= 0 else [])
    async with world.reading.pool.acquire() as connection:
        await connection.execute("set enable_seqscan = off")
        plan = await connection.fetch(f"explain {log_lookup._BY_DISPOSITION}", ["sold"], 3)
        await connection.execute("reset enable_seqscan")
    assert "_expr_idx" in "".join(line for (line,) in plan), plan


async def test_what_few_did_or_few_leads_have_often_is_looked_up_in_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody's calls, or more of them than any lead has: known before any lead is looked at."""
    for index in range(4):
        calls = [
            events.LeadCallRecorded(
                f"c{index}{n}", SPRING, "2026-03-04T11:00:00Z", end_cause="Busy"
            )
            for n in range(index)
        ]
        who = "agent" if index % 2 else "leader"
        await world.lead(f"lead {index}", owner=user("agent"))
        if calls:
            await world.happen(named(f"lead {index}"), *calls, by=who)
    await world.happen(named("lead 0"), events.LeadNoteAdded(1, "x"), by="agent")
    known = found_before(monkeypatch)
    called = {"op": "log"}
    by_agent = {**called, "actors": [user("agent")]}
    notes = {**by_agent, "kinds": ["lead.note_added", "lead.call_recorded"]}
    expected: tuple[tuple[Any, list[str], int], ...] = (
        (by_agent, ["lead 1", "lead 3"], 1),
        (
            {**by_agent, "actors": [user("agent"), user("leader")]},
            ["lead 1", "lead 2", "lead 3"],
            1,
        ),
        (notes, ["lead 0", "lead 1", "lead 3"], 1),
        ({"op": "and", "of": [by_agent, {"op": "not", "of": notes}]}, [], 1),
        ({**by_agent, "at_least": 2}, ["lead 3"], 2),
        ({**by_agent, "until": "2026-03-04T12:00:00Z"}, [], 2),
        ({**by_agent, "since": "now-1d"}, ["lead 1", "lead 3"], 2),
        ({**by_agent, "since": "now", "until": "now+1d"}, ["lead 1", "lead 3"], 2),
        ({**by_agent, "since": "now+1d"}, [], 2),
        ({**called, "since": "now+1d"}, [], 0),
        ({**called, "at_least": 2}, ["lead 2", "lead 3"], 1),
        ({**called, "at_least": 2, "end_causes": ["NoResponse"]}, [], 2),
        ({**called, "at_least": 2, "end_causes": ["Busy"]}, ["lead 2", "lead 3"], 2),
        ({**called, "at_least": 4}, [], 1),
        ({**called, "actors": [user("nobody")]}, [], 1),
    )
    for most in (10_000, 2, -1):
        monkeypatch.setattr(log_lookup, "ENTRIES_FEW", most)
        for by in ("admin", "agent"):
            for tree, names, looked in expected:
                wanted = {named(one) for one in names}
                assert set(await world.found(tree, by)) == wanted, (most, by, tree)
                assert len(known[-1].few) <= looked
                assert most < 10_000 or len(known[-1].few) == looked, tree
        assert list(known[-1].few.values()) == ([[]] if most >= 0 else [])
    async with world.reading.pool.acquire() as connection:
        await connection.execute("set enable_seqscan = off")
        plans = [
            await connection.fetch(f"explain {statement}", *given)
            for statement, given in (
                (log_lookup._BY_ACTOR, (["user:x"], ["lead.call_recorded"], 9)),
                (log_lookup._BY_CALLS, (9, 9)),
            )
        ]
        await connection.execute("reset enable_seqscan")
    by_actor, by_calls = ("".join(line for (line,) in plan) for plan in plans)
    assert "hashtext" in by_actor, by_actor
    assert "call_attempts_lead_id_idx" in by_calls, by_calls
