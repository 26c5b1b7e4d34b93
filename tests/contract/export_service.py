"""The command service, a worker of projections, a writer of exports and the clerk, worked by hand,
with the query service beside them: what an export goes through, in one process.
"""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from zipfile import ZipFile

import httpx

from services.command.exports.clerk import Clerk
from services.kit.auth import Authenticator
from services.kit.clock import SystemClock
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.keys import KeyRing
from services.kit.outside import LinkSettings
from services.query.api_key import KeyTable
from services.query.app import install
from services.query.exports.writing import Writer
from services.query.reading import Reading
from services.query.wall import connect_pools
from tests.contract.command_service import KEYS, Service, running
from tests.kit.event_logs import MASTER, SIGNING
from tests.read_models.working import settled, working

DOMAINS = frozenset({"partner.example"})
LINKS = LinkSettings("https://leads.example", DOMAINS)


class Exports:
    """A command service and what reads, writes and settles for it."""

    def __init__(self, service: Service, reading: Reading, client: httpx.AsyncClient) -> None:
        self.service = service
        self.reading = reading
        self.client = client
        self.stop = asyncio.Event()
        self.writer = Writer(reading, MASTER, self.stop)
        self.clerk = Clerk(service.commanding, service.clock)

    async def asked(self, by: str = "admin", **body: Any) -> str:
        """Ask for an export, and have it visible; return its id."""
        made = await self.service.done("/v1/exports", body, by)
        await settled(self.service.commanding.log)
        return str(made["id"])

    async def write(self) -> int:
        """Have written what waits, and the log told; return how many were begun."""
        count = await self.writer.write_waiting()
        await self.clerk.step()
        await settled(self.service.commanding.log)
        return count

    async def done(self, by: str = "admin", **body: Any) -> str:
        """Ask for an export and have it written; return its id."""
        export = await self.asked(by, **body)
        await self.write()
        return export

    async def read(self, path: str, by: str = "admin", **params: Any) -> httpx.Response:
        """GET from the query service."""
        await settled(self.service.commanding.log)
        headers = {"authorization": f"Bearer {KEYS[by]}"}
        return await self.client.get(path, params=params or None, headers=headers)

    async def shown(self, export: str, by: str = "admin") -> Any:
        """What the query service shows of an export."""
        response = await self.read(f"/v1/exports/{export}", by)
        assert response.status_code == 200, response.text
        return response.json()["export"]

    async def take(self, path: str, by: str = "admin") -> httpx.Response:
        """GET a file from the command service; `by` "" = without a key."""
        headers = {"authorization": f"Bearer {KEYS[by]}"} if by else {}
        return await self.service.client.get(path, headers=headers)

    async def file(self, export: str, by: str = "admin") -> dict[str, str]:
        """Take a file that must be there; return what is in it by name."""
        response = await self.take(f"/v1/exports/{export}/file", by)
        assert response.status_code == 200, response.text
        return unzipped(response.content)


def unzipped(raw: bytes) -> dict[str, str]:
    """The texts in an archive, all of it checked."""
    with ZipFile(io.BytesIO(raw)) as archive:
        assert archive.testzip() is None
        return {one: archive.read(one).decode() for one in archive.namelist()}


@asynccontextmanager
async def beside(service: Service, url: str) -> AsyncIterator[Exports]:
    """What reads, writes and settles beside a command service whose read models are at work."""
    async with AsyncExitStack() as stack:
        pools = await connect_pools(url)
        stack.callback(pools.terminate)
        reads = EventLog(pools.whole, service.commanding.log.codec, KeyRing(MASTER, pools.whole))
        keys = Authenticator(KeyTable(pools.whole), service.clock)
        reading = Reading(pools, reads, keys, Cursors(bytes(32)), service.clock, SIGNING)
        app = create_app("test")
        install(app, reading)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://leads")
        await stack.enter_async_context(client)
        yield Exports(service, reading, client)


@asynccontextmanager
async def exporting(url: str) -> AsyncIterator[Exports]:
    """All of it over a test's database; leads are mailed to users and to `DOMAINS`."""
    async with (
        running(url, frozenset({"email"}), mail_domains=DOMAINS) as service,
        working(url),
        beside(service, url) as exports,
    ):
        service.clock.at = SystemClock().now()
        await settled(service.commanding.log)
        yield exports
