"""A sample of the leads, for questions whose exact answer would take longer than people wait.

Whole pages of the table are drawn, the same ones each time, so that a question asked twice is
answered alike. What is found in them stands for all.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

import asyncpg
import orjson

from services.query.sql import Arguments

LEADS_SAMPLED = 40_000
COST_EXACT_MAX = 30_000.0
"""In the planner's units, about 150 ms: what costs more is answered from a sample."""
ROWS_EXACT_MAX = 50_000
"""So is what more leads match: they lie far apart, whatever the planner makes of that."""
FOUND_MIN = 400
"""With fewer leads found a sample says little, and the exact answer is worth `QUICKLY_MS`, unless
they stand for more than ROWS_HOPELESS.
"""
ROWS_HOPELESS = 20_000
"""So many leads that lie far apart are not read in that time."""
QUICKLY_MS = 100
"""So long an exact answer over many leads is tried for, where a sample can stand for it: about as
long as that takes, so that to try in vain no more than doubles the wait.
"""
COUNTED_MS = 200
"""So long a count is tried for that is to be exact, as the planner or then a sample expects it."""
DRAWN_MS = 1_000
"""So long a sample is asked: what it needs may all have to be read from the disk."""
SMALLER = 10
"""Of a sample that does not tell in time a tenth is asked."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where leads `l` are read from, and how many of all leads one lead found stands for."""

    sql: str
    weight: float


WHOLE = Source("read.lead l", 1.0)


async def planned(connection: Any, statement: str, arguments: Arguments) -> tuple[float, int]:
    """Return what the planner expects of a statement: its cost, and how many rows."""
    plan = await connection.fetchval(f"explain (format json) {statement}", *arguments.values)
    top = orjson.loads(plan)[0]["Plan"]
    return top["Total Cost"], int(top["Plan Rows"])


async def quickly(
    connection: Any, ask: Callable[[], Awaitable[T]], within_ms: int | None = None
) -> T | None:
    """Return what `ask` answers, or None when one of its statements takes longer than `within_ms`,
    QUICKLY_MS if nothing else is said: the planner cannot know how long conditions on the log or on
    documents take.
    """
    try:
        async with connection.transaction():
            before = await connection.fetchval(
                "select before from (select current_setting('statement_timeout') as before"
                " offset 0) as now, lateral set_config('statement_timeout', $1, true)",
                str(QUICKLY_MS if within_ms is None else within_ms),
            )
            answer = await ask()
            # The transaction may be part of one that goes on.
            await connection.execute("select set_config('statement_timeout', $1, true)", before)
            return answer
    except asyncpg.QueryCanceledError:
        return None


async def hurry(connection: Any, began: float, within_ms: int | None = None) -> None:
    """Leave the statements that follow what is left of `within_ms` since `began`, of QUICKLY_MS if
    nothing else is said.
    """
    most = QUICKLY_MS if within_ms is None else within_ms
    left = max(1, round(most - (monotonic() - began) * 1_000))
    await connection.execute("select set_config('statement_timeout', $1, true)", str(left))


async def sample_of(connection: Any, smaller: int = 1) -> Source:
    """Return a source of about 40,000 leads, evenly drawn; all of them while there are fewer. With
    `smaller` only one in so many of these.
    """
    row = await connection.fetchrow(
        "select c.relname, c.reltuples from pg_class c, read.models m where m.name = 'lead'"
        " and c.oid = ('read.lead_v' || m.generation)::regclass"
    )
    table, total = row
    if total <= LEADS_SAMPLED:
        return WHOLE
    share = LEADS_SAMPLED / smaller / total
    drawn = f"read.{table} l tablesample system ({share * 100:.6f}) repeatable (1)"
    return Source(drawn, 1 / share)
