"""The whole stack on real servers, as `leads up` runs it; its parts can be killed or paused."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from schemas.dialer_call import TOPIC
from services.kit.eventlog import EventLog
from services.kit.keys import MasterKey
from services.kit.postgres import RETRYABLE, connect_pool
from services.kit.publisher import end_offsets
from services.kit.settings import Settings, read_settings
from services.local.demo_keys import demo_keys
from services.local.stack import Stack, running_stack
from services.projections.progress import visible_position
from tests.kit.event_logs import opened

SETTLE_SECONDS = 120.0
RESTART_SECONDS = 90.0


@dataclass
class Cluster:
    """A running stack and its parts: what it keeps running, by name."""

    folder: Path
    stack: Stack
    said: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """What its services were given."""
        return read_settings(self.stack.servers.environ)

    @property
    def owner_url(self) -> str:
        """Where the owner of the database looks."""
        return self.stack.servers.owner_url

    @property
    def parts(self) -> list[str]:
        """What there is to kill."""
        return self.stack.servers.supervisor.names()

    def client(self, user: str = "admin") -> httpx.AsyncClient:
        """A client of the API."""
        headers = {"authorization": f"Bearer {demo_keys(self.folder)[user]}"}
        return httpx.AsyncClient(base_url=self.stack.address, headers=headers, timeout=10)

    @asynccontextmanager
    async def log(self) -> AsyncIterator[EventLog]:
        """The event log, read beside the services."""
        settings = self.settings
        async with opened(settings.database_url, master=MasterKey(settings.master_key)) as log:
            yield log

    def signal(self, part: str, number: signal.Signals) -> None:
        """Send a signal to the part's process."""
        os.kill(self.stack.servers.supervisor.pid(part), number)

    async def kill(self, part: str) -> None:
        """Kill -9 the part and wait until it is started again."""
        supervisor = self.stack.servers.supervisor
        starts = supervisor.starts(part)
        with suppress(ProcessLookupError):  # it has just ended with another one
            self.signal(part, signal.SIGKILL)
        async with asyncio.timeout(RESTART_SECONDS):
            while supervisor.starts(part) == starts:
                await asyncio.sleep(0.02)

    async def settled(self) -> int:
        """Wait until all calls told are taken in and all the log holds is visible; return its head.

        The intake comes first: what it still has to append would not be in the head.
        """
        settings = self.settings
        pool = await connect_pool(settings.database_url, "leads_query", largest=1)
        try:
            async with asyncio.timeout(SETTLE_SECONDS):
                if settings.kafka:
                    await self._taken_in(settings.kafka)
                while True:
                    try:
                        head = await pool.fetchval("select max(position) from log.events")
                        if await visible_position(pool) >= head:
                            return int(head)
                    except RETRYABLE:
                        pass
                    await asyncio.sleep(0.05)
        finally:
            pool.terminate()

    async def _taken_in(self, bootstrap: str) -> None:
        ends = await end_offsets(bootstrap, TOPIC)
        connection = await asyncpg.connect(self.owner_url)
        try:
            while True:
                rows = await connection.fetch(
                    "select partition, next_offset from log.intake_offsets where topic = $1", TOPIC
                )
                taken = {row["partition"]: row["next_offset"] for row in rows}
                if all(taken.get(partition, 0) >= end for partition, end in ends.items()):
                    return
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    def logs(self) -> dict[str, str]:
        """What the parts wrote, by name."""
        folder = self.folder / "logs"
        return {path.stem: path.read_text("utf-8", "replace") for path in folder.glob("*.log")}


@asynccontextmanager
async def cluster(
    folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: str
) -> AsyncIterator[Cluster]:
    """A whole stack over `folder`, with nothing of the caller's settings but the transport.

    `settings` are those that it has besides: `LEADS_DATABASE_URL=…`.
    """
    for name in list(os.environ):
        if name.startswith("LEADS_") and name != "LEADS_TRANSPORT":
            monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    said: list[str] = []
    async with running_stack(folder, said.append) as stack:
        yield Cluster(folder, stack, said)
