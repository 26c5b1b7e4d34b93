"""Seals: when one is made, what it covers, and that any event can be shown to be in it."""

from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.clock import FixedClock
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import verify_signature
from services.kit.seal import Sealer, audit_path, merkle_root, next_head, root_by_path
from tests.kit.event_logs import SIGNING, WHEN, append, opened, priority

hashes = st.lists(st.binary(min_size=32, max_size=32), min_size=1, max_size=40)


@given(hashes, st.data())
def test_every_event_is_shown_to_be_in_the_tree(events: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(events) - 1))
    assert root_by_path(events[index], audit_path(events, index)) == merkle_root(events)


@given(hashes, st.binary(min_size=32, max_size=32), st.data())
def test_no_other_event_is_shown_to_be_there(
    events: list[bytes], other: bytes, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(events) - 1))
    if events[index] != other:
        assert root_by_path(other, audit_path(events, index)) != merkle_root(events)


@given(hashes)
def test_a_tree_knows_its_size(events: list[bytes]) -> None:
    """An odd node moves up as it is, so that doubling the last event is another tree."""
    assert merkle_root(events) != merkle_root([*events, events[-1]])


def test_the_tree_is_the_documented_one() -> None:
    a, b, c = (bytes([i]) * 32 for i in range(3))
    leaf = [sha256(b"\x00" + one).digest() for one in (a, b, c)]
    left = sha256(b"\x01" + leaf[0] + leaf[1]).digest()
    assert merkle_root([a, b, c]) == sha256(b"\x01" + left + leaf[2]).digest()


def test_a_head_covers_the_head_before_its_bounds_and_its_root() -> None:
    heads = {
        next_head(b"", 1, 4, b"r"),
        next_head(b"x", 1, 4, b"r"),
        next_head(b"", 2, 4, b"r"),
        next_head(b"", 1, 5, b"r"),
        next_head(b"", 1, 4, b"s"),
    }
    assert len(heads) == 5


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


async def test_a_full_segment_is_sealed_at_once_and_a_short_one_after_30_seconds(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kit.seal.SEGMENT_EVENTS", 4)
    clock = FixedClock(WHEN)
    sealer = Sealer(log.pool, SIGNING, clock, tmp_path / "anchor")
    assert await sealer.step() is None
    await log.append(append(new_id(), 0, *[priority(i) for i in range(6)]))
    first = await sealer.step()
    assert first is not None
    assert (first.first_position, first.last_position) == (1, 4)
    assert await sealer.step() is None
    clock.at += timedelta(seconds=29)
    assert await sealer.step() is None
    clock.at += timedelta(seconds=1)
    second = await sealer.step()
    assert second is not None
    assert (second.first_position, second.last_position) == (5, 6)
    assert await sealer.step() is None


async def test_what_waits_30_seconds_anew_after_a_seal(
    log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.kit.seal.SEGMENT_EVENTS", 2)
    clock = FixedClock(WHEN)
    sealer = Sealer(log.pool, SIGNING, clock, tmp_path / "anchor")
    await log.append(append(new_id(), 0, priority(0)))
    assert await sealer.step() is None
    await log.append(append(new_id(), 0, priority(1), priority(2)))
    clock.at += timedelta(seconds=40)
    assert await sealer.step() is not None
    assert await sealer.step() is None, "the third event has only begun to wait"


async def test_a_seal_is_signed_and_kept_in_a_second_place(log: EventLog, tmp_path: Path) -> None:
    clock, anchor = FixedClock(WHEN), tmp_path / "anchor"
    sealer = Sealer(log.pool, SIGNING, clock, anchor)
    for round_ in range(2):
        await log.append(append(new_id(), 0, priority(round_)))
        assert await sealer.step() is None
        clock.at += timedelta(minutes=1)
        assert await sealer.step() is not None
    events = [stored.hash for stored in await log.read_raw(0, 10)]
    first = next_head(b"", 1, 1, merkle_root(events[:1]))
    second = next_head(first, 2, 2, merkle_root(events[1:]))
    rows = await log.pool.fetch("select head, signature, key_id from log.roots order by 1")
    kept = [orjson.loads(line) for line in anchor.read_bytes().splitlines()]
    assert [line["head"] for line in kept] == [first.hex(), second.hex()]
    assert [line["last_position"] for line in kept] == [1, 2]
    assert {row["head"] for row in rows} == {first, second}
    assert {row["key_id"] for row in rows} == {SIGNING.key_id}
    assert all(verify_signature(SIGNING.public, row["signature"], row["head"]) for row in rows)


async def test_a_sealer_goes_on_where_another_stopped(log: EventLog, tmp_path: Path) -> None:
    for round_ in range(2):
        clock = FixedClock(WHEN)
        sealer = Sealer(log.pool, SIGNING, clock, tmp_path / "anchor")
        await log.append(append(new_id(), 0, priority(round_)))
        await sealer.step()
        clock.at += timedelta(minutes=1)
        seal = await sealer.step()
        assert seal is not None
        assert seal.first_position == round_ + 1
