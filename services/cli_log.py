"""`leads verify`, `audit`, `check`, `rebuild`, `unpark`, `migrate`, `sql`: care of log and rows.

They work beside a running `leads up`; when none runs, PostgreSQL is started for as long as needed.
"""

import os
from collections.abc import Callable
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from rich.progress import MofNCompleteColumn, Progress

from services.kit.audit_package import package_of, plain_of, proofs_of, signed, stored_events
from services.kit.keys import KeyRing, MasterKey, SigningKey
from services.kit.migrate import migrate
from services.kit.postgres import connect_pool
from services.kit.settings import Settings, read_settings
from services.kit.verify import verify
from services.local.data_folder import data_folder
from services.local.outside_servers import migrate_outside
from services.local.stack import found_servers
from services.projections.check import check
from services.projections.decoding import Decoder
from services.projections.parking import parked_streams, unpark
from services.projections.rebuild import RebuildRefused, rebuild
from services.projections.registry import BY_NAME

Say = Callable[[str], None]
PROGRESS_EVENTS = 100_000
EVERY = "all"


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


async def check_read_models(say: Say) -> int:
    """Says whether every read model is what the log says; 1 when one is not, with the rows."""
    async with found_servers(data_folder(), say) as (environ, _):
        settings = read_settings(environ)
        checked = await check(settings.database_url, settings.master_key)
    for name, rows in sorted(checked.rows.items()):
        print(f"{name}: {rows:,} rows")
    for difference in checked.differences:
        print(f"DIFFERENT {difference.model} {' '.join(difference.key)}: {difference.what}")
    print(
        f"{checked.differing:,} rows differ from the fold of {checked.events:,} events in"
        f" {checked.streams:,} streams, up to position {checked.position:,}"
    )
    if checked.unsettled:
        print(f"{checked.unsettled:,} streams were left out: erased after that position")
    return 0 if checked.equal else 1


async def rebuild_read_model(name: str, say: Say) -> int:
    """Builds a read model anew and switches to it, or `all`, one after another.

    1 when there is none of that name, or another rebuild is under way.
    """
    if name not in {*BY_NAME, EVERY}:
        say(f"leads: no read model {name}; there are {', '.join(sorted(BY_NAME))}, and {EVERY}")
        return 1
    async with found_servers(data_folder(), say) as (environ, _):
        settings = read_settings(environ)
        with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as shown:
            for each in BY_NAME if name == EVERY else (name,):
                if not await _rebuild(each, settings, shown, say):
                    return 1
    return 0


async def _rebuild(name: str, settings: Settings, shown: Progress, say: Say) -> bool:
    task = shown.add_task(f"rebuilding {name}", total=None)
    try:
        rebuilt = await rebuild(
            name,
            settings.database_url,
            settings.master_key,
            lambda done, total: shown.update(task, completed=done, total=total),
            all_beside=True,
        )
    except RebuildRefused as reason:
        say(f"leads: {reason}")
        return False
    print(f"{name} is now read.{rebuilt.table}, built from {rebuilt.events:,} events")
    return True


async def print_audit_package(lead_id: str, say: Say) -> int:
    """Prints a lead's audit package; 1 when there is no such lead."""
    try:
        stream_id = UUID(lead_id)
    except ValueError:
        say(f"leads: {lead_id} is not the id of a lead")
        return 1
    async with found_servers(data_folder(), say) as (environ, _):
        settings = read_settings(environ)
        pool = await connect_pool(settings.database_url, "leads_query", largest=2)
        try:
            signing = SigningKey(settings.signing_key)
            keys = KeyRing(MasterKey(settings.master_key), pool)
            package = await _package(pool, keys, stream_id, signing)
        finally:
            await pool.close()
    if not package["events"]:
        say(f"leads: there is no lead {lead_id}")
        return 1
    print(orjson.dumps(package, option=orjson.OPT_INDENT_2).decode())
    return 0


async def _package(
    pool: "asyncpg.Pool[asyncpg.Record]", keys: KeyRing, stream_id: UUID, signing: SigningKey
) -> dict[str, Any]:
    events = await stored_events(pool, stream_id)
    proofs = await proofs_of(pool, events)
    plain = plain_of(events, (await keys.load([stream_id])).get(stream_id))
    return signed(package_of(stream_id, events, proofs, plain, signing.public), signing)


async def unpark_streams(say: Say, *, list_only: bool) -> int:
    """Lists what is parked and replays it from the log; 1 when something stays parked."""
    stay = 0
    async with found_servers(data_folder(), say) as (environ, _):
        settings = read_settings(environ)
        pool = await connect_pool(settings.database_url, "leads_projections")
        try:
            decoder = Decoder(KeyRing(MasterKey(settings.master_key), pool))
            for parked in await parked_streams(pool):
                told = f"{parked.stream_id} from version {parked.from_version}"
                why = parked.error if list_only else await unpark(pool, decoder, parked.stream_id)
                stay += why is not None
                print(f"{told}: {why or 'flows again'}")
        finally:
            await pool.close()
    print(f"{stay:,} parked" if stay else "nothing is parked")
    return 0 if list_only or not stay else 1


async def migrate_database(say: Say, *, dry_run: bool, login: str) -> int:
    """Applies the missing migrations, or only names them.

    The embedded server is migrated at every start; this is for the one LEADS_DATABASE_URL names.
    """
    given = os.environ.get("LEADS_DATABASE_URL")
    if given:
        names = await migrate_outside(given, login=login, dry_run=dry_run)
    else:
        async with found_servers(data_folder(), say) as (_, owner_url):
            names = await migrate(owner_url, login=login, dry_run=dry_run)
    verb = "would apply" if dry_run else "applied"
    print(f"{verb}: {', '.join(names)}" if names else "nothing to apply")
    return 0


async def run_sql(statement: str, say: Say) -> int:
    """Runs one statement as the owner; prints rows as JSON lines and says what was done.

    The log refuses changes from the owner too, until its triggers are disabled.
    """
    async with found_servers(data_folder(), say) as (_, owner_url):
        connection = await asyncpg.connect(owner_url)
        try:
            prepared = await connection.prepare(statement)
            for row in await prepared.fetch():
                print(orjson.dumps(dict(row), default=_shown).decode())
            say(prepared.get_statusmsg())
        except asyncpg.PostgresError as refused:
            say(f"leads: {refused}")
            return 1
        finally:
            await connection.close()
    return 0


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
