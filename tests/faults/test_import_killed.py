"""kill -9 in an import at 1 %, 50 % and 99 %: exactly one lead per row, and a whole report; and
between an erasure that cancels an import and the end of its file.
"""

import asyncio
import signal

import pytest

from services.kit.clock import SystemClock
from tests.contract.import_service import importing
from tests.faults.test_bulk_killed import runner

ROWS = 149
RUNS = (ROWS + 1) // 3


@pytest.mark.parametrize("run", [1, RUNS // 2, RUNS])
async def test_a_killed_import_goes_on_and_makes_one_lead_per_row(
    database_url: str, run: int
) -> None:
    async with importing(database_url) as imports:
        imports.service.clock.at = SystemClock().now()
        numbers = [f"+1415555{number:04d}" for number in range(100, 100 + ROWS - 9)]
        raw = "\n".join(["phone", *numbers, *numbers[:7], "x", ""]).encode() + b"y\n"
        one = await imports.mapped(raw)
        async with runner(database_url, f"imports.after_append:kill:{run}") as process:
            assert (await imports.ask(one, "run")).status_code == 202
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        assert (await imports.shown(one))["state"] == "running"
        async with runner(database_url), asyncio.timeout(60):
            while (await imports.shown(one))["state"] != "finished":
                await asyncio.sleep(0.05)
        done = await imports.shown(one)
        assert done["result"] == {
            "created": ROWS - 9, "updated": 0, "unchanged": 0, "skipped": 7, "refused": 2,
            "blank": 0,
        }  # fmt: skip
        told = await imports.told(one)
        assert [each.event.phone for each in told] == numbers
        report = await imports.report(one)
        assert [row["row"] for row in report] == list(range(2, ROWS + 2))
        made = [row["lead_id"] for row in report if row["outcome"] == "created"]
        assert made == [str(each.stream_id) for each in told]
        assert (await imports.get(f"/{one}/refused.csv")).text.splitlines()[0].endswith(",phone")


async def test_a_killed_erasure_takes_the_file_away_all_the_same(database_url: str) -> None:
    async with importing(database_url) as imports:
        imports.service.clock.at = SystemClock().now()
        one = await imports.mapped(b"phone\n+14155550100\n")
        erased = {"number": "+14155550100", "reason": "asked"}
        await imports.service.done("/v1/do-not-call/erase-number", erased)
        async with runner(database_url, "imports.erasing:kill:1") as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        async with runner(database_url), asyncio.timeout(60):
            while (await imports.shown(one))["state"] != "finished":
                await asyncio.sleep(0.05)
            pool = imports.service.commanding.log.pool
            while await pool.fetchval("select count(*) from job.import_parts"):
                await asyncio.sleep(0.05)
        assert (await imports.shown(one))["cancelled_for"] == "number-erased"
        assert await pool.fetchval("select count(*) from job.imports where wrapped is null") == 1
