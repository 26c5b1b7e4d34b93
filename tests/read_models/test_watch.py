"""The watch looks at everything in turn, raises an alarm for what differs, and for nothing else."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from schemas.lead import LeadDeleted, LeadNoteAdded, LeadPriorityChanged
from services.kit.ids import new_id
from services.kit.settings import read_settings
from services.projections import __main__ as service
from services.projections import metrics
from services.projections import watch as watching
from services.projections.check import Checked
from services.projections.decoding import Decoder
from services.projections.rebuild import rebuild
from services.projections.watch import Watch
from tests.kit.event_logs import opened
from tests.read_models.working import (
    SECRET,
    Story,
    Working,
    a_call,
    a_lead,
    rows,
    settled,
    until,
    working,
)

FOUND = "select model, key, what from read.differences order by model, key"
ROUNDS = "select rounds from read.watch"


def watch_of(at_work: Working, log: Any) -> Watch:
    """A watch that may look at once."""
    return Watch(at_work.pool, Decoder(log.keys), every_seconds=0)


async def one_round(url: str, watch: Watch) -> None:
    """Look until everything was looked at."""
    ((rounds,),) = await rows(url, ROUNDS)
    while await rows(url, ROUNDS) == [(rounds,)]:
        assert await watch.step()


async def changed(url: str, statement: str, *values: Any) -> None:
    """Do to the read models what nobody should."""
    own = await asyncpg.connect(url, server_settings={"role": "leads_projections"})
    await own.execute(statement, *values)
    await own.close()


PLANTED = {
    "update read.lead set priority = 9 where lead_id = $1": ("lead", "{}", "priority"),
    "delete from read.lead where lead_id = $1": ("lead", "{}", "missing"),
    "update read.lead_log set actor = 'x' where lead_id = $1 and version = 1": (
        "lead_log",
        "{}/1",
        "actor",
    ),
    "insert into read.team (team_id, version, position, name)"
    " select 'nobody', 1, 1, 'y' where $1::uuid is not null": ("team", "nobody", "extra"),
}


@pytest.mark.parametrize("statement", PLANTED)
async def test_a_changed_row_raises_the_alarm_and_a_rebuild_ends_it(
    database_url: str, statement: str
) -> None:
    async with opened(database_url) as log:
        leads = await Story(log).leads(5, calls=1)
        async with working(database_url) as at_work:
            await settled(log)
            watch = watch_of(at_work, log)
            await one_round(database_url, watch)
            assert await rows(database_url, FOUND) == []
            await changed(database_url, statement, leads[2])
            await one_round(database_url, watch)
            model, key, what = PLANTED[statement]
            assert await rows(database_url, FOUND) == [(model, key.format(leads[2]), what)]
            assert metrics.differences._value.get() == 1
            await rebuild(model, database_url, SECRET)
            await watch.step()
            assert await rows(database_url, FOUND) == []
            assert metrics.differences._value.get() == 0


async def test_a_busy_system_raises_no_alarm(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leads come, are called, named and erased, and a read model is rebuilt, while it looks."""
    monkeypatch.setattr(watching, "STREAMS", 30)
    monkeypatch.setattr(watching, "REST", 0)
    async with opened(database_url) as log, working(database_url) as at_work:
        story = Story(log)
        await story.leads(20)
        over = asyncio.Event()

        async def write() -> None:
            number = 0
            while not over.is_set():
                number += 1
                who = new_id()
                named = a_lead(number, personal_fields={"name": "Ada"})
                await story.tell((who, named), (who, a_call(number)))
                await story.tell((who, LeadNoteAdded(1, text="x")), (who, LeadDeleted("asked")))

        work: list[Coroutine[Any, Any, None]] = [write(), write()]
        looking = asyncio.create_task(watch_of(at_work, log).run(over))
        others = [asyncio.create_task(one) for one in work]
        await rebuild("lead", database_url, SECRET)

        async def looked() -> bool:
            found = await rows(database_url, "select rounds from read.watch where rounds >= 2")
            return bool(found)

        await until(looked, "two rounds")
        over.set()
        await asyncio.gather(looking, *others)
        await settled(log)
        await one_round(database_url, watch_of(at_work, log))
    assert await rows(database_url, FOUND) == []


async def test_what_differs_in_one_look_alone_is_no_alarm(database_url: str) -> None:
    """A key destroyed during a look hides what the row, in the look's snapshot, still shows."""

    class Overtaken(Watch):
        looks = 0

        async def _look(self, look: Any) -> Checked:
            found = await super()._look(look)
            self.looks += 1
            await changed(database_url, "update read.lead set priority = 5")
            return found

    async with opened(database_url) as log:
        await Story(log).leads(2)
        async with working(database_url) as at_work:
            await settled(log)
            await changed(database_url, "update read.lead set priority = 1")
            watch = Overtaken(at_work.pool, Decoder(log.keys), every_seconds=0)
            await one_round(database_url, watch)
            assert watch.looks == 2
    assert await rows(database_url, FOUND) == []


async def test_workers_take_turns(database_url: str) -> None:
    async with opened(database_url) as log:
        await Story(log).leads(1)
        async with working(database_url) as at_work:
            await settled(log)
            first, second = (Watch(at_work.pool, Decoder(log.keys), 3600) for _ in range(2))
            assert [await first.step(), await second.step()] == [True, False]


async def test_the_service_watches_while_it_works(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY_SECONDS", 0.01)
    given = {
        "LEADS_DATABASE_URL": database_url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": SECRET.hex(),
        "LEADS_SIGNING_KEY": SECRET.hex(),
        "LEADS_DATA_DIR": str(tmp_path),
    }
    async with opened(database_url) as log:
        story = Story(log)
        (who,) = await story.leads(1)
        await story.tell((who, LeadPriorityChanged(9)))
        stop = asyncio.Event()
        settings = read_settings({**os.environ, **given})
        working_there = asyncio.create_task(service.main(settings, stop))
        await settled(log)
        await changed(database_url, "update read.lead set priority = 1")

        async def found() -> bool:
            return await rows(database_url, FOUND) == [("lead", str(who), "priority")]

        await until(found, "the alarm")
        stop.set()
        await asyncio.wait_for(working_there, 30)
