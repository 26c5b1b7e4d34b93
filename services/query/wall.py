"""The second wall of sight (rule 2): row-level security of the database, behind the condition that
every statement carries.

Should a statement ever forget its condition, a caller of limited sight still gets no row out of
sight. Those who see everything read as before, and pay nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from schemas.rights import Sight

_LOWER = (
    "select before from (select current_setting('role') as before offset 0) as now,"
    " lateral set_config('role', 'leads_query', true)"
)
_RAISE = (
    "select set_config('role', 'leads_sight', true), set_config('leads.owners', $1, true),"
    " set_config('leads.inactive', $2, true), set_config('leads.processed_by', $3, true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
"""Without parallel workers: of a page they read far more than it takes, each until its queue is
full, and who sees little asks for pages.
"""


@asynccontextmanager
async def behind_wall(connection: Any, sight: Sight, also: str = "") -> AsyncIterator[Any]:
    """Hold back what is out of `sight` until the end of the block; yield a row of `also`.

    All is set for one transaction alone, so a pooled connection keeps nothing of it, however the
    block ends. `also` is a select list, asked in the same round trip, before the wall stands.
    """
    if sight.everything:
        yield await connection.fetchrow(f"select {also}") if also else None
        return
    async with connection.transaction():
        statement = f"{_RAISE}, {also}" if also else _RAISE
        owners = ",".join(sorted(sight.owners))
        inactive = "yes" if sight.inactive else ""
        yield await connection.fetchrow(statement, owners, inactive, sight.processed_by)


async def lower_wall(connection: Any, sight: Sight) -> None:
    """Let the rest of the block see every row: for numbers over leads out of sight (rule 2)."""
    if not sight.everything:
        await connection.execute("select set_config('role', 'leads_query', true)")


@asynccontextmanager
async def beside_wall(connection: Any, sight: Sight) -> AsyncIterator[None]:
    """Look past the wall inside the block: for what is not of a lead, such as hashes of the log,
    or to find by an index what is then read behind the wall.
    """
    if sight.everything:
        yield
        return
    before = await connection.fetchval(_LOWER)
    yield
    if before == "leads_sight":  # else it was lowered for the whole read
        await connection.execute("select set_config('role', 'leads_sight', true)")


async def let_through(connection: Any, sight: Sight, leads: list[str]) -> None:
    """Let the rest of the block read the logs of these leads too: they were merged into one that
    is in sight.
    """
    if not sight.everything and leads:
        await connection.execute("select set_config('leads.absorbed', $1, true)", ",".join(leads))
