"""The worker on the log transport: everything applied, once, in order, whatever happens."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from schemas.envelope import Recorded
from schemas.event import Event
from schemas.lead import LeadDeleted, LeadNoteAdded, LeadPriorityChanged
from services.kit.background import Stopped
from services.kit.codec import StoredEvent
from services.kit.feed import PARTITIONS, Batch, Start, partition_of
from services.kit.ids import new_id
from services.projections import folding, lead, metrics, tables, writing
from services.projections.decoding import Decoder
from services.projections.folding import Folder
from services.projections.model import ReadModel, Row, StreamRow
from services.projections.parking import parked_streams, unpark
from services.projections.registry import MODELS
from tests.kit.event_logs import append, opened
from tests.read_models.working import (
    Story,
    a_call,
    a_lead,
    assert_equal_to_log,
    checked,
    rows,
    settled,
    until,
    working,
)


async def test_what_is_appended_becomes_visible_and_equal_to_the_log(database_url: str) -> None:
    async with opened(database_url) as log, working(database_url):
        story = Story(log)
        leads = await story.leads(30, calls=3)
        await story.tell((leads[0], LeadNoteAdded(1, text="hello")), (leads[1], LeadDeleted("x")))
        await settled(log)
        found = await assert_equal_to_log(database_url)
        assert found.rows["lead"] == 30
        assert found.rows["lead_log"] == await log.head()


async def test_an_erased_lead_leaves_no_personal_data_in_the_read_models(
    database_url: str,
) -> None:
    async with opened(database_url) as log, working(database_url):
        story = Story(log)
        who = new_id()
        named = a_lead(7, personal_fields={"name": "Ada", "city": "London"})
        await story.tell((who, named), (who, a_call(1)), (who, LeadNoteAdded(1, text="secret")))
        await settled(log)
        before = await rows(database_url, "select phone, name, fields from read.lead")
        assert before == [("+12025550007", "Ada", '{"city": "London"}')]
        await story.tell((who, LeadDeleted("asked")))
        await settled(log)
    after = await rows(
        database_url, "select phone, name, fields, notes, deleted, call_attempts from read.lead"
    )
    assert after == [(None, None, "{}", "{}", True, 1)]
    assert await rows(database_url, "select personal from read.lead_log") == [(None,)] * 4
    await assert_equal_to_log(database_url)


async def test_a_worker_goes_on_where_the_one_before_stopped(database_url: str) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(5)
        async with working(database_url):
            await settled(log)
        await story.tell(*((one, a_call(1)) for one in leads))
        async with working(database_url):
            await settled(log)
        await assert_equal_to_log(database_url)


async def test_others_have_their_turn_while_many_events_are_folded(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, seen = 0, set()
    fold_stream = Folder._fold_stream

    def noted(*given: Any) -> None:
        seen.add(turns)
        fold_stream(*given)

    async def wait_for_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    monkeypatch.setattr(Folder, "_fold_stream", noted)
    async with opened(database_url) as log:
        await Story(log).leads(4 * folding.SLICE)
        other = asyncio.create_task(wait_for_turns())
        async with working(database_url):
            await settled(log)
        other.cancel()
    assert len(seen) >= 4


async def test_the_lag_of_each_partition_is_shown(database_url: str) -> None:
    async with opened(database_url) as log, working(database_url) as at_work:
        await Story(log).leads(3)
        await settled(log)
        worker = at_work.worker

        def shown() -> dict[int, float]:
            (family,) = metrics.lag.collect()
            return {int(one.labels["partition"]): one.value for one in family.samples}

        async def at_the_end() -> bool:
            await worker._read_generation()
            return shown() == dict.fromkeys(range(PARTITIONS), 0)

        await until(at_the_end, "nothing is behind")
        worker.leases.held[5].position -= 2
        await worker._read_generation()
        assert {partition for partition, behind in shown().items() if behind} == {5}
        assert shown()[5] == 2
        kafka = replace(worker.leases.held[4], source="kafka:1", next_offset=7)
        worker.leases.held = {4: kafka}
        relayed = 'update log.relay set partitions = \'{"4": {"position": 3, "offset": 9}}\''
        await rows(database_url, relayed)
        await worker._read_generation()
        assert shown() == {4: 3}


async def test_two_workers_share_the_partitions(database_url: str) -> None:
    async with opened(database_url) as log, working(database_url) as first:
        story = Story(log)
        await story.leads(20)
        await settled(log)
        async with working(database_url) as second:

            async def shared() -> bool:
                return len(first.worker.leases.held) == len(second.worker.leases.held) == 6

            await until(shared, "six partitions each")
            await story.leads(20, calls=2)
            await settled(log)
        await story.leads(10)
        await settled(log)
        await assert_equal_to_log(database_url)


class Scripted:
    """A feed that delivers what a test says, in the order it says."""

    source = "log"

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[list[Batch]] = asyncio.Queue()
        self.offsets: dict[int, int] = {}

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    def assign(self, starts: Mapping[int, Start]) -> None:
        self.offsets = {partition: start.next_offset for partition, start in starts.items()}

    def deliver(self, *events: StoredEvent) -> None:
        """One batch for each run of events of the same partition."""
        for event in events:
            partition = partition_of(event.stream_id)
            first = self.offsets[partition]
            self.offsets[partition] = first + 1
            self.waiting.put_nowait([Batch(partition, first, first + 1, event.position, [event])])

    async def poll(self, wait_ms: int) -> list[Batch]:
        try:
            return await asyncio.wait_for(self.waiting.get(), wait_ms / 1000)
        except TimeoutError:
            return []


async def applied_version(url: str, who: UUID) -> int:
    found = await rows(url, "select version from read.lead where lead_id = $1", who)
    return int(found[0][0]) if found else 0


@pytest.mark.parametrize("order", [(1, 2, 3), (1, 1, 2, 2, 3), (3,), (2, 1, 3), (1, 3, 2, 1)])
async def test_any_order_of_delivery_ends_in_the_same_rows(
    database_url: str, order: tuple[int, ...]
) -> None:
    """Duplicates are ignored, what is missing before an event is taken from the log."""
    feed = Scripted()
    async with opened(database_url) as log:
        story = Story(log)
        who = new_id()
        await story.tell((who, a_lead()), (who, a_call(1)), (who, LeadPriorityChanged(9)))
        stored = await log.read_raw(0, 10)
        async with working(database_url, lambda _, __: feed):
            await until(lambda: _true(feed.offsets), "partitions assigned")
            feed.deliver(*(stored[version - 1] for version in order))

            async def reached() -> bool:
                return await applied_version(database_url, who) == 3

            await until(reached, "version 3")
        await settled_offsets(database_url, log.pool)
        await assert_equal_to_log(database_url)


async def test_many_new_leads_delivered_again_stay_as_they_are(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New rows go by COPY, which replaces nothing; a topic published anew brings all once more."""

    async def refused(*_: object) -> None:
        raise AssertionError("nobody looks for rows that the database refuses")

    monkeypatch.setattr(writing, "_halve", refused)
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(tables.FEW + 6)
        async with working(database_url):
            await settled(log)
        own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
        await own.execute("update read.offsets set position = 0, next_offset = 0")
        await own.close()
        later = await story.leads(tables.FEW + 6)
        await story.tell(*((one, a_call(1)) for one in (*leads, *later)))
        async with working(database_url):
            await settled(log)
        found = await assert_equal_to_log(database_url)
        assert found.rows["lead"] == 2 * (tables.FEW + 6)


