"""Rebuild a read model from the log, beside the one in use, and switch when it has caught up.

Readers see the old table until the moment they see the new one. A rebuild that is killed leaves
only an unused table behind, whichever it is, and the next one removes it.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.failpoints import at
from services.kit.feed import PARTITIONS, Batch, partition_of
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.telemetry import logger
from services.projections.decoding import Decoder
from services.projections.field_indexes import BUILD_SECONDS_MAX, index_statements
from services.projections.folding import Folder
from services.projections.model import ReadModel, Row, StreamRow
from services.projections.registry import BY_NAME, MODELS
from services.projections.streams import Standing, Stream, cut_into, streams_between
from services.projections.tables import ModelStale, Table, Tables, columns_of, copy_records

DEFINITIONS = Path(__file__).parents[2] / "schemas" / "tables"
PROCESSES = 2
SMALL = 20_000
ROWS_AT_ONCE = 2_000
NEARLY = 2_000
SWITCH_TRIES = 20
LOCK_SWITCH = 7_005_002
LOCK_REBUILD = 7_005_004

Progress = Callable[[int, int], None]
"""Told how many events of how many are folded."""


class RebuildRefused(RuntimeError):
    """The rebuild cannot be done now; the message says why. The table in use stays in use."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: the new table, and the events folded into it."""

    table: str
    events: int


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


def definition_of(name: str, generation: int) -> tuple[list[str], list[str]]:
    """Return the statements that make a read model's table of this generation, and its indexes."""
    for path in sorted(DEFINITIONS.glob("*.sql")):
        text = re.sub(r"--[^\n]*", "", path.read_text("utf-8"))
        mine = [
            re.sub(rf"\b{name}_v1", f"{name}_v{generation}", statement.strip())
            for statement in text.split(";")
            if re.search(rf"\bread\.{name}_v1\b", statement)
        ]
        if mine:
            indexes = [one for one in mine if one.startswith("create index")]
            return [one for one in mine if one not in indexes], indexes
    raise LookupError(f"no table definition for {name} in {DEFINITIONS}")


async def rebuild(
    name: str,
    database_url: str,
    master_key: bytes,
    progress: Progress = lambda done, total: None,
    processes: int = PROCESSES,
) -> Rebuilt:
    """Rebuild the read model and switch to it. Raises RebuildRefused; LookupError for no such."""
    model = BY_NAME[name]
    pool = await connect_pool(database_url, "leads_projections", largest=4, statement_timeout_ms=0)
    try:
        async with _alone(pool, name):
            table, indexes = await _make_table(pool, model)
            async with pool.acquire() as connection:
                standing = await Standing.read(connection)
            events = await _fill(
                pool, model, table, standing, database_url, master_key, progress, processes
            )
            at("rebuild.filled")
            async with pool.acquire() as connection:
                for statement in [*indexes, f"analyze read.{table.name}"]:
                    await connection.execute(statement, timeout=BUILD_SECONDS_MAX)
            decoder = Decoder(KeyRing(MasterKey(master_key), pool))
            events += await _CatchUp(pool, decoder, model, table, standing).run()
            logger().info("rebuilt", model=name, table=table.name, events=events)
            return Rebuilt(table.name, events)
    finally:
        await pool.close()


async def rebuild_stale(
    pool: "asyncpg.Pool[asyncpg.Record]", master_key: bytes, database_url: str
) -> list[str]:
    """Rebuild every read model whose table was folded by older code; return their names."""
    rows = await pool.fetch("select name, fold_version from read.models")
    versions = {row["name"]: row["fold_version"] for row in rows}
    stale = [model.name for model in MODELS if versions.get(model.name, 0) < model.version]
    for name in stale:
        logger().warning("rebuilding", model=name, why="its fold has changed")
        await rebuild(name, database_url, master_key)
    return stale


