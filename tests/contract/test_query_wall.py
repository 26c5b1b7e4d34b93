"""The second wall of sight: the database holds back what a forgotten condition would let through,
and no connection takes one caller's sight to the next.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from schemas.rights import Sight
from services.query.sql import Arguments
from services.query.wall import (
    Pools,
    beside_wall,
    connect_pools,
    let_through,
    lower_wall,
    raise_wall,
)
from tests.contract.query_service import World, named, team, user
from tests.contract.sight_matrix import LEADS, OPERATIONS, SEEN, build_past, leaks, standing

AGENT = Sight(owners=frozenset({user("agent"), team("north"), team("top")}))
SHARED = ("GET", "/v1/activity")
"""Everybody follows one tail of the log, so there is no statement of one caller's to hold back."""


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with standing(database_url) as world:
        yield world


async def test_with_all_conditions_forgotten_the_database_still_holds_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    forgotten = 0
    for name, module in list(sys.modules.items()):
        if name.startswith("services.query.") and hasattr(module, "sight_condition"):
            monkeypatch.setattr(module, "sight_condition", no_condition)
            forgotten += 1
        if name.startswith("services.query.") and hasattr(module, "sees"):
            monkeypatch.setattr(module, "sees", lambda *_: True)
    assert forgotten >= 4
    monkeypatch.delitem(OPERATIONS, SHARED)
    assert await leaks(world) == []


async def test_views_over_walled_tables_ask_as_their_reader(owner_url: str) -> None:
    """One made anew without the option would ask as its owner, to whom no policy applies."""
    connection = await asyncpg.connect(owner_url)
    try:
        rows = await connection.fetch("""
            select v.relname, v.reloptions from pg_class v
              join pg_rewrite r on r.ev_class = v.oid
              join pg_depend d on d.objid = r.oid and d.classid = 'pg_rewrite'::regclass
              join pg_class t on t.oid = d.refobjid and t.relrowsecurity
             where v.relkind = 'v' group by 1, 2
        """)
    finally:
        await connection.close()
    assert {row["relname"] for row in rows} == {"lead", "lead_log"}
    assert all("security_invoker=true" in (row["reloptions"] or ()) for row in rows)


_NOT_OF_LEADS = "quarantine"
"""Payloads of dialers, for roles of their own; the lead is the one that came of it."""
_OF_LEADS = """
    select c.oid::regclass::text from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attname = 'lead_id'
     where c.relnamespace in ('read'::regnamespace, 'past'::regnamespace)
       and c.relkind in ('r', 'v') and has_table_privilege('leads_sight', c.oid, 'select')
     order by 1
"""


async def test_every_table_that_tells_of_a_lead_is_behind_the_wall(world: World) -> None:
    await build_past(world)
    pools = await connect_pools(world.url, largest=1)
    pool, seen = pools.whole, {named(one) for one in SEEN["agent"]}
    try:
        tables = [name for (name,) in await pool.fetch(_OF_LEADS) if _NOT_OF_LEADS not in name]
        for beside in ("lead_search", "lead_due", "lead_calls", "lead_dial"):
            assert f"read.{beside}" in tables
        assert len([name for name in tables if name.startswith("past.")]) >= 5
        full = Sight(owners=AGENT.owners, processed_by=named("agent"))
        for table in tables:
            statement = " ".join(("select distinct lead_id::text from", table))
            assert await pool.fetchval(" ".join(("select count(*) from", table))), table
            shown = {one for (one,) in await behind(pools, full, statement)}
            assert shown, table
            assert shown <= seen, table
            assert await behind(pools, Sight(), statement) == [], table
            assert await pools.walled.fetch(statement) == [], table
    finally:
        pools.terminate()


async def behind(pools: Pools, sight: Sight, statement: str) -> list[Any]:
    """Return what a statement without any condition finds behind the wall."""
    async with pools.for_sight(sight).acquire() as connection:
        await raise_wall(connection, sight, "1")
        found: list[Any] = await connection.fetch(statement)
        await raise_wall(connection, Sight(), "1")
        return found