async def _true(value: object) -> bool:
    return bool(value)


async def settled_offsets(url: str, pool: Any) -> None:
    """Say that all partitions are applied: the scripted feed knows only of one."""
    own = await asyncpg.connect(url, server_settings={"role": "leads_projections"})
    try:
        head = await pool.fetchval("select max(position) from log.events")
        await own.execute("update read.offsets set position = $1", head)
    finally:
        await own.close()


def failing(until_mended: dict[str, bool]) -> tuple[ReadModel, ...]:
    """The read models, with a fold that fails on priority 7 until it is mended."""

    def fold(row: Row | None, recorded: Recorded) -> Row:
        event = recorded.event
        if type(event) is LeadPriorityChanged and event.priority == 7 and until_mended["broken"]:
            raise ValueError("a fault in this fold")
        return lead.fold(row, recorded)

    broken = StreamRow("lead", "lead", lead.VERSION, ("lead_id",), fold)
    return (broken, *MODELS[1:])


async def test_a_failing_event_parks_its_lead_and_nobody_else(database_url: str) -> None:
    state = {"broken": True}
    async with opened(database_url) as log:
        story = Story(log)
        bad, good = await story.leads(2, calls=1)
        await story.tell((bad, LeadPriorityChanged(7)), (good, LeadPriorityChanged(8)))
        await story.tell((bad, LeadPriorityChanged(3)), (good, LeadPriorityChanged(4)))
        async with working(database_url, models=failing(state)) as at_work:
            await settled(log)
            await story.tell((bad, a_call(5)), (good, a_call(5)))
            await settled(log)
            assert await applied_version(database_url, good) == 5
            assert await applied_version(database_url, bad) == 2
            (parked,) = await parked_streams(at_work.pool)
            assert (parked.stream_id, parked.from_version, parked.waiting) == (bad, 3, 3)
            assert "ValueError" in parked.error
            assert "a fault" not in parked.error, "messages may quote personal data"
            log_rows = "select max(version) from read.lead_log where lead_id = $1"
            assert await rows(database_url, log_rows, bad) == [(2,)], "all models stop together"
            found = await checked(database_url)
            assert [one.what for one in found.differences] == ["parked"]

            decoder = Decoder(log.keys)
            assert await unpark(at_work.pool, decoder, bad) is None
            await story.tell((bad, LeadPriorityChanged(2)))
            await settled(log)
            await until(lambda: _is(applied_version(database_url, bad), 6), "unparked lead flows")
    await assert_equal_to_log(database_url)


