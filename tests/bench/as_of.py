"""One lead as of an earlier moment, over HTTP, while 500 commands a second change these very leads.

The reference is reading the same events from the log with bare SQL.
"""

import random
import time
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS
from tests.bench.grid import Grid, bare, compared_sizes
from tests.bench.harness import Result, Stack, percentile

TARGET_MS = 30.0
ROUNDS, WARM = 400, 50
_STREAM = READ_EVENTS + " where stream_id = $1 order by version"


async def run(stack: Stack) -> Result:
    """Ask for leads as they were at a random version."""
    return await compared_sizes("as-of", stack, _measure)


async def _measure(grid: Grid) -> Result:
    heads = await _heads(grid)
    numbers = random.Random(7)
    times = []
    for _ in range(ROUNDS):
        lead, version = numbers.choice(heads)
        moment = f"version:{numbers.randint(1, version)}"
        times.append((await grid.get(f"/v1/leads/{lead}?as_of={moment}", "admin"))[0])
    sql = []
    async with bare(grid) as (timed, _):
        for _ in range(ROUNDS):
            lead, _ = numbers.choice(heads)
            began = time.perf_counter()
            await timed.fetch(_STREAM, lead)
            sql.append((time.perf_counter() - began) * 1e3)
    p95, reference = percentile(times[WARM:], 0.95), percentile(sql[WARM:], 0.95)
    return Result(
        "as-of",
        p95,
        "ms p95",
        f"a lead as of a version ≤ {TARGET_MS:.0f} ms",
        p95 <= TARGET_MS,
        {"bare SQL p95 ms": reference},
        p95 / reference,
        {
            "p50": percentile(times[WARM:], 0.5),
            "events of a lead": percentile([float(version) for _, version in heads], 0.5),
        },
    )


async def _heads(grid: Grid) -> list[tuple[UUID, int]]:
    """Return the leads that have events of their own in the log, with their versions."""
    connection = await asyncpg.connect(grid.url, server_settings={"role": "leads_query"})
    try:
        rows = await connection.fetch(
            "select stream_id, version from log.streams where category = 'lead'"
        )
    finally:
        await connection.close()
    return [(row["stream_id"], row["version"]) for row in rows]
