"""A sample of the leads, for questions whose exact answer would take longer than people wait.

Whole pages of the table are drawn, the same ones each time, so that a question asked twice is
answered alike. What is found in them stands for all.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from services.query.sql import Arguments

LEADS_SAMPLED = 40_000
COST_EXACT_MAX = 30_000.0
"""In the planner's units, about 150 ms: what costs more is answered from a sample."""
ROWS_EXACT_MAX = 50_000
"""So is what more leads match: they lie far apart, whatever the planner makes of that."""
FOUND_MIN = 400
"""With fewer leads found a sample says too little, and the exact answer is worth its time."""


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


async def sample_of(connection: Any) -> Source:
    """Return a source of about 40,000 leads, evenly drawn; all of them while there are fewer."""
    row = await connection.fetchrow(
        "select c.relname, c.reltuples from pg_class c, read.models m where m.name = 'lead'"
        " and c.oid = ('read.lead_v' || m.generation)::regclass"
    )
    table, total = row
    if total <= LEADS_SAMPLED:
        return WHOLE
    share = LEADS_SAMPLED / total
    drawn = f"read.{table} l tablesample system ({share * 100:.6f}) repeatable (1)"
    return Source(drawn, 1 / share)
