"""What stands beside the grid: the tables of schemas/tables/search.sql and dial_list.sql.

Triggers keep them while leads change; whatever went past those is mended here, after a rebuild. A
switch leaves a mark in `read.models`, which is taken away when that is done; where it stays, the
rebuild was killed, and the next worker goes through all leads while it works.
"""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

import asyncpg

from services.kit.background import pause
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.projections.field_indexes import BUILD_SECONDS_MAX
from services.projections.tables import LOCK_SWITCH, Table

AGAIN_SECONDS = 5.0
LOCK_MENDING = 7_005_005
SLICE = 2_000
"""So many leads are mended while workers wait: some hundredths of a second."""

NAMED = 100_000
"""Where so many leads differ they are not named one by one, for a million names take 300 MB: all
leads are gone through.
"""

_UNMENDED = "select generation from read.models where name = 'lead' and unmended"
_NEXT = """
    select array_agg(lead_id order by lead_id) from (
      (select lead_id from read.lead where lead_id > $1 order by lead_id limit $2)
      union (select lead_id from read.lead_search where lead_id > $1 order by lead_id limit $2)
      union (select lead_id from read.lead_due where lead_id > $1 order by lead_id limit $2)
      union (select lead_id from read.lead_calls where lead_id > $1 order by lead_id limit $2)
      union (select lead_id from read.lead_dial where lead_id > $1 order by lead_id limit $2)
      order by lead_id limit $2) as next
"""
_MEND = (
    """
    with wanted as materialized (
      select lead_id, read.search_text(name, email, phone, whatsapp, contacts, fields) as found
        from read.lead where lead_id = any($1)
    ), gone as (
      delete from read.lead_search k where lead_id = any($1)
        and not exists (select from wanted w where w.lead_id = k.lead_id)
    )
    insert into read.lead_search as s (lead_id, found)
      select w.lead_id, w.found from wanted w left join read.lead_search k using (lead_id)
        where k.found is distinct from w.found
      on conflict (lead_id) do update set found = excluded.found
    """,
    """
    with wanted as materialized (
      select lead_id, next_dial_at from read.lead
        where lead_id = any($1) and next_dial_at is not null
    ), gone as (
      delete from read.lead_due k where lead_id = any($1)
        and not exists (select from wanted w where w.lead_id = k.lead_id)
    )
    insert into read.lead_due as d (lead_id, next_dial_at)
      select w.lead_id, w.next_dial_at from wanted w left join read.lead_due k using (lead_id)
        where k.next_dial_at is distinct from w.next_dial_at
      on conflict (lead_id) do update set next_dial_at = excluded.next_dial_at
    """,
    """
    with wanted as materialized (
      select lead_id, call_attempts, latest_call_at from read.lead where lead_id = any($1)
    ), gone as (
      delete from read.lead_calls k where lead_id = any($1)
        and not exists (select from wanted w where w.lead_id = k.lead_id)
    )
    insert into read.lead_calls as c (lead_id, call_attempts, latest_call_at)
      select w.lead_id, w.call_attempts, w.latest_call_at
        from wanted w left join read.lead_calls k using (lead_id)
        where (k.call_attempts, k.latest_call_at)
          is distinct from (w.call_attempts, w.latest_call_at)
      on conflict (lead_id) do update
        set call_attempts = excluded.call_attempts, latest_call_at = excluded.latest_call_at
    """,
    "select read.set_dial($1)",
)


async def finish(pool: "asyncpg.Pool[asyncpg.Record]", stop: asyncio.Event) -> None:
    """Mend what a killed rebuild left, if one did, until `stop` is set; one worker does it."""
    while not stop.is_set():
        try:
            if await _finish(pool):
                return
        except (*RETRYABLE, asyncpg.PostgresError) as error:
            logger().warning("mending-waits", why=type(error).__name__)
        await pause(stop, AGAIN_SECONDS)


async def _finish(pool: "asyncpg.Pool[asyncpg.Record]") -> bool:
    """Say whether nothing is left to do; somebody else may be at it."""
    async with pool.acquire() as connection:
        if not await connection.fetchval("select pg_try_advisory_lock($1)", LOCK_MENDING):
            return False
        try:
            generation = await connection.fetchval(_UNMENDED)
            if generation is not None:
                logger().warning("mending", why="a rebuild was killed after its switch")
                await set_right(pool)
                await mended(pool, generation)
                generation = await connection.fetchval(_UNMENDED)  # unless one switched meanwhile
        finally:
            await connection.execute("select pg_advisory_unlock($1)", LOCK_MENDING)
    return generation is None


async def mended(pool: "asyncpg.Pool[asyncpg.Record]", generation: int) -> None:
    """Take away the mark that the switch to this generation of the grid left."""
    await pool.execute(
        "update read.models set unmended = false where name = 'lead' and generation = $1",
        generation,
    )


async def set_right(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Make what stands beside all leads what follows from the grid in use, a slice at a time."""
    last = UUID(int=0)
    async with pool.acquire() as connection:
        while leads := await connection.fetchval(_NEXT, last, SLICE):
            await _mend(connection, leads)
            last = leads[-1]


async def differing(pool: "asyncpg.Pool[asyncpg.Record]", table: Table) -> set[UUID]:
    """Return the leads whose row in `table` is not what the grid in use says of them; when they are
    NAMED or more, only so many of them.
    """
    passing = {*table.model.key, "version", "position"}
    names = [name for name in table.names if name not in passing]
    ours, theirs = (", ".join(f"{side}.{name}" for name in names) for side in ("n", "o"))
    async with pool.acquire() as connection, connection.transaction():
        # Indexes are made meanwhile: this need not be the first to be done.
        await connection.execute("set local max_parallel_workers_per_gather = 0")
        rows = await connection.fetch(
            f"select lead_id from read.{table.name} n"  # noqa: S608 - our names
            " full join read.lead o using (lead_id)"
            f" where row({ours}) is distinct from row({theirs}) limit {NAMED}",
            timeout=BUILD_SECONDS_MAX,
        )
    return {lead for (lead,) in rows}


async def mend(pool: "asyncpg.Pool[asyncpg.Record]", leads: Collection[UUID]) -> None:
    """Make what stands beside these leads what follows from the grid in use."""
    ids = sorted(leads)
    async with pool.acquire() as connection:
        for first in range(0, len(ids), SLICE):
            await _mend(connection, ids[first : first + SLICE])


async def _mend(connection: "asyncpg.Connection[asyncpg.Record]", leads: Sequence[UUID]) -> None:
    async with connection.transaction():
        # No worker changes a lead between our reading and our writing.
        await connection.execute("select pg_advisory_xact_lock($1)", LOCK_SWITCH)
        for statement in _MEND:
            await connection.execute(statement, leads)
