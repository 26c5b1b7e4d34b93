"""Connections go back to the pool as they are: without a round trip, and without a trace."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import asyncpg
import pytest

from services.kit.migrate import migrate
from services.kit.postgres import close_pool, connect_pool, count_instants
from services.local.postgres import LocalPostgres
from tests.faults.silent_line import SilentLine


async def fail(pool: "asyncpg.Pool[asyncpg.Record]", statement: str) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("set local statement_timeout = '7s'")
        await connection.execute(statement)


async def test_what_was_not_committed_is_gone_with_the_next_user(database_url: str) -> None:
    pool = await connect_pool(database_url, "leads_command", largest=1)
    try:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await fail(pool, "select 1/0")
        assert await pool.fetchval("show statement_timeout") == "30s"
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(fail(pool, "select pg_sleep(5)"), 0.05)
        assert await pool.fetchval("show statement_timeout") == "30s"
    finally:
        await pool.close()


@pytest.mark.parametrize("role", ["leads_command", "leads_projections", "leads_query"])
async def test_a_session_acts_as_its_role_and_waits_for_nothing_for_ever(
    database_url: str, role: str
) -> None:
    pool = await connect_pool(database_url, role)
    try:
        assert await pool.fetchval("select current_user") == role
        assert await pool.fetchval("show idle_in_transaction_session_timeout") == "10s"
    finally:
        await pool.close()


async def test_a_service_waits_for_a_server_that_is_just_starting(tmp_path: Path) -> None:
    server = LocalPostgres(tmp_path, durable=False)
    await server.start()
    try:
        await migrate(server.owner_url, login="leads_app")
        await server.stop()
        connecting = asyncio.ensure_future(connect_pool(server.url, "leads_query"))
        await asyncio.sleep(0.3)
        assert not connecting.done()
        await server.start()
        pool = await connecting
        assert await pool.fetchval("select current_user") == "leads_query"
        await pool.close()
    finally:
        await server.stop()


async def test_a_wrong_address_or_password_is_said_at_once(database_url: str) -> None:
    async with asyncio.timeout(15):
        with pytest.raises(ValueError, match="none"):
            await connect_pool("postgresql://localhost:none/leads", "leads_query")
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect_pool(database_url.replace("@", "x@"), "leads_query")


async def test_instants_that_are_counted_are_the_same(database_url: str) -> None:
    given = [
        datetime(1582, 10, 4, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 10, 0, 0, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, tzinfo=UTC),
    ]
    usual, counting = [await asyncpg.connect(database_url) for _ in range(2)]
    try:
        await count_instants(counting)
        for instant in given:
            as_text = "select ($1::timestamptz at time zone 'UTC')::text"
            shown = await counting.fetchval(as_text, instant)
            assert shown == await usual.fetchval(as_text, instant)
            back = await counting.fetchval("select $1::timestamptz", instant)
            assert (back, back.tzinfo) == (instant, UTC)
        assert await counting.fetchval("select null::timestamptz") is None
    finally:
        await usual.close()
        await counting.close()


async def test_who_names_the_rows_looks_them_up_and_reads_no_whole_table(database_url: str) -> None:
    plans = []
    for by_key in (False, True):
        pool = await connect_pool(database_url, "leads_projections", largest=1, by_key=by_key)
        try:
            async with pool.acquire() as connection:
                await connection.execute(
                    "create temp table kept (id int primary key);"
                    " insert into kept select generate_series(1, 3000); analyze kept;"
                    " create temp table wanted (id int);"
                    " insert into wanted select generate_series(1, 3000); analyze wanted"
                )
                told = await connection.fetch("explain select from wanted join kept using (id)")
                plans.append(" ".join(row[0] for row in told))
        finally:
            await pool.close()
    usual, named = plans
    assert "Nested Loop" not in usual
    assert "Nested Loop" in named
    assert "Index" in named


@pytest.mark.parametrize(("there", "back"), [(False, True), (True, False)])
async def test_what_is_called_off_over_a_silent_line_is_over_soon(
    database_url: str, there: bool, back: bool
) -> None:
    async with SilentLine(database_url).listening() as line:
        pool = await connect_pool(line.url, "leads_query", largest=1)
        line.there, line.back = there, back
        async with asyncio.timeout(10):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await pool.fetchval("select 1")
            line.heal()
            assert await pool.fetchval("select 1") == 1, "another connection takes its place"
            line.there, line.back = there, back
            await close_pool(pool)
