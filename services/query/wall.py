"""The second wall of sight (rule 2): row-level security of the database, behind the condition that
every statement carries.

Should a statement ever forget its condition, a caller of limited sight still gets no row out of
sight. Those who see everything read over sessions of their own, as before, and pay nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from schemas.rights import Sight
from services.kit.postgres import close_pool, connect_pool

_LOWER = (
    "select before from (select current_setting('role') as before offset 0) as now,"
    " lateral set_config('role', 'leads_query', false)"
)
_RAISE = (
    "select set_config('role', 'leads_sight', false), set_config('leads.owners', $1, false),"
    " set_config('leads.inactive', $2, false), set_config('leads.processed_by', $3, false),"
    " set_config('leads.absorbed', '', false),"
    " set_config('max_parallel_workers_per_gather', '0', false)"
)
"""Without parallel workers: of a page they read far more than it takes, each until its queue is
full, and who sees little asks for pages.
"""


@dataclass(frozen=True, slots=True)
class Pools:
    """Sessions to read over: `whole` for who sees everything, `walled` for all others.

    A walled session shows no lead until it is told whose sight it reads with; each read tells it
    first (`raise_wall`). So no read pays for a transaction that would end what the one before set,
    and statements are planned for one kind of caller only.
    """

    whole: "asyncpg.Pool[asyncpg.Record]"
    walled: "asyncpg.Pool[asyncpg.Record]"

    def for_sight(self, sight: Sight) -> "asyncpg.Pool[asyncpg.Record]":
        """Return the sessions for a caller of this sight."""
        return self.whole if sight.everything else self.walled

    async def close(self) -> None:
        """Close all sessions in order."""
        await close_pool(self.whole)
        await close_pool(self.walled)

    def terminate(self) -> None:
        """Hang up on all sessions."""
        self.whole.terminate()
        self.walled.terminate()


async def connect_pools(
    database_url: str, *, largest: int = 8, statement_timeout_ms: int = 30_000
) -> Pools:
    """Open both kinds of sessions, `largest` of each at most, whose statements are planned with
    their values; waits for a server that is just starting.
    """
    whole, walled = [
        await connect_pool(
            database_url,
            role,
            smallest=smallest,
            largest=largest,
            statement_timeout_ms=statement_timeout_ms,
            plan_cache_mode="force_custom_plan",
        )
        for role, smallest in (("leads_query", 1), ("leads_sight", 0))
    ]
    return Pools(whole, walled)


async def raise_wall(connection: Any, sight: Sight, also: str) -> Any:
    """Hold back what is out of `sight` from all that is read over this session until it is told of
    another; return a row of `also`, a select list, asked in the same round trip.

    `connection` is one of the pool for this sight. Whatever the read before left behind is set
    anew here: its sight, and a wall that it lowered.
    """
    if sight.everything:
        return await connection.fetchrow(f"select {also}")
    owners = ",".join(sorted(sight.owners))
    inactive = "yes" if sight.inactive else ""
    return await connection.fetchrow(f"{_RAISE}, {also}", owners, inactive, sight.processed_by)


async def lower_wall(connection: Any, sight: Sight) -> None:
    """Let the rest of the read see every row: for numbers over leads out of sight (rule 2)."""
    if not sight.everything:
        await connection.execute("select set_config('role', 'leads_query', false)")


@asynccontextmanager
async def beside_wall(connection: Any, sight: Sight) -> AsyncIterator[None]:
    """Look past the wall inside the block: for what is not of a lead, such as hashes of the log,
    or to find by an index what is then read behind the wall.

    A fault inside ends the read, or takes back the transaction that the block is in.
    """
    if sight.everything:
        yield
        return
    before = await connection.fetchval(_LOWER)
    yield
    if before == "leads_sight":  # else it was lowered for the whole read
        await connection.execute("select set_config('role', 'leads_sight', false)")


async def let_through(connection: Any, sight: Sight, leads: list[str]) -> None:
    """Let the rest of the read see the logs of these leads too: they were merged into one that is
    in sight.
    """
    if not sight.everything and leads:
        await connection.execute("select set_config('leads.absorbed', $1, false)", ",".join(leads))
