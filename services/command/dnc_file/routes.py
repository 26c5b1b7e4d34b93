"""Do-not-call entries by file over HTTP: upload, look at the plan, execute it, read the report.

Who uploaded a file sees it; so do administrators and auditors. The file itself is shown to nobody.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response, StreamingResponse

from schemas.organisation import ORGANISATION_ID
from services.command.bulk.answers import Digest
from services.command.dnc_file.lines import LINE_BYTES_MAX, Lines, layout_of
from services.command.dnc_file.settings import DncFileSettings
from services.command.dnc_file.tables import DncFile, FileTables, Step
from services.command.dnc_file.work import LETTERS
from services.command.domain.facts import Actor
from services.command.facts_loader import actor_of
from services.command.handler import Commanding
from services.command.routes import request_headers
from services.kit import errors
from services.kit.auth import Authenticator
from services.kit.csv_text import csv_line
from services.kit.errors import Detail
from services.kit.http import invalid, json_response, read_json
from services.kit.ids import new_id
from services.kit.path_ids import id_in_path
from services.kit.uploads import chunks

FILE_BYTES_MAX = 64 << 20
PART_BYTES = 1 << 20
RUNS = 50
FILES = UUID("01920000-0000-7000-8000-646e6366696c")
"""Namespace of the ids of files that came with an Idempotency-Key."""

TAG = "do-not-call"
_ROLES = {"add": frozenset({"admin", "team_leader"}), "lift": frozenset({"admin"})}
_SEE_ALL = frozenset({"admin", "auditor"})
_MEDIA = frozenset({"text/csv", "text/plain"})


class ExecuteFile(BaseModel):
    """The plan to carry out, by the digest you saw."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    digest: Digest


