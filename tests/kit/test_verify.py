"""Verification names the first event that is not what was written, whatever was done to the log."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import orjson
import pytest

from services.kit.clock import FixedClock
from services.kit.codec import READ_EVENTS, StoredEvent, link
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import SigningKey
from services.kit.seal import Sealer, merkle_root, next_head
from tests.conftest import PostgresServer
from tests.kit.event_logs import (
    SIGNING,
    WHEN,
    Connection,
    append,
    lead,
    note,
    opened,
    priority,
    tampering,
    verdict_on,
)

SEGMENT = 4


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


@pytest.fixture
async def leads(log: EventLog) -> list[UUID]:
    """Three leads, seven events, by position: a1 a2 b1 c1 a3 b2 b3; two have personal fields."""
    a, b, c = new_id(), new_id(), new_id()
    await log.append(append(a, 0, lead(), note("first")))
    await log.append(append(b, 0, priority(1)))
    await log.append(append(c, 0, lead()))
    await log.append(append(a, 2, priority(2)))
    await log.append(append(b, 1, priority(3), priority(4)))
    return [a, b, c]


@pytest.fixture
def superuser_url(postgres: PostgresServer, database: str) -> str:
    return postgres.url("postgres", database)


@pytest.fixture
async def intruder(superuser_url: str) -> AsyncIterator[Connection]:
    async with tampering(superuser_url) as connection:
        yield connection


async def seal(log: EventLog, anchor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seals all there is, in segments of SEGMENT events, the last one shorter."""
    monkeypatch.setattr("services.kit.seal.SEGMENT_EVENTS", SEGMENT)
    clock = FixedClock(WHEN)
    sealer = Sealer(log.pool, SIGNING, clock, anchor)
    while (
        await log.pool.fetchval("select coalesce(max(last_position), 0) from log.roots")
        < await log.head()
    ):
        if await sealer.step() is None:
            clock.at = clock.at.replace(hour=clock.at.hour + 1)


