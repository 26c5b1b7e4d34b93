"""`python -m services.local.dialer`: a dialer that tells the sample's calls, as fast as it may.

Sends to the topic `dialer.calls`, or to POST /v1/calls where there is no Kafka. How far it came is
kept in a file; a killed dialer goes on from there, and what it sends twice is recorded once.
"""

import asyncio
import http.client
import json
import os
import sys
import zlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.dialer_call import QUARANTINE_TOPIC, TOPIC
from services.kit.background import pause, run_service, say_ready
from services.kit.feed import PARTITIONS
from services.kit.publisher import PublishFailed, provide_topics
from services.kit.settings import Settings
from services.kit.telemetry import logger
from services.local.sample_data import Message, messages

SENT_FILE = "dialer-sent.json"
CLIENTS, ADDRESS, KEY = "LEADS_SAMPLE_CLIENTS", "LEADS_ADDRESS", "LEADS_DIALER_KEY"
AT_ONCE = 2_000
CALLS_A_REQUEST = 1_000
ACK_SECONDS = 20.0
HTTP_SECONDS = 60.0
RETRY_SECONDS = 0.5
_HEADERS = [
    ("ce_specversion", b"1.0"),
    ("ce_type", b"dialer.call"),
    ("ce_source", b"sample-dialer"),
    ("content-type", b"application/json"),
]


def sent_so_far(folder: Path, clients: str) -> int:
    """Return how many messages were acknowledged, of those for this many clients."""
    try:
        kept = json.loads((folder / SENT_FILE).read_text())
    except (OSError, ValueError):
        return 0
    return int(kept["sent"]) if kept.get("clients") == clients else 0


def forget_sent(folder: Path) -> None:
    """Let the next dialer begin from the first call."""
    (folder / SENT_FILE).unlink(missing_ok=True)


def _keep_sent(folder: Path, clients: str, sent: int) -> None:
    aside = folder / f"{SENT_FILE}.new"
    aside.write_text(json.dumps({"clients": clients, "sent": sent}))
    aside.replace(folder / SENT_FILE)


class NotSent(Exception):
    """The other side did not acknowledge; send the same again."""


class ToTopic:
    """Sends to Kafka: idempotent, acknowledged by all, the lead's id as key."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: Any = None

    async def send(self, told: Sequence[Message]) -> None:
        """Send these, in order within each partition. Raises NotSent; some may have arrived."""
        try:
            if self._producer is None:
                await self._connect()
            async with asyncio.timeout(ACK_SECONDS):
                await asyncio.gather(*(self._send_to(*one) for one in _by_partition(told)))
        except (KafkaError, PublishFailed, OSError, TimeoutError) as error:
            await self.close()
            raise NotSent(type(error).__name__) from error

    async def _connect(self) -> None:
        await provide_topics(self._bootstrap, {TOPIC: PARTITIONS, QUARANTINE_TOPIC: 1})
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            max_batch_size=262_144,
            request_timeout_ms=15_000,
        )
        self._producer = producer
        await producer.start()

    async def _send_to(self, partition: int, told: Sequence[Message]) -> None:
        sent = 0
        while sent < len(told):
            batch = self._producer.create_batch()
            first = sent
            while sent < len(told) and batch.append(
                key=told[sent].key, value=told[sent].value, timestamp=None, headers=_HEADERS
            ):
                sent += 1
            assert sent > first, "a call is too big for a batch"
            batch.close()
            await (await self._producer.send_batch(batch, TOPIC, partition=partition))

    async def close(self) -> None:
        """Disconnect; after a fault the next `send` connects anew."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await asyncio.wait_for(producer.stop(), 3.0)
        except (KafkaError, OSError, TimeoutError) as error:
            logger().warning("producer-stop-failed", why=type(error).__name__)


class ToHttp:
    """Sends to POST /v1/calls."""

    def __init__(self, address: str, key: str) -> None:
        parts = urlsplit(address)
        assert parts.hostname is not None, "an address has a host"
        self._host, self._port, self._key = parts.hostname, parts.port, key

    async def send(self, told: Sequence[Message]) -> None:
        """Send these in requests of a thousand. Raises NotSent."""
        for first in range(0, len(told), CALLS_A_REQUEST):
            items = [_as_item(one.value) for one in told[first : first + CALLS_A_REQUEST]]
            await asyncio.to_thread(self._post, b"[" + b",".join(items) + b"]")

    def _post(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=HTTP_SECONDS)
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        try:
            connection.request("POST", "/v1/calls", body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise NotSent(type(error).__name__) from error
        finally:
            connection.close()
        if answer.status != 200:
            raise NotSent(f"status {answer.status}")

    async def close(self) -> None:
        """Nothing stays open."""


def _as_item(raw: bytes) -> bytes:
    """Return a payload as an item of a JSON array; what is no JSON travels as a string."""
    try:
        json.loads(raw)
    except ValueError:
        return json.dumps(raw.decode("latin-1")).encode()
    return raw


def _by_partition(told: Sequence[Message]) -> list[tuple[int, list[Message]]]:
    found: dict[int, list[Message]] = {}
    for one in told:
        found.setdefault(zlib.crc32(one.key) % PARTITIONS, []).append(one)
    return list(found.items())


async def dial(line: ToTopic | ToHttp, folder: Path, clients: str, stop: asyncio.Event) -> None:
    """Send every message that was not acknowledged yet, then return.

    Says that it is ready when the messages are, before the first is sent.
    """
    sent = sent_so_far(folder, clients)
    told = islice(messages(int(clients) if clients else None), sent, None)
    some = list(islice(told, AT_ONCE))
    say_ready()
    try:
        while not stop.is_set() and some:
            while not stop.is_set():
                try:
                    await line.send(some)
                except NotSent as why:
                    logger().warning("not-sent", why=str(why), sent=sent)
                    await pause(stop, RETRY_SECONDS)
                else:
                    sent += len(some)
                    _keep_sent(folder, clients, sent)
                    break
            some = list(islice(told, AT_ONCE))
    finally:
        await line.close()
    logger().info("dialled", sent=sent)


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Dial over the transport of the settings."""
    line: ToTopic | ToHttp = (
        ToTopic(settings.kafka)
        if settings.transport == "kafka"
        else ToHttp(os.environ[ADDRESS], os.environ[KEY])
    )
    await dial(line, settings.data_dir, os.environ.get(CLIENTS, ""), stop)


if __name__ == "__main__":
    sys.exit(run_service("dialer", main))
