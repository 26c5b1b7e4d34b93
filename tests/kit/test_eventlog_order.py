"""Positions are gapless and in commit order, so that a reader who just goes on misses nothing."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from schemas.lead import LeadPriorityChanged
from services.kit.append import Appended, ClaimTaken, VersionConflict
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.kit.event_logs import append, lead, note, opened, priority, verdict_on


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


async def test_a_tailing_reader_misses_nothing_that_several_processes_write(
    log: EventLog, database_url: str, owner_url: str
) -> None:
    processes, appends = 3, 240
    running = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.kit.appending_process"),
            *(database_url, str(appends), "8"),
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    told = asyncio.gather(*(one.communicate() for one in running))
    seen: list[int] = []
    async with asyncio.timeout(60):
        while not told.done() or len(seen) < await log.head():
            rows = await log.read_raw(seen[-1] if seen else 0, 50)
            seen.extend(row.position for row in rows)
            await asyncio.sleep(0.001)
    lines = [line for out, _ in await told for line in out.splitlines()]
    spans = [tuple(map(int, line.split())) for line in lines]
    assert [one.returncode for one in running] == [0] * processes
    assert len(spans) == processes * appends
    assert seen == list(range(1, 2 * len(spans) + 1))
    acknowledged = sorted(position for first, last in spans for position in (first, last))
    assert acknowledged == seen
    verdict = await verdict_on(owner_url)
    assert verdict.ok, verdict.fault


async def test_recording_times_never_run_backwards(log: EventLog, database_url: str) -> None:
    async with opened(database_url) as other:
        await asyncio.gather(
            *(
                each.append(append(new_id(), 0, priority(i)))
                for i in range(50)
                for each in (log, other)
            )
        )
    times = [stored.recorded_at for stored in await log.read_raw(0, 1000)]
    assert times == sorted(times)


async def test_of_a_hundred_writers_on_one_lead_one_wins_each_version(
    log: EventLog, database_url: str, owner_url: str
) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, lead()))
    async with opened(database_url) as other:
        writers = [each for _ in range(50) for each in (log, other)]
        outcomes = await asyncio.gather(
            *(each.append(append(lead_id, 1, priority(i))) for i, each in enumerate(writers)),
            return_exceptions=True,
        )
    kinds = Counter(type(one) for one in outcomes)
    assert kinds == {Appended: 1, VersionConflict: 99}
    (winner,) = (i for i, one in enumerate(outcomes) if isinstance(one, Appended))
    recorded = (await log.load([lead_id]))[lead_id]
    assert [one.event for one in recorded] == [lead(), priority(winner)]


async def test_a_hundred_writers_that_try_again_lose_no_update(log: EventLog) -> None:
    lead_id = new_id()

    async def write(number: int) -> None:
        version = 0
        while True:
            try:
                await log.append(append(lead_id, version, priority(number)))
            except VersionConflict as conflict:
                version = conflict.actual
            else:
                return

    await asyncio.gather(*(write(number) for number in range(100)))
    recorded = (await log.load([lead_id]))[lead_id]
    assert [one.version for one in recorded] == list(range(1, 101))
    assert sorted(
        p.event.priority for p in recorded if isinstance(p.event, LeadPriorityChanged)
    ) == list(range(100))


async def test_streams_are_loaded_together_from_where_they_are_known(log: EventLog) -> None:
    a, b, absent = new_id(), new_id(), new_id()
    await log.append(append(a, 0, priority(1), priority(2), priority(3)))
    await log.append(append(b, 0, note("b")))
    await log.append(append(a, 3, priority(4)))
    streams = await log.load([b, a, absent, a], after={a: 2})
    assert {key: [one.version for one in events] for key, events in streams.items()} == {
        a: [3, 4],
        b: [1],
        absent: [],
    }
    assert (await log.load([a], after={a: 4}))[a] == []
    assert await log.load([]) == {}


async def test_the_log_is_read_in_pages(log: EventLog) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, *[priority(i) for i in range(5)]))
    assert [one.position for one in await log.read(0, 2)] == [1, 2]
    assert [one.position for one in await log.read(2, 10)] == [3, 4, 5]
    assert await log.read(5, 10) == []
    assert [one.event for one in await log.read(3, 1)] == [priority(3)]


async def test_streams_are_found_by_category(log: EventLog) -> None:
    leads = sorted([new_id(), new_id()])
    for one in leads:
        await log.append(append(one, 0, priority(1)))
    assert await log.streams_of("lead") == leads
    assert await log.streams_of("campaign") == []


async def test_a_claim_race_over_many_keys_has_one_winner_each(
    log: EventLog, database_url: str
) -> None:
    keys = [bytes([i]) * 16 for i in range(20)]
    winners: dict[bytes, list[UUID]] = {key: [] for key in keys}

    async def create(each: EventLog, key: bytes) -> None:
        lead_id = new_id()
        try:
            await each.append(append(lead_id, 0, priority(1), taken=[(key, lead_id)]))
        except ClaimTaken:
            return
        winners[key].append(lead_id)

    async with opened(database_url) as other:
        await asyncio.gather(
            *(create(each, key) for _ in range(4) for key in keys for each in (log, other))
        )
    assert all(len(ids) == 1 for ids in winners.values())
    assert await log.holders(keys) == {key: ids[0] for key, ids in winners.items()}