async def _is(answer: Any, wanted: object) -> bool:
    return bool(await answer == wanted)


async def test_rows_the_database_refuses_park_their_lead_alone(database_url: str) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(8)
        refused = leads[3]
        nul = LeadNoteAdded(1, text="zero \x00 byte")  # text in PostgreSQL cannot hold it
        await story.tell(*((one, LeadNoteAdded(1, text="fine")) for one in leads if one != refused))
        await story.tell((refused, nul), (leads[4], LeadPriorityChanged(1)))
        async with working(database_url) as at_work:
            await settled(log)
            (parked,) = await parked_streams(at_work.pool)
            assert parked.stream_id == refused
            assert await applied_version(database_url, leads[4]) == 3
    found = await checked(database_url)
    assert {one.what for one in found.differences} == {"parked"}


async def test_too_many_failing_leads_stop_the_worker(database_url: str) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(folding.PARKED_AT_ONCE + 1)
        await story.tell(*((one, LeadPriorityChanged(7)) for one in leads))
        async with working(database_url, models=failing({"broken": True})) as at_work:
            assert "TooManyParked" in str(await at_work.stopped())
    assert await rows(database_url, "select 1 from read.parked") == []


async def test_an_unknown_event_is_kept_in_the_log_of_the_lead(
    database_url: str,
) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        (who,) = await story.leads(1)
        foreign = await foreign_event(log, who)
        async with working(database_url):
            await settled(log)
        assert await rows(
            database_url, "select version, kind, data::text from read.lead_log where version = 2"
        ) == [(2, foreign, '{"colour": "red"}')]
        assert await applied_version(database_url, who) == 2
    await assert_equal_to_log(database_url)


async def foreign_event(log: Any, who: UUID) -> str:
    """Append an event of a type that only newer code knows."""
    from tests.read_models.newer_code import LeadPainted, newer

    async with newer(log) as newer_log:
        await newer_log.append(append(who, 1, LeadPainted("red")))
    return LeadPainted.TOPIC


