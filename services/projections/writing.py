"""One transaction for a group of batches: offsets move under their epochs, rows are written,
streams parked.

Either all of it happens or nothing. When the database refuses rows, the streams that cause it
are found by halving, parked, and the rest is written.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.failpoints import at
from services.kit.feed import Batch, partition_of
from services.projections.folding import (
    PARKED_MOST,
    Changes,
    Parked,
    TooManyParked,
    failure_text,
    park,
)
from services.projections.history import HistoryForked
from services.projections.leases import Held
from services.projections.model import ReadModel, Writes
from services.projections.tables import Tables

FORKED = "LD002"

_ADVANCE = "select read.advance($1, $2, $3, $4, $5, $6, $7, $8)"
_PARK = """
    insert into read.parked as p (stream_id, partition, from_version, position, error, waiting)
    select * from unnest($1::uuid[], $2::int[], $3::int[], $4::bigint[], $5::text[], $6::bigint[])
    on conflict (stream_id) do update set waiting = p.waiting + excluded.waiting
"""
_position = attrgetter("position")
Refusal = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What rows themselves can cause; anything else concerns the database, not a stream."""


class Fenced(RuntimeError):
    """A partition is no longer this worker's: nothing of the group was kept."""


class Switched(RuntimeError):
    """A read model moved to another table: nothing of the group was kept."""


@dataclass(frozen=True, slots=True)
class Group:
    """Batches that are written together, under the epochs they were read under."""

    source: str
    batches: Sequence[Batch]
    epochs: Mapping[int, int]
    changes: Changes


async def write(
    pool: "asyncpg.Pool[asyncpg.Record]",
    models: Sequence[ReadModel],
    tables: Tables,
    group: Group,
) -> bool:
    """Write the group in one transaction. Returns whether streams were parked that the folding did
    not know of.

    Raises Fenced, Switched, TooManyParked or HistoryForked; then nothing was written.
    """
    refused = False
    try:
        await _write_once(pool, models, tables, group)
    except Refusal:  # rare, so the others are not made to pay for a savepoint
        refused = True
        await _write_once(pool, models, tables, group, by_halves=True)
    at("projections.after_commit")
    return refused


async def _write_once(
    pool: "asyncpg.Pool[asyncpg.Record]",
    models: Sequence[ReadModel],
    tables: Tables,
    group: Group,
    *,
    by_halves: bool = False,
) -> None:
    """The whole group in one transaction; raises Refusal, but not where it goes by halves."""
    changes = group.changes
    async with pool.acquire() as connection, connection.transaction():
        at("projections.before_apply")
        await _advance(connection, tables, group)
        if by_halves:
            streams = sorted({stream for writes in changes.writes.values() for stream in writes})
            await _halve(connection, models, tables, changes, streams)
        else:
            await _write_some(connection, models, tables, changes, None)
        if changes.parked:
            await _park(connection, changes.parked)
        at("projections.after_apply")


async def _advance(
    connection: "asyncpg.Connection[asyncpg.Record]", tables: Tables, group: Group
) -> None:
    batches = group.batches
    events = [] if group.source == "log" else [one for batch in batches for one in batch.events]
    events.sort(key=_position)
    try:
        generation = await connection.fetchval(
            _ADVANCE,
            group.source,
            [batch.partition for batch in batches],
            [group.epochs[batch.partition] for batch in batches],
            [batch.first for batch in batches],
            [batch.next for batch in batches],
            [batch.position for batch in batches],
            [one.position for one in events],
            [one.hash for one in events],
        )
    except asyncpg.PostgresError as error:
        if error.sqlstate == FORKED:
            raise HistoryForked(str(error)) from error
        raise
    if generation is None:
        raise Fenced
    if generation != tables.generation:
        raise Switched


async def _write_some(
    connection: "asyncpg.Connection[asyncpg.Record]",
    models: Sequence[ReadModel],
    tables: Tables,
    changes: Changes,
    only: Collection[UUID] | None,
) -> None:
    for model in models:
        writes: Mapping[UUID, Writes] = changes.writes.get(model.name, {})
        if only is not None:
            writes = {stream: made for stream, made in writes.items() if stream in only}
        if writes:
            await tables.write(connection, model, writes)


async def _halve(
    connection: "asyncpg.Connection[asyncpg.Record]",
    models: Sequence[ReadModel],
    tables: Tables,
    changes: Changes,
    streams: Sequence[UUID],
) -> None:
    """Write these streams; when that is refused, each half; a single one is parked."""
    try:
        async with connection.transaction():
            await _write_some(connection, models, tables, changes, frozenset(streams))
    except Refusal as error:
        if len(streams) > 1:
            middle = len(streams) // 2
            await _halve(connection, models, tables, changes, streams[:middle])
            await _halve(connection, models, tables, changes, streams[middle:])
            return
        park(changes, changes.firsts[streams[0]], failure_text(error), waiting=1)


async def _park(
    connection: "asyncpg.Connection[asyncpg.Record]", parked: Mapping[UUID, Parked]
) -> None:
    new = [one for one in parked.values() if one.error]
    rows: list[tuple[Any, ...]] = [
        (p.stream_id, partition_of(p.stream_id), p.from_version, p.position, p.error, p.waiting)
        for p in parked.values()
    ]
    await connection.execute(_PARK, *zip(*rows, strict=True))
    if new:
        total = await connection.fetchval("select count(*) from read.parked")
        if total > PARKED_MOST:
            raise TooManyParked(
                f"{total} streams would be parked, allowed are {PARKED_MOST}: {new[-1].error}"
            )


def held_epochs(held: Mapping[int, Held]) -> dict[int, int]:
    """Return the epoch of each partition held."""
    return {partition: one.epoch for partition, one in held.items()}
