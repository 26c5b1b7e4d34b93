"""Between rows and tables: load the state of streams, write rows set-wise, guarded by version.

The columns of a table come from the database, its name from `read.models`; no name comes from
outside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.projections.model import EventRows, KeyedRows, ReadModel, Row, StreamRow, Writes
from services.projections.registry import BY_NAME

_dumps = orjson.dumps
FEW = 24
"""Up to so many rows are sent as arrays."""

LOCK_SWITCH = 7_005_002
"""Workers share this lock while they write; who has it alone (advisory) finds them at rest."""

LOCK_REBUILD = 7_005_004
"""Held, with a number of the read model, by who rebuilds it: workers then write less often."""


class Drifted(RuntimeError):
    """A stored row is not at the version that is remembered of it: nothing may be kept."""


class ModelStale(RuntimeError):
    """The tables in use are those of other code: another version of a fold, another read model."""


@dataclass(frozen=True)
class Table:
    """One physical table of a read model and the statements for it."""

    model: ReadModel
    name: str
    columns: tuple[tuple[str, str], ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The columns, in the table's order."""
        return tuple(name for name, _ in self.columns)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The columns that are JSON."""
        return tuple(name for name, kind in self.columns if kind == "jsonb")

    def write_sql(self, source: str) -> str:
        """Insert what `source` (a table or a call) holds or, where a row is newer, replace."""
        names = ", ".join(self.names)
        key = ", ".join(self.model.key)
        insert = f"insert into read.{self.name} as r ({names})"
        insert += f" select {names} from {source}"  # noqa: S608 - our names
        if isinstance(self.model, EventRows):
            return f"{insert} on conflict ({key}) do nothing"
        changes = ", ".join(
            f"{name} = excluded.{name}" for name in self.names if name not in self.model.key
        )
        guard = "where excluded.version > r.version"
        return f"{insert} on conflict ({key}) do update set {changes} {guard}"

    @property
    def arrays(self) -> str:
        """The rows as one array a column, `arrays_of` them."""
        kinds = ", ".join(f"${i}::{kind}[]" for i, (_, kind) in enumerate(self.columns, 1))
        return f"unnest({kinds}) as given({', '.join(self.names)})"

    @property
    def stage(self) -> str:
        """The session's own table in which many rows are put first."""
        return f"stage_{self.name}"

    @property
    def load_sql(self) -> str:
        """Read the stored state of the streams $1."""
        key = self.model.key[0]
        if isinstance(self.model, EventRows):
            return (
                f"select {key}, max(version) from read.{self.name}"  # noqa: S608 - our names
                f" where {key} = any($1) group by {key}"
            )
        return f"{self.read_sql} where {key} = any($1)"

    @property
    def read_sql(self) -> str:
        """Read whole rows; ids as text, as events carry them, but for the key."""
        names = ", ".join(
            f"{name}::text" if kind == "uuid" and name not in self.model.key else name
            for name, kind in self.columns
        )
        return f"select {names} from read.{self.name}"  # noqa: S608 - our names

    def row_of(self, record: Sequence[Any]) -> Row:
        """Return what `read_sql` read as a row such as the fold makes."""
        row: Row = dict(zip(self.names, record, strict=True))
        for name in self.texts:
            text = row[name]
            if text is not None:
                row[name] = orjson.loads(text)
        return row

    @property
    def copied(self) -> tuple[str, ...]:
        """The columns in the order of `records_of`: those that are JSON come last."""
        plain = [name for name, kind in self.columns if kind != "jsonb"]
        return (*plain, *(name for name, kind in self.columns if kind == "jsonb"))

    def records_of(self, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
        """Return these rows as records to COPY into `copied`."""
        plain = itemgetter(*(name for name, kind in self.columns if kind != "jsonb"))
        texts = self.texts
        if not texts:
            return [plain(row) for row in rows]
        return [(*plain(row), *[_json(row[name]) for name in texts]) for row in rows]

    def arrays_of(self, rows: Sequence[Row]) -> list[Sequence[Any]]:
        """Return the columns of these rows as the parameters of `write_sql`."""
        columns: list[Sequence[Any]] = list(zip(*map(itemgetter(*self.names), rows), strict=True))
        for place, (_, kind) in enumerate(self.columns):
            if kind == "jsonb":
                columns[place] = [_json(value) for value in columns[place]]
        return columns

    @cached_property
    def changes(self) -> "Changed":
        """How rows are written of which nothing but the model's `often` columns changed."""
        assert isinstance(self.model, StreamRow)
        kinds = dict(self.columns)
        often = [(name, kinds[name]) for name in self.model.often]
        return Changed(self.name, self.model.key[0], often)


class Changed:
    """The columns of a table that most events change, and the statements that write them alone."""

    def __init__(self, table: str, key: str, often: Sequence[tuple[str, str]]) -> None:
        """Change `often` (names and types) in read.`table` by its key."""
        self._table, self._key = table, key
        plain = [(name, kind) for name, kind in often if kind != "jsonb"]
        texts = [(name, kind) for name, kind in often if kind == "jsonb"]
        self._often = [*plain, *texts]
        self._plain = itemgetter(key, *(name for name, _ in plain))
        self._texts = [name for name, _ in texts]
        self.columns = (("after", "int"), (key, "uuid"), *self._often)
        self.stage = f"often_{table}"

    @property
    def make_sql(self) -> str:
        """Make the session's own table in which many rows are put first."""
        names = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        return f"create temp table if not exists {self.stage} ({names}) on commit delete rows"

    @property
    def arrays(self) -> str:
        """The rows as one array a column."""
        kinds = ", ".join(f"${i}::{kind}[]" for i, (_, kind) in enumerate(self.columns, 1))
        return f"unnest({kinds}) as"

    def update_sql(self, source: str) -> str:
        """Change the rows that `source` (up to its name) holds, where they have that version."""
        names = ", ".join(name for name, _ in self.columns)
        changes = ", ".join(f"{name} = s.{name}" for name, _ in self._often)
        where = f"where r.{self._key} = s.{self._key} and r.version = s.after"
        update = f"update read.{self._table} r set {changes}"  # noqa: S608 - our names
        return f"{update} from {source} s({names}) {where}"

    def records_of(self, known: Sequence[tuple[int, Row]]) -> list[tuple[Any, ...]]:
        """Return rows, each with the version it has, as records of `columns`."""
        plain, texts = self._plain, self._texts
        return [(after, *plain(row), *[_json(row[name]) for name in texts]) for after, row in known]


def _json(value: Any) -> str | None:
    if value:  # also a Fragment, which is JSON already
        return _dumps(value).decode()
    if value is None:
        return None
    return "{}" if type(value) is dict else "[]"


async def columns_of(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str
) -> tuple[tuple[str, str], ...]:
    """Return names and types of a table's columns, in order, without those it computes itself."""
    rows = await connection.fetch(
        "select attname, format_type(atttypid, atttypmod) from pg_attribute"
        " where attrelid = ('read.' || quote_ident($1))::regclass and attnum > 0"
        " and not attisdropped and attgenerated = '' order by attnum",
        table,
    )
    return tuple((name, kind) for name, kind in rows)


class Tables:
    """All read models in the tables they live in now."""

    def __init__(self, generation: int, tables: Mapping[str, Table]) -> None:
        """Remember the sum of generations at which these were read."""
        self.generation = generation
        self.tables = tables

    @classmethod
    async def read(
        cls, connection: "asyncpg.Connection[asyncpg.Record]", models: Iterable[ReadModel]
    ) -> "Tables":
        """Look the tables up; raises ModelStale when one was folded by another version."""
        rows = await connection.fetch("select name, generation, fold_version from read.models")
        known = {row["name"]: row for row in rows}
        foreign = known.keys() - BY_NAME.keys()
        if foreign:
            raise ModelStale(f"this code does not know the read models {sorted(foreign)}: too old")
        tables: dict[str, Table] = {}
        for model in models:
            row = known.get(model.name)
            if row is None or row["fold_version"] != model.version:
                stands = "missing" if row is None else f"at fold version {row['fold_version']}"
                raise ModelStale(
                    f"read model {model.name} is {stands}, this code has version {model.version}:"
                    f" run `leads rebuild {model.name}` with the newest code"
                )
            name = f"{model.name}_v{row['generation']}"
            tables[model.name] = Table(model, name, await columns_of(connection, name))
        return cls(sum(row["generation"] for row in rows), tables)

    async def load(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        model: ReadModel,
        streams: Sequence[UUID],
    ) -> dict[UUID, Any]:
        """Return the stored state of those of the streams that have one."""
        table = self.tables[model.name]
        if isinstance(model, KeyedRows):
            return {}
        rows = await connection.fetch(table.load_sql, streams)
        if isinstance(model, StreamRow):
            key = model.key[0]
            loaded = [table.row_of(row) for row in rows]
            return {row[key]: row for row in loaded}
        return dict(rows)

    async def write(
        self,
        connection: "asyncpg.Connection[asyncpg.Record]",
        model: ReadModel,
        writes: Mapping[UUID, Writes],
    ) -> None:
        """Write what streams (by id) make, set-wise; take personal data from what erased ones had
        before. `connection` must be in a transaction.

        Raises Drifted when a row is not at the version that was known.
        """
        table = self.tables[model.name]
        new = [row for made in writes.values() if made.new for row in made.rows]
        rows = [
            row for made in writes.values() if not (made.new or made.after) for row in made.rows
        ]
        known = [(made.after, made.rows[0]) for made in writes.values() if made.after]
        erased = [stream for stream, made in writes.items() if made.erased]
        if len(new) <= FEW or not await _append(connection, table, new):
            rows = [*new, *rows]
        if len(rows) > FEW:
            await _copy_in(connection, table, rows)
        elif rows:
            await connection.execute(table.write_sql(table.arrays), *table.arrays_of(rows))
        if known:
            await _update(connection, table, known)
        if erased:
            key = model.key[0]
            await connection.execute(
                f"update read.{table.name} set personal = null"  # noqa: S608 - our names
                f" where {key} = any($1) and personal is not null",
                erased,
            )


async def _update(
    connection: "asyncpg.Connection[asyncpg.Record]",
    table: Table,
    known: Sequence[tuple[int, Row]],
) -> None:
    """Write the `often` columns of rows that are there, each at the version given with it."""
    changes = table.changes
    if len(known) > FEW:
        await connection.execute(changes.make_sql)
        await connection.execute(f"delete from pg_temp.{changes.stage}")  # noqa: S608 - our names
        await connection.copy_records_to_table(
            changes.stage,
            records=changes.records_of(known),
            columns=[name for name, _ in changes.columns],
            schema_name="pg_temp",
        )
        done = await connection.execute(changes.update_sql(f"pg_temp.{changes.stage} as"))
    else:
        columns = list(zip(*changes.records_of(known), strict=True))
        done = await connection.execute(changes.update_sql(changes.arrays), *columns)
    if done != f"UPDATE {len(known)}":
        raise Drifted(f"{table.name}: {len(known)} rows to change, {done}")


async def _append(
    connection: "asyncpg.Connection[asyncpg.Record]", table: Table, rows: Sequence[Row]
) -> bool:
    """Write rows that are not there, as far as is known; say whether that was so. It is unless
    events are delivered again, which is rare.
    """
    try:
        async with connection.transaction():
            await copy_records(connection, table, table.records_of(rows))
    except asyncpg.UniqueViolationError:
        return False
    return True


async def _copy_in(
    connection: "asyncpg.Connection[asyncpg.Record]", table: Table, rows: Sequence[Row]
) -> None:
    """Many rows go by COPY: as arrays each value would be looked at several times."""
    records = table.records_of(rows)
    await connection.execute(
        f"create temp table if not exists {table.stage}"
        f" (like read.{table.name}) on commit delete rows"
    )
    await connection.execute(f"delete from pg_temp.{table.stage}")  # noqa: S608 - our names
    await connection.copy_records_to_table(
        table.stage, records=records, columns=table.copied, schema_name="pg_temp"
    )
    await connection.execute(table.write_sql(f"pg_temp.{table.stage}"))


async def copy_records(
    connection: "asyncpg.Connection[asyncpg.Record]", table: Table, records: Sequence[Any]
) -> None:
    """Append what `records_of` made; UniqueViolationError when one of the rows exists."""
    await connection.copy_records_to_table(
        table.name, records=records, columns=table.copied, schema_name="read"
    )
