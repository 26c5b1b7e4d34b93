"""Rebuild a read model from the log, beside the one in use, and switch when it has caught up.

Readers see the old table until the moment they see the new one. A rebuild that is killed leaves
only an unused table behind, whichever it is, and the next one removes it.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.failpoints import at
from services.kit.feed import PARTITIONS, Batch, partition_of
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.telemetry import logger
from services.projections import beside
from services.projections.decoding import Decoder
from services.projections.field_indexes import BUILD_SECONDS_MAX, index_statements
from services.projections.filling import Progress, fill
from services.projections.folding import Folder
from services.projections.model import ReadModel
from services.projections.registry import BY_NAME, MODELS
from services.projections.streams import Standing
from services.projections.tables import (
    LOCK_REBUILD,
    LOCK_SWITCH,
    ModelStale,
    Table,
    Tables,
    columns_of,
)

DEFINITIONS = Path(__file__).parents[2] / "schemas" / "tables"
PROCESSES = 2
INDEXES_AT_ONCE = 2
FIRST_LOOK = 30
"""Statistics of so many values a column; a hundred is usual, and takes three times as long."""

NEARLY = 2_000
SWITCH_TRIES = 20


class RebuildRefused(RuntimeError):
    """The rebuild cannot be done now; the message says why. The table in use stays in use."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did: the new table, the events folded into it, and the seconds until readers
    saw it, of which `filled` were spent on reading, folding and copying in. What stands beside the
    grid is mended after that.
    """

    table: str
    events: int
    seconds: float
    filled: float


@dataclass(frozen=True, slots=True)
class Definition:
    """The statements that make a read model's table of one generation, in this order: the empty
    `table`; once it is filled its `indexes`; then the `triggers` that keep what stands beside it.
    """

    table: list[str]
    indexes: list[str]
    triggers: list[str]


def definition_of(name: str, generation: int) -> Definition:
    """Return the statements that make a read model's table of this generation."""
    for path in sorted(DEFINITIONS.glob("*.sql")):
        text = re.sub(r"--[^\n]*", "", path.read_text("utf-8"))
        mine = [
            re.sub(rf"\b{name}_v1", f"{name}_v{generation}", statement.strip())
            for statement in text.split(";")
            if re.search(rf"\bread\.{name}_v1\b", statement)
        ]
        if mine:
            indexes = [one for one in mine if one.startswith("create index")]
            triggers = [one for one in mine if one.startswith("create trigger")]
            table = [one for one in mine if one not in indexes and one not in triggers]
            return Definition(table, indexes, triggers)
    raise LookupError(f"no table definition for {name} in {DEFINITIONS}")


async def rebuild(
    name: str,
    database_url: str,
    master_key: bytes,
    progress: Progress = lambda done, total: None,
    processes: int = PROCESSES,
    *,
    all_beside: bool = False,
) -> Rebuilt:
    """Rebuild the read model and switch to it. Raises RebuildRefused; LookupError for no such.

    What stands beside the grid is mended where the new grid differs from the one before; with
    `all_beside`, or where very many differ, then everywhere, which takes much longer.
    """
    model = BY_NAME[name]
    began = time.monotonic()
    pool = await connect_pool(database_url, "leads_projections", largest=5, statement_timeout_ms=0)
    try:
        async with _alone(pool, name):
            table, definition = await _make_table(pool, model)
            async with pool.acquire() as connection:
                standing = await Standing.read(connection)
            begun = time.monotonic()
            events = await fill(
                pool, table, standing, database_url, master_key, progress, processes
            )
            filled = time.monotonic() - begun
            at("rebuild.filled")
            async with _meanwhile(_finish(pool, table, definition)):
                differing = await beside.differing(pool, table) if name == "lead" else set()
            decoder = Decoder(KeyRing(MasterKey(master_key), pool))
            catching_up = _CatchUp(pool, decoder, model, table, standing)
            events += await catching_up.run()
            seconds = catching_up.switched_at - began
            logger().info("switched", model=name, table=table.name, events=events)
            if name == "lead":
                # What readers see otherwise now goes first.
                await beside.mend(pool, differing | catching_up.changed)
                all_beside = all_beside or len(differing) >= beside.NAMED
                if all_beside:
                    await beside.set_right(pool)
                if all_beside or not catching_up.unmended:
                    await beside.mended(pool, catching_up.generation)
            logger().info("rebuilt", model=name, table=table.name, events=events)
            return Rebuilt(table.name, events, seconds, filled)
    finally:
        await pool.close()


