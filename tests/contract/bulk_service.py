"""Bulk jobs in tests: a command service, a runner worked by hand, selections as reads make."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx

from schemas.envelope import Recorded
from services.command.bulk.runner import Runner
from services.kit.ids import new_id
from services.kit.postgres import connect_pool
from services.query.selection import DIGEST
from tests.contract.command_service import KEYS, NOON, USER_IDS, Service, running


class Bulk:
    """A command service with leads, and a runner that works when it is told to."""

    def __init__(self, service: Service, url: str) -> None:
        self.service = service
        self.url = url
        self.runner = Runner(service.commanding, service.clock)

    async def leads(self, count: int, **more: Any) -> list[str]:
        """Make leads of one campaign, in the order of their ids."""
        campaign = more.pop("campaign", None) or await self.service.campaign()
        made = [
            await self.service.lead(campaign, phone=f"+1415555{i:04d}", **more)
            for i in range(100, 100 + count)
        ]
        return sorted(made)

    async def select(self, leads: Sequence[str], by: str = "admin") -> tuple[str, str]:
        """Freeze leads as the query service does; return id and digest."""
        ids = [UUID(lead) for lead in sorted(leads)]
        versions = await self.service.commanding.log.versions(ids)
        selection = new_id()
        pool = await connect_pool(self.url, "leads_query")
        try:
            await pool.executemany(
                "insert into job.selected values ($1, $2, $3, $4)",
                [(selection, i, one, versions[one]) for i, one in enumerate(ids, 1)],
            )
            digest = f"{len(ids)}.{await pool.fetchval(DIGEST, selection)}"
            await pool.execute(
                "insert into job.selections values"
                " ($1, $2, $3, now() + interval '7 days', $4, 0, 0, $4, $5, 1)",
                selection,
                UUID(USER_IDS[by]),
                NOON,
                len(ids),
                digest,
            )
        finally:
            await pool.close()
        return str(selection), digest

    async def ask(
        self, leads: Sequence[str], name: str, by: str = "admin", **fields: Any
    ) -> httpx.Response:
        """Ask for a plan."""
        selection, digest = await self.select(leads, by)
        body = {"selection": selection, "digest": digest, "command": {"name": name, **fields}}
        return await self.service.post("/v1/bulk-jobs", body, by)

    async def planned(
        self, leads: Sequence[str], name: str, by: str = "admin", **fields: Any
    ) -> Any:
        """Have a plan made; return the job."""
        answer = await self.ask(leads, name, by, **fields)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.job(answer.json()["id"], by)

    async def done(self, leads: Sequence[str], name: str, by: str = "admin", **fields: Any) -> Any:
        """Plan and execute; return the job at its end."""
        return await self.execute(await self.planned(leads, name, by, **fields), by)

    async def execute(self, job: Any, by: str = "admin") -> Any:
        """Execute a plan; return the job at its end."""
        path = f"/v1/bulk-jobs/{job['id']}/execute"
        answer = await self.service.post(path, {"digest": job["plan"]["digest"]}, by)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.job(job["id"], by)

    async def undone(self, job: Any, by: str = "admin") -> Any:
        """Undo a job; return the undo at its end."""
        answer = await self.service.post(f"/v1/bulk-jobs/{job['id']}/undo", by=by)
        assert answer.status_code == 202, answer.text
        await self.work()
        return await self.execute(await self.job(answer.json()["id"], by), by)

    async def work(self) -> None:
        """Let the runner do all there is."""
        stop = asyncio.Event()
        while await self.runner.work.once(stop) and await self.waiting():
            pass

    async def waiting(self) -> bool:
        """Whether the log knows a job that a runner has to work on."""
        commanding = self.service.commanding
        ids = await commanding.log.streams_of("bulk")
        jobs = await commanding.states.refresh(dict.fromkeys(ids, "bulk"))
        stages = {job.stage for job in jobs.values()}
        return bool(stages & {"planning", "executing", "cancelling"})

    async def get(self, path: str, by: str = "admin") -> httpx.Response:
        """Read."""
        headers = {"authorization": f"Bearer {KEYS[by]}"}
        return await self.service.client.get(path, headers=headers)

    async def job(self, job: str, by: str = "admin") -> Any:
        """Return a job as it is shown."""
        answer = await self.get(f"/v1/bulk-jobs/{job}", by)
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert shown["fault"] == ""
        return shown

    async def outcomes(self, job: Any, by: str = "admin", **query: str) -> dict[str, Any]:
        """Return all outcomes by lead, page by page."""
        found: dict[str, Any] = {}
        cursor = ""
        while True:
            asked = "&".join(f"{name}={value}" for name, value in query.items())
            path = f"/v1/bulk-jobs/{job['id']}/outcomes?limit=3&{asked}{cursor}"
            answer = await self.get(path, by)
            assert answer.status_code == 200, answer.text
            for one in answer.json()["outcomes"]:
                assert one["lead_id"] not in found
                found[one["lead_id"]] = one
            if answer.json()["next"] is None:
                return found
            cursor = f"&cursor={answer.json()['next']}"

    async def events_of(self, job: Any) -> list[Recorded]:
        """Return what a job appended to leads."""
        events = await self.service.commanding.log.read(0, 100_000)
        return [one for one in events if one.origin.cause == f"bulk:{job['id']}"]


@asynccontextmanager
async def bulk_running(url: str) -> AsyncIterator[Bulk]:
    """A command service and a runner over a test's database."""
    async with running(url) as service:
        yield Bulk(service, url)
