"""What was once stored stays readable: samples of every event type and version, read and folded."""

from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import EVENTS
from schemas.envelope import Recorded
from services.command.aggregates import AGGREGATES
from services.kit.codec import EventCodec, StoredEvent, encode_origin
from services.kit.keys import DataKey, KeyRing
from services.projections import lead, lead_log
from services.projections.decoding import Decoder
from tests.contract.golden_samples import STREAM, files, missing, own_fields
from tests.kit.event_logs import MASTER, ORIGIN, WHEN

CODEC = EventCodec(EVENTS)
KEY = DataKey(UUID(STREAM), bytes(32))
SAMPLES = [
    pytest.param(one, id=f"{one['type']}-v{one['schema_version']}-{number}")
    for many in files().values()
    for number, one in enumerate(many)
]


def stored(sample: dict[str, Any], version: int = 1) -> StoredEvent:
    personal = sample["personal"]
    return StoredEvent(
        version,
        WHEN,
        WHEN,
        UUID(STREAM),
        version,
        sample["schema_version"],
        sample["type"],
        bytes(32),
        sample["data"].encode(),
        encode_origin(ORIGIN),
        None if personal is None else KEY.encrypt(version, personal.encode()),
    )


def test_every_event_type_and_version_has_a_sample() -> None:
    lacking = [f"{kind.TOPIC} v{version}" for kind, version in missing()]
    assert not lacking, f"run `python -m tests.contract.golden_samples` for {lacking}"


def test_no_type_that_was_stored_once_is_gone() -> None:
    stored_types = {one["type"] for many in files().values() for one in many}
    assert stored_types <= EVENTS.keys()


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_stored_event_reads_as_it_always_did(sample: dict[str, Any]) -> None:
    event = CODEC.decode(stored(sample), KEY).event
    fields = own_fields(event)
    # A field added since has its default; those that were there keep their values.
    assert {name: fields.get(name) for name in sample["fields"]} == sample["fields"]


@pytest.mark.parametrize("sample", SAMPLES)
def test_an_event_is_stored_as_it_always_was(sample: dict[str, Any]) -> None:
    kind = EVENTS[sample["type"]]
    if sample["schema_version"] == kind.class_version:
        fields = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in sample["fields"].items()
        }
        data, personal = CODEC.encode(kind(**fields))
        assert data.decode() == sample["data"]
        assert (personal and personal.decode()) == sample["personal"]


@pytest.mark.parametrize("erased", [False, True], ids=["whole", "erased"])
@pytest.mark.parametrize("category", sorted(AGGREGATES))
def test_a_whole_history_folds(category: str, erased: bool) -> None:
    """In any order, for evolving never fails: forwards, backwards, and from nothing."""
    samples = files()[category]
    history: list[Recorded] = []
    order = sorted(samples, key=lambda one: not one["type"].endswith((".created", ".added")))
    for version, sample in enumerate([*order, *reversed(order)], 1):
        history.append(CODEC.decode(stored(sample, version), None if erased else KEY))
    state = AGGREGATES[category].replay(history, None)
    assert state.version == len(history)


@pytest.mark.parametrize("sample", SAMPLES)
def test_any_event_may_come_first(sample: dict[str, Any]) -> None:
    aggregate = AGGREGATES[sample["type"].partition(".")[0]]
    assert aggregate.replay([CODEC.decode(stored(sample), KEY)], None).version == 1


UNKNOWN = {"type": "lead.painted", "schema_version": 1, "data": '{"a":1}', "personal": '{"b":2}'}
EVERY = [one for many in files().values() for one in many]


@given(st.lists(st.sampled_from([*EVERY, UNKNOWN]), max_size=5), st.booleans())
def test_a_stream_reads_as_its_events_do_one_by_one(
    samples: list[dict[str, Any]], erased: bool
) -> None:
    """Of every type and version, with unknown ones among them, whole or erased."""
    decoder = Decoder(KeyRing(MASTER, cast("asyncpg.Pool[asyncpg.Record]", None)))
    keys = {UUID(STREAM): None if erased else KEY}
    events = [stored(sample, version) for version, sample in enumerate(samples, 1)]
    together = decoder.decode_stream(events, keys)
    singly = [decoder.decode_one(one, keys) for one in events]
    for one, other in zip(together, singly, strict=True):
        assert one._replace(event=other.event) == other
        assert (type(one.event), vars(one.event)) == (type(other.event), vars(other.event))
        assert one.origin == ORIGIN
        assert one.erased == (erased and samples[one.version - 1]["personal"] is not None)


def test_every_category_has_its_samples() -> None:
    assert set(files()) == set(AGGREGATES)


OF_LEADS = [one for one in files()["lead"] if one["type"] in EVENTS]


@pytest.mark.parametrize("sample", OF_LEADS, ids=lambda one: one["type"])
def test_a_line_of_the_log_is_the_same_passed_on_unread(sample: dict[str, Any]) -> None:
    read = CODEC.decode(stored(sample), KEY)
    unread, known = lead_log.fold(None, read), lead_log.fold(None, read._replace(stored=None))
    for name in ("data", "personal"):
        assert orjson.loads(orjson.dumps(unread[name])) == orjson.loads(orjson.dumps(known[name]))


@pytest.mark.parametrize("sample", OF_LEADS, ids=lambda one: one["type"])
def test_what_a_rebuild_does_not_decrypt_is_of_no_concern_to_the_grid(
    sample: dict[str, Any],
) -> None:
    opened = lead.MODEL.opened
    assert opened is not None
    if sample["type"] in opened:
        return
    first = next(one for one in OF_LEADS if one["type"] == "lead.created")
    before = CODEC.decode(stored(first), KEY)
    row, hidden = (
        lead.fold(lead.fold(None, before), CODEC.decode(stored(sample, 2), key))
        for key in (KEY, None)
    )
    assert row == hidden
