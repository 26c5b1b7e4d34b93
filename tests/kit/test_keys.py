"""Keys: what was encrypted opens with the right key only, and never again once it is destroyed."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from schemas.lead import LeadCreated, LeadDeleted
from services.kit import keys as keys_module
from services.kit.append import Appended, KeyDestroyed, VersionConflict
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import DataKey, KeyRing, KeyUnusable, MasterKey, SigningKey, verify_signature
from tests.kit.event_logs import (
    MASTER,
    append,
    lead,
    note,
    opened,
    priority,
    verdict_on,
)

OTHER_MASTER = MasterKey(bytes(32))


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[EventLog]:
    """The same log, seen by another process."""
    async with opened(database_url) as log:
        yield log


def test_a_wrapped_key_opens_for_its_stream_and_master_only() -> None:
    lead_id, secret = new_id(), bytes(range(32))
    wrapped = MASTER.wrap(lead_id, secret)
    assert MASTER.unwrap(lead_id, wrapped) == secret
    assert secret not in wrapped
    for master, stream_id in ((OTHER_MASTER, lead_id), (MASTER, new_id())):
        with pytest.raises(KeyUnusable):
            master.unwrap(stream_id, wrapped)


def test_a_text_opens_for_its_event_only() -> None:
    lead_id = new_id()
    key = DataKey(lead_id, bytes(32))
    stored = key.encrypt(3, b'{"phone":"+12025550123"}')
    assert key.decrypt(3, stored) == b'{"phone":"+12025550123"}'
    assert b"2025550123" not in stored
    for other, version in ((key, 4), (DataKey(new_id(), bytes(32)), 3)):
        with pytest.raises(KeyUnusable):
            other.decrypt(version, stored)


@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_changed_ciphertext_does_not_open(place: int) -> None:
    key = DataKey(new_id(), bytes(32))
    stored = bytearray(key.encrypt(1, b"text"))
    stored[place] ^= 1
    with pytest.raises(KeyUnusable):
        key.decrypt(1, bytes(stored))


def test_equal_texts_have_unequal_ciphertexts() -> None:
    key = DataKey(new_id(), bytes(32))
    assert key.encrypt(1, b"text") != key.encrypt(1, b"text")


def test_a_lookup_hash_depends_on_value_and_master_key() -> None:
    hashes = {
        master.lookup_hash(value)
        for master in (MASTER, OTHER_MASTER)
        for value in ("+12025550123", "+12025550124")
    }
    assert len(hashes) == 4
    assert {len(one) for one in hashes} == {16}
    assert MASTER.lookup_hash("+12025550123") == MASTER.lookup_hash("+12025550123")


def test_a_lookup_id_is_the_same_for_the_same_value() -> None:
    assert MASTER.lookup_id("+12025550123") == MASTER.lookup_id("+12025550123")
    assert MASTER.lookup_id("+12025550123") != MASTER.lookup_id("+12025550124")
    assert MASTER.lookup_id("+12025550123").version == 8


def test_a_signature_holds_for_its_message_and_key_only() -> None:
    key, other = SigningKey(bytes(range(32))), SigningKey(bytes(32))
    signature = key.sign(b"head")
    assert verify_signature(key.public, signature, b"head")
    assert not verify_signature(key.public, signature, b"another head")
    assert not verify_signature(other.public, signature, b"head")
    assert not verify_signature(key.public, bytes(64), b"head")


async def test_the_log_holds_no_personal_text(log: EventLog) -> None:
    await log.append(append(new_id(), 0, lead("+12025550177"), note("allergic to nuts")))
    for stored in await log.read_raw(0, 10):
        assert stored.personal is not None
        row = stored.data + stored.meta + stored.personal
        assert b"2025550177" not in row
        assert b"allergic" not in row


async def test_an_event_without_personal_values_needs_no_key(log: EventLog) -> None:
    await log.append(append(new_id(), 0, priority(3), note("")))
    assert await log.pool.fetchval("select count(*) from log.lead_keys") == 0
    assert [one.personal for one in await log.read_raw(0, 10)] == [None, None]


async def test_one_key_serves_all_events_of_a_lead(log: EventLog, elsewhere: EventLog) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, lead()))
    await elsewhere.append(append(lead_id, 1, note("from elsewhere")))
    assert await log.pool.fetchval("select count(*) from log.lead_keys") == 1
    events = [one.event for one in (await log.load([lead_id]))[lead_id]]
    assert events == [lead(), note("from elsewhere")]


async def test_a_first_personal_text_may_come_late(log: EventLog, elsewhere: EventLog) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, priority(1)))
    await log.append(append(lead_id, 1, note("late")))
    events = [one.event for one in (await elsewhere.load([lead_id]))[lead_id]]
    assert events == [priority(1), note("late")]


async def test_appends_waiting_together_share_the_new_key(
    log: EventLog, elsewhere: EventLog
) -> None:
    """The second is encrypted before the first one's key is stored: it must be the same key."""
    lead_id = new_id()
    appends = [append(lead_id, i, note(f"note {i}")) for i in range(3)]
    assert all(isinstance(one, Appended) for one in await log.append_many(appends))
    events = [one.event for one in (await elsewhere.load([lead_id]))[lead_id]]
    assert events == [note(f"note {i}") for i in range(3)]


