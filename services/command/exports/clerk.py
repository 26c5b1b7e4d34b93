"""The clerk: tells the log what the writer left in the table, and removes files in time.

It works in the process of the sender, which one at a time leads. Whatever it does may be done
twice: a decision that was taken already takes nothing more.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import asyncpg
from prometheus_client import Counter

from schemas.organisation import ORGANISATION_ID
from services.command.domain.decider import Command
from services.command.domain.export.settling import FailExport, FinishExport, RemoveExport
from services.command.domain.export.state import Export
from services.command.domain.facts import Actor
from services.command.domain.organisation.state import Organisation
from services.command.exports.files import File, Files
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.kit.auth import Principal
from services.kit.background import pause
from services.kit.clock import Clock
from services.kit.errors import Problem
from services.kit.failpoints import at
from services.kit.http import failure
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger

POLL_SECONDS = 0.25
CLERK = Actor("service:exports", "admin")
_NOBODY = Principal("", "")
_FAULTS = (Problem, asyncpg.PostgresError, *RETRYABLE)

settled = Counter("leads_exports_total", "Exports settled", ["outcome"])


class Clerk:
    """Settles the exports of one database."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Tell the log by `commanding`, at the times of `clock`."""
        self._commanding = commanding
        self._clock = clock
        self._files = Files(commanding.log.pool, commanding.log.keys.master)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        while not stop.is_set():
            try:
                await self.step()
            except _FAULTS as error:
                logger().warning("clerk-fault", **failure(error))
            await pause(stop, POLL_SECONDS)

    async def step(self) -> None:
        """Look once through the files there are."""
        for file in await self._files.all():
            if file.state != "writing" and not file.told:
                await self._tell_end(file)
            states = await self._commanding.states.refresh(
                {file.id: "export", ORGANISATION_ID: "organisation"}
            )
            export: Export = states[file.id]
            if file.state == "writing" and export.state == "requested":
                continue
            why = await self._why_remove(export, states[ORGANISATION_ID])
            if why in ("expired", "lead-erased", "asker-inactive"):
                at("exports.before_remove")
                await tell(self._commanding, file.id, RemoveExport.model_validate({"reason": why}))
                settled.labels(why).inc()
            if why:
                await self._files.remove(file.id)

    async def _tell_end(self, file: File) -> None:
        if file.state == "written":
            ended: Command = FinishExport(
                shown=file.shown, leads=file.leads, size=file.size, digest=file.digest
            )
        else:
            ended = FailExport(code=file.code, detail=file.detail)
        await tell(self._commanding, file.id, ended)
        at("exports.before_told")
        await self._files.note_told(file.id)
        settled.labels(file.state).inc()

    async def _why_remove(self, export: Export, organisation: Organisation) -> str:
        """Say why the file must go, "" while it may stay."""
        if export.state != "finished":
            return export.state or "unknown"
        asker = organisation.users.get(export.by)
        if asker is None or not asker.active:
            return "asker-inactive"
        if _over(export, self._clock.now()):
            return "expired"
        if await self._files.holds_erased(UUID(export.id)):
            return "lead-erased"
        return ""


async def tell(commanding: Commanding, export_id: UUID, command: Command) -> None:
    """Give a command of our own services for an export."""
    order = Order(command, _NOBODY, export_id, CLERK, cause=f"export:{export_id}")
    await commanding.handle(order)


def _over(export: Export, now: datetime) -> bool:
    return export.expires_at is None or now >= export.expires_at
