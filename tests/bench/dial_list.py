"""The dial list on 1,000,000 leads, over HTTP, while 500 commands a second change other leads.

Agents by chance ask for their list of a campaign, three in ten of a segment. The reference is what
reads nothing: the health of the same service.
"""

import random
import time

import asyncpg

from services.projections.number_zones import fill_number_zones
from tests.bench.grid import Grid, compared_sizes, id_of
from tests.bench.harness import Result, Stack, percentile
from tests.bench.million_leads import AGENTS, CAMPAIGNS

TARGET_MS = 30.0
WARM, LISTS = 100, 1_000
SEGMENTS = 40


async def run(stack: Stack) -> Result:
    """Measure the lists of agents."""
    return await compared_sizes("dial-list", stack, _measure)


async def _measure(grid: Grid) -> Result:
    await _fill(grid)
    chance = random.Random(7)
    times: dict[str, list[float]] = {"campaign": [], "segment": []}
    for number in range(WARM + LISTS):
        kind = "segment" if chance.random() < 0.3 else "campaign"
        spent = await _list(grid, chance, kind)
        if number >= WARM:
            times[kind].append(spent)
    health = [await _timed(grid, "/livez", {}) for _ in range(100)]
    every = [one for many in times.values() for one in many]
    p95 = percentile(every, 0.95)
    return Result(
        "dial-list",
        p95,
        "ms p95",
        f"p95 ≤ {TARGET_MS:.0f} ms",
        p95 <= TARGET_MS,
        {"health p50": percentile(health, 0.5)},
        p95 / percentile(health, 0.5),
        {
            "p50": percentile(every, 0.5),
            "p99": percentile(every, 0.99),
            "of a campaign p95": percentile(times["campaign"], 0.95),
            "of a segment p95": percentile(times["segment"], 0.95),
        },
    )


async def _fill(grid: Grid) -> None:
    """Do at once what the triggers do lead by lead; a database that was kept has it already."""
    connection = await asyncpg.connect(grid.url, server_settings={"role": "leads_projections"})
    try:
        await fill_number_zones(connection)
        if await connection.fetchval("select count(*) from read.lead_dial") < grid.leads // 10:
            await connection.execute(
                "select read.set_dial(array(select lead_id from read.lead))", timeout=600
            )
        await connection.execute("vacuum analyze read.lead_dial")
    finally:
        await connection.close()


async def _list(grid: Grid, chance: random.Random, kind: str) -> float:
    number = chance.randrange(SEGMENTS // 4) * 4 + 1  # one that is on
    params = {
        "campaign": id_of("campaign", number % CAMPAIGNS),
        "agent": id_of("agent", chance.randrange(AGENTS)),
    }
    if kind == "segment":
        params["segment"] = id_of("segment", number)
    return await _timed(grid, "/v1/dial-list", params)


async def _timed(grid: Grid, path: str, params: dict[str, str]) -> float:
    headers = {"authorization": f"Bearer {grid.keys['admin']}"}
    began = time.perf_counter()
    answer = await grid.client.get(path, params=params, headers=headers)
    spent = (time.perf_counter() - began) * 1e3
    answer.raise_for_status()
    return spent
