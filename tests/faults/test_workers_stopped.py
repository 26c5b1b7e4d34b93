"""Workers that stop in the middle: a zombie that wakes up late, an event that cannot be read, the
same events delivered again.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from services.kit.eventlog import EventLog
from services.kit.keys import KeyRing
from services.kit.postgres import connect_pool
from services.projections.decoding import Decoder
from services.projections.leases import LEASE_SECONDS
from services.projections.parking import parked_streams, unpark
from tests.conftest import PostgresServer
from tests.faults.child import child, on_log
from tests.faults.test_relay_and_projections_killed import WORKER
from tests.kit.event_logs import MASTER, note, opened, tampering
from tests.read_models.working import (
    Story,
    a_call,
    assert_equal_to_log,
    checked,
    rows,
    settled,
    until,
)

HELD = "select count(*) from read.offsets where owner is not null and lease_until > now()"


@pytest.fixture
def environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What a worker is given that reads the log itself."""
    return {**on_log(database_url), "LEADS_DATA_DIR": str(tmp_path)}


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


@asynccontextmanager
async def stopped(worker: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """The process stands still inside, as a machine that was frozen."""
    worker.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        worker.send_signal(signal.SIGCONT)


async def test_a_zombie_that_wakes_up_late_writes_nothing_old(
    log: EventLog, environ: dict[str, str], database_url: str
) -> None:
    story = Story(log)
    leads = await story.leads(30, calls=1)
    async with child(WORKER, environ) as zombie:
        await settled(log)
        # Frozen in the middle of work, so that it wakes up with a batch in its hands.
        await story.tell(*((one, a_call(2)) for one in leads))
        async with stopped(zombie), child(WORKER, environ):
            await story.tell(*((one, a_call(3)) for one in leads))
            async with asyncio.timeout(LEASE_SECONDS * 3):
                await settled(log)
            for number in range(4, 8):
                await story.tell(*((one, a_call(number)) for one in leads))
            await settled(log)
            zombie.send_signal(signal.SIGCONT)
            for number in range(8, 12):
                await story.tell(*((one, a_call(number)) for one in leads))
            await settled(log)
        assert zombie.returncode is None, "it goes on as one worker of two, and now alone"
        await story.tell(*((one, a_call(12)) for one in leads))
        await settled(log)
    found = await assert_equal_to_log(database_url)
    assert found.rows["lead_log"] == 30 * 13


async def test_an_event_that_cannot_be_opened_parks_its_lead_until_it_is_mended(
    log: EventLog, environ: dict[str, str], database_url: str, postgres: PostgresServer,
    database: str,
) -> None:  # fmt: skip
    story = Story(log)
    bad, good = await story.leads(2)
    await story.tell((bad, note("before")), (good, note("before")))
    broken = "personal = set_byte(personal, 20, get_byte(personal, 20) # 1)"
    spoil = f"update log.events set {broken} where stream_id = $1 and version = 2"
    async with tampering(postgres.url("postgres", database)) as intruder:
        await intruder.execute(spoil, bad)
        async with child(WORKER, environ):
            await story.tell((bad, a_call(1)), (good, a_call(1)))
            await settled(log)
            pool = await connect_pool(database_url, "leads_projections", largest=3)
            try:
                (parked,) = await parked_streams(pool)
                assert (parked.stream_id, parked.from_version) == (bad, 2)
                assert await versions(database_url) == {bad: 1, good: 3}
                assert await unpark(pool, Decoder(KeyRing(MASTER, pool)), bad), "not yet mended"
                await intruder.execute(spoil, bad)  # the same bit again: as it was
                assert await unpark(pool, Decoder(KeyRing(MASTER, pool)), bad) is None
            finally:
                await pool.close()
            await story.tell((bad, a_call(2)))
            await settled(log)
    assert await versions(database_url) == {bad: 4, good: 3}
    assert (await checked(database_url)).equal


async def versions(url: str) -> dict[object, object]:
    return dict(await rows(url, "select lead_id, version from read.lead"))


async def test_everything_delivered_again_changes_nothing(
    log: EventLog, environ: dict[str, str], database_url: str, owner_url: str
) -> None:
    """Offsets set back under a working worker: it reads all again, and nothing counts twice."""
    story = Story(log)
    leads = await story.leads(20, calls=3)
    seen = "select lead_id, version, call_attempts from read.lead order by 1"
    async with child(WORKER, environ):
        await settled(log)
        before = await rows(owner_url, seen)
        owner = await asyncpg.connect(owner_url)
        try:
            for _ in range(3):
                await owner.execute(
                    "update read.offsets set next_offset = 0, epoch = epoch + 1, owner = null,"
                    " lease_until = '-infinity'"
                )
                await until(lambda: reread(owner), "read to the end again")
        finally:
            await owner.close()
        assert await rows(owner_url, seen) == before
        await story.tell(*((one, a_call(9)) for one in leads))
        await settled(log)
    found = await assert_equal_to_log(database_url)
    assert found.rows["lead_log"] == 20 * 5


async def reread(owner: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether every partition with events is read to its last event again."""
    behind = await owner.fetchval("select count(*) from read.offsets where next_offset < position")
    return bool(behind == 0)
