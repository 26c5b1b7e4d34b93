"""Between events and stored bytes: what comes back is what went in, personal fields apart."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, ClassVar
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import Origin
from schemas.event import Event
from services.kit.codec import (
    EventCodec,
    StoredEvent,
    UnknownEvent,
    digest,
    encode_origin,
    link,
    utc,
)
from services.kit.ids import new_id
from services.kit.keys import DataKey, KeyUnusable
from tests.kit.event_logs import ORIGIN, WHEN

STREAM = UUID(int=7)
KEY = DataKey(STREAM, bytes(32))


@dataclass(frozen=True)
class Painted(Event):
    TOPIC: ClassVar[str] = "fence.painted"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"painter", "details"})

    colour: str
    coats: int = 1
    tags: tuple[str, ...] = ()
    extra: Mapping[str, Any] | None = None
    painter: str | None = None
    details: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Mended(Event):
    """In its third shape: v1 had `board`, v2 made it `boards`, v3 added who did it."""

    TOPIC: ClassVar[str] = "fence.mended"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"mender"})
    class_version: ClassVar[int] = 3

    boards: tuple[int, ...]
    mender: str | None = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["boards"] = [state.pop("board")]

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["mender"] = state.get("mender", "unknown")


CODEC = EventCodec({"fence.painted": Painted, "fence.mended": Mended})


def stored(event: Event, version: int = 1, **changes: Any) -> StoredEvent:
    """The event as a row of the log."""
    data, plain = CODEC.encode(event)
    personal = None if plain is None else KEY.encrypt(version, plain)
    row = StoredEvent(
        9, WHEN, WHEN, STREAM, version, event.class_version, event.TOPIC, b"h" * 32,
        data, encode_origin(ORIGIN), personal,
    )  # fmt: skip
    return row._replace(**changes)


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
value = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
fields = st.none() | st.dictionaries(text, value, min_size=1, max_size=3)
painted = st.builds(
    Painted,
    colour=text,
    coats=st.integers(-(2**31), 2**31),
    tags=st.lists(text, max_size=3).map(tuple),
    extra=fields,
    painter=st.none() | text,
    details=fields,
)


@given(painted, st.integers(1, 2**31 - 1))
def test_what_comes_back_is_what_went_in(event: Painted, version: int) -> None:
    recorded = CODEC.decode(stored(event, version), KEY)
    back = recorded.event
    assert isinstance(back, Painted)
    assert dataclasses.replace(back, tags=tuple(back.tags)) == event
    assert (recorded.stream_id, recorded.version, recorded.position) == (STREAM, version, 9)
    assert (back.originator_id, back.originator_version) == (STREAM, version)
    assert (back.timestamp, recorded.origin, recorded.erased) == (WHEN, ORIGIN, False)


@given(painted | st.builds(Mended, boards=st.lists(st.integers(0, 9)).map(tuple)))
def test_the_bytes_are_those_of_the_librarys_mapper(event: Event) -> None:
    placed = event.placed(STREAM, 1, WHEN)
    vars(placed).pop("timestamp")
    public, newline, personal = (
        CODEC._mappers[event.TOPIC].to_stored_event(placed).state.partition(b"\n")
    )
    assert CODEC.encode(event) == (public, personal if newline else None)
    assert CODEC.encode(event.placed(STREAM, 1, WHEN)) == CODEC.encode(event)


@given(painted, st.booleans())
def test_what_needs_no_lifting_reads_as_the_librarys_mapper_reads_it(
    event: Painted, erased: bool
) -> None:
    row, key = stored(event, 3), None if erased else KEY
    ours, theirs = CODEC.decode(row, key).event, CODEC._lifted(row, key)
    assert (type(ours), vars(ours)) == (type(theirs), vars(theirs))


@given(painted)
def test_without_the_key_personal_fields_are_their_defaults(event: Painted) -> None:
    row = stored(event)
    recorded = CODEC.decode(row, None)
    back = recorded.event
    assert isinstance(back, Painted)
    expected = dataclasses.replace(event, painter=None, details=None)
    assert dataclasses.replace(back, tags=tuple(back.tags)) == expected
    assert recorded.erased is (row.personal is not None)


def test_personal_and_public_fields_are_stored_apart_and_defaults_not_at_all() -> None:
    data, plain = CODEC.encode(Painted("red", painter="Ann"))
    assert (orjson.loads(data), orjson.loads(plain or b"")) == (
        {"colour": "red"},
        {"painter": "Ann"},
    )
    assert CODEC.encode(Painted("red")) == (b'{"colour":"red"}', None)


def test_a_newline_in_a_value_does_not_split_the_two_parts() -> None:
    event = Painted("a\nb", painter="c\nd")
    assert CODEC.decode(stored(event), KEY).event == event


def test_the_time_of_the_fact_is_kept_to_the_microsecond() -> None:
    happened = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    recorded = CODEC.decode(stored(Painted("red"), happened_at=happened), None)
    assert (recorded.happened_at, recorded.event.timestamp) == (happened, happened)


def test_times_come_in_any_zone_but_never_without() -> None:
    local = datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    assert utc(local) == WHEN
    assert utc(local).tzinfo is UTC
    with pytest.raises(AssertionError):
        utc(datetime(2026, 3, 1))  # noqa: DTZ001 - the mistake in question


@pytest.mark.parametrize(
    ("schema_version", "data", "boards", "mender"),
    [
        (1, b'{"board":4}', [4], "unknown"),
        (2, b'{"boards":[4,5],"class_version":2}', [4, 5], "unknown"),
        (3, b'{"boards":[4,5],"class_version":3}', [4, 5], None),
    ],
)
def test_older_shapes_are_lifted_to_todays(
    schema_version: int, data: bytes, boards: list[int], mender: str | None
) -> None:
    row = stored(Mended((1,)), schema_version=schema_version, data=data)
    event = CODEC.decode(row, None).event
    assert isinstance(event, Mended)
    assert (list(event.boards), event.mender) == (boards, mender)


def test_the_shapes_version_is_stored_with_it() -> None:
    data, _ = CODEC.encode(Mended((1, 2)))
    assert orjson.loads(data) == {"boards": [1, 2], "class_version": 3}


def test_an_older_shape_with_personal_fields_is_lifted_too() -> None:
    personal = KEY.encrypt(1, b'{"mender":"Ann"}')
    row = stored(Mended((1,)), schema_version=1, data=b'{"board":4}', personal=personal)
    event = CODEC.decode(row, KEY).event
    assert isinstance(event, Mended)
    assert event.mender == "Ann"


def test_a_type_from_newer_code_is_named() -> None:
    with pytest.raises(UnknownEvent, match=r"fence\.moved at position 9"):
        CODEC.decode(stored(Painted("red"), type="fence.moved"), None)


def test_changed_ciphertext_is_said_to_be_unusable() -> None:
    row = stored(Painted("red", painter="Ann"))
    assert row.personal is not None
    broken = row._replace(personal=row.personal[:-1] + bytes([row.personal[-1] ^ 1]))
    with pytest.raises(KeyUnusable):
        CODEC.decode(broken, KEY)


def test_a_personal_field_without_a_default_is_refused_at_start() -> None:
    @dataclass(frozen=True)
    class Sold(Event):
        TOPIC: ClassVar[str] = "fence.sold"
        PERSONAL: ClassVar[frozenset[str]] = frozenset({"buyer"})
        buyer: str

    with pytest.raises(AssertionError, match="buyer"):
        EventCodec({"fence.sold": Sold})


OTHER: dict[str, Any] = {
    "stream_id": UUID(int=8),
    "version": 2,
    "schema_version": 2,
    "happened_at": WHEN + timedelta(microseconds=1),
    "type": "fence.paintes",
    "data": b'{"colour":"blu"}',
    "personal": b"",
    "meta": b"{}",
}


def test_the_digest_covers_every_stored_byte() -> None:
    row = stored(Painted("red"))
    digests = {digest(row)} | {
        digest(row._replace(**{name: other})) for name, other in OTHER.items()
    }
    assert len(digests) == 1 + len(OTHER)


def test_the_link_covers_the_rest() -> None:
    row = stored(Painted("red"))
    links = {
        link(b"", row),
        link(b"previous", row),
        link(b"", row._replace(position=10)),
        link(b"", row._replace(recorded_at=WHEN + timedelta(microseconds=1))),
    }
    assert len(links) == 4
    covered = {*OTHER, "position", "recorded_at", "hash"}
    assert set(StoredEvent._fields) == covered


@given(st.binary(max_size=6), st.binary(max_size=6), st.none() | st.binary(max_size=6))
def test_moving_bytes_between_columns_changes_the_digest(
    data: bytes, meta: bytes, personal: bytes | None
) -> None:
    row = stored(Painted("red"), data=data, meta=meta, personal=personal)
    seen = {(data, meta, personal): digest(row)}
    for a, b, c in ((data + meta, b"", personal), (b"", data + meta, personal), (data, meta, data)):
        other = row._replace(data=a, meta=b, personal=c)
        if (a, b, c) not in seen:
            assert digest(other) != digest(row)


@given(text, text, text)
def test_an_origin_is_read_when_asked_for_as_it_was_said(
    actor: str, cause: str, trace: str
) -> None:
    origin = Origin(actor, cause, trace)
    recorded = CODEC.decode(stored(Painted("red"), meta=encode_origin(origin)), None)
    assert (recorded.said, recorded.origin) == (encode_origin(origin), origin)
    assert recorded._replace(said=origin).origin == origin


def test_a_key_kept_for_many_texts_opens_and_closes_what_the_key_does() -> None:
    kept = KEY.kept()
    for version in (1, 2):
        assert kept.decrypt(version, KEY.encrypt(version, b"Ann")) == b"Ann"
        assert KEY.decrypt(version, kept.encrypt(version, b"Bob")) == b"Bob"
    with pytest.raises(KeyUnusable):
        kept.decrypt(1, KEY.encrypt(2, b"Ann"))


def test_an_origin_is_stored_as_short_as_it_is() -> None:
    assert orjson.loads(encode_origin(Origin("a", "b"))) == {"actor": "a", "cause": "b"}
    assert orjson.loads(encode_origin(Origin("a", "b", "t")))["trace"] == "t"


def test_ids_made_later_are_greater() -> None:
    """UUIDv7, so that rows made together lie together."""
    ids = [new_id() for _ in range(3)]
    assert {one.version for one in ids} == {7}
    assert len(set(ids)) == 3
