"""Rebuilding read models from the log beside the ones in use: events per second."""

import asyncio
import os
import sys
import time
from collections.abc import Mapping

import orjson

from services.command.app import open_commanding
from services.kit.clock import SystemClock
from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.local.demo_keys import demo_keys, let_demo_users_in
from services.local.sample_data import clients
from services.projections.progress import wait_visible
from services.projections.registry import BY_NAME
from tests.bench.bulk_work import make_leads
from tests.bench.commanded import commanded
from tests.bench.copied_leads import copy_leads
from tests.bench.harness import Result, Stack, tell
from tests.bench.plain_fold import plain_fold
from tests.bench.served import ROOT, environ

LEADS = int(os.environ.get("LEADS_BENCH_LEADS", "1000000").split(",")[0])
DECIDED = 60_000
"""So many leads at most are made by real decisions; the others are copies of these."""
CALLED = 2_000
TARGET = 80_000


async def run(stack: Stack) -> Result:
    """Rebuild the grid of leads, of six events each, by two workers, by one, by one and by two
    beside 500 commands a second; then the log of leads by two.

    The value is one worker's, from the first statement to the switch. The reference is the same
    events folded without being read or written.
    """
    database = await stack.database()
    environment = environ(database, stack.folder / "data")
    settings = read_settings(environment)
    async with open_commanding(settings, SystemClock()) as commanding:
        await let_demo_users_in(commanding, settings.data_dir)
        await make_leads(commanding, min(LEADS, DECIDED), six_events_each=True)
        events = await commanding.log.head()
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    try:
        async with stack.service(environment, "services.projections"):
            assert await wait_visible(pool, events, 240), "the worker does not get there"
    finally:
        await pool.close()
    if LEADS > DECIDED:
        events = await copy_leads(database.superuser_url, settings.master_key, LEADS)
    tell(f"   {events:,} events to work on")
    called = [str(one.lead) for one in clients(CALLED)]
    two = await _rebuild(environment, "lead", 2)  # from here on all leads are in the grid in use
    one = await _rebuild(environment, "lead", 1, all_beside=True)
    async with commanded(stack, environment, called, demo_keys(settings.data_dir)["admin"]) as pace:
        began = time.perf_counter()
        beside = await _rebuild(environment, "lead", 1)
        both_beside = await _rebuild(environment, "lead", 2)
        per_second = pace.done / (time.perf_counter() - began)
    log = await _rebuild(environment, "lead_log", 2)
    fold = await plain_fold(settings, [BY_NAME["lead"]])
    value = _rate(one)
    return Result(
        "rebuild",
        value,
        "events/s",
        f"≥ {TARGET:,} events/s",
        value >= TARGET,
        reference={"plain fold": fold},
        ratio=value / fold,
        detail={
            "events": events,
            "seconds to the switch": one["seconds"],
            "of them reading, folding, copying in": one["filled"],
            "seconds with what stands beside": one["all_seconds"],
            "beside commands events/s": _rate(beside),
            "two workers beside commands events/s": _rate(both_beside),
            "commands/s": per_second,
            "two workers events/s": _rate(two),
            "lead_log, two workers, events/s": _rate(log),
            "µs of worker an event": one["cpu_seconds"] / one["events"] * 1e6,
            "worker MB": max(made["memory_mb"] for made in (one, two)),
            "lead_log worker MB": log["memory_mb"],
        },
    )


def _rate(told: Mapping[str, float]) -> float:
    return told["events"] / told["seconds"]


async def _rebuild(
    environment: Mapping[str, str], name: str, workers: int, *, all_beside: bool = False
) -> dict[str, float]:
    """Rebuild in a process of its own, so that its memory and time are its own."""
    more = ("all",) if all_beside else ()
    command = (sys.executable, "-m", "tests.bench.rebuilding", name, str(workers), *more)
    child = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **environment}, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await child.communicate()
    assert child.returncode == 0, "the rebuild failed"
    told: dict[str, float] = orjson.loads(said)
    return told
