"""The tables that migrations make are those of schemas/tables: one truth, written twice."""

import re
from pathlib import Path

import asyncpg

from services.kit.migrate import migrate
from services.projections.registry import MODELS
from tests.read_models.working import rows

TABLES = Path(__file__).parents[2] / "schemas" / "tables"
FIRST = ("progress", "search", "dial_list")
SHAPE = {
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attstorage, pg_get_expr(d.adbin, d.adrelid)
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'read'::regnamespace and c.relkind = 'r' order by 1, a.attnum
    """,
    "options": """
        select relname, reloptions from pg_class
        where relnamespace = 'read'::regnamespace and relkind = 'r' order by 1
    """,
    "indexes": """
        select tablename, regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') from pg_indexes
        where schemaname = 'read' order by 1, 2
    """,
    "policies": """
        select tablename, policyname, permissive, roles::text, cmd, qual from pg_policies
        where schemaname = 'read' order by 1, 2
    """,
    "functions": """
        select proname, pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'read'::regnamespace order by 1
    """,
}


async def shape_of(url: str) -> dict[str, list[tuple[object, ...]]]:
    return {what: await rows(url, sql) for what, sql in SHAPE.items()}


async def test_migrations_make_the_tables_of_schemas(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    migrated = await shape_of(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    try:
        await connection.execute("drop schema read cascade")
        await connection.execute("create schema read authorization leads_projections")
        await connection.execute("set role leads_projections")
        paths = sorted(TABLES.glob("*.sql"), key=lambda path: (path.stem not in FIRST, path.stem))
        for path in paths:
            text = path.read_text("utf-8")
            if re.search(r"\bread\.", text):
                await connection.execute(text)
            if path.stem == "lead":  # policies lean on the view
                view = "create view read.lead with (security_invoker = true)"
                await connection.execute(f"{view} as select * from read.lead_v1")
    finally:
        await connection.close()
    defined = await shape_of(empty_database_url)
    for what, found in migrated.items():
        assert found == defined[what], what


async def test_every_read_model_has_a_view_that_readers_may_read(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings={"role": "leads_query"})
    try:
        for model in MODELS:
            assert await connection.fetch(f"select * from read.{model.name}") == []
        try:
            await connection.execute("delete from read.lead")
        except asyncpg.InsufficientPrivilegeError:
            return
    finally:
        await connection.close()
    raise AssertionError("readers may delete")
