"""One lead with its log, of 1,000,000, over HTTP, while 500 commands a second change other leads.

Measured twice: on the database as it was found, most of it perhaps on the disk; then, and that is
the figure, with the read models read through, as on a server that has been running for long.

The reference is the bare SQL of both: the row by its id, and the newest entries of its log.
"""

import random
import time
from uuid import UUID

from tests.bench.grid import Grid, bare, compared_sizes
from tests.bench.harness import Result, Stack, percentile

TARGET_MS = 15.0
ROUNDS, WARM = 600, 100
_ROW = "select l.* from read.lead l where l.lead_id = $1"
_LOG = (
    "select g.* from read.lead_log g where g.lead_id = $1"
    " order by g.happened_at desc, g.position desc limit 51"
)


async def run(stack: Stack) -> Result:
    """Open leads at random."""
    return await compared_sizes("lead", stack, _measure)


async def _measure(grid: Grid) -> Result:
    numbers = random.Random(7)
    cold = [await _open(grid, _lead(numbers, grid), "admin") for _ in range(ROUNDS)][WARM:]
    await grid.read_through()
    admin = [await _open(grid, _lead(numbers, grid), "admin") for _ in range(ROUNDS)][WARM:]
    own = await grid.post("/v1/leads/search", {"limit": 200, "columns": ["lead_id"]}, "leader")
    leader = [await _open(grid, one["lead_id"], "leader") for one in own[1]["leads"]]
    grid.note("a lead", *admin)
    grid.note("a lead behind the wall", *leader)
    sql = await _bare(grid)
    p95 = max(percentile(admin, 0.95), percentile(leader, 0.95))
    return Result(
        "lead",
        p95,
        "ms p95",
        f"a lead with its log ≤ {TARGET_MS:.0f} ms",
        p95 <= TARGET_MS,
        {"bare SQL p95 ms": percentile(sql, 0.95)},
        p95 / percentile(sql, 0.95),
        {
            "as it was found p50": percentile(cold, 0.5),
            "as it was found p95": percentile(cold, 0.95),
            "p50": percentile(admin, 0.5),
            "p95": percentile(admin, 0.95),
            "behind the wall p50": percentile(leader, 0.5),
            "behind the wall p95": percentile(leader, 0.95),
        },
    )


def _lead(numbers: random.Random, grid: Grid) -> str:
    return str(UUID(f"01980000-0000-7000-8000-{numbers.randint(1, grid.leads):012x}"))


async def _open(grid: Grid, lead: str, by: str) -> float:
    """Return the milliseconds of the lead and of its log, one after the other."""
    row, _ = await grid.get(f"/v1/leads/{lead}", by)
    log, _ = await grid.get(f"/v1/leads/{lead}/log", by)
    return row + log


async def _bare(grid: Grid) -> list[float]:
    numbers, times = random.Random(8), []
    async with bare(grid) as (timed, _):
        for _ in range(ROUNDS):
            lead = UUID(_lead(numbers, grid))
            began = time.perf_counter()
            await timed.fetch(_ROW, lead)
            await timed.fetch(_LOG, lead)
            times.append((time.perf_counter() - began) * 1e3)
    return times[WARM:]
