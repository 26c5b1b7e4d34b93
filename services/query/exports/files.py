"""Files of exports while they are written: rows of `job.exports` and their pieces.

Who writes one holds an advisory lock on a connection of its own, so a writer that dies frees it at
once, and the next begins anew under the next `turn`. Pieces of an earlier turn count for nothing.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.kit.keys import DataKey, MasterKey

LOCKS = 7_005_025
KEPT_MAX = 20
"""So many exports of one person at a time: waiting, written, or with their file still there."""

_OPEN = """
    from read.export_job e left join job.exports f using (export_id)
    where e.state = 'requested' and (f.export_id is null or f.state = 'writing')
      and not exists (
        select from pg_locks l where l.locktype = 'advisory' and l.classid = {locks}::oid
          and l.objid = (hashtext(e.export_id::text)::bigint & 4294967295)::oid)
"""
_WAITING = "select e.export_id" + _OPEN.format(locks=LOCKS) + " order by e.requested_at limit 10"
_COLUMNS = (
    "e.export_id, e.position, e.by::text as by, e.name, e.view, e.filter, e.columns, e.sort,"
    " e.contacts, e.format"
)
_BEGIN = """
    insert into job.exports (export_id, wrapped) values ($1, $2)
    on conflict (export_id) do update set turn = job.exports.turn + 1, wrapped = excluded.wrapped,
      leads = 0, size = 0, shown = 0, since = null
      where job.exports.state = 'writing'
    returning turn
"""
_PIECE = """
    insert into job.export_pieces (export_id, turn, number, bytes, leads)
    values ($1, $2, $3, $4, $5)
"""
_GO_ON = """
    update job.exports f set selected = $3, leads = $4, size = $5
    where f.export_id = $1 and f.turn = $2 and f.state = 'writing'
      and exists (select from read.export_job e where e.export_id = $1 and e.state = 'requested')
    returning true
"""
_WRITTEN = """
    update job.exports set state = 'written', shown = $3, since = $4, leads = $5, selected = $5,
      size = $6, digest = $7
    where export_id = $1 and turn = $2 and state = 'writing' returning true
"""
_FAILED = """
    update job.exports set state = 'failed', code = $3, detail = $4
    where export_id = $1 and turn = $2 and state = 'writing'
"""


class NotWanted(Exception):
    """The export was cancelled, or another writer has begun it anew."""


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be written: the export as it was asked for, at log position `position`."""

    id: UUID
    position: int
    by: str
    name: str
    view: str | None
    filter: Any
    columns: tuple[str, ...]
    sort: Any
    contacts: bool
    format: Literal["csv", "ndjson"]


@dataclass(slots=True)
class File:
    """A file that is being written, in its turn, and the key of its pieces."""

    job: Job
    turn: int
    key: DataKey
    pieces: int = 0


async def waits(pool: "asyncpg.Pool[asyncpg.Record]") -> bool:
    """Say whether an export waits for a writer."""
    return bool(await pool.fetch(_WAITING))


async def begin(connection: Any, master: MasterKey) -> File | None:
    """Take the oldest export that waits, locked for as long as this connection holds; None when
    there is none.
    """
    for (export_id,) in await connection.fetch(_WAITING):
        if not await connection.fetchval(
            "select pg_try_advisory_lock($1, hashtext($2))", LOCKS, str(export_id)
        ):
            continue
        secret = os.urandom(32)
        turn = await connection.fetchval(_BEGIN, export_id, master.wrap(export_id, secret))
        row = await connection.fetchrow(
            " ".join(("select", _COLUMNS, "from read.export_job e where e.export_id = $1")),
            export_id,
        )
        if turn is None or row is None:  # written meanwhile
            await end(connection, export_id)
            continue
        # What an earlier turn left; its key is gone already.
        await connection.execute(
            "delete from job.export_pieces where export_id = $1 and turn <> $2", export_id, turn
        )
        return File(_job(row), turn, DataKey(export_id, secret).kept())
    return None


async def end(connection: Any, export_id: UUID) -> None:
    """Let go of an export."""
    await connection.execute("select pg_advisory_unlock($1, hashtext($2))", LOCKS, str(export_id))


def _job(row: Any) -> Job:
    return Job(
        row["export_id"],
        row["position"],
        row["by"],
        row["name"],
        row["view"],
        None if row["filter"] is None else orjson.loads(row["filter"]),
        tuple(orjson.loads(row["columns"])),
        orjson.loads(row["sort"]),
        row["contacts"],
        row["format"],
    )


async def kept(connection: Any, job: Job) -> int:
    """Return how many exports its asker has, earlier than this one, that wait or have a file."""
    found: int = await connection.fetchval(
        "select count(*) from read.export_job e where e.by = $1 and e.export_id <> $2"
        " and e.state in ('requested', 'finished') and e.position < $3",
        UUID(job.by),
        job.id,
        job.position,
    )
    return found


async def put(connection: Any, file: File, raw: bytes, leads: Sequence[UUID]) -> None:
    """Store the next piece, encrypted."""
    sealed = file.key.encrypt(file.pieces, raw)
    try:
        await connection.execute(_PIECE, file.job.id, file.turn, file.pieces, sealed, list(leads))
    except asyncpg.ForeignKeyViolationError:  # cancelled, and cleared away by the clerk
        raise NotWanted from None
    file.pieces += 1


async def go_on(connection: Any, file: File, selected: int, leads: int, size: int) -> None:
    """Say how far it is; raise NotWanted when nobody wants it any more."""
    if not await connection.fetchval(_GO_ON, file.job.id, file.turn, selected, leads, size):
        raise NotWanted


async def written(
    connection: Any,
    file: File,
    *,
    shown: int,
    since: datetime,
    leads: int,
    size: int,
    digest: str,
) -> None:
    """Say that it is whole; raise NotWanted when another writer has it now."""
    given = (file.job.id, file.turn, shown, since, leads, size, digest)
    if not await connection.fetchval(_WRITTEN, *given):
        raise NotWanted


async def failed(connection: Any, file: File, code: str, detail: str) -> None:
    """Say why there will be no file; `detail` holds nothing personal."""
    await connection.execute(_FAILED, file.job.id, file.turn, code, detail)


async def throw_away(connection: Any, file: File) -> None:
    """Forget a file nobody wants."""
    await connection.execute(
        "delete from job.exports where export_id = $1 and turn = $2 and state = 'writing'",
        file.job.id,
        file.turn,
    )
