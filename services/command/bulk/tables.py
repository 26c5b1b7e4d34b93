"""The rows of bulk work: which jobs wait, who works on them, how far they are, each lead's outcome.

A lease says who works on a job. It only spares work: whoever lost it without noticing is stopped
by the job's stream, which has moved on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg

from services.command.bulk.clearing import OUTCOMES_KEPT
from services.command.bulk.deciding import Target
from services.command.leased import LeaseLost

Step = Literal["plan", "done"]
Connection = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
LEASE = timedelta(seconds=15)
LOOK_AGAIN = timedelta(milliseconds=200)
ASKED_LATELY = timedelta(seconds=10)
"""Longer than a command may take: who asked wakes the runner first and appends then."""

FAULTS_MAX = 5
COLUMNS = (
    "job_id",
    "step",
    "ordinal",
    "lead_id",
    "version",
    "outcome",
    "moved",
    "version_after",
    "position",
    "reasons",
    "changes",
)
Row = tuple[Any, ...]
"""A row of job.outcomes, in the order of COLUMNS."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a job, until it runs out or is taken over."""

    id: UUID
    epoch: int
    faults: int


@dataclass(slots=True)
class Progress:
    """How far a step is."""

    reached: int = 0
    applied: int = 0
    unchanged: int = 0
    refused: int = 0
    moved: int = 0
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class JobRow:
    """What the log does not tell of a job: progress by step, and the last fault."""

    made_at: datetime
    steps: Mapping[str, Any]
    fault: str
    stalled: bool
    outcomes_until: datetime | None
    outcomes_gone: bool


