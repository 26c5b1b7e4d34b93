"""Filling the table of a rebuild: the log is read stream by stream, folded and copied in, all three
at once, by one process or by several that share the streams.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TypeVar
from uuid import UUID

import asyncpg
import uvloop

from services.kit.background import collect_rarely
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool, count_instants
from services.projections.binary import HEADER, TRAILER, BinaryRows
from services.projections.decoding import Decoder, Keys
from services.projections.field_indexes import BUILD_SECONDS_MAX
from services.projections.history import read_after
from services.projections.model import Row, StreamRow
from services.projections.packed import Unpacking, opened_of, packed_between
from services.projections.registry import BY_NAME
from services.projections.streams import Standing, Stream, cut_into, streams_between
from services.projections.tables import Table, columns_of

SMALL = 20_000
"""With fewer events than these, more processes would take longer to start than to fold."""

PARTS_EACH = 4
"""Parts of a process: so many that none waits long for the last."""

LEFT_AT_ONCE = 1_000
"""So many streams are folded at once of those that are not ordinary."""

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
    waiting = iter(parts)  # each takes the next from it

    async def take(work: Callable[[Part], Awaitable[int]]) -> None:
        nonlocal done
        for part in waiting:
            events = await work(part)
            done += events  # only now, for others have added theirs meanwhile
            progress(done, total)

    if processes == 1:
        await take(fold_part)
        return done
    # This process is one of them: it folds already while others are still starting.
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(processes - 1, mp_context=get_context("spawn")) as executor:

        def elsewhere(part: Part) -> Awaitable[int]:
            return loop.run_in_executor(executor, _fold_part, part)

        tasks = [asyncio.create_task(take(elsewhere)) for _ in range(processes - 1)]
        tasks.append(asyncio.create_task(take(fold_part)))
        try:
            for finished in asyncio.as_completed(tasks):
                await finished
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return done


def _fold_part(part: Part) -> int:
    return uvloop.run(fold_part(part))


async def fold_part(part: Part) -> int:
    """Fold one range of streams into the new table; return the number of events read."""
    collect_rarely()
    pool = await connect_pool(
        part.database_url, "leads_projections", largest=3, statement_timeout_ms=0
    )
    try:
        async with pool.acquire() as reader, pool.acquire() as writer:
            # Who makes indexes later waits until this is on the disk; nobody reads it before.
            await writer.execute("set synchronous_commit = off")
            await count_instants(reader)
            columns = await columns_of(writer, part.table)
            return await _Folding(part, columns, pool).copy(reader, writer)
    finally:
        await pool.close()


class _Folding:
    """One part on its way from the log into the table, in one COPY: while the rows of some streams
    are made, the server reads the next ones and takes the last ones in.
    """

    def __init__(
        self,
        part: Part,
        columns: Sequence[tuple[str, str]],
        pool: "asyncpg.Pool[asyncpg.Record]",
    ) -> None:
        self._part = part
        self._model = BY_NAME[part.model]
        self._columns = columns
        self._pool = pool
        self._master = MasterKey(part.master_key)
        self._decoder = Decoder(KeyRing(self._master, pool))
        self._events = 0

    async def copy(
        self,
        reader: "asyncpg.Connection[asyncpg.Record]",
        writer: "asyncpg.Connection[asyncpg.Record]",
    ) -> int:
        """Return the number of events read."""
        whole = isinstance(self._model, StreamRow)
        async with reader.transaction(isolation="repeatable_read", readonly=True):
            chunks = self._packed(reader) if whole else self._one_by_one(reader)
            first: Sequence[Row] = await anext(chunks, [])
            packing = BinaryRows(self._columns, first)
            await writer.copy_to_table(
                self._part.table,
                source=_copied(packing, first, chunks),
                columns=packing.names,
                schema_name="read",
                format="binary",
                timeout=BUILD_SECONDS_MAX,
            )
        return self._events

    async def _packed(
        self, reader: "asyncpg.Connection[asyncpg.Record]"
    ) -> AsyncIterator[Sequence[Row]]:
        """Yield rows of streams each of which makes one row."""
        model, part = self._model, self._part
        assert isinstance(model, StreamRow)
        unpacking = Unpacking(model, self._master, part.standing)
        chunks = packed_between(reader, part.low, part.high, opened_of(model))
        async for chunk in _ahead(chunks):
            yield list(unpacking.rows_of(chunk))
        self._events = unpacking.events
        left = unpacking.left
        for first in range(0, len(left), LEFT_AT_ONCE):
            after = dict.fromkeys(left[first : first + LEFT_AT_ONCE], 0)
            streams = list((await read_after(self._pool, after)).items())
            keys = await self._decoder.load_keys(one for _, stored in streams for one in stored)
            yield self._rows_of(streams, keys)

    async def _one_by_one(
        self, reader: "asyncpg.Connection[asyncpg.Record]"
    ) -> AsyncIterator[Sequence[Row]]:
        """Yield rows of streams that make some rows, or one an event."""
        chunks = streams_between(reader, self._part.low, self._part.high)
        async for chunk, keys in _ahead(self._with_keys(_ahead(chunks))):
            self._events += sum(len(stored) for _, stored in chunk)
            yield self._rows_of(chunk, keys)

    def _rows_of(self, streams: Iterable[Stream], keys: Keys) -> list[Row]:
        rows: list[Row] = []
        for stream_id, stored in streams:
            if stored[0].type.partition(".")[0] == self._model.category:
                applied = self._part.standing.applied(stream_id, stored)
                events = self._decoder.decode_stream(applied, keys)
                rows.extend(self._model.advance(None, events)[1].rows)
        return rows

    async def _with_keys(
        self, chunks: AsyncIterator[list[Stream]]
    ) -> AsyncIterator[tuple[list[Stream], Keys]]:
        async for chunk in chunks:
            keys = await self._decoder.load_keys(one for _, stored in chunk for one in stored)
            yield chunk, keys


async def _copied(
    packing: BinaryRows, first: Sequence[Row], others: AsyncIterator[Sequence[Row]]
) -> AsyncIterator[bytes]:
    yield HEADER
    yield packing.pack(first)
    async for rows in others:
        yield packing.pack(rows)
    yield TRAILER


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