class RowsQuery(BaseModel):
    """Rows after line `after`, of one outcome if asked for; `step` is the latest there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: Literal["plan", "done"] | None = None
    outcome: Literal["accepted", "there", "refused"] | None = None
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class FileAnswer(BaseModel):
    """A file. `state` goes planning, planned, executing, done; or cancelled, or `stalled` after
    five faults in a row until it is asked for again. `plan` and `done` count rows by outcome:
    accepted, there (already), refused, empty; `reached` is the last line that is settled.
    """

    id: str
    by: str
    made_at: datetime
    state: str
    settings: dict[str, Any]
    bytes: int
    plan: dict[str, int] | None
    digest: str
    done: dict[str, int]
    reached: int
    fault: str
    updated_at: datetime


class FileList(BaseModel):
    """The latest files."""

    files: list[FileAnswer]


class RowsPage(BaseModel):
    """Rows with their outcome; `next` goes on as `after`, null at the end."""

    rows: list[dict[str, Any]]
    next: int | None


class FileDesk:
    """Takes files in and shows what became of them."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator) -> None:
        """Store files beside the log of `commanding`; a worker carries them out."""
        self._commanding = commanding
        self._authenticator = authenticator
        self._tables = FileTables(commanding.log.pool, commanding.log.keys.master)

    async def upload(self, request: Request) -> Response:
        """Take a file in as it arrives."""
        caller = await self._caller(request)
        settings = _settings(request)
        if caller.role not in _ROLES[settings.action]:
            allowed = " or ".join(sorted(_ROLES[settings.action]))
            raise errors.Forbidden(f"To {settings.action} by file takes the role {allowed}.")
        await self._require_campaign(settings)
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media not in _MEDIA or request.headers.get("content-encoding", "identity") != "identity":
            raise errors.WrongMediaType("Send the file as text/csv or text/plain, as it is.")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > FILE_BYTES_MAX:
            raise _too_large()
        name, _ = request_headers(request.scope)
        file = uuid5(FILES, f"{caller.user_id} {name}") if name else new_id()
        key = await self._tables.begin(
            file, UUID(caller.user_id), settings.model_dump(mode="json", exclude_none=True)
        )
        if key is not None:
            try:
                await self._take(request, settings, file, key)
            except BaseException:
                await asyncio.shield(self._tables.discard(file))
                raise
        found = await self._tables.find(file)
        assert found is not None
        headers = {"Location": f"/v1/do-not-call-files/{file}"}
        return _json(_shown(found), 202, headers)

    async def _take(
        self, request: Request, settings: DncFileSettings, file: UUID, key: Any
    ) -> None:
        digest, size, part, first = hashlib.sha256(), 0, 0, b""
        rest = bytearray()
        async for chunk in chunks(request):
            size += len(chunk)
            if size > FILE_BYTES_MAX:
                raise _too_large()
            digest.update(chunk)
            if len(first) <= LINE_BYTES_MAX:
                first += chunk[: LINE_BYTES_MAX + 1]
            rest += chunk
            while len(rest) >= PART_BYTES:
                await self._tables.add_part(file, key, part, bytes(rest[:PART_BYTES]))
                del rest[:PART_BYTES]
                part += 1
        _require_column(first, settings.column)
        if rest:
            await self._tables.add_part(file, key, part, bytes(rest))
        await self._tables.uploaded(file, size, digest.digest())

    async def execute(self, request: Request, file_id: str) -> Response:
        """Carry the plan out."""
        caller = await self._caller(request)
        file = await self._visible(file_id, caller)
        asked = await read_json(request, ExecuteFile)
        if str(file.made_by) != caller.user_id:
            raise errors.Forbidden("Only who uploaded the file executes it.")
        if file.plan is not None and asked.digest != file.digest:
            text = "That is not the plan as it is; look at it again."
            raise errors.Conflict(text, [Detail("digest-differs", text, "/digest")])
        if file.state not in ("executing", "done"):
            again = file.state == "stalled" and file.plan is not None
            before = ("planned", "stalled") if again else ("planned",)
            if not await self._tables.ask(file.id, before, "executing"):
                raise errors.Conflict(f"The file is {file.state}; only a plan is executed.")
        return await self._answer(file.id, 202)

    async def cancel(self, request: Request, file_id: str) -> Response:
        """Do nothing more of the file; rows that are settled stay so."""
        caller = await self._caller(request)
        file = await self._visible(file_id, caller)
        if caller.role != "admin" and str(file.made_by) != caller.user_id:
            raise errors.Forbidden("Only who uploaded the file or an administrator cancels it.")
        open_states = ("planning", "planned", "executing", "stalled")
        moved = await self._tables.ask(file.id, open_states, "cancelled")
        if not moved and file.state != "cancelled":
            raise errors.Conflict(f"The file is {file.state}; there is nothing to cancel.")
        return await self._answer(file.id, 202)

    async def many(self, request: Request) -> Response:
        """List the latest hundred files."""
        caller = await self._caller(request)
        mine = None if caller.role in _SEE_ALL else UUID(caller.user_id)
        files = await self._tables.many(mine, 100)
        return _json({"files": [_shown(one) for one in files]})

    async def one(self, request: Request, file_id: str) -> Response:
        """Show a file."""
        file = await self._visible(file_id, await self._caller(request))
        return _json(_shown(file))

    async def rows(self, request: Request, file_id: str, asked: RowsQuery) -> Response:
        """Show rows with their outcome."""
        file = await self._visible(file_id, await self._caller(request))
        step = asked.step or _latest(file)
        rows: list[dict[str, Any]] = []
        async for row in self._report(file.id, step, asked.outcome, asked.after):
            rows.append(row)
            if len(rows) > asked.limit:
                break
        more = len(rows) > asked.limit
        rows = rows[: asked.limit]
        return _json({"rows": rows, "next": rows[-1]["row"] if more else None})

    async def csv(self, request: Request, file_id: str, asked: RowsQuery) -> Response:
        """Return the report as CSV."""
        file = await self._visible(file_id, await self._caller(request))
        step = asked.step or _latest(file)

        async def lines() -> AsyncIterator[bytes]:
            yield csv_line(("row", "outcome", "code", "reason"))
            several: list[bytes] = []
            async for row in self._report(file.id, step, asked.outcome, asked.after):
                cells = (str(row["row"]), row["outcome"], row["code"], row["reason"])
                several.append(csv_line(cells))
                if len(several) == 1_000:
                    yield b"".join(several)
                    several = []
            yield b"".join(several)

        headers = {"Content-Disposition": f'attachment; filename="do-not-call-{file.id}.csv"'}
        return StreamingResponse(lines(), media_type="text/csv", headers=headers)

    async def _report(
        self, file: UUID, step: Step, outcome: str | None, after: int
    ) -> AsyncIterator[dict[str, Any]]:
        while runs := await self._tables.runs(file, step, after, RUNS):
            for run in runs:
                reasons = {line: (code, text) for line, code, text in run.reasons}
                for line, letter in enumerate(run.outcomes, run.first):
                    name = LETTERS[letter]
                    if line <= after or letter == "-" or outcome not in (None, name):
                        continue
                    code, text = reasons.get(line, ("", ""))
                    yield {"row": line, "outcome": name, "code": code, "reason": text}
            after = runs[-1].first + len(runs[-1].outcomes) - 1

    async def _answer(self, file: UUID, status: int) -> Response:
        found = await self._tables.find(file)
        assert found is not None
        return _json(_shown(found), status)

    async def _caller(self, request: Request) -> "_Caller":
        principal = await self._authenticator.principal_of(request.scope)
        states, _ = await self._commanding.states.get({ORGANISATION_ID: "organisation"})
        actor: Actor = actor_of(principal, states[ORGANISATION_ID])
        return _Caller(principal.user_id, actor.role)

    async def _require_campaign(self, settings: DncFileSettings) -> None:
        if settings.campaign_id is not None:
            stream = UUID(settings.campaign_id)
            states = await self._commanding.states.refresh({stream: "campaign"})
            if not states[stream].version:
                text = "There is no such campaign."
                detail = Detail("unknown-campaign", text, "/query/campaign_id")
                raise errors.Invalid(text, [detail])

    async def _visible(self, file_id: str, caller: "_Caller") -> DncFile:
        file = await self._tables.find(id_in_path(file_id))
        if file is None or file.state == "uploading":
            raise errors.NotFound
        if caller.role not in _SEE_ALL and str(file.made_by) != caller.user_id:
            raise errors.NotFound
        return file


