"""Migrations: applied once, in order, under a lock; and what the service roles may not do."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from services.kit import migrate as migrate_module
from services.kit.ids import new_id
from services.kit.migrate import MIGRATIONS, MigrationChanged, migrate, migrations
from services.kit.postgres import connect_pool
from tests.kit.event_logs import SIGNING, append, opened, priority, verdict_on

ALL = [path.stem for path in sorted(MIGRATIONS.glob("*.sql"))]
TABLES = (
    "select table_schema || '.' || table_name from information_schema.tables"
    " where table_schema not in ('pg_catalog', 'information_schema') order by 1"
)


@pytest.fixture
def url(empty_database_url: str) -> str:
    return empty_database_url


async def tables(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [row[0] for row in await connection.fetch(TABLES)]
    finally:
        await connection.close()


def test_no_two_have_one_number() -> None:
    assert [int(name.partition("_")[0]) for name in ALL] == list(range(1, len(ALL) + 1))


async def test_a_dry_run_names_what_is_missing_and_changes_nothing(url: str) -> None:
    assert await migrate(url, dry_run=True) == ALL
    assert await tables(url) == []


async def test_migrating_twice_is_migrating_once(url: str) -> None:
    assert await migrate(url, login="leads_app") == ALL
    before = await tables(url)
    assert "log.events" in before
    assert await migrate(url, login="leads_app") == []
    assert await migrate(url, dry_run=True) == []
    assert await tables(url) == before


async def test_two_migrating_at_once_apply_each_once(url: str) -> None:
    applied = await asyncio.gather(*(migrate(url) for _ in range(3)))
    assert sorted(applied) == [[], [], ALL]


async def test_an_applied_file_that_changed_is_refused(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {"0001_first": "create table first (id int);", "0002_second": "select 1;"}
    for name, text in texts.items():
        (tmp_path / f"{name}.sql").write_text(text)
    monkeypatch.setattr(migrate_module, "migrations", lambda: migrations(tmp_path))
    assert await migrate(url) == list(texts)
    (tmp_path / "0002_second.sql").write_text("select 2;")
    (tmp_path / "0003_third.sql").write_text("create table third (id int);")
    with pytest.raises(MigrationChanged, match="0002_second"):
        await migrate(url)
    with pytest.raises(MigrationChanged, match="0002_second"):
        await migrate(url, dry_run=True)
    assert "public.third" not in await tables(url)


async def test_a_failing_migration_leaves_those_before_it_and_nothing_of_itself(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_good.sql").write_text("create table good (id int);")
    bad = tmp_path / "0002_bad.sql"
    bad.write_text("create table half (id int); select 1/0;")
    monkeypatch.setattr(migrate_module, "migrations", lambda: migrations(tmp_path))
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(url)
    assert await tables(url) == ["public.good", "public.migrations"]
    bad.write_text("create table whole (id int);")
    assert await migrate(url) == ["0002_bad"]


def test_files_are_numbered_without_a_gap() -> None:
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+", name) for name in ALL)
    assert [int(name[:4]) for name in ALL] == list(range(1, len(ALL) + 1))


FORBIDDEN = {
    "update an event": "update log.events set type = type",
    "delete an event": "delete from log.events",
    "truncate events": "truncate log.events",
    "insert an event": "insert into log.events select * from log.events",
    "move a head": "update log.streams set version = 0",
    "forget a command": "delete from log.commands",
    "take a claim": "insert into log.claims values ('k', gen_random_uuid())",
    "bring a key back": "update log.lead_keys set wrapped = 'x'",
    "change a seal": "update log.roots set root = root",
    "remove a seal": "delete from log.roots",
    "switch triggers off": "set session_replication_role = replica",
    "drop the trigger": "drop trigger events_append_only on log.events",
    "drop the log": "drop schema log cascade",
    "become the owner": "set role leads",
}


@pytest.mark.parametrize("what", FORBIDDEN)
async def test_no_service_role_may(database_url: str, what: str) -> None:
    async with opened(database_url) as log:
        await log.append(append(new_id(), 0, priority(1)))
    for role in ("leads_command", "leads_projections", "leads_query"):
        pool = await connect_pool(database_url, role)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(FORBIDDEN[what])
        finally:
            await pool.close()


async def test_only_the_command_role_may_append(database_url: str) -> None:
    for role in ("leads_projections", "leads_query"):
        pool = await connect_pool(database_url, role)
        try:
            may = await pool.fetchval(
                "select bool_or(has_function_privilege(p.oid, 'execute')) from pg_proc p"
                " join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'log'"
                " and p.prosecdef"
            )
            assert may is False
        finally:
            await pool.close()


@pytest.mark.parametrize(
    "statement",
    [
        "update log.events set type = 'x'",
        "delete from log.events",
        "truncate log.events",
        "update log.roots set key_id = 'x'",
        "delete from log.roots",
        "truncate log.roots",
    ],
)
async def test_even_the_owner_is_told_that_the_log_is_append_only(
    database_url: str, owner_url: str, statement: str
) -> None:
    async with opened(database_url) as log:
        await log.append(append(new_id(), 0, priority(1)))
        await log.pool.execute(
            "insert into log.roots (last_position, first_position, root, head, signature, key_id)"
            " values (1, 1, '', '', '', $1)",
            SIGNING.key_id,
        )
    owner = await asyncpg.connect(owner_url)
    try:
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await owner.execute(statement)
    finally:
        await owner.close()


async def test_the_owner_url_verifies_a_log_it_did_not_write(
    database_url: str, owner_url: str
) -> None:
    async with opened(database_url) as log:
        await log.append(append(new_id(), 0, priority(1)))
    assert (await verdict_on(owner_url)).events == 1
