"""Pages of the grid on 1,000,000 leads: 20 typical filters, the first page and later ones, over
HTTP, while 500 commands a second change other leads. Told beside it: filters that are hard.

The reference is the bare SQL of the same first pages, asked of the database by one connection.
"""

from http import HTTPStatus
from typing import Any

import httpx

from services.kit.cursors import Cursors
from services.query.lead import page_of
from services.query.questions import SearchBody, of_body
from tests.bench.grid import (
    MEMORY_MB_MAX,
    ROUNDS,
    Grid,
    asked_by,
    bare,
    compared_sizes,
    hard_filters,
    typical_filters,
    worst,
)
from tests.bench.harness import Result, Stack, percentile

TARGET_MS = 60.0
TOO_LONG_MS = 5_000.0
"""A read that takes longer is given up and answered with 503."""
PAGES = 6


async def run(stack: Stack) -> Result:
    """Measure every filter's pages."""
    return await compared_sizes("list", stack, _measure)


async def _measure(grid: Grid) -> Result:
    cold: list[float] = []
    first: list[float] = []
    later: list[float] = []
    slowest: dict[str, float] = {}
    for turn in range(ROUNDS + 1):
        for one in typical_filters():
            times = await _pages(grid, one)
            if not turn:
                cold += times
            else:
                first.append(times[0])
                later += times[1:]
                grid.note(f"first page, {one['name']}", times[0])
                grid.note(f"later page, {one['name']}", *times[1:])
                slowest[one["name"]] = max(slowest.get(one["name"], 0.0), *times)
        if not turn:
            await grid.read_through()
    hard, hardest = await _hard(grid)
    sql = percentile(await _bare(grid), 0.95)
    p95 = max(percentile(first, 0.95), percentile(later, 0.95))
    return Result(
        "list",
        p95,
        "ms p95",
        f"first and later pages ≤ {TARGET_MS:.0f} ms, service ≤ {MEMORY_MB_MAX} MB",
        p95 <= TARGET_MS and grid.memory_mb() <= MEMORY_MB_MAX,
        {"bare SQL p95 ms": sql},
        p95 / sql,
        {
            "first round p95": percentile(cold, 0.95),
            "first p50": percentile(first, 0.5),
            "first p95": percentile(first, 0.95),
            "later p50": percentile(later, 0.5),
            "later p95": percentile(later, 0.95),
            "slowest": worst(slowest),
            "hard filters p50": percentile(hard, 0.5),
            "hard filters p95": percentile(hard, 0.95),
            "hardest": worst(hardest),
        },
    )


async def _hard(grid: Grid) -> tuple[list[float], dict[str, float]]:
    """Return the milliseconds of all pages of the hard filters, and the most by filter."""
    every: list[float] = []
    slowest: dict[str, float] = {}
    for turn in range(ROUNDS):
        for one in hard_filters():
            try:
                times = await _pages(grid, one)
            except httpx.HTTPStatusError as refused:
                if refused.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                times = [TOO_LONG_MS]
            name = f"{one['name']} ({one['by']})"
            if turn:
                every += times
                slowest[name] = max(slowest.get(name, 0.0), *times)
    return every, slowest


async def _pages(grid: Grid, one: dict[str, Any]) -> list[float]:
    """Return the milliseconds of up to six pages, one after the other."""
    times = []
    cursor: str | None = None
    for _ in range(PAGES):
        asked = {**one["body"], "cursor": cursor} if cursor else one["body"]
        spent, answer = await grid.post("/v1/leads/search", asked, one["by"])
        times.append(spent)
        cursor = answer["next"]
        if cursor is None:
            break
    return times


async def _bare(grid: Grid) -> list[float]:
    """Return the milliseconds that the database takes for the same first pages."""
    times = []
    cursors = Cursors(bytes(32))
    async with bare(grid) as (timed, directory):
        for _ in range(ROUNDS):
            for one in typical_filters():
                asked = asked_by(one["by"], timed, directory)
                question = of_body(SearchBody.model_validate(one["body"]), asked)
                timed.spent = 0.0
                await page_of(cursors, asked, question)
                times.append(timed.spent)
    return times
