"""Connections go back to the pool as they are: without a round trip, and without a trace."""

import asyncio

import asyncpg
import pytest

from services.kit.postgres import connect_pool


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
