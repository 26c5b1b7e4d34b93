"""`python -m services.projections`: one projection worker, fed by Kafka or by the log."""

import asyncio
import sys

from services.kit.background import run_service, say_ready
from services.kit.clock import SystemClock
from services.kit.feed import Feed
from services.kit.feed_kafka import KafkaFeed
from services.kit.feed_log import LogFeed
from services.kit.ids import new_id
from services.kit.keys import KeyRing, MasterKey
from services.kit.postgres import close_pool, connect_pool
from services.kit.settings import Settings
from services.kit.telemetry import logger
from services.projections import beside
from services.projections.decoding import Decoder
from services.projections.number_zones import fill_number_zones
from services.projections.rebuild import rebuild_stale
from services.projections.runner import Worker
from services.projections.watch import Watch

KEYS_KEPT = 20_000


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Bring read models of an older fold up to date, then work until stopped."""
    pool = await connect_pool(settings.database_url, "leads_projections", largest=4)
    rows = await connect_pool(settings.database_url, "leads_projections", largest=4, by_key=True)
    try:
        keys = KeyRing(MasterKey(settings.master_key), pool, most=KEYS_KEPT)

        def make_feed(generation: int) -> Feed:
            if settings.transport == "log":
                return LogFeed(pool)
            return KafkaFeed(settings.kafka, generation)

        if settings.transport == "log":
            logger().warning("log-transport", note="no broker: reading the log directly")
        await fill_number_zones(pool)
        await rebuild_stale(pool, settings.master_key, settings.database_url)
        worker = Worker(rows, Decoder(keys), make_feed, new_id(), SystemClock())
        beside_work = (
            asyncio.create_task(Watch(pool, Decoder(keys)).run(stop), name="watch"),
            asyncio.create_task(beside.finish(pool, stop), name="mending"),
        )
        say_ready()
        try:
            await worker.run(stop)
        finally:
            for one in beside_work:
                one.cancel()
            await asyncio.gather(*beside_work, return_exceptions=True)
    finally:
        await rows.close()
        await close_pool(pool)


if __name__ == "__main__":
    sys.exit(run_service("projections", main))
