"""The plan of a job: every lead decided on as the execution would, and nothing appended."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.command.bulk.claims import PlannedClaims, with_duplicates
from services.command.bulk.deciding import Judge, Target
from services.command.bulk.loading import History
from services.command.bulk.rows import count, digested, row_of
from services.command.bulk.tables import JobTables, Lease, Progress, Row
from services.kit.codec import UnknownEvent
from services.kit.failpoints import at

BATCH = 1_000
Source = Callable[[int, int], Awaitable[list[Target]]]
"""Returns the next targets after an ordinal, at most as many as asked for."""


async def run_plan(
    tables: JobTables,
    lease: Lease,
    judge: Judge,
    source: Source,
    goes_on: Callable[[], Awaitable[bool]],
) -> Progress | None:
    """Plan what is left; return the finished progress, None when the job is to be left."""
    progress = await tables.begin(lease, "plan")
    claims = PlannedClaims()
    # The book of keys is not stored: what was planned before is gone over again for it.
    begin = 0 if judge.takes_claims else progress.reached
    loading = asyncio.create_task(_next(judge, source, begin))
    storing: asyncio.Task[None] | None = None
    try:
        while True:
            targets, histories = await loading
            if not targets:
                break
            loading = asyncio.create_task(_next(judge, source, targets[-1].ordinal))
            await asyncio.sleep(0)  # The next batch is asked for before this one is decided.
            decided = await judge.decide(targets, histories)
            decided = await with_duplicates(judge, decided, claims)
            if targets[-1].ordinal <= progress.reached:
                continue
            rows = [row_of(lease.job, "plan", one, judge.after) for one in decided]
            progress.reached = targets[-1].ordinal
            count(progress, rows)
            progress.digest = hashlib.sha256(progress.digest + digested(rows)).digest()
            if storing is not None:
                await storing
            at("bulk.plan.before_store")
            storing = asyncio.create_task(_stored(tables, lease, replace(progress), rows))
            await asyncio.sleep(0)
            if not await goes_on():
                await storing
                return None
        if storing is not None:
            await storing
    finally:
        for task in (loading, storing):
            if task is not None and not task.done():
                task.cancel()
    return progress


async def _stored(tables: JobTables, lease: Lease, progress: Progress, rows: Sequence[Row]) -> None:
    await tables.store(lease, "plan", progress, rows)


async def _next(
    judge: Judge, source: Source, after: int
) -> tuple[list[Target], Mapping[UUID, History | UnknownEvent]]:
    targets = await source(after, BATCH)
    return targets, await judge.histories(targets) if targets else {}
