"""What an outage comes to: an answer that says come again, a client that is let go."""

import asyncio
import errno

import asyncpg
import pytest

from services.kit.append import OutcomeUnknown, OutOfSpace
from services.kit.disconnecting import disconnect
from services.kit.outage import problem_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (asyncpg.DiskFullError("could not write to temporary file"), 507),
        (OSError(errno.ENOSPC, "No space left on device"), 507),
        (OutOfSpace(), 507),
        (ConnectionRefusedError(), 503),
        (OSError("Multiple exceptions: [Errno 111] Connect call failed"), 503),
        (TimeoutError(), 503),
        (OutcomeUnknown(), 503),
        (asyncpg.CannotConnectNowError("the database system is in recovery mode"), 503),
        (asyncpg.TooManyConnectionsError("sorry, too many clients already"), 503),
        (asyncpg.OutOfMemoryError("out of memory"), 503),
        # Ours, whatever they derive from.
        (asyncpg.DataError("invalid input for query argument"), None),
        (PermissionError(), None),
        (FileNotFoundError(), None),
        (asyncpg.UndefinedTableError("no such table"), None),
        (KeyError(), None),
    ],
)
def test_an_outage_is_told_from_a_mistake(error: Exception, status: int | None) -> None:
    problem = problem_of(error)
    assert (None if problem is None else problem.status) == status
    if problem is not None:
        assert problem.retryable
        assert "again" in problem.detail


async def test_a_client_that_ends_with_a_cancellation_of_its_own_cancels_nobody() -> None:
    async def stop() -> None:
        raise asyncio.CancelledError

    await disconnect(stop(), 5)


async def test_a_client_that_does_not_stop_is_not_waited_for() -> None:
    async def stop() -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(5):
        await disconnect(stop(), 0.01)


async def test_who_is_cancelled_while_disconnecting_is_cancelled() -> None:
    disconnecting = asyncio.ensure_future(disconnect(asyncio.Event().wait(), 60))
    await asyncio.sleep(0)
    disconnecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await disconnecting