@asynccontextmanager
async def _meanwhile(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do these too while the block runs, and be done with all at its end."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        yield
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _finish(
    pool: "asyncpg.Pool[asyncpg.Record]", table: Table, definition: Definition
) -> None:
    """Give the filled table indexes, statistics and triggers."""
    waiting = iter(definition.indexes)  # several take from it, each the next

    async def make_indexes() -> None:
        async with pool.acquire() as connection:
            for statement in waiting:
                await _make_index(connection, statement)

    async with _meanwhile(*(make_indexes() for _ in range(INDEXES_AT_ONCE - 1))):
        await make_indexes()
    plain = ", ".join(name for name in table.names if name not in table.texts)
    async with pool.acquire() as connection, connection.transaction():
        # A first look at what is compared, for good plans at once; since it is not at all columns,
        # the server's own cleaning looks closely within a minute.
        await connection.execute(f"set local default_statistics_target = {FIRST_LOOK}")
        await connection.execute(f"analyze read.{table.name} ({plain})", timeout=BUILD_SECONDS_MAX)
        for statement in definition.triggers:
            await connection.execute(statement)


async def _make_index(connection: "asyncpg.Connection[asyncpg.Record]", statement: str) -> None:
    """Make an index, under another name if one that is made beside it has just taken the same."""
    for last in (False, True):
        try:
            async with connection.transaction():
                # Several indexes at once need no more processes each.
                await connection.execute("set local max_parallel_maintenance_workers = 0")
                await connection.execute(statement, timeout=BUILD_SECONDS_MAX)
            return
        except asyncpg.UniqueViolationError:
            if last:
                raise


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
) -> tuple[Table, Definition]:
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
        definition = definition_of(model.name, row["generation"] + 1)
        for statement in definition.table:
            await connection.execute(statement)
        if model.name == "lead":
            definition.indexes.extend(await index_statements(connection, name))
        return Table(model, name, await columns_of(connection, name)), definition


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
        self.changed: set[UUID] = set()
        self.generation = 0
        self.switched_at = 0.0
        """When readers saw the new table, on the monotonic clock."""
        self.unmended = False
        """Whether an earlier rebuild left something that it alone knew of."""
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
            self.changed.update(writes)
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
            row = await connection.fetchrow(
                "select generation, unmended from read.models where name = $1", name
            )
            old, self.generation = f"{name}_v{row['generation']}", row["generation"] + 1
            self.unmended = row["unmended"]
            # Replaced, not made anew: policies lean on it. It asks as whoever reads it.
            view = f"create or replace view read.{name} with (security_invoker = true)"
            rows = f"select * from read.{self._table.name}"  # noqa: S608 - our names
            await connection.execute(f"{view} as {rows}")
            await connection.execute(
                "update read.models set generation = generation + 1, fold_version = $2,"
                " switched_at = clock_timestamp(), unmended = $3 where name = $1",
                name,
                self._model.version,
                name == "lead",
            )
            at("rebuild.before_switch")
        self.switched_at = time.monotonic()
        at("rebuild.after_switch")
        self._folder.forget(self._tables, {})
        async with self._pool.acquire() as connection:
            try:
                await connection.execute("set lock_timeout = '5s'")
                await connection.execute(f"drop table if exists read.{old}")
            except asyncpg.LockNotAvailableError:
                logger().warning("old-table-left", table=old, note="a long read holds it")
        return events
