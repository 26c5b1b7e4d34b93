"""The intake as a process of its own over a topic of the test's own: `python -m … TOPIC`."""

import asyncio
import sys

from schemas.catalogue import EVENTS
from services.command.intake import consume
from services.command.intake_batch import Intake
from services.command.intake_offsets import IntakeOffsets
from services.command.state_cache import StateCache
from services.kit.background import run_service, say_ready
from services.kit.clock import SystemClock
from services.kit.codec import EventCodec
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import connect_pool
from services.kit.settings import Settings

PARTITIONS = 3


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Take calls in from the topic named on the command line."""
    topic = sys.argv[1]
    pool = await connect_pool(settings.database_url, "leads_command", largest=6)
    keys = KeyRing(MasterKey(settings.master_key), pool)
    async with EventLog(pool, EventCodec(EVENTS), keys) as log:
        intake = Intake(log, StateCache(log), SystemClock())
        say_ready()
        offsets = IntakeOffsets(pool, topic, new_id())
        await consume(intake, offsets, settings.kafka, stop, topic, PARTITIONS)
    await pool.close()


if __name__ == "__main__":
    sys.exit(run_service("intake", main))
