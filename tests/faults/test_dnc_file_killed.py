"""kill -9 in a load of do-not-call numbers at 1 %, 50 % and 99 %: complete, nothing twice."""

import asyncio
import signal
from uuid import UUID

import pytest

from services.command.dnc_file.work import FileWorker
from services.kit.clock import SystemClock
from tests.contract.command_service import running
from tests.contract.test_dnc_file import Desk, counts
from tests.faults.test_bulk_killed import runner

ROWS = 150
RUNS = ROWS // 3


@pytest.mark.parametrize("run", [1, RUNS // 2, RUNS])
async def test_a_killed_load_goes_on_and_its_report_is_of_the_first_time(
    database_url: str, run: int
) -> None:
    async with running(database_url) as service:
        service.clock.at = SystemClock().now()
        desk = Desk(service)
        numbers = [f"+1415555{number:04d}" for number in range(100, 100 + ROWS - 10)]
        raw = "\n".join([*numbers, *numbers[:7], "x", "y", "z"]).encode()
        answer = await desk.upload(raw, "scope=global&reason=asked")
        await desk.work()
        file = await desk.file(answer.json()["id"])
        assert file["plan"] == counts(ROWS - 10, 7, 3)
        path, body = f"/v1/do-not-call-files/{file['id']}/execute", {"digest": file["digest"]}
        async with runner(database_url, f"dnc_file.after_append:kill:{run}") as process:
            assert (await service.post(path, body)).status_code == 202
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        assert (await desk.file(file["id"]))["reached"] == 3 * (run - 1)
        async with runner(database_url), asyncio.timeout(60):
            while (await desk.file(file["id"]))["state"] != "done":
                await asyncio.sleep(0.05)
        assert (await desk.file(file["id"]))["done"] == file["plan"]
        told = await desk.told()
        assert [one.event.number for one in told] == numbers
        worker = FileWorker(service.commanding, service.clock)
        rows = await worker.tables.runs(UUID(file["id"]), "done", 0, 1_000)
        assert "".join(one.outcomes for one in rows) == "a" * (ROWS - 10) + "t" * 7 + "r" * 3
