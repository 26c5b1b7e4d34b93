"""Rebuild beside the table in use, while writing; and a check that finds what was planted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest

from schemas.lead import LeadDeleted, LeadDialScheduled, LeadPriorityChanged
from services.projections import beside as beside_grid
from services.projections import filling, tables
from services.projections import rebuild as rebuilding
from services.projections.rebuild import (
    RebuildRefused,
    _make_index,
    definition_of,
    rebuild,
    rebuild_stale,
)
from services.projections.registry import BY_NAME, MODELS
from tests.kit.event_logs import opened
from tests.read_models.working import (
    SECRET,
    Story,
    a_call,
    assert_equal_to_log,
    checked,
    rows,
    settled,
    working,
)


@pytest.mark.parametrize("name", [model.name for model in MODELS])
async def test_every_read_model_can_be_rebuilt_and_is_then_what_it_was(
    database_url: str, name: str
) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(5, calls=2)
        await story.tell((leads[0], LeadDeleted("asked")))
        async with working(database_url):
            await settled(log)
            before = await rows(database_url, f"select * from read.{name} order by 1, 2")
            done = await rebuild(name, database_url, SECRET)
            assert done.table == f"{name}_v2"
            assert 0 < done.filled < done.seconds
            assert await rows(database_url, f"select * from read.{name} order by 1, 2") == before
            await story.tell((leads[1], LeadPriorityChanged(9)))
            await settled(log)
        await assert_equal_to_log(database_url)
    tables = "select count(*) from pg_tables where schemaname = 'read' and tablename like $1"
    assert await rows(database_url, tables, f"{name}\\_v_") == [(1,)], "the old table is gone"


async def test_rebuilding_while_writing_loses_nothing_and_shows_no_empty_table(
    database_url: str,
) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(200, calls=1)
        async with working(database_url):
            await settled(log)
            over = asyncio.Event()

            async def write() -> None:
                number = 1
                while not over.is_set():
                    number += 1
                    await story.tell(*((one, a_call(number)) for one in leads[:20]))

            seen: list[int] = []

            async def look() -> None:
                connection = await asyncpg.connect(database_url)
                while not over.is_set():
                    seen.append(await connection.fetchval("select count(*) from read.lead"))
                await connection.close()

            others = [asyncio.create_task(write()), asyncio.create_task(look())]
            for name in ("lead", "lead_log", "lead"):
                await rebuild(name, database_url, SECRET)
            over.set()
            await asyncio.gather(*others)
            await settled(log)
        assert set(seen) == {200}
        await assert_equal_to_log(database_url)


async def test_much_that_comes_during_a_rebuild_is_in_the_new_table(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More rows than go as arrays, caught up with before the switch."""
    async with opened(database_url) as log:
        story = Story(log)
        await story.leads(3)
        async with working(database_url):
            await settled(log)
            filled = filling.fill

            async def filled_late(*given: Any) -> int:
                events = await filled(*given)
                leads = await story.leads(tables.FEW + 1)
                await settled(log)
                await story.tell(*((one, a_call(1)) for one in leads))
                await settled(log)
                return events

            monkeypatch.setattr(rebuilding, "fill", filled_late)
            await rebuild("lead", database_url, SECRET)
        await assert_equal_to_log(database_url)


UNMENDED = "select unmended from read.models where name = 'lead'"
BESIDE = ("lead_search", "lead_due", "lead_calls", "lead_dial")