async def test_looking_past_the_wall_ends_with_the_look(world: World) -> None:
    pools = await connect_pools(world.url, largest=1)
    try:
        async with pools.walled.acquire() as connection:
            await raise_wall(connection, AGENT, "1")
            async with beside_wall(connection, AGENT):
                assert await count(connection) == len(LEADS)
            assert await count(connection) == 3
            await lower_wall(connection, AGENT)
            async with beside_wall(connection, AGENT):
                assert await count(connection) == len(LEADS)
            assert await count(connection) == len(LEADS), "lowered for the whole read"
    finally:
        pools.terminate()


def no_condition(sight: Sight, _: Arguments) -> str:
    """Hold for every lead; another text for each sight, by which counts are remembered."""
    return f"(true or {abs(hash(sight))} = 0)"


async def count(connection: Any) -> int:
    found: int = await connection.fetchval("select count(*) from read.lead")
    return found


async def test_a_walled_session_shows_nothing_until_it_is_told_whose_sight_it_has(
    world: World,
) -> None:
    pools = await connect_pools(world.url, largest=1)
    try:
        assert await count(pools.walled) == 0
        assert await count(pools.whole) == len(LEADS)
        assert pools.for_sight(AGENT) is pools.walled
        assert pools.for_sight(Sight(everything=True)) is pools.whole
    finally:
        pools.terminate()


async def read_and(left: Callable[[Any], Awaitable[None]], pools: Pools) -> None:
    async with pools.walled.acquire() as connection:
        await raise_wall(connection, AGENT, "1")
        await left(connection)


async def lowered_and_failed(connection: Any) -> None:
    async with beside_wall(connection, AGENT):
        await connection.execute("select 1/0")


async def let_through_and_slow(connection: Any) -> None:
    await let_through(connection, AGENT, [named("foreign")])
    await lower_wall(connection, AGENT)
    await asyncio.wait_for(connection.execute("select pg_sleep(5)"), 0.05)


async def still_and_failed(connection: Any) -> None:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await raise_wall(connection, Sight(owners=frozenset({user("leader")})), "1")
        await lowered_and_failed(connection)


async def test_what_a_read_leaves_behind_ends_where_the_next_begins(world: World) -> None:
    pools = await connect_pools(world.url, largest=1)
    entries = "select distinct lead_id::text from read.lead_log"
    seen = {named(one) for one in SEEN["agent"]}
    try:
        for left in (lowered_and_failed, let_through_and_slow, still_and_failed):
            with pytest.raises((asyncpg.DivisionByZeroError, TimeoutError)):
                await read_and(left, pools)
            async with pools.walled.acquire() as connection:
                row = await raise_wall(connection, AGENT, "current_user as me")
                assert await connection.fetchval("select current_user") == "leads_sight", row
                assert await count(connection) == 3
                shown = {one for (one,) in await connection.fetch(entries)}
                assert shown <= seen, left.__name__
                await raise_wall(connection, Sight(), "1")
                assert await count(connection) == 0
            assert await count(pools.whole) == len(LEADS)
    finally:
        pools.terminate()


async def test_callers_of_one_connection_in_turns_see_each_what_is_theirs(world: World) -> None:
    async def look(by: str) -> None:
        page = await world.read("/v1/leads", by, columns="lead_id")
        assert {lead["lead_id"] for lead in page["leads"]} == {named(one) for one in SEEN[by]}
        unknown = await world.get("/v1/leads", by, sort="no_such_field")
        assert unknown.status_code == 422

    users = ("agent", "admin", "leader", "agent_south", "dialer", "auditor")
    await asyncio.gather(*(look(users[turn % len(users)]) for turn in range(36)))


async def test_who_may_count_all_leads_still_may(world: World) -> None:
    body = {"scope": "all", "exact": True}
    assert (await world.asked("/v1/leads/count", body, "analyst"))["count"] == len(LEADS)
    own = await world.asked("/v1/leads/count", {"exact": True}, "analyst")
    assert own["count"] == len(SEEN["analyst"])
    assert (await world.post("/v1/leads/count", body, "agent")).status_code == 403