class _Caller:
    """Who asks, as known now."""

    def __init__(self, user_id: str, role: str) -> None:
        self.user_id, self.role = user_id, role


def _settings(request: Request) -> DncFileSettings:
    given = dict(request.query_params)
    if len(given) != len(request.query_params.multi_items()):
        raise errors.Invalid("Give each parameter once.")
    try:
        return DncFileSettings.model_validate(given)
    except ValidationError as error:
        raise invalid(error, "/query") from None


def _require_column(first: bytes, column: str | None) -> None:
    """Refuse a file whose header lacks the column that was asked for, or that holds nothing."""
    lines = Lines()
    found = next((line for line in [*lines.feed(first), *lines.end()] if line.strip()), None)
    if found is None:
        raise errors.Invalid("The file is empty.")
    if layout_of(found, column).missing:
        text = f"The first line has no column {column}."
        raise errors.Invalid(text, [Detail("unknown-column", text, "/query/column")])


def _too_large() -> errors.TooLarge:
    return errors.TooLarge(f"A file has at most {FILE_BYTES_MAX >> 20} MiB; send it in pieces.")


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(orjson.dumps(content, option=orjson.OPT_UTC_Z), status, headers)


def _latest(file: DncFile) -> Step:
    return "plan" if file.state in ("planning", "planned") else "done"


def _shown(file: DncFile) -> dict[str, Any]:
    return {
        "id": str(file.id),
        "by": str(file.made_by),
        "made_at": file.made_at,
        "state": file.state,
        "settings": file.settings,
        "bytes": file.size,
        "plan": file.plan,
        "digest": file.digest,
        "done": file.done,
        "reached": file.reached,
        "fault": file.fault,
        "updated_at": file.updated_at,
    }


def install_dnc_files(app: FastAPI, commanding: Commanding, authenticator: Authenticator) -> None:
    """Add the routes of do-not-call files."""
    desk = FileDesk(commanding, authenticator)
    accepted: dict[int | str, dict[str, Any]] = {202: {"model": FileAnswer}}
    shown: dict[int | str, dict[str, Any]] = {200: {"model": FileAnswer}}
    listed: dict[int | str, dict[str, Any]] = {200: {"model": FileList}}
    page: dict[int | str, dict[str, Any]] = {200: {"model": RowsPage}}
    csv: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}
    place = "/v1/do-not-call-files"
    text: dict[str, Any] = {}  # any bytes: what is no number is told row by row
    body = {
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"text/csv": text, "text/plain": text}},
    }
    execute_schema = ExecuteFile.model_json_schema()

    @app.post(place, tags=[TAG], status_code=202, responses=accepted, openapi_extra=body)
    async def upload_do_not_call_file(request: Request) -> Response:
        """Upload numbers for a do-not-call list, up to 64 MiB; they are planned, not added yet."""
        return await desk.upload(request)

    @app.post(place + "/{file_id}/execute", tags=[TAG], status_code=202, responses=accepted,
              openapi_extra={"requestBody": {"required": True, "content": {
                  "application/json": {"schema": execute_schema}}}})  # fmt: skip
    async def execute_do_not_call_file(request: Request, file_id: str) -> Response:
        """Carry the plan of a file out."""
        return await desk.execute(request, file_id)

    @app.post(place + "/{file_id}/cancel", tags=[TAG], status_code=202, responses=accepted)
    async def cancel_do_not_call_file(request: Request, file_id: str) -> Response:
        """Do nothing more of a file; what was settled stays."""
        return await desk.cancel(request, file_id)

    @app.get(place, tags=[TAG], responses=listed)
    async def list_do_not_call_files(request: Request) -> Response:
        """List the latest hundred of your files; administrators and auditors see everybody's."""
        return await desk.many(request)

    @app.get(place + "/{file_id}", tags=[TAG], responses=shown)
    async def show_do_not_call_file(request: Request, file_id: str) -> Response:
        """Show a file with its plan and progress."""
        return await desk.one(request, file_id)

    @app.get(place + "/{file_id}/rows", tags=[TAG], responses=page)
    async def list_do_not_call_file_rows(
        request: Request, file_id: str, asked: Annotated[RowsQuery, Query()]
    ) -> Response:
        """List what became of each row, by its line in the file."""
        return await desk.rows(request, file_id, asked)

    @app.get(place + "/{file_id}/rows.csv", tags=[TAG], responses=csv)
    async def download_do_not_call_file_rows(
        request: Request, file_id: str, asked: Annotated[RowsQuery, Query()]
    ) -> Response:
        """Download what became of each row; it holds no numbers."""
        return await desk.csv(request, file_id, asked)


_PARAMETERS = [
    {"name": name, "in": "query", "required": name == "scope", "schema": schema}
    for name, schema in DncFileSettings.model_json_schema()["properties"].items()
]
