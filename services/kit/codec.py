"""Between events and stored bytes: `eventsourcing` maps and upcasts, orjson writes the text.

Of each event two JSON objects are stored: the public fields in clear, the personal ones encrypted
with the lead's key. What equals the field's default is left out. The digest covers every stored
byte; the hash chain is built over digests.
"""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from eventsourcing.persistence import Mapper, Transcoder
from eventsourcing.persistence import StoredEvent as MappedEvent
from eventsourcing.utils import register_topic

from schemas.envelope import Origin, Recorded
from schemas.event import EPOCH, Event
from services.kit.keys import DataKey

_MICROSECOND = timedelta(microseconds=1)
_PLACE = ("originator_id", "originator_version", "timestamp")
_FRAME = struct.Struct(">16sihqIIII")
_loads = orjson.loads
_new = object.__new__
_tuple = tuple.__new__
_set = object.__setattr__  # events are frozen


class UnknownEvent(LookupError):
    """A stored event has a type this code does not know: it was written by newer code, or not
    by us.
    """


class StoredEvent(NamedTuple):
    """One row of `log.events`, in the order of its columns; `personal` is ciphertext."""

    position: int
    recorded_at: datetime
    happened_at: datetime
    stream_id: UUID
    version: int
    schema_version: int
    type: str
    hash: bytes
    data: bytes
    meta: bytes
    personal: bytes | None


READ_EVENTS = (
    "select position, recorded_at, happened_at, stream_id, version, schema_version, type, hash,"
    " data, meta, personal from log.events"
)
"""Reads rows that are the fields of StoredEvent; add a condition and an order."""


class _TwoLines(Transcoder):
    """Turns the state of one event class into a line of public JSON and, if any, a line of
    personal JSON.
    """

    def __init__(self, event_class: type[Event]) -> None:
        super().__init__()
        self._personal = event_class.PERSONAL
        self._defaults = {
            field.name: field.default
            for field in fields(event_class)
            if field.default is not MISSING
        }
        missing = self._personal - self._defaults.keys()
        assert not missing, f"{event_class.__name__}: personal fields need a default: {missing}"

    def split(self, state: Mapping[str, Any]) -> tuple[bytes, bytes | None]:
        """Return the public JSON and the personal JSON, None when there is nothing personal."""
        defaults, hidden = self._defaults, self._personal
        public: dict[str, Any] = {}
        personal: dict[str, Any] = {}
        for name, value in state.items():
            if name in defaults:
                default = defaults[name]
                if value is default or value == default:
                    continue
            (personal if name in hidden else public)[name] = value
        return orjson.dumps(public), orjson.dumps(personal) if personal else None

    def encode(self, obj: Any) -> bytes:
        """Return `public` or `public\npersonal`; JSON text never holds a raw newline."""
        public, personal = self.split(obj)
        return public if personal is None else public + b"\n" + personal

    def decode(self, data: bytes) -> Any:
        """Return the state from one or two lines."""
        public, newline, personal = data.partition(b"\n")
        state = orjson.loads(public)
        if newline:
            state.update(orjson.loads(personal))
        return state


def encode_origin(origin: Origin) -> bytes:
    """Return the stored form of who and what caused an event."""
    meta = {"actor": origin.actor, "cause": origin.cause}
    if origin.trace:
        meta["trace"] = origin.trace
    return orjson.dumps(meta)


def digest(stored: StoredEvent) -> bytes:
    """Return SHA-256 over every stored byte of the event but its position, recording time and
    hash.
    """
    return digest_of(
        stored.stream_id,
        stored.version,
        stored.schema_version,
        stored.happened_at,
        stored.type,
        stored.data,
        stored.personal,
        stored.meta,
    )


def digest_of(
    stream_id: UUID,
    version: int,
    schema_version: int,
    happened_at: datetime,
    event_type: str,
    data: bytes,
    personal: bytes | None,
    meta: bytes,
) -> bytes:
    """Return SHA-256 over the framed fields; lengths are framed too, so no two events share one
    text.
    """
    name = event_type.encode()
    frame = _FRAME.pack(
        stream_id.bytes,
        version,
        schema_version,
        _micros(happened_at),
        len(name),
        len(data),
        0 if personal is None else len(personal) + 1,
        len(meta),
    )
    return hashlib.sha256(b"".join((frame, name, data, personal or b"", meta))).digest()


