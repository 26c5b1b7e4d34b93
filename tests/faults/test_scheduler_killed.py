"""kill -9 of the scheduler: around its append and before it strikes out what it applied; and of a
leader beside which another one waits. Every rule is applied once all the same.
"""

import asyncio
import signal
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from uuid import UUID

import pytest

from schemas.dnc import DncAdded
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadCreated, LeadLocked, LeadSuppressed
from schemas.organisation import ORGANISATION_ID, OrganisationSetUp
from services.kit.append import Appended
from services.kit.clock import SystemClock
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.faults.child import child, on_log
from tests.kit.event_logs import append, opened, verdict_on

LEADS = 40
CAMPAIGN = str(new_id())
AGENT = str(new_id())


def scheduler(
    url: str, failpoint: str = ""
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """A scheduler in a process of its own."""
    return child("tests.faults.scheduler_child", on_log(url), failpoint)


async def made(log: EventLog) -> list[UUID]:
    """Append leads, and a number, for which something fell due a while ago; return the streams."""
    past = format_instant(SystemClock().now() - timedelta(hours=1))
    set_up = append(ORGANISATION_ID, 0, OrganisationSetUp(str(new_id()), "Everybody"))
    assert isinstance((await log.append_many([set_up]))[0], Appended)
    created = LeadCreated(CAMPAIGN, f"user:{AGENT}")
    story: list[Event] = [created, LeadSuppressed(until=past), LeadLocked(AGENT, until=past)]
    streams = [new_id() for _ in range(LEADS)]
    appends = [append(stream, 0, *story) for stream in streams]
    number = new_id()
    appends.append(append(number, 0, DncAdded("global", expires_at=past)))
    results = await log.append_many(appends)
    assert all(isinstance(one, Appended) for one in results)
    return [*streams, number]


async def written(log: EventLog, streams: list[UUID]) -> dict[UUID, list[str]]:
    """Return what schedulers wrote into each stream."""
    history = await log.load(streams)
    return {
        stream: [type(one.event).TOPIC for one in events if one.origin.actor == "service:scheduler"]
        for stream, events in history.items()
    }


async def all_applied(log: EventLog, streams: list[UUID]) -> None:
    """Wait until nothing is due any more; then each rule was applied once."""
    async with asyncio.timeout(60):
        while (
            await log.pool.fetchval("select position from clock.progress") < await log.head()
            or await log.pool.fetchval("select count(*) from clock.due") > 0
        ):
            await asyncio.sleep(0.05)
    found = await written(log, streams)
    number = streams[-1]
    for stream in streams[:-1]:
        assert found[stream] == ["lead.unsuppressed", "lead.unlocked"]
    assert found[number] == ["dnc.removed"]


@pytest.mark.parametrize("place", ["scheduler.before_append", "scheduler.before_strike_out"])
async def test_killed_in_the_middle_each_rule_is_applied_once(
    database_url: str, owner_url: str, place: str
) -> None:
    async with opened(database_url) as log:
        streams = await made(log)
        async with scheduler(database_url, f"{place}:kill:3") as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        before = await written(log, streams)
        applied = sum(bool(events) for events in before.values())
        assert 0 < applied < len(streams)
        due = await log.pool.fetchval("select count(distinct stream_id) from clock.due")
        waiting = len(streams) - applied
        # Struck out only after the append: what was appended last is still noted as due.
        assert due == waiting if place == "scheduler.before_append" else due > waiting
        async with scheduler(database_url):
            await all_applied(log, streams)
    assert (await verdict_on(owner_url)).ok


async def test_of_two_one_leads_and_the_other_takes_over(database_url: str, owner_url: str) -> None:
    async with opened(database_url) as log:
        streams = await made(log)
        leader = "scheduler.before_strike_out:kill:2"
        async with (
            scheduler(database_url, leader) as first,
            scheduler(database_url, leader) as second,
        ):
            done, waiting = await asyncio.wait(
                [asyncio.ensure_future(one.wait()) for one in (first, second)],
                return_when=asyncio.FIRST_COMPLETED,
                timeout=60,
            )
            assert {one.result() for one in done} == {-signal.SIGKILL}
            if waiting:
                await asyncio.wait(waiting, timeout=60)  # it led, and was killed likewise
            async with scheduler(database_url):
                await all_applied(log, streams)
    assert (await verdict_on(owner_url)).ok
