"""A rebuild reads streams packed: what it makes of them is what the ordinary way makes, whatever
was stored.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast
from uuid import UUID

import asyncpg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.catalogue import EVENTS
from schemas.lead import LeadDeleted, LeadFieldsChanged, LeadNoteAdded, LeadPriorityChanged
from services.kit.codec import StoredEvent
from services.kit.feed import PARTITIONS
from services.kit.keys import KeyRing
from services.projections import filling, packed
from services.projections.binary import HEADER, TRAILER, BinaryRows
from services.projections.decoding import Decoder
from services.projections.model import StreamRow
from services.projections.packed import Unpacking, opened_of
from services.projections.rebuild import rebuild
from services.projections.registry import BY_NAME, MODELS
from services.projections.streams import Standing
from services.projections.tables import Table, columns_of
from tests.contract.golden_samples import STREAM, files
from tests.contract.test_golden_histories import KEY, UNKNOWN, stored
from tests.kit.event_logs import MASTER, opened
from tests.read_models.newer_code import LeadPainted, newer
from tests.read_models.working import SECRET, Story, rows, settled, working

NEEDED = {  # what a row must have
    *("lead_id", "version", "position", "status", "active", "suppressed", "priority", "passes"),
    *("call_attempts", "contact_attempts", "talk_seconds", "last_activity_at", "anonymised"),
    *("deleted", "message_count"),
}
SINGLE = [model for model in MODELS if isinstance(model, StreamRow)]
WRAPPED = MASTER.wrap(UUID(STREAM), bytes(32))
EVERYTHING = Standing([10_000] * PARTITIONS, {})


def packed_of(events: list[StoredEvent], model: StreamRow, wrapped: bytes | None) -> Any:
    """The stream as the database joins it."""
    wanted = [one.personal for one in events if one.type in opened_of(model)]
    return (
        events[0].stream_id,
        ",".join(one.type for one in events),
        [one.position for one in events],
        max(one.schema_version for one in events),
        ",".join(str(one.happened_at) for one in events),
        ",".join(str(one.recorded_at) for one in events),
        b",".join(one.data for one in events),
        b"\n".join(one.meta for one in events),
        wanted or None,
        wrapped,
    )


SAMPLES = {model.name: files()[model.category] for model in SINGLE}


@pytest.mark.parametrize("erased", [False, True], ids=["whole", "erased"])
@pytest.mark.parametrize("model", SINGLE, ids=lambda one: one.name)
def test_every_event_there_ever_was_makes_the_same_row(model: StreamRow, erased: bool) -> None:
    samples = [one for one in SAMPLES[model.name] if one["type"] in EVENTS]
    order = sorted(samples, key=lambda one: not one["type"].endswith((".created", ".added")))
    same_as_ordinary(model, [*order, *reversed(order)], erased)
    for sample in order:
        same_as_ordinary(model, [order[0], sample], erased)


@given(
    st.lists(st.sampled_from([*SAMPLES["lead"], UNKNOWN]), min_size=1, max_size=6), st.booleans()
)
@example([UNKNOWN], False)
def test_a_packed_lead_is_the_lead(samples: list[dict[str, Any]], erased: bool) -> None:
    same_as_ordinary(cast("StreamRow", BY_NAME["lead"]), samples, erased)


def same_as_ordinary(model: StreamRow, samples: list[dict[str, Any]], erased: bool) -> None:
    events = [stored(sample, version) for version, sample in enumerate(samples, 1)]
    decoder = Decoder(KeyRing(MASTER, cast("asyncpg.Pool[asyncpg.Record]", None)))
    ordinary = decoder.decode_stream(events, {UUID(STREAM): None if erased else KEY})
    unpacking = Unpacking(model, MASTER, EVERYTHING)
    made = list(unpacking.rows_of([packed_of(events, model, None if erased else WRAPPED)]))
    assert unpacking.events == len(events)
    if all(one["type"] in EVENTS and one["schema_version"] == 1 for one in samples):
        assert unpacking.left == []
        assert made == list(model.advance(None, ordinary)[1].rows)
    else:  # of newer code, or of an older shape
        assert (made, unpacking.left) == ([], [UUID(STREAM)])


def test_what_says_it_has_another_shape_is_left_to_the_ordinary_way() -> None:
    sample = dict(SAMPLES["lead"][0], schema_version=2)
    model = cast("StreamRow", BY_NAME["lead"])
    unpacking = Unpacking(model, MASTER, EVERYTHING)
    assert list(unpacking.rows_of([packed_of([stored(sample)], model, None)])) == []
    assert unpacking.left == [UUID(STREAM)]


async def test_the_database_packs_streams_as_they_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With erased, unknown and parked leads, and what is not applied yet."""
    monkeypatch.setattr(packed, "STREAMS", 7)
    monkeypatch.setattr(filling, "LEFT_AT_ONCE", 1)
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(6, calls=2)
        await story.tell(
            (leads[0], LeadNoteAdded(1, 'text, „ü\n☎"')),
            (leads[0], LeadFieldsChanged({"age": 4}, personal_set={"name": "Łoś"})),
            (leads[0], LeadPriorityChanged(9)),
        )
        await story.tell((leads[1], LeadDeleted("asked")))
        async with newer(log) as newer_log:
            newer_story = Story(newer_log)
            newer_story.versions = story.versions
            await newer_story.tell((leads[2], LeadPainted("red")), (leads[3], LeadPainted("blue")))
        async with working(database_url):
            await settled(log)
        own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
        await own.execute(
            "insert into read.parked (stream_id, partition, from_version, position, error)"
            " values ($1, 0, 4, 4, 'test')",
            leads[4],
        )
        await own.close()
        await story.tell((leads[4], LeadPriorityChanged(9)))
        async with working(database_url):
            await settled(log)
        before = {one.name: await rows(database_url, _ALL.format(one.name)) for one in SINGLE}
        await story.tell((leads[5], LeadPriorityChanged(9)))
        await story.leads(1)
        for model in SINGLE:
            await rebuild(model.name, database_url, SECRET)
            assert await rows(database_url, _ALL.format(model.name)) == before[model.name]