@lru_cache(maxsize=1024)
def _micros(instant: datetime) -> int:
    """Return microseconds since 1970; events of one batch often share their times."""
    return (instant - EPOCH) // _MICROSECOND


def link(previous: bytes, stored: StoredEvent) -> bytes:
    """Return the hash that chains `stored` to the stream's previous event (b"" before the
    first).
    """
    recorded = _micros(stored.recorded_at)
    body = stored.position.to_bytes(8) + recorded.to_bytes(8, signed=True) + digest(stored)
    return hashlib.sha256(previous + body).digest()


class EventCodec:
    """Encodes and decodes the events of a catalogue (stored name → class)."""

    def __init__(self, catalogue: Mapping[str, type[Event]]) -> None:
        """Know exactly these events."""
        self._lines: dict[str, _TwoLines] = {}
        self._mappers: dict[str, Mapper[UUID]] = {}
        self._kinds = {topic: (kind, kind.class_version) for topic, kind in catalogue.items()}
        for topic, event_class in catalogue.items():
            assert topic == event_class.TOPIC, f"{event_class.__name__} is filed under {topic}"
            register_topic(topic, event_class)
            self._lines[topic] = _TwoLines(event_class)
            self._mappers[topic] = Mapper(self._lines[topic])

    def encode(self, event: Event) -> tuple[bytes, bytes | None]:
        """Return the public JSON and the personal JSON (None when there is nothing personal).

        The same bytes as the library's Mapper makes, at a quarter of its time (a test compares).
        """
        state = dict(vars(event))
        for name in _PLACE:
            state.pop(name, None)
        if event.class_version > 1:
            state["class_version"] = event.class_version
        return self._lines[event.TOPIC].split(state)

    def decode(self, stored: StoredEvent, key: DataKey | None) -> Recorded:
        """Return the event in today's shape; without its key personal fields read as defaults.

        Raises UnknownEvent for a type that is not in the catalogue, KeyUnusable when
        ciphertext was changed.
        """
        position, recorded_at, happened_at, stream_id, version, _, topic, _, data, meta, hidden = (
            stored
        )
        known = self._kinds.get(topic)
        if known is None:
            raise UnknownEvent(f"event type {topic} at position {position}")
        kind, today = known
        state: dict[str, Any] = _loads(data)
        personal = None
        if hidden is not None and key is not None:
            personal = key.decrypt(version, hidden)
            state.update(_loads(personal))
        texts = None
        if state.pop("class_version", 1) != today:
            event = self._lifted(stored, key)
        else:
            # What is in today's shape needs no upcasting: the state is the event's, as it is.
            if today == 1:
                texts = data, personal
            event = _new(kind)
            _set(event, "__dict__", state)
            state["originator_id"] = stream_id
            state["originator_version"] = version
            state["timestamp"] = happened_at
        erased = hidden is not None and key is None
        # Not by its name: that would be a call more for every event read.
        return _tuple(
            Recorded,
            (position, stream_id, version, happened_at, recorded_at, meta, event, erased, texts),
        )

    def _lifted(self, stored: StoredEvent, key: DataKey | None) -> Event:
        """Return an event that was stored in an older shape, by the library's upcasting."""
        state = stored.data
        if stored.personal is not None and key is not None:
            state = state + b"\n" + key.decrypt(stored.version, stored.personal)
        event = self._mappers[stored.type].to_domain_event(
            MappedEvent(stored.stream_id, stored.version, stored.type, state)
        )
        assert isinstance(event, Event)
        vars(event)["timestamp"] = stored.happened_at
        return event


def utc(instant: datetime) -> datetime:
    """Return the instant in UTC; an instant without a zone is a programming error."""
    assert instant.tzinfo is not None, "an instant needs a zone"
    return instant.astimezone(UTC)
