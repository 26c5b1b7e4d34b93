"""The plan of a job: every lead decided on as the execution would, and nothing appended."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from services.command.bulk.batches import Source, batches
from services.command.bulk.claims import PlannedClaims, with_duplicates
from services.command.bulk.deciding import Judge
from services.command.bulk.rows import count, digested, row_of
from services.command.bulk.tables import JobTables, Lease, Progress
from services.kit.failpoints import at

BATCH = 400
"""Leads decided on at a time: enough that the round trips of a batch are few for each."""


async def run_plan(
    tables: JobTables,
    lease: Lease,
    judge: Judge,
    source: Source,
    goes_on: Callable[[], Coroutine[Any, Any, bool]],
) -> Progress | None:
    """Plan what is left; return the finished progress, None when the job is to be left."""
    progress = await tables.begin(lease, "plan")
    claims = PlannedClaims()
    # The book of keys is not stored: what was planned before is gone over again for it.
    begin = 0 if judge.takes_claims else progress.reached
    storing: asyncio.Task[None] | None = None
    looking: asyncio.Task[bool] | None = None
    try:
        async with batches(judge, source, begin, BATCH) as read:
            async for targets, histories in read:
                decided = await judge.decide(targets, histories)
                decided = await with_duplicates(judge, decided, claims)
                if targets[-1].ordinal <= progress.reached:
                    continue
                rows = [row_of(lease.id, "plan", one, judge.after) for one in decided]
                progress.reached = targets[-1].ordinal
                count(progress, rows)
                progress.digest = hashlib.sha256(progress.digest + digested(rows)).digest()
                if storing is not None:
                    await storing
                at("bulk.plan.before_store")
                storing = asyncio.create_task(tables.store(lease, "plan", replace(progress), rows))
                if looking is not None and not await looking:
                    await storing
                    return None
                # Whether it goes on is looked up while the next batch is decided on.
                looking = asyncio.create_task(goes_on())
        if storing is not None:
            await storing
        if looking is not None and not await looking:
            return None
    finally:
        for task in (storing, looking):
            if task is not None and not task.done():
                task.cancel()
    return progress
