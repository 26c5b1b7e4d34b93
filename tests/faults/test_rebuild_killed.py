"""kill -9 of a rebuild, while commands come and people read: they never see an empty table or one
of two generations; the next rebuild clears up.
"""

import asyncio
import os
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from schemas.lead import LeadDialScheduled
from services.kit.settings import read_settings
from services.projections.__main__ import main
from services.projections.number_zones import fill_number_zones
from services.projections.rebuild import rebuild
from tests.faults.child import child, on_log
from tests.kit.event_logs import opened
from tests.read_models.test_rebuild_and_check import UNMENDED, beside
from tests.read_models.working import (
    SECRET,
    Story,
    a_call,
    assert_equal_to_log,
    rows,
    settled,
    until,
    working,
)

LEADS = 60
TABLES = """
    select tablename from pg_tables where schemaname = 'read' and tablename ~ '^lead_v[0-9]+$'
"""
_GRID = "select lead_id, version, version from read.lead"
_LOG = "select lead_id, max(version), count(*)::int from read.lead_log group by lead_id"


async def rebuilt(url: str, name: str, failpoint: str = "") -> int | None:
    """Rebuild in a process of its own; return its exit code."""
    at = f"{failpoint}:kill:1" if failpoint else ""
    rebuilding = child("tests.faults.rebuild_child", on_log(url), at, name, ready=False)
    async with rebuilding as running:
        return await asyncio.wait_for(running.wait(), 60)


async def read_on(url: str, statement: str, over: asyncio.Event) -> int:
    """Read all leads again and again: each is there, whole, and never as it was before."""
    connection = await asyncpg.connect(url)
    seen: dict[UUID, int] = {}
    reads = 0
    while not over.is_set():
        found = await connection.fetch(statement)
        assert len(found) == LEADS
        for lead, version, lines in found:
            assert version == lines, "a line is missing"
            assert version >= seen.get(lead, 0), "an older row after a newer one"
            seen[lead] = version
        reads += 1
        await asyncio.sleep(0.01)
    await connection.close()
    return reads


@pytest.mark.parametrize(
    ("failpoint", "in_use"),
    [
        ("rebuild.filled", "lead_v1"),
        ("rebuild.before_switch", "lead_v1"),
        ("rebuild.after_switch", "lead_v2"),
    ],
)
async def test_a_rebuild_killed_under_load_changes_nothing_people_see(
    database_url: str, failpoint: str, in_use: str
) -> None:
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(LEADS, calls=1)
        async with working(database_url):
            await settled(log)
            over = asyncio.Event()

            async def write() -> None:
                number = 1
                while not over.is_set():
                    number += 1
                    await story.tell(*((one, a_call(number)) for one in leads[:10]))
                    await asyncio.sleep(0.05)  # others work in this process too

            others = [
                asyncio.create_task(write()),
                asyncio.create_task(read_on(database_url, _GRID, over)),
                asyncio.create_task(read_on(database_url, _LOG, over)),
            ]
            assert await rebuilt(database_url, "lead", failpoint) == -9
            assert (in_use,) in await rows(database_url, TABLES)
            assert len(await rows(database_url, TABLES)) == 2, "one is left over"
            assert await rebuilt(database_url, "lead") == 0
            over.set()
            _, *reads = await asyncio.gather(*others)
            assert min(number for number in reads if number is not None) > 10
            await settled(log)
        assert len(await rows(database_url, TABLES)) == 1
        await assert_equal_to_log(database_url)


async def test_what_stands_beside_the_leads_is_mended_after_a_kill(
    database_url: str, tmp_path: Path
) -> None:
    """The grid was wrong and what stands beside it followed; only the killed rebuild knew where."""
    given = {
        "LEADS_DATABASE_URL": database_url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": SECRET.hex(),
        "LEADS_SIGNING_KEY": SECRET.hex(),
        "LEADS_DATA_DIR": str(tmp_path),
    }
    own = await asyncpg.connect(database_url, server_settings={"role": "leads_projections"})
    await fill_number_zones(own)  # as every start does
    async with opened(database_url) as log:
        story = Story(log)
        leads = await story.leads(4, calls=1)
        await story.tell((leads[0], LeadDialScheduled("2026-03-02T09:00:00Z")))
        async with working(database_url):
            await settled(log)
        before = await beside(database_url)
        await own.execute("update read.lead set phone = '+99', call_attempts = 9, priority = 9")
        await own.close()
        assert await rebuilt(database_url, "lead", "rebuild.after_switch") == -9
        await rebuild("lead", database_url, SECRET)  # it sees nothing that differs
        assert await beside(database_url) != before
        assert await rows(database_url, UNMENDED) == [(True,)]
        stop = asyncio.Event()
        service = asyncio.create_task(main(read_settings({**os.environ, **given}), stop))

        async def right() -> bool:
            return await rows(database_url, UNMENDED) == [(False,)]

        await until(right, "what stands beside the leads mended")
        assert await beside(database_url) == before
        stop.set()
        await service