class JobTables:
    """Access to the tables of schema `job`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Use `pool`, under the role of the command service."""
        self.pool = pool

    async def wake(self, job: UUID, made_by: str) -> None:
        """Have a runner look at the job, now and for the next seconds."""
        await self.pool.execute(_WAKE, job, UUID(made_by))

    async def look_at(self, job: UUID) -> None:
        """Have a runner look at a job that nobody asked for."""
        await self.pool.execute(
            "update job.jobs set look_at = clock_timestamp() where id = $1", job
        )

    async def claim(self) -> Lease | None:
        """Take the job that has waited longest of those nobody works on; None without one."""
        row = await self.pool.fetchrow(_CLAIM, LEASE)
        return None if row is None else Lease(row["id"], row["epoch"], row["faults"])

    async def release(self, lease: Lease, *, unfinished: bool = False) -> None:
        """Give the job back, to be looked at again if unfinished or asked for lately."""
        await self.pool.execute(
            _RELEASE, lease.id, lease.epoch, unfinished, LOOK_AGAIN, ASKED_LATELY
        )

    async def fail(self, lease: Lease, kind: str) -> None:
        """Give the job back after a fault, to be tried later; after five in a row it waits."""
        pause = LOOK_AGAIN * 2**lease.faults
        await self.pool.execute(_FAIL, lease.id, lease.epoch, kind, pause, FAULTS_MAX)

    async def drop(self, lease: Lease) -> None:
        """Forget a job that was never asked for: its request was refused, or never arrived."""
        await self.pool.execute(
            "delete from job.jobs where id = $1 and epoch = $2"
            " and asked_at < clock_timestamp() - $3::interval",
            lease.id,
            lease.epoch,
            ASKED_LATELY,
        )

    async def begun(self, job: UUID, step: Step) -> bool:
        """Say whether somebody began this step before."""
        return await self.pool.fetchrow(_STEP, job, step) is not None

    async def begin(self, lease: Lease, step: Step) -> Progress:
        """Return how far a step is, having begun it if nobody had."""
        await self.pool.execute(
            "insert into job.steps (job_id, step) values ($1, $2) on conflict do nothing",
            lease.id,
            step,
        )
        return Progress(*await self.pool.fetchrow(_STEP, lease.id, step))

    async def store(
        self, lease: Lease, step: Step, progress: Progress, rows: Sequence[Row]
    ) -> None:
        """Store a batch's outcomes and move the progress on, together; raise LeaseLost."""
        async with self.pool.acquire() as connection, connection.transaction():
            if step == "plan":  # What is lost in a crash is decided again.
                await connection.execute("set local synchronous_commit = off")
            await _hold(connection, lease)
            await connection.execute(
                _MOVE,
                lease.id,
                step,
                progress.reached,
                progress.applied,
                progress.unchanged,
                progress.refused,
                progress.moved,
                progress.digest,
            )
            await connection.copy_records_to_table(
                "outcomes", schema_name="job", columns=COLUMNS, records=rows
            )

    async def fill_not_reached(
        self, lease: Lease, *, plan: bool, selection: UUID | None, undoes: UUID | None
    ) -> None:
        """List every lead without an outcome as not reached: of the plan, if there is one."""
        statement, source = _REST_OF_PLAN, lease.id
        if not plan and selection is not None:
            statement, source = _REST_OF_SELECTION, selection
        elif not plan and undoes is not None:
            statement, source = _REST_OF_CHANGED, undoes
        async with self.pool.acquire() as connection, connection.transaction():
            await _hold(connection, lease)
            await connection.execute(statement, lease.id, source, timeout=120)

    async def counts(self, job: UUID, step: Step) -> dict[str, int]:
        """Count the rows of a step by outcome."""
        rows = await self.pool.fetch(
            "select outcome, count(*) from job.outcomes where job_id = $1 and step = $2"
            " group by outcome",
            job,
            step,
        )
        return {row["outcome"]: row["count"] for row in rows}

    async def noted_beyond(self, job: UUID, reached: int) -> set[int]:
        """Return the places after `reached` that have their outcome nevertheless."""
        rows = await self.pool.fetch(
            "select ordinal from job.outcomes where job_id = $1 and step = 'done' and ordinal > $2",
            job,
            reached,
        )
        return {row["ordinal"] for row in rows}

    async def selected(self, selection: UUID, after: int, limit: int) -> list[Target]:
        """Return what comes next of a selection."""
        rows = await self.pool.fetch(_SELECTED, selection, after, limit)
        return [Target(*row) for row in rows]

    async def planned(self, job: UUID, after: int, limit: int) -> list[Target]:
        """Return what comes next of a job's plan."""
        rows = await self.pool.fetch(_PLANNED, job, after, limit)
        return [Target(*row) for row in rows]

    async def changed(self, job: UUID, after: int, limit: int) -> list[Target]:
        """Return what comes next of the leads that a job changed, to be undone."""
        rows = await self.pool.fetch(_CHANGED, job, after, limit)
        return [Target(*row) for row in rows]

    async def to_undo(self, job: UUID, undoes: UUID, after: int, limit: int) -> list[Target]:
        """Return what comes next of the plan of an undo."""
        rows = await self.pool.fetch(_TO_UNDO, undoes, job, after, limit)
        return [Target(*row) for row in rows]

    async def selection(self, selection: UUID) -> Any:
        """Return a selection that has not expired, None when there is none."""
        return await self.pool.fetchrow(
            "select made_by, count, digest from job.selections"
            " where id = $1 and expires_at > clock_timestamp()",
            selection,
        )

    async def job(self, job: UUID) -> JobRow:
        """Return what is kept of a job."""
        row = await self.pool.fetchrow(
            "select made_at, fault, faults, outcomes_until, outcomes_gone from job.jobs"
            " where id = $1",
            job,
        )
        steps = await self.pool.fetch("select * from job.steps where job_id = $1", job)
        stalled = row["faults"] >= FAULTS_MAX
        return JobRow(
            row["made_at"],
            {one["step"]: one for one in steps},
            row["fault"],
            stalled,
            row["outcomes_until"],
            row["outcomes_gone"],
        )

    async def jobs(self, made_by: UUID | None, before: UUID | None, limit: int) -> list[UUID]:
        """Return jobs, the latest first: those of one user, or all."""
        rows = await self.pool.fetch(_JOBS, made_by, before, limit)
        return [row["id"] for row in rows]

    async def outcomes(
        self, job: UUID, step: Step, outcome: str | None, after: int, limit: int
    ) -> list[Any]:
        """Return the outcomes after a place, of one kind if asked for."""
        statement = _OUTCOMES if outcome is None else _OUTCOMES_OF_KIND
        kind = () if outcome is None else (outcome,)
        rows: list[Any] = await self.pool.fetch(statement, job, step, after, limit, *kind)
        return rows

    async def keep_outcomes(self, job: UUID) -> bool:
        """Keep the outcomes of a finished job for their time from now on; False when they went."""
        kept = await self.pool.fetchval(
            "update job.jobs set outcomes_until = clock_timestamp() + $2::interval"
            " where id = $1 and not outcomes_gone returning true",
            job,
            OUTCOMES_KEPT,
        )
        return kept is not None


