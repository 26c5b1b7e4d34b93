"""What works beside the requests while things break: bulk jobs, rules of the clock, messages.

They are asked for under load, by the workload's own people; in the end each was done, once.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx

from schemas.instants import format_instant
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from tests.contract.post_office import MailServer
from tests.faults.workload import Workload

LEADS = 10
SECONDS = 90


@dataclass
class BackgroundWork:
    """What was asked for beside the workload; `jobs` are those begun, with how many leads each."""

    work: Workload
    mails: MailServer
    jobs: dict[str, int] = field(default_factory=dict)

    async def run(self) -> None:
        """Ask for jobs, timed suppressions and messages until the workload stops."""
        async with self.work.cluster.client() as client:
            while not self.work.stopping.is_set():
                await asyncio.sleep(0.2)
                if len(self.work.leads) < LEADS:
                    continue
                lead = self.work.random.choice(self.work.leads)
                soon = format_instant(SystemClock().now() + timedelta(seconds=2))
                await self.work.ask(client, f"/v1/leads/{lead}/suppress", {"until": soon})
                mail = {"subject": f"Mail {new_id()}", "body": "Hello"}
                await self.work.ask(client, f"/v1/leads/{lead}/send-email", mail)
                await self._job(client)

    async def _job(self, client: httpx.AsyncClient) -> None:
        """Plan a job over some leads and execute it as soon as it is planned."""
        leads = self.work.leads[-LEADS:]
        chosen = await self._told(client, "/v1/selections", {"ids": leads})
        command = {"name": "SetPriority", "priority": self.work.random.randrange(1, 10)}
        body = {"selection": chosen["id"], "digest": chosen["digest"], "command": command}
        job = (await self._told(client, "/v1/bulk-jobs", body))["id"]
        self.jobs[job] = chosen["count"]  # those that can be seen already
        planned = await self._in_state(client, job, "planned")
        body = {"digest": planned["plan"]["digest"]}
        await self._told(client, f"/v1/bulk-jobs/{job}/execute", body)

    async def _told(self, client: httpx.AsyncClient, path: str, body: Any) -> Any:
        """Ask until it is answered, under one key."""
        headers = {"idempotency-key": str(new_id())}
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    answer = await client.post(path, json=body, headers=headers)
                except httpx.TransportError:
                    answer = None
                if answer is not None and answer.status_code < 300:
                    return answer.json()
                assert answer is None or answer.json()["retryable"], answer.text
                await asyncio.sleep(0.1)

    async def _in_state(self, client: httpx.AsyncClient, job: str, state: str) -> Any:
        async with asyncio.timeout(SECONDS):
            while True:
                try:
                    shown = (await client.get(f"/v1/bulk-jobs/{job}")).json()
                except httpx.TransportError:
                    shown = {}
                if shown.get("state") == state:
                    return shown
                await asyncio.sleep(0.1)

    async def all_done(self) -> None:
        """Wait for the end of everything; each job accounts for all its leads, each message was
        sent, twice only as the same, and each suppression ended.
        """
        async with self.work.cluster.client() as client:
            for job, leads in self.jobs.items():
                ended = await self._in_state(client, job, "finished")
                assert sum(ended["result"].values()) == leads, ended
                assert ended["result"]["not_reached"] == 0, ended
        async with asyncio.timeout(SECONDS), self.work.cluster.log() as log:
            while True:
                history = await log.read(0, 1_000_000)
                counts = Counter(type(one.event).TOPIC for one in history)
                due = await log.pool.fetchval("select count(*) from clock.due where at <= now()")
                waiting = await log.pool.fetchval("select count(*) from job.outbox")
                if (
                    not due
                    and not waiting
                    and counts["lead.message_queued"]
                    == (counts["lead.message_sent"] + counts["lead.message_failed"])
                ):
                    break
                await asyncio.sleep(0.1)
        assert counts["lead.message_failed"] == 0
        assert counts["lead.message_sent"] > 0
        assert len(set(self.mails.raw)) == counts["lead.message_sent"], "twice only as the same"
        assert counts["lead.unsuppressed"] > 0
