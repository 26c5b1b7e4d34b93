"""Indexes on template fields that somebody chose, for filters and sorts by them on many leads.

An index is written whenever a lead's row moves, so a field has one only when it is asked for by
name (deploy/decisions). Which are chosen is kept in `read.chosen_fields`; a rebuild of the leads
makes the same ones. Leads of one value stand in the order of their last change, so that a list of
them finds its page at once.

Deleted leads are left out, in other words than the indexes on columns say it: the planner takes two
partial indexes that say the same for two ways to find the same, and never joins what they find.
"""

import hashlib
from collections.abc import Sequence

import asyncpg
import orjson

CHOSEN_MAX = 20
"""So many fields can be chosen; each makes writing dearer."""

BUILD_SECONDS_MAX = 6 * 3600.0


class NotChosen(ValueError):
    """The field cannot have an index; the message says why."""


async def index_statements(
    connection: "asyncpg.Connection[asyncpg.Record]", table: str, names: Sequence[str] | None = None
) -> list[str]:
    """Return the statements that make the indexes of `names` (None: of all chosen) on `table`."""
    if names is None:
        rows = await connection.fetch("select name from read.chosen_fields order by name")
        names = [name for (name,) in rows]
    types = await _types(connection)
    return [
        await connection.fetchval(
            "select format($1::text, $2::text, $3::text, $4::text)",
            _MADE.format(value=_value_of(types.get(name, "text"))),
            _index_name(table, name),
            table,
            name,
        )
        for name in names
    ]


_MADE = """
create index if not exists %1$I on read.%2$I (({value}), last_modified_at, lead_id)
  where deleted is false
"""


async def choose(pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> None:
    """Give the field of this import name an index; readers and writers go on meanwhile.

    Raises NotChosen when no template has the field, or when enough are chosen.
    """
    async with pool.acquire() as connection:
        chosen = await chosen_fields(connection)
        if name in chosen:
            return
        if name not in await _types(connection):
            raise NotChosen(f"no campaign's template has a field {name}")
        if len(chosen) >= CHOSEN_MAX:
            raise NotChosen(f"{CHOSEN_MAX} fields have an index already; drop one first")
        table = await _table(connection)
        # What an earlier try left, if it died, is no index that anything could use.
        index = _index_name(table, name)
        await _unmake(connection, index)
        for statement in await index_statements(connection, table, [name]):
            await connection.execute(
                statement.replace("create index", "create index concurrently", 1),
                timeout=BUILD_SECONDS_MAX,
            )
        await connection.execute(f"analyze read.{table}", timeout=BUILD_SECONDS_MAX)
        await connection.execute(
            "insert into read.chosen_fields (name) values ($1) on conflict do nothing", name
        )


async def drop(pool: "asyncpg.Pool[asyncpg.Record]", name: str) -> None:
    """Take the field's index away. Raises NotChosen when it has none."""
    async with pool.acquire() as connection:
        if name not in await chosen_fields(connection):
            raise NotChosen(f"field {name} has no index")
        await connection.execute("delete from read.chosen_fields where name = $1", name)
        await _unmake(connection, _index_name(await _table(connection), name))


async def _unmake(connection: "asyncpg.Connection[asyncpg.Record]", index: str) -> None:
    await connection.execute(
        f"drop index concurrently if exists read.{index}", timeout=BUILD_SECONDS_MAX
    )


async def chosen_fields(connection: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
    """Return the import names of the fields that have an index."""
    rows = await connection.fetch("select name from read.chosen_fields order by name")
    return [name for (name,) in rows]


async def _table(connection: "asyncpg.Connection[asyncpg.Record]") -> str:
    generation = await connection.fetchval("select generation from read.models where name = 'lead'")
    return f"lead_v{generation}"


async def _types(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[str, str]:
    """Return the type of every template field; of one name with two types the older campaign's."""
    templates = await connection.fetch("select fields from read.campaign order by campaign_id")
    types: dict[str, str] = {}
    for (fields,) in templates:
        for field in orjson.loads(fields):
            types.setdefault(field["import_name"], field["type"])
    return types


def _value_of(kind: str) -> str:
    """Return the very expression by which reads filter and sort (services/query/values_sql.py)."""
    if kind == "datetime":
        return "left(fields ->> %3$L, -1)"
    return "nullif(fields -> %3$L, 'null'::jsonb)"


def _index_name(table: str, name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"{table}_field_{digest[:16]}"
