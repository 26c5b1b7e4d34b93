"""The plan of a job: every lead decided on as the execution would, and nothing appended."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.command.bulk.deciding import Decided, Judge, Target
from services.command.bulk.loading import History
from services.command.bulk.rows import count, digested, row_of
from services.command.bulk.tables import JobTables, Lease, Progress, Row
from services.kit.codec import UnknownEvent
from services.kit.failpoints import at

BATCH = 500
Source = Callable[[int, int], Awaitable[list[Target]]]
"""Returns the next targets after an ordinal, at most as many as asked for."""


async def held_by_others(judge: Judge, decided: Sequence[Decided]) -> Mapping[UUID, UUID]:
    """Return, by lead, who holds the duplicate key that its change would take (rule 15)."""
    wanted: dict[bytes, UUID] = {}
    for one in decided:
        if one.outcome == "applied":
            made = judge.plan(one)
            freed = {key for key, _ in made.freed}
            wanted.update({key: one.target.lead for key, _ in made.taken if key not in freed})
    if not wanted:
        return {}
    holders = await judge.log.holders(wanted)
    return {wanted[key]: holder for key, holder in holders.items() if holder != wanted[key]}


async def decided_with_holders(
    judge: Judge, targets: Sequence[Target], decided: list[Decided]
) -> list[Decided]:
    """Decide again, knowing the duplicates, about leads whose wish for a key is not free."""
    if not judge.takes_claims:
        return decided
    holders = await held_by_others(judge, decided)
    if not holders:
        return decided
    again = [target for target in targets if target.lead in holders]
    second = await judge.decide(again, await judge.histories(again), holders)
    by_lead = {one.target.lead: one for one in second}
    return [by_lead.get(one.target.lead, one) for one in decided]


async def run_plan(
    tables: JobTables,
    lease: Lease,
    judge: Judge,
    source: Source,
    goes_on: Callable[[], Awaitable[bool]],
) -> Progress | None:
    """Plan what is left; return the finished progress, None when the job is to be left."""
    progress = await tables.begin(lease, "plan")
    loading = asyncio.create_task(_next(judge, source, progress.reached))
    storing: asyncio.Task[None] | None = None
    try:
        while True:
            targets, histories = await loading
            if not targets:
                break
            loading = asyncio.create_task(_next(judge, source, targets[-1].ordinal))
            await asyncio.sleep(0)  # The next batch is asked for before this one is decided.
            decided = await judge.decide(targets, histories)
            decided = await decided_with_holders(judge, targets, decided)
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