_ALL = "select * from read.{} order by 1"


def a_row(columns: Sequence[tuple[str, str]], number: int) -> dict[str, Any]:
    """A row of this number; that of 0 is as empty as can be."""
    values: dict[str, Any] = {
        "uuid": str(UUID(int=number)),
        "text": f'„{number % 3}\n☎"',
        "integer": -number,
        "bigint": 2**40 + number,
        "smallint": number % 4,
        "boolean": number % 2 > 0,
        "timestamp with time zone": datetime(1990 + number, 1, 2, 3, 4, 5, 6 + number, UTC),
        "jsonb": {"a": [number, None]} if number % 3 else [number, "☎"],
    }
    row = {name: values[kind] for name, kind in columns} | {"lead_id": UUID(int=number)}
    if number:
        return row
    kinds = {name: kind for name, kind in columns if name not in NEEDED}
    return row | {name: [] if kind == "jsonb" else None for name, kind in kinds.items()}


async def test_rows_go_in_as_they_are_whatever_the_first_ones_were_like(
    database_url: str,
) -> None:
    """Values that are few, many, empty or not, learned from rows that are otherwise."""
    model = BY_NAME["lead"]
    connection = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
    columns = await columns_of(connection, "lead_v1")
    await connection.execute("create temp table copied (like read.lead_v1)")
    full = [a_row(columns, number) for number in range(1, 12)]
    empty = [{**a_row(columns, 0), "lead_id": one["lead_id"]} for one in full]
    mixed = [*full[:3], *empty[3:5], full[5], empty[6], *full[7:]]
    table = Table(model, "lead_v1", columns)
    reading = table.read_sql.replace("read.lead_v1", "pg_temp.copied") + " order by lead_id"
    for first in ([], empty[:1], empty, full[:1], full, mixed):
        for given_rows in (full, empty, mixed):
            packing = BinaryRows(columns, first)
            await connection.execute("truncate copied")
            await connection.copy_to_table(
                "copied",
                source=BytesIO(
                    HEADER + packing.pack(given_rows[:6]) + packing.pack(given_rows[6:]) + TRAILER
                ),
                columns=packing.names,
                format="binary",
            )
            assert [table.row_of(one) for one in await connection.fetch(reading)] == given_rows
    await connection.close()


def test_rows_are_told_apart_that_python_takes_for_equal() -> None:
    """One, yes and 1.0 are the same to Python, and not to JSON."""
    columns = [("lead_id", "uuid"), ("fields", "jsonb"), ("priority", "smallint")]
    for values in ([{"a": 1}, {"a": True}, {"a": 1.0}], [{}, {"a": 1}, {"a": True}, {"a": 1.0}]):
        rows = [{"lead_id": UUID(int=7), "fields": one, "priority": 5} for one in values]
        for first in (rows[:1], [rows[0]] * 3, rows):
            packed_rows = BinaryRows(columns, first).pack(rows)
            assert [text in packed_rows for text in (b":1}", b":true}", b":1.0}")] == [True] * 3


async def test_the_columns_of_every_read_model_can_be_packed(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    for model in MODELS:
        columns = await columns_of(connection, f"{model.name}_v1")
        assert len(BinaryRows(columns, []).names) == len(columns)
    await connection.close()
