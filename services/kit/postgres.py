"""PostgreSQL as we use it: a pool under one of the least-privileged roles, every wait bounded, one
list of retryable faults.
"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import asyncpg

START_SECONDS = 20.0
RETRY_SECONDS = 0.1
ACQUIRE_SECONDS = 5.0
CLOSE_SECONDS = 0.5
CANCEL_SECONDS = 1.0
COMMAND_SECONDS = 30.0

RETRYABLE: tuple[type[Exception], ...] = (
    ConnectionError,
    OSError,
    asyncio.TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    # The driver's complaint about a line on which the server has just said farewell.
    asyncpg.InternalClientError,
)
"""What a restart, a killed backend or a cut line looks like.

The statement may or may not have happened.
"""


_FIRST = datetime(2000, 1, 1, tzinfo=UTC)


async def count_instants(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let this connection read and write instants as PostgreSQL counts them, in microseconds.

    The values are the same, in half the time: for those who move a great many. Not for infinity.
    """
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=_tuple_of,
        decoder=_instant_of,
    )


def count_of(instant: datetime) -> int:
    """Return an instant as PostgreSQL counts it."""
    since = instant - _FIRST
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _tuple_of(instant: datetime) -> tuple[int]:
    return (count_of(instant),)


@lru_cache(maxsize=4096)  # events that were appended together have their time in common
def _instant_of(count: tuple[int]) -> datetime:
    return _FIRST + timedelta(microseconds=count[0])


class _Impatient(asyncpg.Connection):  # type: ignore[misc]  # the driver has no types
    """A connection that hangs up when a statement cannot be called off in a second.

    The driver would wait for the server to say that it is called off, up to the whole time a
    statement may take: over a line that has fallen silent no deadline of ours would hold.
    """

    async def _cancel(self, *waiters: "asyncio.Future[None]") -> None:
        late = asyncio.get_running_loop().call_later(CANCEL_SECONDS, self.terminate)
        try:
            await super()._cancel(*waiters)
        finally:
            late.cancel()


async def _as_it_is(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    """Leave no round trip for a reset: sessions of ours keep no setting, lock or listener.

    The driver has rolled back what was not committed.
    """


async def connect_pool(
    database_url: str,
    role: str,
    *,
    smallest: int = 1,
    largest: int = 8,
    statement_timeout_ms: int = 30_000,
    plan_cache_mode: str = "auto",
    by_key: bool = False,
) -> "asyncpg.Pool[asyncpg.Record]":
    """Open a pool whose sessions act as `role`: leads_command, leads_projections,
    leads_query or leads_sight.

    Waits up to 20 s for a server that is just starting, and at most 5 s for a connection later.
    Sessions idle in a transaction for 10 s are ended by the server, so that no forgotten one holds
    up cleaning. `plan_cache_mode` "force_custom_plan" is for statements whose best plan depends on
    their values. `by_key` is for sessions that name every row they touch: what is joined is looked
    up row by row, never by reading a whole table, however few rows the planner believes it has.
    """
    joins = {"enable_hashjoin": "off", "enable_mergejoin": "off"} if by_key else {}
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return await asyncpg.create_pool(
                database_url,
                min_size=smallest,
                max_size=largest,
                timeout=ACQUIRE_SECONDS,
                command_timeout=COMMAND_SECONDS,
                reset=_as_it_is,
                connection_class=_Impatient,
                server_settings={
                    "role": role,
                    "application_name": role,
                    "statement_timeout": str(statement_timeout_ms),
                    "idle_in_transaction_session_timeout": "10000",
                    "jit": "off",
                    "plan_cache_mode": plan_cache_mode,
                    **joins,
                },
            )
        except RETRYABLE as error:
            # A ValueError is a wrong address, which waiting does not mend.
            if isinstance(error, ValueError) or time.monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)


async def close_pool(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    """Close the pool in order; a server that does not take its leave is not waited for."""
    try:
        await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
    except (*RETRYABLE, asyncpg.PostgresError):
        pool.terminate()
