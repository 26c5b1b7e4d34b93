"""`leads verify`, `migrate`, `sql`: work on the log, started here when no `leads up` runs."""

import os
from collections.abc import Callable

import asyncpg
import orjson

from services.kit.keys import SigningKey
from services.kit.migrate import migrate
from services.kit.settings import read_settings
from services.kit.verify import verify
from services.local.stack import data_folder, found_servers

Say = Callable[[str], None]
PROGRESS_EVENTS = 100_000


async def verify_log(say: Say) -> int:
    """Says whether the log is what was written; 1 when it is not, with the first bad event."""
    async with found_servers(data_folder(), say) as (environ, owner_url):
        settings = read_settings(environ)
        connection = await asyncpg.connect(owner_url)
        told = 0

        def progress(events: int) -> None:
            nonlocal told
            if events - told >= PROGRESS_EVENTS:
                told = events
                say(f"{events:,} events verified")

        try:
            verdict = await verify(
                connection,
                SigningKey(settings.signing_key).public,
                settings.data_dir / "seals.ndjson",
                progress,
            )
        finally:
            await connection.close()
    if not verdict.ok:
        print(f"NOT the log that was written: {verdict.fault}")
        return 1
    print(
        f"verified: {verdict.events:,} events in {verdict.streams:,} streams,"
        f" {verdict.seals:,} seals up to position {verdict.sealed_to:,}"
    )
    return 0


async def migrate_database(say: Say, *, dry_run: bool, login: str) -> int:
    """Applies the missing migrations, or only names them.

    The embedded server is migrated at every start; this is for the one LEADS_DATABASE_URL names.
    """
    given = os.environ.get("LEADS_DATABASE_URL")
    if given:
        names = await migrate(given, login=login, dry_run=dry_run)
    else:
        async with found_servers(data_folder(), say) as (_, owner_url):
            names = await migrate(owner_url, login=login, dry_run=dry_run)
    verb = "would apply" if dry_run else "applied"
    print(f"{verb}: {', '.join(names)}" if names else "nothing to apply")
    return 0


async def run_sql(statement: str, say: Say) -> int:
    """Runs one statement as the owner; prints rows as JSON lines, else what was done."""
    async with found_servers(data_folder(), say) as (_, owner_url):
        connection = await asyncpg.connect(owner_url)
        try:
            prepared = await connection.prepare(statement)
            for row in await prepared.fetch():
                print(orjson.dumps(dict(row), default=_shown).decode())
            say(prepared.get_statusmsg())
        finally:
            await connection.close()
    return 0


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