@asynccontextmanager
async def _alone(pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> AsyncIterator[None]:
    """Hold the lock that lets one rebuild of a read model run at a time."""
    async with pool.acquire() as connection:
        key = sorted(BY_NAME).index(name)
        if not await connection.fetchval("select pg_try_advisory_lock($1, $2)", LOCK_REBUILD, key):
            raise RebuildRefused(f"{name} is being rebuilt already")
        try:
            yield
        finally:
            await connection.execute("select pg_advisory_unlock($1, $2)", LOCK_REBUILD, key)


async def _make_table(
    pool: "asyncpg.Pool[asyncpg.Record]", model: ReadModel
) -> tuple[Table, list[str]]:
    """Make the next generation's table, empty and without its further indexes."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "insert into read.models (name, generation, fold_version) values ($1, 0, 0)"
            " on conflict do nothing",
            model.name,
        )
        row = await connection.fetchrow(
            "select generation, fold_version from read.models where name = $1", model.name
        )
        if row["fold_version"] > model.version:
            raise ModelStale(f"{model.name} was made by newer code; use that to rebuild it")
        name = f"{model.name}_v{row['generation'] + 1}"
        await _drop_unused(connection, model.name, row["generation"])
        statements, indexes = definition_of(model.name, row["generation"] + 1)
        for statement in statements:
            await connection.execute(statement)
        if model.name == "lead":
            indexes += await index_statements(connection, name)
        return Table(model, name, await columns_of(connection, name)), indexes


async def _drop_unused(
    connection: "asyncpg.Connection[asyncpg.Record]", name: str, generation: int
) -> None:
    """Remove what rebuilds left behind that were killed: every table but the one in use."""
    await connection.execute("set local lock_timeout = '5s'")
    left = await connection.fetch(
        "select tablename from pg_tables where schemaname = 'read'"
        " and tablename ~ ('^' || $1 || '_v[0-9]+$') and tablename <> $1 || '_v' || $2::text",
        name,
        str(generation),
    )
    for row in left:
        try:
            await connection.execute(f"drop table read.{row['tablename']}")
        except asyncpg.LockNotAvailableError:
            raise RebuildRefused(f"long reads keep {row['tablename']} busy; try again") from None


async def _fill(
    pool: "asyncpg.Pool[asyncpg.Record]",
    model: ReadModel,
    table: Table,
    standing: Standing,
    database_url: str,
    master_key: bytes,
    progress: Progress,
    processes: int,
) -> int:
    """Fold the log up to where the partitions stand, in parallel by ranges of stream ids."""
    total = max(standing.positions, default=0)
    if total < SMALL:
        processes = 1
    lows = await cut_into(pool, processes * 8 if processes > 1 else 1)
    highs: list[UUID | None] = [*lows[1:], None]
    parts = [
        Part(database_url, master_key, model.name, table.name, low, high, standing)
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
    return asyncio.run(fold_part(part))


async def fold_part(part: Part) -> int:
    """Fold one range of streams into the new table; return the number of events read."""
    pool = await connect_pool(
        part.database_url, "leads_projections", largest=3, statement_timeout_ms=0
    )
    try:
        decoder = Decoder(KeyRing(MasterKey(part.master_key), pool, most=20_000))
        model = BY_NAME[part.model]
        async with pool.acquire() as reader, pool.acquire() as writer:
            table = Table(model, part.table, await columns_of(writer, part.table))
            return await _fold_range(part, model, table, decoder, reader, writer)
    finally:
        await pool.close()


async def _read_ahead(chunks: AsyncIterator[list[Stream]]) -> AsyncIterator[list[Stream]]:
    """Yield the chunks, each next one being read while the one before is folded."""
    ahead = asyncio.ensure_future(anext(chunks, None))
    try:
        while (chunk := await ahead) is not None:
            ahead = asyncio.ensure_future(anext(chunks, None))
            yield chunk
    finally:
        ahead.cancel()
        await asyncio.gather(ahead, return_exceptions=True)


async def _fold_range(
    part: Part,
    model: ReadModel,
    table: Table,
    decoder: Decoder,
    reader: "asyncpg.Connection[asyncpg.Record]",
    writer: "asyncpg.Connection[asyncpg.Record]",
) -> int:
    events = 0
    rows: list[Row] = []
    copying: asyncio.Task[None] | None = None
    async with reader.transaction(isolation="repeatable_read", readonly=True):
        opened = model.opened if isinstance(model, StreamRow) else None
        async for chunk in _read_ahead(streams_between(reader, part.low, part.high, opened)):
            keys = await decoder.load_keys(one for _, stored in chunk for one in stored)
            for stream_id, stored in chunk:
                events += len(stored)
                if stored[0].type.partition(".")[0] != model.category:
                    continue
                applied = part.standing.applied(stream_id, stored)
                recorded = [decoder.decode_one(one, keys) for one in applied]
                _, writes = model.advance(None, recorded)
                rows.extend(writes.rows)
            if len(rows) >= ROWS_AT_ONCE:
                if copying is not None:
                    await copying
                copying = asyncio.create_task(copy_records(writer, table, table.records_of(rows)))
                rows = []
    if copying is not None:
        await copying
    if rows:
        await copy_records(writer, table, table.records_of(rows))
    return events


class _CatchUp:
    """Brings the new table to exactly where the workers are, then switches while they wait."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        decoder: Decoder,
        model: ReadModel,
        table: Table,
        standing: Standing,
    ) -> None:
        self._pool = pool
        self._model = model
        self._table = table
        self._tables = Tables(0, {model.name: table})
        self._positions = list(standing.positions)
        self._folder = Folder(pool, decoder, {model.category: (model,)})
        self._folder.forget(self._tables, standing.parked)

    async def run(self) -> int:
        events = 0
        while (more := await self._approach()) > NEARLY:
            events += more
        for attempt in range(SWITCH_TRIES):
            stood = list(self._positions)
            try:
                return events + await self._switch()
            except asyncpg.LockNotAvailableError:
                # What this try had written is undone, so it has to be folded again.
                self._positions = stood
                self._folder.forget(self._tables, self._folder.parked)
                logger().info("switch-waits", attempt=attempt, note="a long read holds the view")
                await asyncio.sleep(0.5)
        raise RebuildRefused(f"{self._model.name}: long reads kept the old table busy; try again")

    async def _approach(self) -> int:
        async with self._pool.acquire() as connection:
            standing = await Standing.read(connection)
            return await self._apply_up_to(connection, standing)

    async def _apply_up_to(
        self, connection: "asyncpg.Connection[asyncpg.Record]", standing: Standing
    ) -> int:
        """Fold what the workers have applied since; what they parked since is parked here too."""
        self._folder.parked.update(standing.parked)
        after, upto = min(self._positions), max(standing.positions)
        events = 0
        while after < upto:
            rows = await connection.fetch(
                READ_EVENTS + " where position > $1 and position <= $2 order by position limit $3",
                after,
                upto,
                NEARLY,
            )
            if not rows:
                break
            stored = [StoredEvent._make(row) for row in rows]
            events += await self._apply(connection, self._batches(stored, standing))
            after = stored[-1].position
        self._positions = list(standing.positions)
        return events

    def _batches(self, stored: Sequence[StoredEvent], standing: Standing) -> list[Batch]:
        batches = [Batch(partition, 0, 0, 0, []) for partition in range(PARTITIONS)]
        for one in stored:
            partition = partition_of(one.stream_id)
            if self._positions[partition] < one.position <= standing.positions[partition]:
                batches[partition].events.append(one)
        return batches

    async def _apply(
        self, connection: "asyncpg.Connection[asyncpg.Record]", batches: Sequence[Batch]
    ) -> int:
        changes = await self._folder.fold(batches)
        new = [one for one in changes.parked.values() if one.error]
        if new:
            raise RebuildRefused(f"stream {new[0].stream_id} cannot be folded: {new[0].error}")
        if writes := changes.writes.get(self._model.name):
            async with connection.transaction():  # what is put in a stage goes with its transaction
                await self._tables.write(connection, self._model, writes)
        return changes.events

    async def _switch(self) -> int:
        """Make the new table the one in use. Workers wait for the lock, readers for the commit."""
        name = self._model.name
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("set local lock_timeout = '2s'")
            await connection.execute("select pg_advisory_xact_lock($1)", LOCK_SWITCH)
            events = await self._apply_up_to(connection, await Standing.read(connection))
            old = await connection.fetchval(
                "select name || '_v' || generation from read.models where name = $1", name
            )
            # Replaced, not made anew: policies lean on it. It asks as whoever reads it.
            view = f"create or replace view read.{name} with (security_invoker = true)"
            rows = f"select * from read.{self._table.name}"  # noqa: S608 - our names
            await connection.execute(f"{view} as {rows}")
            await connection.execute(
                "update read.models set generation = generation + 1, fold_version = $2,"
                " switched_at = clock_timestamp() where name = $1",
                name,
                self._model.version,
            )
            at("rebuild.before_switch")
        at("rebuild.after_switch")
        self._folder.forget(self._tables, {})
        async with self._pool.acquire() as connection:
            try:
                await connection.execute("set lock_timeout = '5s'")
                await connection.execute(f"drop table if exists read.{old}")
            except asyncpg.LockNotAvailableError:
                logger().warning("old-table-left", table=old, note="a long read holds it")
        return events
