"""Rebuilding read models from the log beside the ones in use: events per second."""

import time

from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.projections.progress import wait_visible
from services.projections.rebuild import rebuild
from tests.bench.harness import Result, Stack, reached
from tests.bench.history import make_history
from tests.bench.served import environ

CLIENTS = 45_211


async def run(stack: Stack) -> Result:
    """Rebuild the grid of leads, and beside it the log of leads, over the sample's events."""
    database = await stack.database()
    environment = environ(database, stack.folder / "data")
    settings = read_settings(environment)
    events = await make_history(settings, CLIENTS)
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    try:
        async with stack.service(environment, "services.projections"):
            assert await wait_visible(pool, events, 240), "the worker does not get there"
    finally:
        await pool.close()
    rates = {}
    for name in ("lead", "lead_log"):
        began = time.perf_counter()
        rebuilt = await rebuild(name, settings.database_url, settings.master_key)
        rates[name] = rebuilt.events / (time.perf_counter() - began)
    detail = {"events": events, "lead_log events/s": rates["lead_log"]}
    return reached("rebuild", rates["lead"], "events/s", 80_000, detail)