async def _hold(connection: Any, lease: Lease) -> None:
    held = await connection.fetchval(_HOLD, lease.id, lease.epoch, LEASE)
    if held is None:
        raise LeaseLost(str(lease.id))


_WAKE = """
    insert into job.jobs (id, made_by, look_at) values ($1, $2, clock_timestamp())
    on conflict (id) do update
      set look_at = clock_timestamp(), asked_at = clock_timestamp(), faults = 0
"""
_CLAIM = """
    update job.jobs set epoch = epoch + 1, lease_until = clock_timestamp() + $1::interval
    where id = (
      select id from job.jobs where look_at <= clock_timestamp() and lease_until < clock_timestamp()
      order by look_at limit 1 for update skip locked
    ) returning id, epoch, faults
"""
_HOLD = """
    update job.jobs set lease_until = clock_timestamp() + $3::interval
    where id = $1 and epoch = $2 returning id
"""
_RELEASE = """
    update job.jobs set lease_until = '-infinity', faults = 0, fault = '', look_at =
      case when $3 or asked_at > clock_timestamp() - $5::interval
           then clock_timestamp() + case when $3 then interval '0' else $4::interval end end
    where id = $1 and epoch = $2
"""
_FAIL = """
    update job.jobs set lease_until = '-infinity', faults = faults + 1, fault = $3, look_at =
      case when faults + 1 < $5 then clock_timestamp() + $4::interval end
    where id = $1 and epoch = $2
"""
_STEP = """
    select reached, applied, unchanged, refused, moved, digest from job.steps
    where job_id = $1 and step = $2
"""
_MOVE = """
    update job.steps set reached = $3, applied = $4, unchanged = $5, refused = $6, moved = $7,
           digest = $8, updated_at = clock_timestamp()
    where job_id = $1 and step = $2
"""
_SELECTED = """
    select ordinal, lead_id, version from job.selected
    where selection_id = $1 and ordinal > $2 order by ordinal limit $3
"""
_PLANNED = """
    select ordinal, lead_id, version, outcome from job.outcomes
    where job_id = $1 and step = 'plan' and ordinal > $2 order by ordinal limit $3
"""
_CHANGED = """
    select ordinal, lead_id, version_after, '', version, version_after from job.outcomes
    where job_id = $1 and step = 'done' and outcome = 'applied' and ordinal > $2
    order by ordinal limit $3
"""
_TO_UNDO = """
    select p.ordinal, p.lead_id, p.version, p.outcome, d.version, d.version_after
    from (
      select ordinal, lead_id, version, outcome from job.outcomes
      where job_id = $2 and step = 'plan' and ordinal > $3 order by ordinal limit $4
    ) p
    join lateral (
      select version, version_after from job.outcomes
      where job_id = $1 and step = 'done' and ordinal = p.ordinal offset 0
    ) d on true
    order by p.ordinal
"""
_LIST_REST = """
    insert into job.outcomes (job_id, step, ordinal, lead_id, version, outcome)
    select $1, 'done', s.ordinal, s.lead_id, s.version, 'not_reached' from
"""
_ONCE = " on conflict (job_id, step, ordinal) do nothing"
_REST_OF_PLAN = _LIST_REST + "job.outcomes s where s.job_id = $2 and s.step = 'plan'" + _ONCE
_REST_OF_SELECTION = _LIST_REST + "job.selected s where s.selection_id = $2" + _ONCE
_REST_OF_CHANGED = (
    _LIST_REST
    + "job.outcomes s where s.job_id = $2 and s.step = 'done' and s.outcome = 'applied'"
    + _ONCE
)
_JOBS = """
    select id from job.jobs
    where ($1::uuid is null or made_by = $1)
      and ($2::uuid is null or (made_at, id) < (select made_at, id from job.jobs where id = $2))
    order by made_at desc, id desc limit $3
"""
_OUTCOMES = """
    select ordinal, lead_id, version, outcome, moved, version_after, position, reasons, changes
    from job.outcomes where job_id = $1 and step = $2 and ordinal > $3 order by ordinal limit $4
"""
_OUTCOMES_OF_KIND = """
    select ordinal, lead_id, version, outcome, moved, version_after, position, reasons, changes
    from job.outcomes where job_id = $1 and step = $2 and ordinal > $3 and outcome = $5
    order by ordinal limit $4
"""
