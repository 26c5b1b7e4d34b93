"""Who carries jobs out: looks for one that waits, takes its lease, does what its stream says.

There may be several of these; a job is worked on by one at a time. What a job is and how far its
life has come is read from the log, so that after any crash the next one simply goes on.
"""

import asyncio
from functools import partial
from uuid import UUID

from services.command.bulk.batches import Source
from services.command.bulk.clearing import Clearing
from services.command.bulk.deciding import Judge
from services.command.bulk.dry_run import run_plan
from services.command.bulk.execution import Execution, JobMoved
from services.command.bulk.tables import JobTables, Lease, Progress
from services.command.domain.bulk.commands import (
    CancelBulk,
    FinishBulk,
    NoteUndone,
    ResumeBulk,
    SettlePlan,
)
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.leased import Leased, LeaseLost
from services.kit.auth import Principal
from services.kit.clock import Clock

POLL_SECONDS = 0.1
RUNNER = Actor("service:bulk", "admin")
_NOBODY = Principal("", "")


class Runner:
    """Works on jobs, one after the other: `work` is to be run."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Decide and append with `commanding`."""
        self._commanding = commanding
        self._clock = clock
        self._tables = JobTables(commanding.log.pool)
        self._clearing = Clearing(commanding.log.pool)
        self.work = Leased(
            "bulk-job",
            claim=self._tables.claim,
            do=self._work,
            leave=partial(self._tables.release, unfinished=True),
            fail=self._tables.fail,
            clear=self._clear,
            poll_seconds=POLL_SECONDS,
        )

    async def _clear(self) -> None:
        """Clear away what is past its time; a plan that nobody executed is cancelled."""
        for job in await self._clearing.clear():
            if (await self._job(job)).stage == "planned":
                await self._tell(job, CancelBulk())
                await self._tables.look_at(job)

    async def _work(self, lease: Lease, stop: asyncio.Event) -> None:
        job = await self._job(lease.id)
        if job.stage == "unknown":
            await self._tables.drop(lease)
        elif job.stage == "planning":
            await self._plan(lease, job, stop)
        elif job.stage == "executing":
            await self._execute(lease, job, stop)
        elif job.stage == "cancelling":
            await self._wind_up(lease, job)
        if (await self._job(lease.id)).stage == "finished":
            await self._tables.keep_outcomes(lease.id)
        await self._tables.release(lease, unfinished=stop.is_set())

    async def _job(self, job: UUID) -> BulkJob:
        states = await self._commanding.states.refresh({job: "bulk"})
        found: BulkJob = states[job]
        return found

    async def _plan(self, lease: Lease, job: BulkJob, stop: asyncio.Event) -> None:
        async def goes_on() -> bool:
            return not stop.is_set() and (await self._job(lease.id)).stage == "planning"

        judge = Judge(self._commanding, self._clock, job)
        progress = await run_plan(self._tables, lease, judge, self._to_plan(job), goes_on)
        if progress is None:
            if (job := await self._job(lease.id)).stage == "cancelling":
                await self._wind_up(lease, job)
            return
        counts = {
            "applied": progress.applied,
            "unchanged": progress.unchanged,
            "refused": progress.refused,
        }
        _require_all(job, sum(counts.values()))
        await self._tell(lease.id, SettlePlan(digest=_plan_digest(progress), **counts))

    async def _execute(self, lease: Lease, job: BulkJob, stop: asyncio.Event) -> None:
        if await self._tables.begun(lease.id, "done"):
            await self._tell(lease.id, ResumeBulk(turn=lease.epoch))
            job = await self._job(lease.id)
        judge = Judge(self._commanding, self._clock, job)
        execution = Execution(self._tables, lease, judge, job)
        try:
            if not await execution.run(self._to_do(job), stop):
                return
        except JobMoved:
            if (await self._job(lease.id)).stage != "cancelling":
                raise LeaseLost(str(lease.id)) from None
        await self._wind_up(lease, await self._job(lease.id))

    async def _wind_up(self, lease: Lease, job: BulkJob) -> None:
        """List what was not reached, count the rows, say so in the log."""
        if job.started and job.cancelled:
            judge = Judge(self._commanding, self._clock, job)
            await Execution(self._tables, lease, judge, job).recover(self._to_do(job))
        if job.cancelled:
            await self._tables.fill_not_reached(
                lease,
                plan=job.planned is not None,
                selection=UUID(job.selection) if job.selection else None,
                undoes=UUID(job.undoes) if job.undoes else None,
            )
        counts = await self._tables.counts(lease.id, "done")
        _require_all(job, sum(counts.values()))
        known = {name: counts.get(name, 0) for name in ("applied", "unchanged", "refused")}
        if job.undoes is not None and known["applied"]:
            await self._tell(UUID(job.undoes), NoteUndone(by_job=job.id, **known))
        not_reached = counts.get("not_reached", 0)
        await self._tell(lease.id, FinishBulk(not_reached=not_reached, **known))

    def _to_plan(self, job: BulkJob) -> Source:
        if job.undoes is not None:
            return partial(self._tables.changed, UUID(job.undoes))
        assert job.selection is not None
        return partial(self._tables.selected, UUID(job.selection))

    def _to_do(self, job: BulkJob) -> Source:
        if job.undoes is not None:
            return partial(self._tables.to_undo, UUID(job.id), UUID(job.undoes))
        return partial(self._tables.planned, UUID(job.id))

    async def _tell(self, job: UUID, command: Command) -> None:
        await self._commanding.handle(Order(command, _NOBODY, job, RUNNER))


def _plan_digest(progress: Progress) -> str:
    counts = f"{progress.applied}-{progress.unchanged}-{progress.refused}"
    return f"{counts}.{progress.digest.hex()}"


def _require_all(job: BulkJob, counted: int) -> None:
    """Every selected lead has an outcome, or the job is at fault."""
    if counted != job.selected:
        raise RuntimeError(f"job {job.id}: {counted} outcomes of {job.selected} leads")
