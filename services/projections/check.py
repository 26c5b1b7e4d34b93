"""Is every read model what the log says? Fold the whole log again, independently, and compare row
by row.

Compared is what was applied at one moment (one database snapshot); workers may go on meanwhile.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.kit.codec import StoredEvent
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.projections.decoding import ERASING, Decoder
from services.projections.history import read_after
from services.projections.model import KeyedRows, ReadModel, Row
from services.projections.registry import BY_CATEGORY, MODELS
from services.projections.streams import FIRST, Standing, Stream, streams_between
from services.projections.tables import Table, Tables

NAMED = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not what the log says. `what`: missing, extra, parked, or the columns that
    differ.
    """

    model: str
    key: tuple[str, ...]
    what: str


@dataclass(slots=True)
class Checked:
    """The outcome: how much was compared, how many rows differ, and the first of them by name.

    unsettled: streams left out because they were erased beyond the moment compared.
    """

    position: int = 0
    streams: int = 0
    events: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    differing: int = 0
    unsettled: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether every row of every read model is what the log says."""
        return self.differing == 0

    def note(self, model: str, key: Sequence[Any], what: str) -> None:
        """Count a difference, and name it if it is among the first."""
        self.differing += 1
        if len(self.differences) < NAMED:
            self.differences.append(Difference(model, tuple(str(part) for part in key), what))


async def check(database_url: str, master_key: bytes) -> Checked:
    """Compare every read model with a fold of the whole log."""
    pool = await connect_pool(database_url, "leads_projections", largest=4, statement_timeout_ms=0)
    try:
        decoder = Decoder(KeyRing(MasterKey(master_key), pool, most=20_000))
        async with (
            pool.acquire() as reader,
            reader.transaction(isolation="repeatable_read", readonly=True),
        ):
            comparison = await Comparison.begin(reader, decoder)
            comparison.parked()
            await comparison.between(FIRST, None)
            await comparison.whole_tables()
            return comparison.checked
    finally:
        await pool.close()


def whole_table(model: ReadModel) -> bool:
    """Say whether the model's rows cannot be found by their stream: then it is small and compared
    whole.
    """
    return isinstance(model, KeyedRows) and model.key[0] != "stream_id"


class Comparison:
    """Compares what one database snapshot shows of log and read models.

    `reader` must be in a transaction that sees one moment (repeatable read) until the end.
    """

    def __init__(
        self,
        reader: "asyncpg.Connection[asyncpg.Record]",
        decoder: Decoder,
        standing: Standing,
        tables: Tables,
    ) -> None:
        """Compare up to where `standing` says that events are applied."""
        self._reader = reader
        self._decoder = decoder
        self._standing = standing
        self._tables = tables
        self.checked = Checked(position=min(standing.positions))

    @classmethod
    async def begin(
        cls, reader: "asyncpg.Connection[asyncpg.Record]", decoder: Decoder
    ) -> "Comparison":
        """Read where everything stands. Raises ModelStale."""
        standing = await Standing.read(reader)
        return cls(reader, decoder, standing, await Tables.read(reader, MODELS))

    def parked(self) -> None:
        """Note the streams that stand still."""
        for stream_id in self._standing.parked:
            self.checked.note("parked", [stream_id], "parked")

    async def between(self, low: UUID, high: UUID | None) -> None:
        """Compare the rows of all streams from `low` to before `high`."""
        async for chunk in streams_between(self._reader, low, high):
            after = UUID(int=chunk[-1][0].int + 1)
            await self._compare_chunk(chunk, low, after)
            low = after
        await self._compare_chunk([], low, high)

    async def whole_tables(self) -> None:
        """Compare the tables whose rows do not say of which stream they are."""
        models = [model for model in MODELS if whole_table(model)]
        found = await self._reader.fetch(
            "select stream_id from log.streams where category = any($1)",
            [model.category for model in models],
        )
        streams = await read_after(self._reader, {row["stream_id"]: 0 for row in found})
        expected, left_out = await self._fold(list(streams.items()))
        for model in models:
            table = self._tables.tables[model.name]
            rows = [table.row_of(row) for row in await self._reader.fetch(table.read_sql)]
            self._compare(table, expected[model.name], rows, left_out)

    async def _fold(
        self, streams: Sequence[Stream]
    ) -> tuple[dict[str, list[Row]], frozenset[UUID]]:
        """Return the rows these streams should have, and the streams that are left out."""
        expected: dict[str, list[Row]] = {model.name: [] for model in MODELS}
        left_out: set[UUID] = set()
        keys = await self._decoder.load_keys(one for _, stored in streams for one in stored)
        for stream_id, stored in streams:
            applied = self._standing.applied(stream_id, stored)
            if self._is_unsettled(stored, applied):
                left_out.add(stream_id)
                continue
            events = self._decoder.decode_stream(applied, keys)
            for model in BY_CATEGORY.get(stored[0].type.partition(".")[0], ()):
                expected[model.name].extend(model.advance(None, events)[1].rows)
            self.checked.events += len(applied)
        return expected, frozenset(left_out)

    async def _compare_chunk(self, chunk: Sequence[Stream], low: UUID, high: UUID | None) -> None:
        expected, left_out = await self._fold(chunk)
        self.checked.streams += len(chunk)
        self.checked.unsettled += len(left_out)
        for model in MODELS:
            if whole_table(model):
                continue
            table = self._tables.tables[model.name]
            key = model.key[0]
            rows = await self._reader.fetch(
                f"{table.read_sql} where {key} >= $1 and ($2::uuid is null or {key} < $2)",
                low,
                high,
            )
            actual = [table.row_of(row) for row in rows]
            self._compare(table, expected[model.name], actual, left_out)

    @staticmethod
    def _is_unsettled(stored: Sequence[StoredEvent], applied: Sequence[StoredEvent]) -> bool:
        """A lead erased in the log, not yet in the read models: the key is gone, the row is not."""
        return any(one.type in ERASING for one in stored[len(applied) :])

    def _compare(
        self,
        table: Table,
        expected: Sequence[Row],
        actual: Sequence[Row],
        left_out: frozenset[UUID],
    ) -> None:
        model = table.model
        wanted = _by_key(model, (_as_stored(table, row) for row in expected))
        found = _by_key(model, actual)
        rows = self.checked.rows
        rows[model.name] = rows.get(model.name, 0) + len(found)
        for key, row in wanted.items():
            stored = found.pop(key, None)
            if stored is None:
                self.checked.note(model.name, key, "missing")
            elif stored != row:
                columns = [name for name in table.names if stored[name] != row[name]]
                self.checked.note(model.name, key, ", ".join(columns))
        for key in found:
            if key[0] not in left_out:
                self.checked.note(model.name, key, "extra")


def _by_key(model: ReadModel, rows: Iterable[Row]) -> dict[tuple[Any, ...], Row]:
    return {tuple(row[name] for name in model.key): row for row in rows}


def _as_stored(table: Table, row: Row) -> Row:
    """Return the row as it would come back from the table."""
    return {
        name: orjson.loads(orjson.dumps(row[name])) if kind == "jsonb" else row[name]
        for name, kind in table.columns
    }
