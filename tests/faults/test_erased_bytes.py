"""What is erased is nowhere in clear: every byte of tables, indexes, topic and log lines is read.

The same look finds the planted values before they are erased, so it can fail.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson
import pytest

from services.command.bulk.runner import RUNNER
from services.command.exports.clerk import Clerk
from services.command.intake_batch import Intake
from services.command.intake_payload import Arrival
from services.kit import telemetry
from services.kit.clock import SystemClock
from tests.conftest import PostgresServer
from tests.containers import containers_asked_for
from tests.contract.bulk_service import Bulk
from tests.contract.command_service import NORTH, Service, running
from tests.contract.export_service import beside
from tests.contract.import_service import Imports
from tests.contract.test_dnc_file import Desk
from tests.kit.event_logs import verdict_on
from tests.read_models.working import assert_equal_to_log, kafka_feed, relaying, settled, working

PHONE, SECOND = "+14155557431", "+14155557862"
PLANTED = {
    "number": b"4155557431", "second number": b"4155557862", "name": b"Quillonius",
    "note": b"xanthippeum", "body": b"borogoves", "payload": b"jabberwockian",
}  # fmt: skip
CLEAR_IN_TABLES = {"number", "second number", "name", "note", "body", "payload"}


@dataclass
class Place:
    """A database on a server of the tests, and where its bytes are."""

    superuser: str
    data: Path
    oid: int

    def files(self, folder: str) -> list[Path]:
        return [path for path in (self.data / folder).rglob("*") if path.is_file()]

    def found(self, paths: list[Path]) -> set[str]:
        """Which planted values stand in these files, in any case."""
        told: set[str] = set()
        for path in paths:
            raw = path.read_bytes().lower()
            told |= {name for name, value in PLANTED.items() if value.lower() in raw}
        return told

    async def run(self, *statements: str) -> None:
        connection = await asyncpg.connect(self.superuser)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def in_tables(self) -> set[str]:
        await self.run("checkpoint")
        return self.found(self.files(f"base/{self.oid}"))

    def in_wal(self) -> set[str]:
        return self.found(self.files("pg_wal"))


@pytest.fixture
async def place(
    postgres: PostgresServer, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Place:
    if containers_asked_for():
        pytest.skip("the files of a container are not ours to read")
    superuser = postgres.url("postgres", database)
    connection = await asyncpg.connect(superuser)
    try:
        found = tmp_path_factory.getbasetemp().glob("postgres*/**/global/pg_control")
        data = next(found).parents[1]
        oid = await connection.fetchval(
            "select oid from pg_database where datname = current_database()"
        )
    finally:
        await connection.close()
    return Place(superuser, data, oid)


@pytest.fixture
def access_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a line is written for every request."""
    path = tmp_path / "access.log"
    with path.open("wb") as lines:
        monkeypatch.setattr(telemetry, "_access", telemetry.AccessLog("test", lines))
        yield path


async def plant(service: Service) -> str:
    """Put the person everywhere a person can be; return the lead."""
    campaign = await service.campaign()
    contact = {"phone": SECOND, "fields": {}}
    lead = await service.lead(
        campaign, phone=PHONE, fields={"name": "Ann Quillonius"}, contacts=[contact]
    )
    path = f"/v1/leads/{lead}"
    await service.done(path + "/add-note", {"text": "likes xanthippeum"}, idempotency_key="n1")
    await service.done(path + "/send-sms", {"body": "borogoves for Quillonius"})
    told = {
        "message_id": "in", "channel": "sms", "direction": "in", "address": PHONE,
        "sent_at": "2026-03-02T10:00:00Z", "body": "borogoves!",
    }  # fmt: skip
    await service.done(path + "/record-message", told)
    change = {"set": {"name": "Anna Quillonius"}}
    await service.done(path + "/update-fields", change, idempotency_key="k1")
    refused = {"phone": PHONE, "campaign_id": campaign}
    assert (await service.post("/v1/leads", refused, idempotency_key="k2")).status_code == 409
    call = {
        "call_id": "c1", "lead_id": lead, "number": PHONE, "started_at": "2026-03-02T09:00:00Z",
        "end_cause": "Busy", "transcript": "Quillonius here",
    }  # fmt: skip
    lost = {**call, "call_id": "c2", "lead_id": str(UUID(int=7)), "transcript": "jabberwockian"}
    intake = Intake(service.commanding.log, service.commanding.states, service.clock)
    outcomes = await intake.take_in(
        [Arrival(orjson.dumps(one), "http", "http") for one in (call, lost)], RUNNER
    )
    assert [one.kind for one in outcomes] == ["recorded", "quarantined"]
    entry = {"number": PHONE, "scope": "global", "reason": "asked"}
    await service.done("/v1/do-not-call/add", entry)
    return lead


