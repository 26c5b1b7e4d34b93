"""Counting leads and breaking them down on 1,000,000 leads: under 20 typical filters, over HTTP,
while 500 commands a second change other leads.

The reference is the bare SQL of the same breakdowns, asked of the database by one connection.
"""

from itertools import cycle
from typing import Any

from services.query.breakdown import breakdown
from services.query.questions import BreakdownBody
from tests.bench.grid import (
    MEMORY_MB_MAX,
    ROUNDS,
    Grid,
    asked_by,
    bare,
    compared_sizes,
    typical_filters,
    worst,
)
from tests.bench.harness import Result, Stack, percentile

TARGET_MS = 400.0
FIELDS = (
    "status",
    "owner",
    "campaign_name",
    "latest_end_cause",
    "fields.job",
    "last_modified_at",
    "fields.balance",
    "pool_name",
    "call_attempts",
)


async def run(stack: Stack) -> Result:
    """Measure every filter's count, and its spread over some of the fields."""
    return await compared_sizes("breakdown", stack, _measure)


async def _measure(grid: Grid) -> Result:
    cold: list[float] = []
    counts: list[float] = []
    spreads: list[float] = []
    slowest: dict[str, float] = {}
    sampled = 0
    for turn in range(ROUNDS + 1):
        for one, field in _questions(turn):
            filtered = {"filter": one["body"]["filter"]} if "filter" in one["body"] else {}
            counted, _ = await grid.post("/v1/leads/count", filtered, one["by"])
            body = {**filtered, "field": field}
            spent, answer = await grid.post("/v1/leads/breakdown", body, one["by"])
            if not turn:
                cold += (counted, spent)
            else:
                counts.append(counted)
                spreads.append(spent)
                sampled += not answer["exact"]
                name = f"count {one['name']}"
                grid.note(name, counted)
                slowest[name] = max(slowest.get(name, 0.0), counted)
                name = f"{one['name']} by {field}"
                grid.note(name, spent)
                slowest[name] = max(slowest.get(name, 0.0), spent)
        if not turn:
            await grid.read_through()
    sql = percentile(await _bare(grid), 0.95)
    p95 = max(percentile(counts, 0.95), percentile(spreads, 0.95))
    return Result(
        "breakdown",
        p95,
        "ms p95",
        f"count and breakdown ≤ {TARGET_MS:.0f} ms, service ≤ {MEMORY_MB_MAX} MB",
        p95 <= TARGET_MS and grid.memory_mb() <= MEMORY_MB_MAX,
        {"bare SQL p95 ms": sql},
        p95 / sql,
        {
            "first round p95": percentile(cold, 0.95),
            "count p50": percentile(counts, 0.5),
            "count p95": percentile(counts, 0.95),
            "breakdown p50": percentile(spreads, 0.5),
            "breakdown p95": percentile(spreads, 0.95),
            "from a sample": f"{sampled} of {len(spreads)}",
            "slowest": worst(slowest),
        },
    )


def _questions(turn: int) -> list[tuple[dict[str, Any], str]]:
    """Pair filters with fields, in every round others."""
    fields = cycle(FIELDS[turn % len(FIELDS) :] + FIELDS[: turn % len(FIELDS)])
    return list(zip(typical_filters(), fields, strict=False))


async def _bare(grid: Grid) -> list[float]:
    """Return the milliseconds that the database takes for the same breakdowns."""
    times = []
    async with bare(grid) as (timed, directory):
        for turn in range(1, ROUNDS + 1):
            for one, field in _questions(turn):
                asked = asked_by(one["by"], timed, directory)
                body = {"filter": one["body"].get("filter"), "field": field}
                timed.spent = 0.0
                await breakdown(asked, BreakdownBody.model_validate(body))
                times.append(timed.spent)
    return times