async def test_a_log_as_written_is_good(
    log: EventLog,
    leads: list[UUID],
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchor = tmp_path / "anchor"
    await seal(log, anchor, monkeypatch)
    heard: list[int] = []
    verdict = await verdict_on(owner_url, anchor=anchor, progress=heard.append)
    assert verdict.ok, verdict.fault
    assert (verdict.events, verdict.streams, verdict.seals, verdict.sealed_to) == (7, 3, 2, 7)
    assert heard == [7]


async def test_an_empty_log_is_good(owner_url: str) -> None:
    assert (await verdict_on(owner_url)).ok


CHANGED = {
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "happened_at": "happened_at + interval '1 microsecond'",
    "stream_id": "gen_random_uuid()",
    "version": "version + 100",
    "schema_version": "schema_version + 1",
    "type": "type || 'x'",
    "hash": "set_byte(hash, 31, get_byte(hash, 31) # 1)",
    "data": "set_byte(data, 0, get_byte(data, 0) # 1)",
    "meta": "set_byte(meta, 0, get_byte(meta, 0) # 1)",
    "personal": "set_byte(personal, 0, get_byte(personal, 0) # 1)",
    "position": "position + 1000",
}


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize("column", CHANGED)
async def test_one_changed_byte_in_any_column_is_found(
    intruder: Connection, owner_url: str, column: str
) -> None:
    changed = await intruder.execute(
        f"update log.events set {column} = {CHANGED[column]} where position = 2"
    )
    assert changed == "UPDATE 1"
    verdict = await verdict_on(owner_url)
    if column == "position":
        assert "/1 (lead.priority_changed) at position 3 follows position 1" in verdict.fault
    else:
        assert "at position 2" in verdict.fault


async def test_every_column_is_covered(intruder: Connection) -> None:
    """A column added later needs its place in the hash, and its line above."""
    rows = await intruder.fetch(
        "select column_name from information_schema.columns"
        " where table_schema = 'log' and table_name = 'events'"
    )
    assert {row["column_name"] for row in rows} == set(CHANGED)


@pytest.mark.usefixtures("leads")
async def test_a_personal_text_removed_without_erasure_is_found(
    intruder: Connection, owner_url: str
) -> None:
    await intruder.execute("update log.events set personal = null where position = 2")
    assert "at position 2 was changed" in (await verdict_on(owner_url)).fault


@pytest.mark.usefixtures("leads")
async def test_a_deleted_event_is_found(intruder: Connection, owner_url: str) -> None:
    await intruder.execute("delete from log.events where position = 3")
    fault = (await verdict_on(owner_url)).fault
    assert "at position 4 follows position 2: events between are missing" in fault


async def test_a_deleted_event_with_all_positions_closed_up_is_found(
    intruder: Connection, owner_url: str, leads: list[UUID]
) -> None:
    await intruder.execute("delete from log.events where position = 2")
    await intruder.execute("update log.events set position = -position where position > 2")
    await intruder.execute("update log.events set position = -position - 1 where position < 0")
    assert "at position 2 was changed" in (await verdict_on(owner_url)).fault


@pytest.mark.usefixtures("leads")
@pytest.mark.parametrize(("first", "second"), [(1, 4), (6, 7), (2, 3)])
async def test_swapped_events_are_found(
    intruder: Connection, owner_url: str, first: int, second: int
) -> None:
    """Of two streams and of one, by position only or with their versions too."""
    await intruder.execute(
        "update log.events set position = case position when $1 then -$2 else -$1 end"
        " where position in ($1, $2)",
        first,
        second,
    )
    await intruder.execute("update log.events set position = -position where position < 0")
    assert f"at position {first}" in (await verdict_on(owner_url)).fault


async def test_swapped_contents_are_found(
    intruder: Connection, owner_url: str, leads: list[UUID]
) -> None:
    await intruder.execute(
        "update log.events e set data = other.data from log.events other"
        " where (e.position, other.position) in ((6, 7), (7, 6))"
    )
    assert "at position 6 was changed" in (await verdict_on(owner_url)).fault


async def test_a_cut_tail_is_found_by_the_stream_that_ends_too_early(
    intruder: Connection, owner_url: str, leads: list[UUID]
) -> None:
    await intruder.execute("delete from log.events where position >= 6")
    fault = (await verdict_on(owner_url)).fault
    assert fault == f"stream {leads[1]} ends at version 1, not 3"


async def rewind_heads(connection: Connection) -> None:
    """Makes the heads of all streams fit the events that are there."""
    await connection.execute("delete from log.streams")
    await connection.execute(
        "insert into log.streams select distinct on (stream_id) stream_id, version, hash, 'lead'"
        " from log.events order by stream_id, version desc"
    )


async def test_a_cut_tail_is_found_by_the_seals(
    log: EventLog,
    leads: list[UUID],
    intruder: Connection,
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even when the heads were made to fit; and by the anchor when the seals went too."""
    anchor = tmp_path / "anchor"
    await seal(log, anchor, monkeypatch)
    await intruder.execute("delete from log.events where position >= 6")
    await rewind_heads(intruder)
    assert "ends at position 5 but was sealed up to 7" in (await verdict_on(owner_url)).fault
    await intruder.execute("delete from log.roots where last_position > 4")
    assert (await verdict_on(owner_url)).ok
    fault = (await verdict_on(owner_url, anchor=anchor)).fault
    assert "ends at position 5; a seal kept outside goes to 7" in fault


async def rewrite(connection: Connection) -> None:
    """Changes the first event and makes every later hash and head fit: the chain alone is blind."""
    await connection.execute(
        "update log.events set data = convert_to('{}', 'UTF8') where position = 3"
    )
    heads: dict[UUID, bytes] = {}
    for row in await connection.fetch(READ_EVENTS + " order by position"):
        stored = StoredEvent._make(row)
        heads[stored.stream_id] = link(heads.get(stored.stream_id, b""), stored)
        await connection.execute(
            "update log.events set hash = $1 where position = $2",
            heads[stored.stream_id],
            stored.position,
        )
    await rewind_heads(connection)


async def forge_seals(connection: Connection, key: SigningKey) -> None:
    """Seals the rewritten log anew with a key of the intruder's."""
    head = b""
    for seal in await connection.fetch(
        "select first_position, last_position from log.roots order by 1"
    ):
        first, last = seal
        hashes = await connection.fetch(
            "select hash from log.events where position between $1 and $2 order by position",
            first,
            last,
        )
        root = merkle_root([row["hash"] for row in hashes])
        head = next_head(head, first, last, root)
        await connection.execute(
            "update log.roots set root = $1, head = $2, signature = $3 where last_position = $4",
            root,
            head,
            key.sign(head),
            last,
        )


async def test_a_rewritten_log_is_found_by_its_seals(
    log: EventLog,
    leads: list[UUID],
    intruder: Connection,
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchor = tmp_path / "anchor"
    await rewrite(intruder)
    assert (await verdict_on(owner_url)).ok, "a rewrite before any seal cannot be told"
    await seal(log, anchor, monkeypatch)
    await intruder.execute(
        "update log.events set data = convert_to('{\"x\":1}', 'UTF8') where position = 1"
    )
    await rewrite(intruder)
    fault = (await verdict_on(owner_url)).fault
    assert fault.startswith("the seal over events 1 to 4 does not fit")
    await forge_seals(intruder, SigningKey(bytes(32)))
    fault = (await verdict_on(owner_url)).fault
    assert fault == "the seal over events 1 to 4 is not signed by this log's key"
    await forge_seals(intruder, SIGNING)
    assert (await verdict_on(owner_url)).ok, "with the key stolen only the anchor tells"
    fault = (await verdict_on(owner_url, anchor=anchor)).fault
    assert fault == "the seal over events 1 to 4 differs from the one kept outside the database"
    await intruder.execute("delete from log.roots")
    fault = (await verdict_on(owner_url, anchor=anchor)).fault
    assert fault == "the seal over the events up to 4 is kept outside but was removed here"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("root = sha256('x')", "does not fit"),
        ("head = sha256('x')", "does not fit"),
        ("first_position = 2", "does not fit"),
        ("signature = sha512('x')", "is not signed by this log's key"),
        ("key_id = 'another'", "is not signed by this log's key"),
    ],
)
async def test_a_changed_seal_is_found(
    log: EventLog,
    leads: list[UUID],
    intruder: Connection,
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
    fault: str,
) -> None:
    await seal(log, tmp_path / "anchor", monkeypatch)
    await intruder.execute(f"update log.roots set {change} where last_position = 4")
    verdict = await verdict_on(owner_url)
    assert verdict.fault.startswith("the seal over events 1 to 4")
    assert fault in verdict.fault


async def test_a_seal_that_moved_or_is_missing_is_found(
    log: EventLog,
    leads: list[UUID],
    intruder: Connection,
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await seal(log, tmp_path / "anchor", monkeypatch)
    await intruder.execute("delete from log.roots where last_position = 4")
    assert "events 1 to 7 does not fit" in (await verdict_on(owner_url)).fault


@pytest.mark.usefixtures("leads")
async def test_an_invented_event_is_found(intruder: Connection, owner_url: str) -> None:
    await intruder.execute(
        "insert into log.events (position, recorded_at, happened_at, stream_id, version,"
        " schema_version, type, hash, data, meta)"
        " select 8, recorded_at, happened_at, gen_random_uuid(), 1, schema_version, type, hash,"
        " data, meta from log.events where position = 7"
    )
    assert "at position 8 was changed" in (await verdict_on(owner_url)).fault


async def test_a_stream_without_its_head_is_found(
    intruder: Connection, owner_url: str, leads: list[UUID]
) -> None:
    await intruder.execute("delete from log.streams where stream_id = $1", leads[2])
    assert (await verdict_on(owner_url)).fault == "3 streams have events, 2 have a head"


async def test_an_anchor_of_another_key_is_a_fault(
    log: EventLog, leads: list[UUID], owner_url: str, tmp_path: Path
) -> None:
    head = bytes(32)
    line = {"last_position": 7, "head": head.hex(), "signature": SigningKey(head).sign(head).hex()}
    anchor = tmp_path / "anchor"
    anchor.write_bytes(orjson.dumps(line) + b"\n")
    fault = (await verdict_on(owner_url, anchor=anchor)).fault
    assert fault == "anchor line 1 is not signed by this log's key"


async def test_a_last_anchor_line_cut_short_by_a_crash_is_none(
    log: EventLog,
    leads: list[UUID],
    owner_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anchor = tmp_path / "anchor"
    await seal(log, anchor, monkeypatch)
    anchor.write_bytes(anchor.read_bytes()[:-40])
    assert (await verdict_on(owner_url, anchor=anchor)).ok


async def test_verification_sees_one_moment(log: EventLog, owner_url: str) -> None:
    """Appends during verification do not look like faults."""

    async def grow() -> None:
        for i in range(30):
            await log.append(append(new_id(), 0, priority(i)))

    growing = asyncio.ensure_future(grow())
    while not growing.done():
        verdict = await verdict_on(owner_url)
        assert verdict.ok, verdict.fault
    await growing
