"""Searching 1,000,000 leads by four digits of a phone, over HTTP, while 500 commands a second
change other leads; beside it by names, addresses and words of fields.

The reference is the bare SQL of the same searches, asked of the database by one connection.
"""

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
    worst,
)
from tests.bench.harness import Result, Stack, percentile

TARGET_MS = 80.0
DIGITS = [str(1_009 + 449 * number) for number in range(20)]
WORDS = (
    "sekeso seka",
    "kabe",
    "wadaun",
    "4711@example",
    "0151 4711 2",
    "sekeso",
    "technician",
    "wa",
)


async def run(stack: Stack) -> Result:
    """Measure the first page of every search."""
    return await compared_sizes("search", stack, _measure)


async def _measure(grid: Grid) -> Result:
    cold: list[float] = []
    digits: list[float] = []
    words: list[float] = []
    slowest: dict[str, float] = {}
    for turn in range(ROUNDS + 1):
        for wanted, times in (*((one, digits) for one in DIGITS), *((one, words) for one in WORDS)):
            body = {"filter": {"op": "search", "value": wanted}}
            spent, _ = await grid.post("/v1/leads/search", body, "admin")
            if not turn:
                cold.append(spent)
            else:
                times.append(spent)
                grid.note(wanted, spent)
                slowest[wanted] = max(slowest.get(wanted, 0.0), spent)
        if not turn:
            await grid.read_through()
    sql = percentile(await _bare(grid), 0.95)
    p95 = percentile(digits, 0.95)
    return Result(
        "search",
        p95,
        "ms p95",
        f"four digits ≤ {TARGET_MS:.0f} ms, service ≤ {MEMORY_MB_MAX} MB",
        p95 <= TARGET_MS and grid.memory_mb() <= MEMORY_MB_MAX,
        {"bare SQL p95 ms": sql},
        p95 / sql,
        {
            "first round p95": percentile(cold, 0.95),
            "digits p50": percentile(digits, 0.5),
            "words p50": percentile(words, 0.5),
            "words p95": percentile(words, 0.95),
            "slowest": worst(slowest),
        },
    )


async def _bare(grid: Grid) -> list[float]:
    """Return the milliseconds that the database takes for the same four digits."""
    times = []
    cursors = Cursors(bytes(32))
    async with bare(grid) as (timed, directory):
        for _ in range(ROUNDS):
            for wanted in DIGITS:
                asked = asked_by("admin", timed, directory)
                body = {"filter": {"op": "search", "value": wanted}}
                timed.spent = 0.0
                await page_of(cursors, asked, of_body(SearchBody.model_validate(body), asked))
                times.append(timed.spent)
    return times
