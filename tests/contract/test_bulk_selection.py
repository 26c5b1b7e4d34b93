"""Selections: what is frozen is what its maker saw, each lead once, and not changed afterwards."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from schemas.lead import LeadOwnerChanged, LeadPriorityChanged
from services.command.bulk.clearing import Clearing
from services.command.bulk.tables import JobTables
from services.kit.postgres import connect_pool
from tests.contract.query_service import World, named, running, team, user

NAMES = ("a", "b", "c", "d")


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        for name, owner in zip(NAMES, ("north", "north", "south", "top"), strict=True):
            await world.lead(name, owner=team(owner), fields={"age": len(name)})
        yield world


async def select(world: World, body: Any, by: str = "admin") -> Any:
    answer = await world.post("/v1/selections", body, by)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def frozen(world: World, selection: Any) -> list[tuple[str, int]]:
    pool = await connect_pool(world.url, "leads_command")
    try:
        targets = await JobTables(pool).selected(UUID(selection["id"]), 0, 100)
    finally:
        await pool.close()
    assert [target.ordinal for target in targets] == list(range(1, len(targets) + 1))
    return [(str(target.lead), target.version) for target in targets]


async def test_ids_count_once_and_what_is_not_in_sight_is_missing(world: World) -> None:
    ids = [named("a"), named("b"), named("a"), named("c"), named("nobody"), named("a")]
    made = await select(world, {"ids": ids}, "leader")
    assert (made["asked"], made["repeated"], made["missing"]) == (6, 2, 2)
    assert made["count"] == 2
    assert await frozen(world, made) == sorted([(named("a"), 1), (named("b"), 1)])


async def test_a_filter_is_frozen_with_what_its_maker_sees(world: World) -> None:
    tree = {"op": "equals", "field": "fields.age", "value": 1}
    for by, names in (("admin", "abcd"), ("leader", "ab"), ("agent_south", "cd"), ("dialer", "")):
        made = await select(world, {"filter": tree}, by)
        assert (made["asked"], made["repeated"], made["missing"]) == (None, None, None)
        assert await frozen(world, made) == sorted((named(name), 1) for name in names)
    body = {"filter": tree, "exclude_ids": [named("a"), named("c"), named("nobody")]}
    made = await select(world, body)
    assert [lead for lead, _ in await frozen(world, made)] == sorted([named("b"), named("d")])


async def test_what_happens_later_changes_no_selection(world: World) -> None:
    tree = {"op": "equals", "field": "owner", "value": team("north")}
    made = await select(world, {"filter": tree})
    before = await frozen(world, made)
    await world.happen(named("a"), LeadOwnerChanged(team("south")))
    await world.lead("e", owner=team("north"))
    assert await frozen(world, made) == before
    assert made["count"] == 2
    again = await select(world, {"filter": tree})
    assert [lead for lead, _ in await frozen(world, again)] == sorted([named("b"), named("e")])


async def test_the_digest_stands_for_leads_and_versions(world: World) -> None:
    ids = [named("a"), named("b")]
    first = await select(world, {"ids": ids})
    second = await select(world, {"ids": [*reversed(ids), ids[0]]})
    assert first["digest"] == second["digest"]
    assert first["digest"].startswith("2.")
    await world.happen(named("b"), LeadPriorityChanged(9))
    moved = await select(world, {"ids": ids})
    other = await select(world, {"ids": [named("a"), named("c")]})
    digests = {first["digest"], moved["digest"], other["digest"]}
    assert len(digests) == 3


async def test_a_selection_waits_for_a_position(world: World) -> None:
    position = await world.record(named("a"), LeadPriorityChanged(9))
    body = {"ids": [named("a")], "min_position": position}
    assert (await world.post("/v1/selections", body)).status_code == 504
    await world.project()
    assert await frozen(world, await select(world, body)) == [(named("a"), 2)]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/filter"),
        ({"ids": []}, "/ids"),
        ({"ids": ["x"]}, "/ids/0"),
        ({"ids": [named("a")], "filter": {"op": "search", "value": "x"}}, "/ids"),
        ({"ids": [named("a")], "exclude_ids": [named("b")]}, "/ids"),
        ({"filter": {"op": "equals", "field": "shoe", "value": 1}}, "/filter/field"),
        ({"ids": [named("a")], "all": True}, "/all"),
    ],
)
async def test_a_selection_that_says_nothing_clear_is_refused(
    world: World, body: Any, pointer: str
) -> None:
    answer = await world.post("/v1/selections", body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith(pointer), answer.text


async def test_reads_may_store_selections_and_nothing_else(world: World) -> None:
    made = await select(world, {"ids": [named("a")]})
    pool = await connect_pool(world.url, "leads_query")
    try:
        for statement in (
            "update job.selected set version = 9",
            "delete from job.selected",
            "update job.selections set count = 9",
            "delete from job.selections",
            "select * from job.jobs",
            "insert into job.jobs (id, made_by) values (gen_random_uuid(), gen_random_uuid())",
            "select * from job.outcomes",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(statement)
    finally:
        await pool.close()
    assert made["count"] == 1


async def test_selections_are_forgotten_after_their_time(world: World, owner_url: str) -> None:
    old, new = [await select(world, {"ids": [named(name)]}) for name in ("a", "b")]
    owner = await asyncpg.connect(owner_url)
    pool = await connect_pool(world.url, "leads_command")
    try:
        await owner.execute("update job.selections set expires_at = now() + interval '1 day'")
        await owner.execute(
            "update job.selections set expires_at = now() - interval '1 s' where id = $1",
            UUID(old["id"]),
        )
        tables = JobTables(pool)
        assert await tables.selection(UUID(old["id"])) is None
        await Clearing(pool).clear()
        assert await frozen(world, old) == []
        assert await frozen(world, new) == [(named("b"), 1)]
        assert (await tables.selection(UUID(new["id"])))["made_by"] == UUID(user("admin")[5:])
    finally:
        await owner.close()
        await pool.close()
