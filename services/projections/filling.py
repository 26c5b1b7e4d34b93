"""Filling the table of a rebuild: the log is read stream by stream, folded and copied in, all three
at once, by one process or by several that share the streams.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import uvloop

from services.kit.background import collect_rarely
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool, count_instants
from services.projections.decoding import Decoder, Keys
from services.projections.field_indexes import BUILD_SECONDS_MAX
from services.projections.model import Row, StreamRow
from services.projections.registry import BY_NAME
from services.projections.streams import Standing, Stream, cut_into, streams_between
from services.projections.tables import Table, columns_of

SMALL = 20_000
"""With fewer events than these, more processes would take longer to start than to fold."""

PARTS_EACH = 4
"""Parts of a process: so many that none waits long for the last."""

Item = TypeVar("Item")
Progress = Callable[[int, int], None]
"""Told how many events of how many are folded."""


@dataclass(frozen=True, slots=True)
class Part:
    """What one process folds: the streams from `low` to before `high`."""

    database_url: str
    master_key: bytes
    model: str
    table: str
    low: UUID
    high: UUID | None
    standing: Standing


async def fill(
    pool: "asyncpg.Pool[asyncpg.Record]",
    table: Table,
    standing: Standing,
    database_url: str,
    master_key: bytes,
    progress: Progress,
    processes: int,
) -> int:
    """Fold the log up to where the partitions stand into the empty table; return its events."""
    total = max(standing.positions, default=0)
    if total < SMALL:
        processes = 1
    lows = await cut_into(pool, processes * PARTS_EACH if processes > 1 else 1)
    highs: list[UUID | None] = [*lows[1:], None]
    parts = [
        Part(database_url, master_key, table.model.name, table.name, low, high, standing)
        for low, high in zip(lows, highs, strict=True)
    ]
    done = 0
    progress(done, total)
    if processes == 1:
        for part in parts:
            done += await fold_part(part)
            progress(done, total)
        return done
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as executor:
        work = [loop.run_in_executor(executor, _fold_part, part) for part in parts]
        for finished in asyncio.as_completed(work):
            done += await finished
            progress(done, total)
    return done


def _fold_part(part: Part) -> int:
    collect_rarely()
    return uvloop.run(fold_part(part))


async def fold_part(part: Part) -> int:
    """Fold one range of streams into the new table; return the number of events read."""
    pool = await connect_pool(
        part.database_url, "leads_projections", largest=3, statement_timeout_ms=0
    )
    try:
        decoder = Decoder(KeyRing(MasterKey(part.master_key), pool))
        async with pool.acquire() as reader, pool.acquire() as writer:
            # Who makes indexes later waits until this is on the disk; nobody reads it before.
            await writer.execute("set synchronous_commit = off")
            for connection in (reader, writer):
                await count_instants(connection)
            columns = await columns_of(writer, part.table)
            table = Table(BY_NAME[part.model], part.table, columns)
            return await _Folding(part, table, decoder).copy(reader, writer)
    finally:
        await pool.close()


class _Folding:
    """One part on its way from the log into the table, in one COPY: while the rows of some streams
    are made, the server reads the next ones and takes the last ones in.
    """

    def __init__(self, part: Part, table: Table, decoder: Decoder) -> None:
        self._part = part
        self._table = table
        self._decoder = decoder
        self._events = 0

    async def copy(
        self,
        reader: "asyncpg.Connection[asyncpg.Record]",
        writer: "asyncpg.Connection[asyncpg.Record]",
    ) -> int:
        """Return the number of events read."""
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            await writer.copy_records_to_table(
                self._table.name,
                records=self._records(reader),
                columns=self._table.copied,
                schema_name="read",
                timeout=BUILD_SECONDS_MAX,
            )
        return self._events

    async def _records(
        self, reader: "asyncpg.Connection[asyncpg.Record]"
    ) -> AsyncIterator[tuple[Any, ...]]:
        model, part = self._table.model, self._part
        opened = model.opened if isinstance(model, StreamRow) else None
        chunks = streams_between(reader, part.low, part.high, opened)
        async for chunk, keys in _ahead(self._with_keys(_ahead(chunks))):
            rows: list[Row] = []
            for stream_id, stored in chunk:
                self._events += len(stored)
                if stored[0].type.partition(".")[0] == model.category:
                    applied = part.standing.applied(stream_id, stored)
                    events = self._decoder.decode_stream(applied, keys)
                    rows.extend(model.advance(None, events)[1].rows)
            for record in self._table.records_of(rows):
                yield record

    async def _with_keys(
        self, chunks: AsyncIterator[list[Stream]]
    ) -> AsyncIterator[tuple[list[Stream], Keys]]:
        async for chunk in chunks:
            keys = await self._decoder.load_keys(one for _, stored in chunk for one in stored)
            yield chunk, keys


async def _ahead(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield the items, the next one being asked for while the one before is worked on."""
    ahead = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await ahead) is not None:
            ahead = asyncio.ensure_future(anext(items, None))
            await asyncio.sleep(0)  # only now does the question leave
            yield item
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)
