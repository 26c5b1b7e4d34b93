"""Imports in tests: a command service, and a worker that works when it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from services.command.imports.work import ImportWorker
from tests.contract.command_service import KEYS, Service, running

PLACE = "/v1/imports"
FIELDS = [
    {"import_name": "age", "type": "number"},
    {"import_name": "job", "type": "picklist", "values": ["clerk", "baker"], "default": "clerk"},
    {"import_name": "town", "label": "City", "type": "text"},
]


class Imports:
    """A command service with a campaign to import into."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.worker = ImportWorker(service.commanding, service.clock)
        self.campaign = ""

    async def upload(
        self, raw: Any, query: str = "", by: str = "admin", media: str = "text/csv", **headers: str
    ) -> httpx.Response:
        """Send a file."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent |= {"content-type": media, "authorization": f"Bearer {KEYS[by]}"}
        return await self.service.client.post(
            f"{PLACE}?campaign_id={self.campaign}{query}", content=raw, headers=sent
        )

    async def put(self, one: str, settings: Any, by: str = "admin") -> httpx.Response:
        """Confirm a mapping."""
        headers = {"authorization": f"Bearer {KEYS[by]}"}
        path = f"{PLACE}/{one}/mapping"
        return await self.service.client.put(path, json=settings, headers=headers)

    async def get(self, path: str, by: str = "admin") -> httpx.Response:
        """Read."""
        headers = {"authorization": f"Bearer {KEYS[by]}"}
        return await self.service.client.get(PLACE + path, headers=headers)

    async def ask(self, one: str, verb: str, by: str = "admin") -> httpx.Response:
        """Ask for a step."""
        return await self.service.post(f"{PLACE}/{one}/{verb}", by=by)

    async def work(self) -> None:
        """Let the worker do all there is."""
        stop = asyncio.Event()
        while await self.waits() and await self.worker.work.once(stop):
            pass

    async def waits(self) -> bool:
        """Whether a worker has something to do, beside looking again at what is over."""
        commanding = self.service.commanding
        rows = await self.worker.tables.many(None, 1_000)
        states = await commanding.states.refresh({row.id: "import" for row in rows})
        return any(
            states[row.id].stage in ("running", "cancelling", "undoing")
            or (states[row.id].stage == "open" and row.previewing > row.previewed)
            for row in rows
            if not row.stalled
        )

    async def mapped(self, raw: Any, query: str = "", by: str = "admin", **more: Any) -> str:
        """Upload a file and confirm what is proposed; return the import's id."""
        answer = await self.upload(raw, query, by)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        confirmed = await self.put(told["id"], {**told["proposal"]["settings"], **more}, by)
        assert confirmed.status_code == 200, confirmed.text
        return str(told["id"])

    async def previewed(self, one: str, by: str = "admin") -> Any:
        """Have a preview made; return the import."""
        answer = await self.ask(one, "preview", by)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.shown(one, by)

    async def done(self, raw: Any, query: str = "", by: str = "admin", **more: Any) -> Any:
        """Import a file as proposed; return the import at its end."""
        one = await self.mapped(raw, query, by, **more)
        return await self.ran(one, by)

    async def ran(self, one: str, by: str = "admin") -> Any:
        """Run a mapped import; return it at its end."""
        answer = await self.ask(one, "run", by)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.shown(one, by)

    async def undone(self, one: str, by: str = "admin") -> Any:
        """Undo an import; return it at its end."""
        answer = await self.ask(one, "undo", by)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.shown(one, by)

    async def shown(self, one: str, by: str = "admin") -> Any:
        """Return an import as it is shown."""
        answer = await self.get(f"/{one}", by)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def rows(self, one: str, query: str = "", by: str = "admin") -> list[Any]:
        """Return all rows, page by page, as (row, outcome, codes)."""
        return [
            (row["row"], row["outcome"], [reason["code"] for reason in row["reasons"]])
            for row in await self.report(one, query, by)
        ]

    async def report(self, one: str, query: str = "", by: str = "admin") -> list[Any]:
        """Return all rows as they are answered."""
        found: list[Any] = []
        after = 0
        while True:
            answer = await self.get(f"/{one}/rows?limit=3&after={after}{query}", by)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page["rows"]
            if page["next"] is None:
                return found
            after = page["next"]

    async def told(self, one: str) -> list[Any]:
        """Return what an import appended to leads, and what its undo did."""
        recorded = await self.service.commanding.log.read(0, 100_000)
        causes = (f"import:{one}", f"import:{one}/undo")
        return [
            each
            for each in recorded
            if each.origin.cause in causes and each.event.category() == "lead"
        ]

    async def lead(self, lead: str) -> Any:
        """Return a lead as the log has it."""
        states = await self.service.commanding.states.refresh({UUID(lead): "lead"})
        return states[UUID(lead)]


@asynccontextmanager
async def importing(url: str) -> AsyncIterator[Imports]:
    """A command service and a worker over a test's database, with a campaign."""
    async with running(url) as service:
        imports = Imports(service)
        imports.campaign = await service.campaign(fields=FIELDS)
        yield imports