async def test_a_key_made_elsewhere_meanwhile_is_a_conflict(
    log: EventLog, elsewhere: EventLog
) -> None:
    """What was encrypted with the key that lost could never be read again."""
    lead_id = new_id()
    await log.append(append(lead_id, 0, priority(1)))
    ours = await log._prepare(append(lead_id, 2, note("ours")), {})
    await elsewhere.append(append(lead_id, 1, note("theirs")))
    with pytest.raises(VersionConflict):
        await log._appender.submit(ours)
    await log.append(append(lead_id, 2, note("ours at last")))
    events = [one.event for one in (await elsewhere.load([lead_id]))[lead_id]]
    assert events == [priority(1), note("theirs"), note("ours at last")]


async def erase(log: EventLog, lead_id: UUID, version: int) -> None:
    await log.append(append(lead_id, version, LeadDeleted("asked for"), destroyed_keys=[lead_id]))


async def test_after_erasure_personal_fields_read_as_defaults_and_the_chain_holds(
    log: EventLog, owner_url: str
) -> None:
    erased, kept = new_id(), new_id()
    await log.append(append(erased, 0, lead(), note("secret")))
    await log.append(append(kept, 0, lead()))
    await erase(log, erased, 2)
    recorded = (await log.load([erased]))[erased]
    unknown = LeadCreated("campaign", "team:top")
    assert [one.event for one in recorded] == [unknown, note(""), LeadDeleted("asked for")]
    assert [one.erased for one in recorded] == [True, True, False]
    assert [one.event for one in (await log.load([kept]))[kept]] == [lead()]
    assert await log.pool.fetchval(
        "select wrapped is null and destroyed_at is not null from log.lead_keys"
        " where stream_id = $1",
        erased,
    )
    verdict = await verdict_on(owner_url)
    assert verdict.ok, verdict.fault


async def test_other_processes_forget_a_destroyed_key(
    log: EventLog, elsewhere: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, note("secret")))
    assert (await elsewhere.load([lead_id]))[lead_id][0].event == note("secret")
    await erase(log, lead_id, 1)
    monkeypatch.setattr(keys_module, "FORGET_SECONDS", 0.0)
    async with asyncio.timeout(30):
        while (await elsewhere.load([lead_id]))[lead_id][0].event != note(""):
            await asyncio.sleep(0.05)


async def test_nothing_personal_is_written_after_erasure(
    log: EventLog, elsewhere: EventLog
) -> None:
    lead_id, other = new_id(), new_id()
    await log.append(append(lead_id, 0, note("secret")))
    await erase(log, lead_id, 1)
    for each in (log, elsewhere):
        with pytest.raises(KeyDestroyed):
            await each.append(append(lead_id, 2, note("again")))
        outcomes = await each.append_many(
            [append(lead_id, 2, note("again")), append(other, 0, note("fine"))]
        )
        assert isinstance(outcomes[0], KeyDestroyed)
        other = new_id()
        assert isinstance(outcomes[1], Appended)
    await log.append(append(lead_id, 2, priority(1)))


async def test_a_process_that_still_has_the_key_writes_no_ghost(
    log: EventLog, elsewhere: EventLog
) -> None:
    """It decided on the state before the erasure, so its expected version is the old one."""
    lead_id = new_id()
    await log.append(append(lead_id, 0, note("secret")))
    await elsewhere.load([lead_id])
    await erase(log, lead_id, 1)
    with pytest.raises(VersionConflict):
        await elsewhere.append(append(lead_id, 1, note("too late")))


async def test_another_master_key_says_so(log: EventLog, database_url: str) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, note("secret")))
    async with opened(database_url, master=OTHER_MASTER) as wrong:
        with pytest.raises(KeyUnusable, match="not this database's master key"):
            await wrong.load([lead_id])


async def test_more_leads_than_the_ring_holds_are_read_whole(log: EventLog) -> None:
    """A key dropped to make room would pass for an erasure."""
    leads = [new_id() for _ in range(6)]
    await log.append_many([append(one, 0, note("text")) for one in leads])
    log.keys = KeyRing(MASTER, log.pool, most=2)
    await log.load(leads[:2])
    streams = await log.load(leads)
    assert [streams[one][0].event for one in leads] == [note("text")] * 6
