"""What bulk work and commands leave behind, and how long it stays.

Nothing of this is a fact: events stay for ever, and a job goes on telling its counts.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import asyncpg

OUTCOMES_KEPT = timedelta(days=90)
"""How long each lead's outcome can be read, and a job undone, after its end or its latest undo."""

PLANS_KEPT = timedelta(days=30)
"""How long a plan waits to be executed; then it is cancelled, and its outcomes go in their time."""

ANSWERS_KEPT = timedelta(days=8)
"""How long a command's answer is given again; the log lets none go before seven days."""

CHUNK = 20_000
CHUNKS_MAX = 50
"""A million rows at a time at most: the next turn, in ten minutes, goes on."""


class Clearing:
    """Clears away what is past its time; several may, at once."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Use `pool`, under the role of the command service."""
        self._pool = pool

    async def clear(self) -> list[UUID]:
        """Clear; return the unfinished jobs nobody asked for in long: plans of them end then."""
        await self._pool.execute(_SELECTIONS, timeout=120)
        await self._in_chunks(self._outcomes)
        await self._in_chunks(self._answers)
        rows = await self._pool.fetch(_STALE_PLANS, PLANS_KEPT)
        return [row["id"] for row in rows]

    async def _in_chunks(self, clear: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(CHUNKS_MAX):
            if not await clear():
                return

    async def _outcomes(self) -> bool:
        """Let a chunk of one job's outcomes go; False when none is past its time."""
        job = await self._pool.fetchval(_PAST)
        if job is None:
            return False
        if not await self._pool.fetchval(_OUTCOMES, job, CHUNK):
            await self._pool.execute("update job.jobs set outcomes_gone = true where id = $1", job)
        return True

    async def _answers(self) -> bool:
        gone: int = await self._pool.fetchval(
            "select log.forget_commands(clock_timestamp() - $1::interval, $2)", ANSWERS_KEPT, CHUNK
        )
        return gone == CHUNK


_SELECTIONS = """
    with gone as (
      delete from job.selections where expires_at < clock_timestamp() returning id
    ) delete from job.selected s using gone where s.selection_id = gone.id
"""
_PAST = """
    select id from job.jobs where outcomes_until < clock_timestamp() and not outcomes_gone
    order by outcomes_until limit 1
"""
_OUTCOMES = """
    with gone as (
      delete from job.outcomes where (job_id, step, ordinal) in (
        select job_id, step, ordinal from job.outcomes where job_id = $1 limit $2
      ) returning 1
    ) select count(*) from gone
"""
_STALE_PLANS = """
    select id from job.jobs
    where outcomes_until is null and lease_until < clock_timestamp()
      and asked_at < clock_timestamp() - $1::interval
"""
