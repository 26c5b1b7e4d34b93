"""Lines that fall silent under load: from the database, both ways; and a broker that stands
still. Everything is answered in time, goes on by itself, and nothing is lost or done twice.
"""

import random
import signal
from pathlib import Path
from time import monotonic

import pytest

from tests.faults.checkers import five_checks
from tests.faults.cluster import Cluster, cluster
from tests.faults.silent_line import SilentLine
from tests.faults.test_disk_full import more_answers, until
from tests.faults.workload import Workload

pytestmark = pytest.mark.timeout(400)
ANSWER_SECONDS_MAX = 8.0
"""Commands take 3 s at most, facts and reads 5 s; the rest is for a busy machine."""


async def silent_database(running: Cluster, work: Workload, line: SilentLine) -> None:
    """Commands and reads are answered 503 in time, and again 2xx without any help."""
    for there, back in ((True, False), (False, False)):
        work.troubles.clear()
        line.there, line.back = there, back
        async with running.client() as client:
            asked = monotonic()
            shown = await client.get("/v1/leads")
            assert shown.status_code == 503, shown.text
            assert shown.json()["retryable"]
            assert monotonic() - asked < ANSWER_SECONDS_MAX
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert {status for status, _ in work.troubles} <= {503}, work.troubles
            await until(work.troubles.total, "a command answered 503")
        line.heal()
        await more_answers(work, 10)


async def broker_standing_still(running: Cluster, work: Workload) -> None:
    """Commands go on; what was on its way to the broker is sent when it moves again."""
    troubles = work.troubles.total()
    running.signal("kafka", signal.SIGSTOP)
    try:
        await more_answers(work, 30)
        assert work.troubles.total() == troubles, "commands do not need the broker"
    finally:
        running.signal("kafka", signal.SIGCONT)


async def test_silent_lines_under_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owner_url: str
) -> None:
    async with SilentLine(owner_url).listening() as line:
        async with cluster(tmp_path, monkeypatch, LEADS_DATABASE_URL=line.url) as running:
            work = Workload(running, random.Random(12))
            on_kafka = running.stack.servers.transport == "kafka"

            async def faults() -> None:
                await more_answers(work, 20)
                if on_kafka:
                    await broker_standing_still(running, work)
                await silent_database(running, work, line)

            await work.during(faults())
            assert work.slowest < ANSWER_SECONDS_MAX
            await five_checks(running, work)
            assert not [text for text in running.said if "ended with" in text], "all lived on"
            # Nothing of ours that works beside the API holds up the end, whoever is silent. The API
            # itself drains for as long as a request may take.
            if on_kafka:
                running.signal("kafka", signal.SIGSTOP)
            line.there = line.back = False
        late = {text.partition(" ")[0] for text in running.said if "did not stop" in text}
        assert late <= {"kafka", "api"}, running.said
