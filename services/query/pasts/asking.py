"""Asks a past what is asked of the present: the same statements, with the tables of the past in
place of those of the leads.

Statements are made of our own text, with every value a parameter, so the names in them are ours.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import Request

from services.kit import errors
from services.query.pasts import jobs
from services.query.pasts.jobs import Past
from services.query.reading import Asked, Reading

ROLES = frozenset({"admin", "auditor", "team_leader"})
_TABLES = re.compile(r"\bread\.(?:(lead_search|lead_due|lead_calls|lead_log|lead)|lead_v\d+)\b")
_UNERASED = "select exists (select from log.lead_keys where destroyed_at >= $1)"


class ThenConnection:
    """A connection on which the tables of leads are those of one past."""

    def __init__(self, connection: Any, number: int) -> None:
        """Ask over `connection`, of the past with that number."""
        self._connection = connection
        self._number = number

    def _then(self, statement: str) -> str:
        return _TABLES.sub(lambda m: f"past.{m[1] or 'lead'}_{self._number}", statement)

    async def fetch(self, statement: str, *values: Any, **more: Any) -> Any:
        """Return all rows."""
        return await self._connection.fetch(self._then(statement), *values, **more)

    async def fetchrow(self, statement: str, *values: Any, **more: Any) -> Any:
        """Return the first row."""
        return await self._connection.fetchrow(self._then(statement), *values, **more)

    async def fetchval(self, statement: str, *values: Any, **more: Any) -> Any:
        """Return the first value."""
        return await self._connection.fetchval(self._then(statement), *values, **more)

    def transaction(self) -> Any:
        """Return a transaction, or a part of the one that is open."""
        return self._connection.transaction()

    async def execute(self, statement: str, *values: Any, **more: Any) -> Any:
        """Return what was done."""
        return await self._connection.execute(self._then(statement), *values, **more)


def allow(asked: Asked) -> None:
    """Raise Forbidden for who may not look back over whole lists."""
    if asked.principal.role not in ROLES and not asked.sight.everything:
        raise errors.Forbidden(
            "Lists of the past take the role admin, auditor or team_leader, or extended_data."
        )


async def past_of(asked: Asked, past_id: UUID) -> Past:
    """Return the past of that id; NotFound, or Forbidden for who may not look back."""
    allow(asked)
    past = await jobs.find(asked.connection, past_id)
    if past is None:
        raise errors.NotFound
    return past


@asynccontextmanager
async def asked_then(reading: Reading, request: Request, past_id: UUID) -> AsyncIterator[Asked]:
    """Begin a read of leads as they were; only of those that the caller may see now.

    Raises NotFound, and Conflict while the past is not ready or when it is no more.
    """
    async with reading.asked(request) as asked:
        past = await past_of(asked, past_id)
        if past.state != "ready":
            raise errors.Conflict(f"This past is {past.state}; it can be asked when it is ready.")
        if await asked.connection.fetchval(_UNERASED, past.erased_to):
            raise errors.Unavailable("A lead was erased just now and is being erased here too.")
        yield replace(
            asked,
            connection=ThenConnection(asked.connection, past.number),
            now=past.moment,
            position=past.position,
            head=past.position,
            then=True,
        )
