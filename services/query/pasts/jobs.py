"""Which pasts there are: their rows, and the tables that belong to them.

Nothing here needs to survive: a past whose builder or service was killed is cleared away, and can
be asked for again.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.ids import new_id

ALIVE_MAX = 2
"""So many are kept or made at a time in one installation: each is as large as all leads are."""

SECONDS_KEPT = 3_600
SILENT_SECONDS_MAX = 30
_LOCK = 7_005_010
_COLUMNS = (
    "number, id, made_by, made_at, position, moment, state, events, leads, fault, ends_at,"
    " erased_to"
)
_SELECT = " ".join(("select", _COLUMNS, "from job.pasts"))
_ALIVE = "select number from job.pasts where state in ('waiting', 'building', 'ready')"
_INSERT = "insert into job.pasts (id, made_by, position, moment) values ($1, $2, $3, $4) returning"
_CLAIM = """
    update job.pasts set state = 'building', beat_at = clock_timestamp(),
           erased_to = clock_timestamp()
     where number = (select number from job.pasts where state = 'waiting'
                      order by number limit 1 for update skip locked)
    returning
"""
_CANCEL = """
    update job.pasts set state = 'cancelled'
     where number = $1 and state in ('waiting', 'building', 'ready')
"""
_FAIL = """
    update job.pasts set state = 'failed', fault = $2 where number = $1 and state = 'building'
"""
_EXPIRE = """
    update job.pasts set state = 'expired' where state = 'ready' and ends_at <= clock_timestamp()
"""
_SHOWN_MAX = 50


@dataclass(frozen=True, slots=True)
class Past:
    """One row of `job.pasts`. `events` of the `position` there are have been folded."""

    number: int
    id: UUID
    made_by: UUID
    made_at: datetime
    position: int
    moment: datetime
    state: str
    events: int
    leads: int
    fault: str
    ends_at: datetime | None
    erased_to: datetime | None


async def ask(connection: Any, made_by: UUID, position: int, moment: datetime) -> Past | None:
    """Put a past on the list, to be built; None when as many as may be are there already."""
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
        if len(await connection.fetch(_ALIVE)) >= ALIVE_MAX:
            return None
        row = await connection.fetchrow(
            f"{_INSERT} {_COLUMNS}",
            new_id(),
            made_by,
            position,
            moment,
        )
        return Past(*row)


async def find(connection: Any, past_id: UUID) -> Past | None:
    """Return the past of that id."""
    row = await connection.fetchrow(_SELECT + " where id = $1", past_id)
    return None if row is None else Past(*row)


async def newest(connection: Any) -> list[Past]:
    """Return the newest pasts, those that are no more too, the newest first."""
    rows = await connection.fetch(_SELECT + " order by number desc limit $1", _SHOWN_MAX)
    return [Past(*row) for row in rows]


async def cancel(connection: Any, number: int) -> None:
    """Let a past end that is alive: its builder stops at once, its tables go soon."""
    await connection.execute(_CANCEL, number)


async def claim(pool: "asyncpg.Pool[asyncpg.Record]") -> Past | None:
    """Take the oldest past that waits, to build it."""
    row = await pool.fetchrow(f"{_CLAIM} {_COLUMNS}")
    return None if row is None else Past(*row)


async def beat(pool: "asyncpg.Pool[asyncpg.Record]", number: int, events: int) -> bool:
    """Say how far a builder is; False when it is not wanted any more."""
    found = await pool.fetchval(
        "update job.pasts set events = $2, beat_at = clock_timestamp()"
        " where number = $1 and state = 'building' returning true",
        number,
        events,
    )
    return bool(found)


async def make_ready(
    pool: "asyncpg.Pool[asyncpg.Record]", number: int, events: int, leads: int
) -> bool:
    """Say that it can be read from now on, for an hour; False when it was cancelled."""
    found = await pool.fetchval(
        "update job.pasts set state = 'ready', events = $2, leads = $3,"
        " ends_at = clock_timestamp() + make_interval(secs => $4)"
        " where number = $1 and state = 'building' returning true",
        number,
        events,
        leads,
        SECONDS_KEPT,
    )
    return bool(found)


async def fail(pool: "asyncpg.Pool[asyncpg.Record]", number: int, fault: str) -> None:
    """Say that it could not be built; `fault` names the kind of failure, never a value."""
    await pool.execute(_FAIL, number, fault)


async def waits(pool: "asyncpg.Pool[asyncpg.Record]") -> bool:
    """Say whether a past waits for a builder."""
    found = await pool.fetchval("select exists (select from job.pasts where state = 'waiting')")
    return bool(found)


async def clear_away(pool: "asyncpg.Pool[asyncpg.Record]") -> list[str]:
    """End what has had its time and what its builder left, and drop all tables of no living past.

    Several may do this at once. Return the tables dropped.
    """
    await pool.execute(_EXPIRE)
    await pool.execute(
        "update job.pasts set state = 'failed', fault = 'interrupted' where state = 'building'"
        " and beat_at < clock_timestamp() - make_interval(secs => $1)",
        SILENT_SECONDS_MAX,
    )
    # Tables first: one made after this look belongs to a past that is alive in the second one.
    tables = await pool.fetch(
        "select relname, relkind = 'v' as is_view from pg_class"
        " where relnamespace = 'past'::regnamespace and relkind in ('r', 'v')"
    )
    living = {row["number"] for row in await pool.fetch(_ALIVE)}
    gone = [row for row in tables if _number_of(row["relname"]) not in living]
    for row in sorted(gone, key=lambda one: not one["is_view"]):
        await _drop(pool, "view" if row["is_view"] else "table", row["relname"])
    return [row["relname"] for row in gone]


async def _drop(pool: "asyncpg.Pool[asyncpg.Record]", kind: str, name: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local lock_timeout = '2s'")
        await connection.execute(f"drop {kind} if exists past.{name}")


def _number_of(table: str) -> int:
    found = re.search(r"_(\d+)$", table)
    return int(found[1]) if found else 0
