"""What the way through Kafka is compared with: aiokafka and one table, and nothing else.

No order per lead, no epoch, no parking, no second table: what a few lines would do.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from services.kit.feed import PARTITIONS
from services.kit.publisher import provide_topics

TOPIC = "bench.bare"
_MAKE = """
    create table if not exists public.bare_calls (call_id text, lead_id text, call bytea);
    create table if not exists public.bare_leads (lead_id int primary key, owner text);
"""
_UPSERT = """
    insert into public.bare_leads select distinct on (l) l, o from unnest($1::int[], $2::text[])
    as new(l, o) on conflict (lead_id) do update set owner = excluded.owner
"""


async def consume_and_copy(bootstrap: str, owner_url: str, topic: str, count: int) -> float:
    """Read `count` calls of a topic from its beginning and copy them into a table; return the
    rate.
    """
    connection = await asyncpg.connect(owner_url)
    await connection.execute(_MAKE)
    consumer, places = await _reader(bootstrap, topic)
    try:
        began = time.perf_counter()
        done = 0
        while done < count:
            came = await consumer.getmany(timeout_ms=500, max_records=1_000)
            raw = [record.value for records in came.values() for record in records]
            await connection.copy_records_to_table("bare_calls", records=_calls(raw))
            done += len(raw)
            assert raw or done >= count, f"{done} of {count} in {len(places)} partitions"
        return done / (time.perf_counter() - began)
    finally:
        await consumer.stop()
        await connection.close()


def _calls(raw: Sequence[bytes]) -> list[tuple[str, str, bytes]]:
    """Return rows of what can be read; the rest is left out."""
    found = []
    for text in raw:
        try:
            call = orjson.loads(text)
            ids = call["call_id"], call["lead_id"]
            if all(isinstance(one, str) and "\0" not in one for one in ids):
                found.append((*ids, text))
        except (ValueError, KeyError, TypeError):
            continue
    return found


async def produce_to_upsert(
    bootstrap: str, owner_url: str, per_second: int, seconds: int
) -> list[float]:
    """Send records at an even pace, upsert each as it comes; return the seconds from sending to
    the commit.
    """
    await provide_topics(bootstrap, {TOPIC: PARTITIONS})
    connection = await asyncpg.connect(owner_url)
    await connection.execute(_MAKE)
    consumer, _ = await _reader(bootstrap, TOPIC)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    total = per_second * seconds
    took: list[float] = []

    async def apply() -> None:
        while len(took) < total:
            came = await consumer.getmany(timeout_ms=200)
            told = [orjson.loads(r.value) for records in came.values() for r in records]
            if told:
                leads, owners = [one["lead"] for one in told], [one["owner"] for one in told]
                await connection.execute(_UPSERT, leads, owners)
                now = time.perf_counter()
                took.extend(now - one["sent"] for one in told)

    try:
        applying = asyncio.create_task(apply())
        began = time.perf_counter()
        for number in range(total):
            wait = began + number / per_second - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            body = {"lead": number % 2_000, "owner": "north", "sent": time.perf_counter()}
            await producer.send(TOPIC, orjson.dumps(body), partition=number % PARTITIONS)
        await asyncio.wait_for(applying, 30)
    finally:
        await producer.stop()
        await consumer.stop()
        await connection.close()
    return took


async def _reader(bootstrap: str, topic: str) -> tuple[Any, list[TopicPartition]]:
    """A consumer at the beginning of all partitions."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, fetch_max_wait_ms=20)
    await consumer.start()
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    for place, offset in (await consumer.beginning_offsets(places)).items():
        consumer.seek(place, offset)
    return consumer, places
