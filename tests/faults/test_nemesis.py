"""Every part is killed while people and dialers work, bulk jobs run, rules fall due and mail goes
out: nothing lost, nothing doubled, all by itself.

The seed fixes the schedule of faults, not how threads and processes happen to run.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.contract.post_office import FROM, mail_server
from tests.faults.background_work import BackgroundWork
from tests.faults.checkers import five_checks
from tests.faults.cluster import Cluster, cluster
from tests.faults.workload import Workload

SECONDS = 12
pytestmark = pytest.mark.timeout(400)


async def kill_all_once(running: Cluster, choices: random.Random) -> None:
    """Kill every part, at moments that the seed gives; several may be down at a time."""

    async def kill_later(part: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await running.kill(part)

    async with asyncio.TaskGroup() as killing:
        for part in running.parts:
            killing.create_task(kill_later(part, choices.uniform(2.0, SECONDS)))


@pytest.mark.parametrize("seed", [20260301, 7])
async def test_every_part_killed_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    choices = random.Random(seed)
    async with (
        mail_server() as mails,
        cluster(tmp_path, monkeypatch, LEADS_SMTP_URL=mails.url, LEADS_MAIL_FROM=FROM) as running,
    ):
        work = Workload(running, random.Random(seed))
        beside = BackgroundWork(work, mails)
        faults = asyncio.create_task(kill_all_once(running, choices))
        async with asyncio.TaskGroup() as working:
            working.create_task(beside.run())
            working.create_task(work.run(SECONDS, least=60))
        await faults
        assert sum(answer.tries > 1 for answer in work.answers) > 0, "nothing was in the way"
        if running.stack.servers.transport == "kafka":
            assert work.calls
        assert beside.jobs
        await beside.all_done()
        await five_checks(running, work)
