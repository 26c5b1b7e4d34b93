"""Numbered SQL migrations: applied in order, once, under a lock, and refused when an applied file
was changed since.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import asyncpg

MIGRATIONS = Path(__file__).parents[2] / "schemas" / "migrations"
ROLES = ("leads_command", "leads_projections", "leads_query", "leads_sight")
_LOCK = 7_005_000


class MigrationChanged(RuntimeError):
    """An applied migration differs from its file: history was edited.

    Restore the file; add a new one instead.
    """


@dataclass(frozen=True, slots=True)
class Migration:
    """One file `NNNN_name.sql` and its SHA-256."""

    name: str
    sql: str
    checksum: str


def migrations(folder: Path = MIGRATIONS) -> list[Migration]:
    """Return all migrations in order."""
    texts = [(path.stem, path.read_text("utf-8")) for path in sorted(folder.glob("[0-9]*.sql"))]
    return [Migration(n, t, hashlib.sha256(t.encode()).hexdigest()) for n, t in texts]


async def migrate(database_url: str, *, login: str = "", dry_run: bool = False) -> list[str]:
    """Apply what is missing and return its names; with `dry_run` only name it.

    `login` is the role the services sign in with, when it is not the one that migrates: it gets
    membership in the four service roles and nothing else. Raises MigrationChanged when an
    applied file was edited.
    """
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        rows = []
        if await connection.fetchval("select to_regclass('public.migrations')"):
            rows = await connection.fetch("select name, checksum from public.migrations")
        applied = {row["name"]: row["checksum"] for row in rows}
        missing = []
        for migration in migrations():
            if applied.get(migration.name, migration.checksum) != migration.checksum:
                raise MigrationChanged(f"{migration.name} was changed after it was applied")
            if migration.name not in applied:
                missing.append(migration)
        if not dry_run:
            await connection.execute(_TABLE)
            for migration in missing:
                await _apply(connection, migration)
            if login:
                await _admit(connection, login)
        return [migration.name for migration in missing]
    finally:
        await connection.close()


_TABLE = (
    "create table if not exists public.migrations"
    " (name text primary key, checksum text not null,"
    " applied_at timestamptz not null default clock_timestamp())"
)


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(migration.sql)
        await connection.execute(
            "insert into public.migrations (name, checksum) values ($1, $2)",
            migration.name,
            migration.checksum,
        )


async def _admit(connection: "asyncpg.Connection[asyncpg.Record]", login: str) -> None:
    quoted = await connection.fetchval("select quote_ident($1)", login)
    for role in ROLES:
        await connection.execute(f"grant {role} to {quoted}")
