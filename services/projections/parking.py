"""Parked streams: list them, and replay one from the log once its cause is mended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.kit.feed import partition_of
from services.kit.keys import KeyUnusable
from services.projections.decoding import Decoder
from services.projections.folding import failure_text
from services.projections.history import read_after
from services.projections.model import ReadModel
from services.projections.registry import BY_CATEGORY, MODELS
from services.projections.tables import Tables
from services.projections.writing import Refusal


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A row of `read.parked`."""

    stream_id: UUID
    partition: int
    from_version: int
    position: int
    error: str
    waiting: int
    attempts: int
    parked_at: datetime


STILL_FAILING: tuple[type[Exception], ...] = (
    *Refusal,
    KeyUnusable,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    AssertionError,
)
"""What a stream that is not mended yet raises when it is replayed; it stays parked."""

_LIST = """
    select stream_id, partition, from_version, position, error, waiting, attempts, parked_at
    from read.parked order by parked_at, stream_id
"""
# Raising the epoch fences the worker that holds the partition: it reads again what is parked.
_HOLD = """
    update read.offsets set epoch = epoch + 1, owner = null, lease_until = '-infinity'
    where partition = $1 returning position
"""


async def parked_streams(pool: "asyncpg.Pool[asyncpg.Record]") -> list[ParkedStream]:
    """Return all parked streams, the longest parked first."""
    return [ParkedStream(*row) for row in await pool.fetch(_LIST)]


async def unpark(
    pool: "asyncpg.Pool[asyncpg.Record]", decoder: Decoder, stream_id: UUID
) -> str | None:
    """Replay a parked stream from the log; return None when it flows again, else why not."""
    async with pool.acquire() as connection, connection.transaction():
        position = await connection.fetchval(_HOLD, partition_of(stream_id))
        parked = await connection.fetchval(
            "select from_version from read.parked where stream_id = $1", stream_id
        )
        if parked is None:
            return None
        tables = await Tables.read(connection, MODELS)
        try:
            async with connection.transaction():
                await _replay(pool, connection, decoder, tables, stream_id, position)
        except STILL_FAILING as error:
            why = failure_text(error)
            await connection.execute(
                "update read.parked set attempts = attempts + 1, error = $2 where stream_id = $1",
                stream_id,
                why,
            )
            return why
        await connection.execute("delete from read.parked where stream_id = $1", stream_id)
        return None


async def _replay(
    pool: "asyncpg.Pool[asyncpg.Record]",
    connection: "asyncpg.Connection[asyncpg.Record]",
    decoder: Decoder,
    tables: Tables,
    stream_id: UUID,
    position: int,
) -> None:
    """Fold what the read models lack, up to where the partition stands."""
    stored = (await read_after(pool, {stream_id: 0}))[stream_id]
    stored = [one for one in stored if one.position <= position]
    if not stored:
        return  # the partition has yet to come to it
    events = await decoder.decode(stored)
    models: Sequence[ReadModel] = BY_CATEGORY[stored[0].type.partition(".")[0]]
    for model in models:
        state = (await tables.load(connection, model, [stream_id])).get(stream_id)
        _, writes = model.advance(state, events)
        await tables.write(connection, model, {stream_id: writes})