async def test_a_worker_whose_partition_was_taken_writes_nothing(database_url: str) -> None:
    """A paused process (SIGSTOP) that comes back is fenced by the epoch."""
    async with opened(database_url) as log:
        story = Story(log)
        (who,) = await story.leads(1)
        async with working(database_url) as zombie:
            await settled(log)
            held = dict(zombie.worker.leases.held)
            own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
            await own.execute(
                "update read.offsets set epoch = epoch + 1, owner = $1,"
                " lease_until = clock_timestamp() + interval '1 hour'",
                new_id(),
            )
            await story.tell((who, LeadPriorityChanged(9)))
            partition = partition_of(who)
            group = writing.Group(
                "log",
                [Batch(partition, held[partition].next_offset, 99, 2, [])],
                {partition: held[partition].epoch},
                folding.Changes(),
            )
            in_use = zombie.worker._tables
            assert in_use is not None
            with pytest.raises(writing.Fenced):
                await writing.write(zombie.pool, MODELS, in_use, group)

            async def let_go() -> bool:
                return not zombie.worker.leases.held

            await until(let_go, "the zombie holds nothing")
            assert await applied_version(database_url, who) == 1
            await own.execute("update read.offsets set lease_until = '-infinity'")
            await own.close()
            await settled(log)
        await assert_equal_to_log(database_url)


@pytest.mark.parametrize("calls", [1, tables.FEW + 5])
async def test_a_row_that_is_not_as_remembered_is_read_again_and_folded(
    database_url: str, calls: int
) -> None:
    """Only what calls change is written of rows that are there, so they must be as remembered."""
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(calls)
        async with working(database_url):
            await settled(log)
            own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
            await own.execute(
                "update read.lead set version = 0, priority = 9, status = 'odd' where lead_id = $1",
                leads[0],
            )
            await own.close()
            await story.tell(*((one, a_call(1)) for one in leads))
            await settled(log)
        assert await rows(
            database_url,
            "select version, call_attempts from read.lead where lead_id = $1",
            leads[0],
        ) == [(2, 1)]


async def test_what_calls_change_is_all_that_a_call_writes(database_url: str) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(2)
        async with working(database_url):
            await settled(log)
            own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
            await own.execute("update read.lead set name = 'planted'")
            await own.close()
            await story.tell((leads[0], a_call(1)), (leads[1], LeadPriorityChanged(9)))
            await settled(log)
    names = dict(await rows(database_url, "select lead_id, name from read.lead"))
    assert names == {leads[0]: "planted", leads[1]: None}


async def test_applied_beyond_the_log_stops_the_worker(database_url: str) -> None:
    """The log was set back: nothing may be applied on top of what it no longer holds."""
    feed = Scripted()
    async with opened(database_url) as log:
        story = Story(log)
        (who,) = await story.leads(1)
        (stored,) = await log.read_raw(0, 10)
        forged = StoredEvent(
            9, stored.recorded_at, stored.happened_at, who, 5, 1, stored.type, *_rest(stored)
        )
        async with working(database_url, lambda _, __: feed) as at_work:
            await until(lambda: _true(feed.offsets), "partitions assigned")
            feed.deliver(stored, forged)
            assert "HistoryForked" in str(await at_work.stopped())


def _rest(stored: StoredEvent) -> tuple[bytes, bytes, bytes, bytes | None]:
    return stored.hash, stored.data, stored.meta, stored.personal


async def test_a_worker_with_another_fold_version_refuses(database_url: str) -> None:
    newer = StreamRow("lead", "lead", lead.VERSION + 1, ("lead_id",), lead.fold)
    async with working(database_url, models=(newer, *MODELS[1:])) as at_work:
        error = await at_work.stopped()
    assert isinstance(error, Stopped)
    assert "leads rebuild lead" in str(error)


def test_every_lead_event_has_a_place_in_the_grid() -> None:
    """Added to schemas/lead.py and forgotten here? The grid would show old data."""
    from schemas.lead import LEAD_EVENTS

    handled: set[type[Event]] = set(lead._CHANGES)
    assert handled == set(LEAD_EVENTS)
