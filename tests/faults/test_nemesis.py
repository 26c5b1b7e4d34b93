"""Every part is killed while people and dialers work: nothing lost, nothing doubled, all by itself.

The seed fixes the schedule of faults, not how threads and processes happen to run.
"""

import asyncio
import random
from pathlib import Path

import pytest

from tests.faults.checkers import five_checks
from tests.faults.cluster import Cluster, cluster
from tests.faults.workload import Workload

pytestmark = pytest.mark.timeout(400)


async def kill_all_once(running: Cluster, choices: random.Random) -> None:
    """Kill every part, in an order and at moments that the seed gives."""
    parts = running.parts
    choices.shuffle(parts)
    for part in parts:
        await asyncio.sleep(choices.uniform(0.2, 1.2))
        await running.kill(part)


@pytest.mark.parametrize("seed", [20260301, 7])
async def test_every_part_killed_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    choices = random.Random(seed)
    async with cluster(tmp_path, monkeypatch) as running:
        work = Workload(running, random.Random(seed))
        faults = asyncio.create_task(kill_all_once(running, choices))
        await work.run(12, least=60)
        await faults
        assert sum(answer.tries > 1 for answer in work.answers) > 0, "nothing was in the way"
        if running.stack.servers.transport == "kafka":
            assert work.calls
        await five_checks(running, work)
