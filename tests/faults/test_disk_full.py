"""Full disks under load: the broker's, the database's, its WAL's. Nothing acknowledged is lost, who
asks hears what is the matter, and with space all goes on by itself.
"""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from tests.faults.checkers import five_checks
from tests.faults.cluster import Cluster, cluster
from tests.faults.small_disk import SmallDisk, small_disk
from tests.faults.workload import Workload

pytestmark = pytest.mark.timeout(400)
MIB_DATABASE, MIB_BROKER = 192, 64
SECONDS = 90


async def until(happened: Callable[[], object], what: str) -> None:
    """Wait for something to be seen."""
    try:
        async with asyncio.timeout(SECONDS):
            while not happened():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never seen: {what}") from None


async def more_answers(work: Workload, count: int) -> None:
    """Wait until so many more commands are answered for good."""
    wanted = len(work.answers) + count
    await until(lambda: len(work.answers) >= wanted, f"{count} more answers; {work.troubles}")


async def full_broker(running: Cluster, work: Workload, disk: SmallDisk) -> None:
    """The broker ends; commands go on being taken."""
    supervisor = running.stack.servers.supervisor
    starts = supervisor.starts("kafka")
    disk.fill()
    await until(lambda: supervisor.starts("kafka") > starts, "the broker's end")
    troubles = sum(work.troubles.values())
    await more_answers(work, 20)
    assert sum(work.troubles.values()) == troubles, "commands do not need the broker"
    disk.free()


async def full_database(running: Cluster, work: Workload, disk: SmallDisk) -> None:
    """Commands are answered 507, and reads as ever; then not even the WAL can be written."""
    password = (running.folder / "postgres" / "postgres.password").read_text().strip()
    connection = await asyncpg.connect(running.owner_url, user="postgres", password=password)
    disk.fill()
    if disk.mounted:
        await until(lambda: work.troubles[507, "out-of-space"], "a full disk")
        async with running.client() as client:
            assert (await client.get("/v1/leads")).status_code == 200
            assert (await client.get("/readyz")).status_code == 200
        with pytest.raises((asyncpg.PostgresError, ConnectionError, asyncpg.InterfaceError)):
            await write_ahead(connection)
    supervisor = running.stack.servers.supervisor
    starts = supervisor.starts("postgres")
    await until(lambda: supervisor.starts("postgres") > starts, "the server's end")
    await until(
        lambda: any(status == 503 for status, _ in work.troubles), "an answer without a database"
    )
    disk.free()


async def write_ahead(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Fill one file of the WAL after the other, until there is no room for the next."""
    while True:
        await connection.execute("select pg_logical_emit_message(false, '', '')")
        await connection.execute("select pg_switch_wal()")


async def test_full_disks_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    choices = random.Random(14)
    with (
        small_disk(tmp_path / "postgres", MIB_DATABASE) as database_disk,
        small_disk(tmp_path / "kafka", MIB_BROKER) as broker_disk,
    ):
        async with cluster(tmp_path, monkeypatch) as running:
            supervisor = running.stack.servers.supervisor
            database_disk.server = lambda: supervisor.pid("postgres")
            broker_disk.server = lambda: supervisor.pid("kafka")
            work = Workload(running, choices)

            async def faults() -> None:
                await more_answers(work, 20)
                if running.stack.servers.transport == "kafka":
                    await full_broker(running, work, broker_disk)
                await full_database(running, work, database_disk)
                await more_answers(work, 20)

            await work.during(faults())
            assert {status for status, _ in work.troubles} <= {503, 507}, work.troubles
            await five_checks(running, work)
