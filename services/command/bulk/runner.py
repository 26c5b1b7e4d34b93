"""Who carries jobs out: looks for one that waits, takes its lease, does what its stream says.

There may be several of these; a job is worked on by one at a time. What a job is and how far its
life has come is read from the log, so that after any crash the next one simply goes on.
"""

import asyncio
from functools import partial
from time import monotonic
from uuid import UUID

from services.command.bulk.batches import Source
from services.command.bulk.clearing import Clearing
from services.command.bulk.deciding import Judge
from services.command.bulk.dry_run import run_plan
from services.command.bulk.execution import Execution, JobMoved
from services.command.bulk.tables import JobTables, Lease, LeaseLost, Progress
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
from services.kit.auth import Principal
from services.kit.background import pause
from services.kit.clock import Clock
from services.kit.failpoints import FailpointHit
from services.kit.http import failure
from services.kit.outage import is_away
from services.kit.telemetry import logger

POLL_SECONDS = 0.1
CLEAR_SECONDS = 600.0
RUNNER = Actor("service:bulk", "admin")
_NOBODY = Principal("", "")


class Runner:
    """Works on jobs, one after the other."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Decide and append with `commanding`."""
        self._commanding = commanding
        self._clock = clock
        self._tables = JobTables(commanding.log.pool)
        self._clearing = Clearing(commanding.log.pool)
        self._clear_at = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way then is left for the next one."""
        while not stop.is_set():
            try:
                worked = await self.work_once(stop)
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                logger().warning("bulk-runner-fault", **failure(error))
                worked = False
            if not worked:
                await pause(stop, POLL_SECONDS)

    async def work_once(self, stop: asyncio.Event) -> bool:
        """Work on one job as far as it goes; False when none waits."""
        if monotonic() >= self._clear_at:
            self._clear_at = monotonic() + CLEAR_SECONDS
            await self._clear()
        lease = await self._tables.claim()
        if lease is None:
            return False
        try:
            await self._work(lease, stop)
        except LeaseLost:
            logger().warning("bulk-lease-lost", job=str(lease.job))
        except FailpointHit:
            raise
        except Exception as error:  # noqa: BLE001 - one job's fault is not the others'
            if is_away(error):  # it waits, however long, and goes on where it was
                logger().warning("bulk-job-waits", job=str(lease.job), **failure(error))
                await self._tables.release(lease, unfinished=True)
                return False
            logger().error("bulk-job-fault", job=str(lease.job), **failure(error))
            await self._tables.fail(lease, type(error).__name__)
        return True

    async def _clear(self) -> None:
        """Clear away what is past its time; a plan that nobody executed is cancelled."""
        for job in await self._clearing.clear():
            if (await self._job(job)).stage == "planned":
                await self._tell(job, CancelBulk())
                await self._tables.look_at(job)

    async def _work(self, lease: Lease, stop: asyncio.Event) -> None:
        job = await self._job(lease.job)
        if job.stage == "unknown":
            await self._tables.drop(lease)
        elif job.stage == "planning":
            await self._plan(lease, job, stop)
        elif job.stage == "executing":
            await self._execute(lease, job, stop)
        elif job.stage == "cancelling":
            await self._wind_up(lease, job)
        if (await self._job(lease.job)).stage == "finished":
            await self._tables.keep_outcomes(lease.job)
        await self._tables.release(lease, unfinished=stop.is_set())

    async def _job(self, job: UUID) -> BulkJob:
        states = await self._commanding.states.refresh({job: "bulk"})
        found: BulkJob = states[job]
        return found

    async def _plan(self, lease: Lease, job: BulkJob, stop: asyncio.Event) -> None:
        async def goes_on() -> bool:
            return not stop.is_set() and (await self._job(lease.job)).stage == "planning"

        judge = Judge(self._commanding, self._clock, job)
        progress = await run_plan(self._tables, lease, judge, self._to_plan(job), goes_on)
        if progress is None:
            if (job := await self._job(lease.job)).stage == "cancelling":
                await self._wind_up(lease, job)
            return
        counts = {
            "applied": progress.applied,
            "unchanged": progress.unchanged,
            "refused": progress.refused,
        }
        _require_all(job, sum(counts.values()))
        await self._tell(lease.job, SettlePlan(digest=_plan_digest(progress), **counts))

    async def _execute(self, lease: Lease, job: BulkJob, stop: asyncio.Event) -> None:
        if await self._tables.begun(lease.job, "done"):
            await self._tell(lease.job, ResumeBulk(turn=lease.epoch))
            job = await self._job(lease.job)
        judge = Judge(self._commanding, self._clock, job)
        execution = Execution(self._tables, lease, judge, job)
        try:
            if not await execution.run(self._to_do(job), stop):
                return
        except JobMoved:
            if (await self._job(lease.job)).stage != "cancelling":
                raise LeaseLost(str(lease.job)) from None
        await self._wind_up(lease, await self._job(lease.job))

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
        counts = await self._tables.counts(lease.job, "done")
        _require_all(job, sum(counts.values()))
        known = {name: counts.get(name, 0) for name in ("applied", "unchanged", "refused")}
        if job.undoes is not None and known["applied"]:
            await self._tell(UUID(job.undoes), NoteUndone(by_job=job.id, **known))
        not_reached = counts.get("not_reached", 0)
        await self._tell(lease.job, FinishBulk(not_reached=not_reached, **known))

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
