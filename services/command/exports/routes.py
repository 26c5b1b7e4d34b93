"""Hands files of exports out: to their askers, and to who has a link. Each time is a fact first."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse

from schemas.organisation import ORGANISATION_ID
from services.command.answers import refusal
from services.command.domain.decider import Reason, Refused
from services.command.domain.export.commands import DownloadExport
from services.command.domain.export.state import Export
from services.command.domain.facts import Actor
from services.command.exports.files import Files
from services.command.exports.links import PATH, read_token
from services.command.facts_loader import Order, actor_of
from services.command.handler import Commanding
from services.kit import errors
from services.kit.auth import Authenticator, Principal
from services.kit.http import trace_of

AT_ONCE_MAX = 4
RETRY_SECONDS = 10
TAG = "exports"
DEAD = "This link is not valid, or not any more. Ask for the leads again."
LINK = Actor("service:export-link", "admin")
_NOBODY = Principal("", "")


class BrokenOff(Exception):
    """The file is gone in the middle; the connection is closed so that its reader notices."""


class _Handing:
    """The downloads of one process."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator) -> None:
        self._commanding = commanding
        self._authenticator = authenticator
        self._files = Files(commanding.log.pool, commanding.log.keys.master)
        self._running = 0

    async def to_caller(self, request: Request, export_id: UUID) -> StreamingResponse:
        """Hand the file to its asker."""
        principal = await self._authenticator.principal_of(request.scope)
        states = await self._commanding.states.refresh({ORGANISATION_ID: "organisation"})
        actor = actor_of(principal, states[ORGANISATION_ID])
        order = Order(DownloadExport(), principal, export_id, actor, trace=trace_of(request))
        try:
            return await self._hand(export_id, order)
        except Refused as refused:
            raise refusal(refused) from None

    async def to_link(self, request: Request, token: str) -> StreamingResponse:
        """Hand the file to who has a link. Whatever is wrong with one, the answer is the same."""
        found = read_token(self._commanding.log.keys.master, token)
        if found is None:
            raise errors.NotFound(DEAD)
        export_id, recipient = found
        command = DownloadExport(recipient=recipient)
        order = Order(command, _NOBODY, export_id, LINK, trace=trace_of(request))
        try:
            return await self._hand(export_id, order)
        except (Refused, errors.Conflict, errors.NotFound):
            raise errors.NotFound(DEAD) from None

    async def _hand(self, export_id: UUID, order: Order) -> StreamingResponse:
        """Note that the file is handed out, then do so. Raises Refused."""
        if self._running >= AT_ONCE_MAX:
            text = f"{AT_ONCE_MAX} files are being handed out already."
            raise errors.TooMany(text, retry_after_seconds=RETRY_SECONDS)
        states = await self._commanding.states.refresh({export_id: "export"})
        export: Export = states[export_id]
        if export.state == "finished" and await self._files.holds_erased(export_id):
            text = "A lead in the file was erased; make the export anew."
            raise Refused([Reason("file-gone", text)])
        await self._commanding.handle(order)
        name = f"leads-{export.shown}.zip"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Leads-Position": str(export.shown),
            "Cache-Control": "no-store",
        }
        pieces = self._pieces(export_id)
        return StreamingResponse(pieces, media_type="application/zip", headers=headers)

    async def _pieces(self, export_id: UUID) -> AsyncIterator[bytes]:
        self._running += 1
        try:
            async for piece in self._files.pieces(export_id):
                yield piece
        finally:
            self._running -= 1


def install_exports(app: FastAPI, commanding: Commanding, authenticator: Authenticator) -> None:
    """Add the routes by which files are taken."""
    handing = _Handing(commanding, authenticator)
    content = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "The file, a ZIP archive; it shows the log as of Leads-Position",
              "content": content},
    }  # fmt: skip

    @app.get("/v1/exports/{export_id}/file", tags=[TAG], responses=responses)
    async def take_export(request: Request, export_id: UUID) -> StreamingResponse:
        """Take the file of an export of yours; that is a fact of the export."""
        return await handing.to_caller(request, export_id)

    @app.get(f"{PATH}/{{token}}", tags=[TAG], responses=responses, openapi_extra={"security": []})
    async def take_export_by_link(request: Request, token: str) -> StreamingResponse:
        """Take the file by the link in a mail; no key is needed. That is a fact of the export."""
        return await handing.to_link(request, token)