async def in_jobs(service: Service, url: str, lead: str) -> None:
    """Put the person into files, one done and one that waits, and into a bulk job."""
    desk = Desk(service)
    await desk.done(f"{PHONE}\n{SECOND}\nQuillonius\n".encode())
    await desk.planned(f"{PHONE};Quillonius\n".encode())
    imports = Imports(service)
    imports.campaign = await service.campaign(fields=[])
    raw = f"phone,name\n{PHONE},Cy Quillonius\n4155557431,Quillonius {SECOND}\n".encode()
    done = await imports.done(raw, "&file_name=Quillonius.csv", pool_name="Persons")
    assert (done["result"]["created"], done["result"]["refused"]) == (1, 1), done
    await imports.previewed(await imports.mapped(raw, pool_name="Persons"))
    job = await Bulk(service, url).done([lead], "UpdateFields", set={"name": "Bea Quillonius"})
    assert job["result"]["applied"] == 1, job


async def in_export(service: Service, url: str) -> None:
    """Put the person into a file of leads, and the number into the filter it was asked for by."""
    await settled(service.commanding.log)
    named = {"op": "equals", "field": "phone", "value": PHONE}
    async with beside(service, url) as exports:
        export = await exports.done(filter=named, contacts=True)
        assert "Quillonius" in str(await exports.file(export))


@pytest.mark.timeout(600)
async def test_an_erased_person_is_nowhere_in_clear_and_stays_blocked(
    database_url: str,
    place: Place,
    kafka: str,
    topic_prefix: str,
    tmp_path_factory: pytest.TempPathFactory,
    access_log: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    feed = kafka_feed(kafka, topic_prefix)
    topics = [path for path in tmp_path_factory.getbasetemp().glob("kafka*") if path.is_dir()]
    async with (
        running(database_url, frozenset({"sms"})) as service,
        relaying(database_url, kafka, topic_prefix),
        working(database_url, feed),
    ):
        service.clock.at = SystemClock().now()
        log = service.commanding.log
        lead = await plant(service)
        await in_jobs(service, database_url, lead)
        await in_export(service, database_url)
        await settled(log)
        before = await place.in_tables()
        assert before == CLEAR_IN_TABLES, "the look finds what read models hold in clear"
        assert place.in_wal() == CLEAR_IN_TABLES

        await service.done("/v1/do-not-call/erase-number", {"number": PHONE, "reason": "asked"})
        await service.done("/v1/do-not-call/erase-number", {"number": SECOND, "reason": "asked"})
        await Clerk(service.commanding, service.clock).step()
        assert await log.pool.fetchval("select count(*) from job.export_pieces") == 0
        await settled(log)
        await assert_equal_to_log(database_url)
        async with log.pool.acquire() as connection, connection.transaction():
            await connection.execute("set local role leads_query")
            for table in ("lead", "lead_log", "dnc", "quarantine", "lead_search", "export_job"):
                rows = str([tuple(row) for row in await connection.fetch(
                    f"select * from read.{table}")]).lower()  # fmt: skip
                assert not [one for one in PLANTED.values() if one.decode().lower() in rows]

        await place.run("vacuum (full, analyze)")
        assert await place.in_tables() == set()
        # Statistics, temporary and global files, and what the broker keeps.
        rest = [*place.files("global"), *place.files("pg_stat"), *place.files("pg_xact")]
        assert place.found(rest) == set()
        segments = [path for folder in topics for path in folder.rglob("*.log")]
        assert segments
        assert place.found(segments) == set()
        said = "".join(capfd.readouterr()).lower() + access_log.read_text().lower()
        assert "/erase-number" in said
        assert not [one for one in PLANTED.values() if one.decode().lower() in said]

        await wal_forgets(place)
        campaign = await service.campaign(name="Later")
        again = await service.lead(campaign, phone=PHONE, owner=NORTH)
        refused = await service.post(f"/v1/leads/{again}/start-call", {"call_id": "c9"})
        assert "do-not-call-global" in refused.text
    assert (await verdict_on(place.superuser)).ok, "the chain over ciphertext still verifies"


async def wal_forgets(place: Place) -> None:
    """Segments are removed, not used again, with wal_recycle off: two checkpoints later no clear
    text is left in them.
    """
    await place.run("alter system set wal_recycle = off", "select pg_reload_conf()")
    try:
        await place.run("select pg_switch_wal()", "checkpoint")
        async with asyncio.timeout(60):
            while place.in_wal():
                await place.run("select pg_switch_wal()", "checkpoint")
    finally:
        await place.run("alter system reset wal_recycle", "select pg_reload_conf()")
