"""kill -9 of the relay and of a worker at each of their failpoints: nothing lost, nothing twice."""

import asyncio
import signal
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.kit.feed import TOPIC
from tests.faults.child import child, on_log
from tests.kit.event_logs import opened
from tests.read_models.working import (
    Story,
    a_call,
    assert_equal_to_log,
    settled,
    until,
)

RELAY = "services.command.relay"
WORKER = "services.projections"
PLACES = {
    "relay.before_publish": RELAY,
    "relay.mid_batch": RELAY,
    "relay.after_publish": RELAY,
    "projections.before_apply": WORKER,
    "projections.after_apply": WORKER,
    "projections.after_commit": WORKER,
}


@pytest.fixture
async def environ(database_url: str, kafka: str, tmp_path: Path) -> dict[str, str]:
    """What services are given, with a topic that nothing was published to."""
    await forget_topic(kafka)
    more = {"LEADS_KAFKA": kafka, "LEADS_TRANSPORT": "kafka", "LEADS_DATA_DIR": str(tmp_path)}
    return {**on_log(database_url), **more}


async def forget_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        if TOPIC in await admin.list_topics():
            await admin.delete_topics([TOPIC])

        async def gone() -> bool:
            return TOPIC not in await admin.list_topics()

        await until(gone, "the topic is deleted")
    finally:
        await admin.close()


@pytest.mark.parametrize("place", PLACES)
async def test_a_killed_process_leaves_nothing_half_done(
    environ: dict[str, str], place: str
) -> None:
    url = environ["LEADS_DATABASE_URL"]
    victim = PLACES[place]
    other = RELAY if victim == WORKER else WORKER
    async with opened(url) as log, child(other, environ):
        story = Story(log)
        leads = await story.leads(40)
        async with child(victim, environ, f"{place}:kill:2") as killed:
            number = 0
            while killed.returncode is None:
                number += 1
                assert number < 300, "it never came to the second pass"
                await story.tell(*((one, a_call(number, talk_seconds=3)) for one in leads))
                await asyncio.sleep(0.2)
            assert killed.returncode == -signal.SIGKILL
        async with child(victim, environ):
            await settled(log)
        found = await assert_equal_to_log(url)
        assert found.rows["lead"] == 40
        assert found.rows["lead_log"] == await log.head() == 40 * (1 + number)
