"""People and dialers at work while things break: every command asked until it is answered.

A command whose answer was lost is sent again with the same key, as the documentation tells clients;
what it is answered in the end is kept, to be held against the log.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID, uuid5

import httpx
import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from schemas.dialer_call import QUARANTINE_TOPIC, TOPIC
from services.command.first_start import USERS, team_id
from services.command.handler import KEYS
from services.kit.feed import PARTITIONS
from services.kit.ids import new_id
from services.kit.publisher import PublishFailed, provide_topics
from tests.contract.intake_calls import call
from tests.faults.cluster import Cluster

WRITERS = 6
PHONES = 40
ANSWER_SECONDS = 60.0
TEAMS = [f"team:{team_id(name)}" for name in ("North", "South", "Head office")]
ADMIN = next(user.id for user in USERS if user.name == "admin")


def is_final(answer: httpx.Response) -> bool:
    """Say whether the command is settled: not after a 5xx, nor while it is being carried out."""
    kind = answer.json().get("type", "").rpartition("/")[2]
    return answer.status_code < 500 and kind != "in-flight"


@dataclass
class Answered:
    """A command and what it was answered in the end."""

    command_id: UUID
    path: str
    status: int
    body: dict[str, Any]
    tries: int


@dataclass
class Workload:
    """What was asked and answered, and the calls that were told and acknowledged.

    troubles: how often something was answered that settled nothing, by status and code.
    slowest: how many seconds the slowest of all tries took.
    """

    cluster: Cluster
    random: random.Random
    answers: list[Answered] = field(default_factory=list)
    leads: list[str] = field(default_factory=list)
    calls: dict[str, str] = field(default_factory=dict)
    troubles: Counter[tuple[int, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, seconds: float, least: int = 0) -> None:
        """Work for so long and until so many commands are answered; wait for the last answers."""

        async def so_long() -> None:
            await asyncio.sleep(seconds)
            while len(self.answers) < least:
                await asyncio.sleep(0.1)

        await self.during(so_long())

    async def during(self, what: Awaitable[None]) -> None:
        """Work until `what` is over; wait for the last answers."""
        async with self.cluster.client() as client:
            campaign = await self.ask(client, "/v1/campaigns", {"name": "Faults"})
            assert campaign.status == 201, campaign
            work = [self._person(client, campaign.body["id"]) for _ in range(WRITERS)]
            if self.cluster.stack.servers.transport == "kafka":
                work.append(self._dialer())
            async with asyncio.TaskGroup() as group:
                for one in work:
                    group.create_task(one)
                await what
                self.stopping.set()

    async def ask(self, client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> Answered:
        """Send a command until it is answered for good."""
        key = str(new_id())
        tries = 0
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                tries += 1
                asked = monotonic()
                try:
                    answer = await client.post(path, json=body, headers={"idempotency-key": key})
                except httpx.TransportError:
                    answer = None
                self.slowest = max(self.slowest, monotonic() - asked)
                if answer is not None:
                    if is_final(answer):
                        break
                    self.troubles[answer.status_code, answer.json()["code"]] += 1
                await asyncio.sleep(0.1)
        answered = Answered(
            uuid5(KEYS, f"{ADMIN} {key}"), path, answer.status_code, answer.json(), tries
        )
        self.answers.append(answered)
        return answered

    async def _person(self, client: httpx.AsyncClient, campaign: str) -> None:
        while not self.stopping.is_set():
            if len(self.leads) < 5 or self.random.random() < 0.2:
                number = self.random.randrange(PHONES)
                mail = {"email": f"lead{number}@example.com"}
                phone = f"+141555501{number:02d}"
                new: dict[str, Any] = {"campaign_id": campaign, "phone": phone, "fields": mail}
                made = await self.ask(client, "/v1/leads", new)
                if made.status == 201:
                    self.leads.append(made.body["id"])
                continue
            lead = self.random.choice(self.leads)
            verb, body = self.random.choice(
                [
                    ("change-owner", {"owner": self.random.choice(TEAMS)}),
                    ("add-note", {"text": f"said {self.random.randrange(1000)}"}),
                    ("suppress", {"reason": "asked"}),
                    ("unsuppress", {"reason": "asked again"}),
                ]
            )
            await self.ask(client, f"/v1/leads/{lead}/{verb}", body)

    async def _dialer(self) -> None:
        """Tell calls, each batch until it is acknowledged, some of them twice."""
        number = 0
        while not self.stopping.is_set():
            await asyncio.sleep(0.1)
            if not self.leads:
                continue
            batch = {}
            for _ in range(self.random.randrange(1, 8)):
                number += 1
                batch[f"call-{number}"] = self.random.choice(self.leads)
            while not await self._told(batch):
                await asyncio.sleep(0.2)
            self.calls.update(batch)

    async def _told(self, batch: dict[str, str]) -> bool:
        bootstrap = self.cluster.settings.kafka
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, acks="all", request_timeout_ms=4000
        )
        try:
            async with asyncio.timeout(6):
                await provide_topics(bootstrap, {TOPIC: PARTITIONS, QUARANTINE_TOPIC: 1})
                await producer.start()
                for call_id, lead in batch.items():
                    value = orjson.dumps(call(call_id, lead))
                    for _ in range(1 + (self.random.random() < 0.1)):
                        await producer.send_and_wait(TOPIC, key=lead.encode(), value=value)
        except (KafkaError, PublishFailed, OSError, TimeoutError):
            return False
        finally:
            await producer.stop()
        return True