async def beside(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """What stands beside the grid."""
    return {name: await rows(url, f"select * from read.{name} order by 1") for name in BESIDE}


DAMAGE = {
    "lost": [f"delete from read.{name}" for name in BESIDE],
    "wrong": [
        "update read.lead_search set found = 'nobody'",
        "update read.lead_due set next_dial_at = now() + interval '9 days'",
        "update read.lead_calls set call_attempts = 99",
        "update read.lead_dial set priority = 9, begins = '+99', zone = 1",
    ],
    "foreign": [f"update read.{name} set lead_id = gen_random_uuid()" for name in BESIDE],
    # The grid itself is wrong, and what stands beside it followed.
    "as the grid": [
        "update read.lead set priority = 9, name = 'Nobody', owner = 'user:x', phone = '+99'",
        "update read.lead set call_attempts = 9, next_dial_at = now() + interval '9 days'",
    ],
    "grid lost": ["delete from read.lead"],
}
FOLLOWED = {"as the grid", "grid lost"}
"""What a rebuild mends of itself; for the rest it has to go through all."""


async def do_damage(url: str, damage: str) -> None:
    """Do what no worker does."""
    own = await asyncpg.connect(url, server_settings={"role": "leads_projections"})
    for statement in DAMAGE[damage]:
        await own.execute(statement)
    await own.close()


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_rebuilt_grid_leaves_right_what_stands_beside_it(
    database_url: str, damage: str
) -> None:
    """Search, due dials, counts of calls and the dial list."""
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(4, calls=1)
        await story.tell(*((one, LeadDialScheduled("2026-03-02T09:00:00Z")) for one in leads[:3]))
        async with working(database_url):
            await settled(log)
    before = await beside(database_url)
    assert [len(before[name]) for name in BESIDE] == [4, 3, 4, 4]
    await do_damage(database_url, damage)
    assert await beside(database_url) != before or damage == "grid lost"
    await rebuild("lead", database_url, SECRET, all_beside=damage not in FOLLOWED)
    assert await beside(database_url) == before
    assert await rows(database_url, UNMENDED) == [(False,)]


async def test_where_many_leads_differ_all_are_mended(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are not all remembered: a rebuild holds little memory however many they are."""
    monkeypatch.setattr(beside_grid, "NAMED", 2)
    async with opened(database_url) as log:
        await Story(log).leads(4, calls=1)
        async with working(database_url):
            await settled(log)
    before = await beside(database_url)
    await do_damage(database_url, "as the grid")
    await rebuild("lead", database_url, SECRET)
    assert await beside(database_url) == before
    assert await rows(database_url, UNMENDED) == [(False,)]


async def test_a_rebuild_in_several_processes_gives_the_same(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "SMALL", 0)
    async with opened(database_url) as log:
        await Story(log).leads(60, calls=2)
        async with working(database_url):
            await settled(log)
            heard: list[tuple[int, int]] = []
            await rebuild("lead", database_url, SECRET, lambda *done: heard.append(done))
        assert heard[0] == (0, 180)
        assert heard[-1] == (180, 180)
        await assert_equal_to_log(database_url)


async def test_a_rebuild_that_died_can_be_run_again(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url) as log:
        await Story(log).leads(20)
        async with working(database_url):
            await settled(log)
            with monkeypatch.context() as broken:

                async def die(self: object) -> int:
                    raise ConnectionError("killed")

                broken.setattr(rebuilding._CatchUp, "run", die)
                with pytest.raises(ConnectionError):
                    await rebuild("lead", database_url, SECRET)
            assert await rows(database_url, "select count(*) from read.lead") == [(20,)]
            assert (await rebuild("lead", database_url, SECRET)).table == "lead_v2"
        await assert_equal_to_log(database_url)


async def test_one_rebuild_of_a_read_model_at_a_time(database_url: str) -> None:
    async with opened(database_url) as log:
        await Story(log).leads(50)
        async with working(database_url):
            await settled(log)
            outcomes = await asyncio.gather(
                *(rebuild("lead", database_url, SECRET) for _ in range(2)), return_exceptions=True
            )
    kinds = {type(one) for one in outcomes}
    assert RebuildRefused in kinds or len({getattr(o, "table", "") for o in outcomes}) == 2


async def test_a_parked_lead_stays_parked_through_a_rebuild(database_url: str) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        (who,) = await story.leads(1, calls=2)
        own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
        await own.execute(
            "insert into read.parked (stream_id, partition, from_version, position, error)"
            " values ($1, 0, 2, 2, 'test')",
            who,
        )
        await own.close()
        async with working(database_url):
            await settled(log)
        await rebuild("lead", database_url, SECRET)
    assert await rows(database_url, "select count(*) from read.lead where version > 1") == [(0,)]


async def test_read_models_of_an_older_fold_are_rebuilt_at_start(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(database_url) as log:
        await Story(log).leads(3)
        async with working(database_url) as at_work:
            await settled(log)
            newer = tuple(replace(one, version=2) if one.name == "dnc" else one for one in MODELS)
            monkeypatch.setattr(rebuilding, "MODELS", newer)
            monkeypatch.setitem(BY_NAME, "dnc", next(one for one in newer if one.name == "dnc"))
            assert await rebuild_stale(at_work.pool, SECRET, database_url) == ["dnc"]
            monkeypatch.undo()
            await Story(log).leads(1)  # the older worker notices with the next event
            assert "dnc is at fold version 2" in str(await at_work.stopped())


PLANTED = {
    "update read.lead set priority = 9 where lead_id = $1": ("lead", "priority"),
    "delete from read.lead where lead_id = $1": ("lead", "missing"),
    "update read.lead_log set actor = 'user:x' where lead_id = $1 and version = 1": (
        "lead_log",
        "actor",
    ),
    "delete from read.lead_log where lead_id = $1 and version = 2": ("lead_log", "missing"),
    "update read.lead set lead_id = gen_random_uuid() where lead_id = $1": ("lead", "extra"),
    "insert into read.team (team_id, version, position, name)"
    " select 'x', 1, 1, 'y' where $1::uuid is not null": ("team", "extra"),
}


@pytest.mark.parametrize("statement", PLANTED)
async def test_a_planted_difference_is_found_and_named(database_url: str, statement: str) -> None:
    async with opened(database_url) as log:
        leads = await Story(log).leads(5, calls=1)
        async with working(database_url):
            await settled(log)
    assert (await checked(database_url)).equal
    own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
    await own.execute(statement, leads[2])
    await own.close()
    found = await checked(database_url)
    assert not found.equal
    assert PLANTED[statement] in {(one.model, one.what) for one in found.differences}


async def test_a_lead_erased_beyond_what_is_applied_is_left_out(database_url: str) -> None:
    """Its key is gone at once, its row only when the event is applied: that is no difference."""
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(3)
        async with working(database_url):
            await settled(log)
        await story.tell((leads[0], LeadDeleted("asked")))
        found = await checked(database_url)
        assert found.equal
        assert found.unsettled == 1


def test_definitions_are_found_for_every_generation() -> None:
    found = definition_of("lead", 3)
    assert found.table[0].startswith("create table read.lead_v3 (")
    every = [*found.table, *found.indexes, *found.triggers]
    assert all("read.lead_v3" in one and "_v1" not in one for one in every)
    kinds = (found.indexes, "create index"), (found.triggers, "create trigger")
    assert all(ones and all(one.startswith(kind) for one in ones) for ones, kind in kinds)
    with pytest.raises(LookupError):
        definition_of("nothing", 1)


async def test_an_index_whose_name_is_taken_meanwhile_gets_another() -> None:
    """Unnamed ones on the same columns may choose the same name while neither sees the other."""
    made: list[str] = []

    class Connection:
        def __init__(self, collisions: int) -> None:
            self.collisions = collisions

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[None]:
            yield

        async def execute(self, statement: str, **_: Any) -> None:
            if statement.startswith("set"):
                return
            self.collisions -= 1
            if self.collisions >= 0:
                raise asyncpg.UniqueViolationError("pg_class_relname_nsp_index")
            made.append(statement)

    await _make_index(cast("Any", Connection(1)), "create index on read.pool_v1 (name)")
    assert made == ["create index on read.pool_v1 (name)"]
    with pytest.raises(asyncpg.UniqueViolationError):
        await _make_index(cast("Any", Connection(2)), "create index on read.pool_v1 (name)")
