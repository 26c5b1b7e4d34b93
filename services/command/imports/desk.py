"""Who may do what with a file of leads, and what is answered.

Who uploaded a file sees its import; so do administrators and auditors. What stands in the file is
shown only to who uploaded it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid5

import orjson
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from schemas.organisation import ORGANISATION_ID
from services.command.answers import refusal
from services.command.domain.campaign.template import Template
from services.command.domain.decider import Command, Reason, Refused
from services.command.domain.facts import Actor, Facts
from services.command.domain.imports.commands import (
    CancelImport,
    MapImport,
    RequestImport,
    StartImport,
    UndoImport,
    may_import,
)
from services.command.domain.imports.state import Import
from services.command.domain.lead.access import owner_reasons
from services.command.domain.lead.creating import pool_reasons
from services.command.domain.lead.status import status_reasons
from services.command.domain.pool.commands import CreatePool
from services.command.facts_loader import Order, actor_of
from services.command.handler import Commanding
from services.command.imports import answers
from services.command.imports.proposal import propose, targets_of
from services.command.imports.reading import HEAD_BYTES, Layout, head_of
from services.command.imports.settings import ImportSettings, unknown_fields
from services.command.imports.tables import ImportRow, ImportTables
from services.command.imports.uploading import Uploading, layout_of, require_media
from services.command.routes import request_headers
from services.kit import errors
from services.kit.auth import Authenticator, Principal
from services.kit.clock import Clock
from services.kit.csv_text import csv_line
from services.kit.errors import Detail
from services.kit.http import json_response, read_json, trace_of
from services.kit.ids import new_id
from services.kit.path_ids import id_in_path

RUNS = 50
LISTED = 100
IMPORTS = UUID("01920000-0000-7000-8000-696d706f7274")
"""Namespace of the ids of imports that came with an Idempotency-Key, and of their pools."""

_SEE_ALL = frozenset({"admin", "auditor"})
_JSON = orjson.OPT_UTC_Z


class ImportDesk:
    """Takes files of leads in and shows what became of them."""

    def __init__(
        self, commanding: Commanding, authenticator: Authenticator, clock: Clock, limit: int
    ) -> None:
        """Store files beside the log of `commanding`; a worker carries them out."""
        self._commanding = commanding
        self._authenticator = authenticator
        self._clock = clock
        self._limit = limit
        self._tables = ImportTables(commanding.log.pool, commanding.log.keys.master)

    async def upload(self, request: Request, asked: answers.UploadQuery) -> Response:
        """Take a file in as it arrives, and propose what its columns are."""
        principal, actor = await self._caller(request)
        if not may_import(actor):
            text = f"Your role ({actor.role}) may not import leads."
            raise errors.Forbidden(text, [Detail("role-not-allowed", text)])
        campaign = UUID(asked.campaign_id)
        states = await self._commanding.states.refresh({campaign: "campaign"})
        if not states[campaign].version:
            text = "There is no such campaign."
            raise errors.Invalid(text, [Detail("unknown-campaign", text, "/query/campaign_id")])
        require_media(request, self._limit)
        name, _ = request_headers(request.scope)
        one = uuid5(IMPORTS, f"{principal.user_id} {name}") if name else new_id()
        key = await self._tables.begin(one, UUID(principal.user_id))
        if key is not None:
            try:
                arrived = await Uploading(self._tables, one, key, self._limit, asked).take(request)
                command = RequestImport(
                    campaign_id=asked.campaign_id,
                    size=arrived.size,
                    sha256=arrived.sha256,
                    kind="xlsx" if arrived.kind == "xlsx" else "csv",
                    file_name=asked.file_name,
                )
                await self._give(request, principal, command, one, actor)
                await self._tables.uploaded(one, arrived.encoding)
            except BaseException:
                await asyncio.shield(self._tables.discard(one))
                raise
        found, row = await self._visible(str(one), actor)
        proposal = await self._proposal(found, row, answers.ColumnsQuery())
        body = {**await self._shown(found, row), "proposal": proposal}
        return _json(body, 201, {"Location": f"/v1/imports/{one}"})

    async def columns(
        self, request: Request, import_id: str, asked: answers.ColumnsQuery
    ) -> Response:
        """Propose again, read as asked for."""
        _, actor = await self._caller(request)
        one, row = await self._own(import_id, actor)
        return _json(await self._proposal(one, row, asked))

    async def confirm(self, request: Request, import_id: str) -> Response:
        """Say what the columns are."""
        principal, actor = await self._caller(request)
        one, row = await self._own(import_id, actor)
        settings = await read_json(request, ImportSettings)
        await self._require_fit(one, settings, actor)
        stored = settings.model_dump(mode="json")
        await self._tables.name_same(row.id, _same(one, settings))
        await self._give(request, principal, MapImport(settings=stored), row.id, actor)
        return await self._answer(row.id, 200)

    async def preview(self, request: Request, import_id: str) -> Response:
        """Have every row decided on, and nothing appended."""
        _, actor = await self._caller(request)
        one, row = await self._own(import_id, actor)
        if one.stage != "open" or one.settings is None:
            text = "Only what is mapped and not started is previewed."
            raise errors.Conflict(text, [Detail("not-to-preview", text)])
        await self._tables.wake(row.id, preview_of=one.version)
        return await self._answer(row.id, 202)

    async def run(self, request: Request, import_id: str) -> Response:
        """Carry it out."""
        principal, actor = await self._caller(request)
        one, row = await self._own(import_id, actor)
        earlier = await self._earlier(row)
        for each in earlier:
            if each.stage in ("running", "cancelling", "undoing"):
                text = f"Import {each.id} of the same file is under way; wait for its end."
                raise errors.Conflict(text, [Detail("import-running", text)])
        again = next((each for each in earlier if each.stage == "finished"), None)
        pool = one.pool_id or str(_pool_of(one))
        if one.stage == "open" and one.settings is not None:
            pool = await self._pool(request, principal, one, again)
        await self._tables.wake(row.id)
        command = StartImport(pool_id=pool, again=None if again is None else again.id)
        await self._give(request, principal, command, row.id, actor)
        return await self._answer(row.id, 202)

    async def _pool(
        self, request: Request, principal: Principal, one: Import, again: Import | None
    ) -> str:
        """Return the pool the leads go into, having made it where it is to be a new one."""
        assert one.settings is not None
        given = one.settings.get("pool_id")
        if given is not None:
            return str(given)
        if again is not None and again.pool_id:
            return again.pool_id
        pool = _pool_of(one)
        states = await self._commanding.states.refresh({pool: "pool"})
        if not states[pool].version:
            name = one.settings.get("pool_name") or one.file_name.rpartition(".")[0]
            name = name or one.file_name or f"Import of {self._clock.now():%Y-%m-%d %H:%M}"
            command = CreatePool(campaign_id=one.campaign_id, name=name, source="upload")
            await self._give(request, principal, command, pool)
        return str(pool)

    async def cancel(self, request: Request, import_id: str) -> Response:
        """Do nothing more of it; what is done stays."""
        return await self._told(request, import_id, CancelImport())

    async def undo(self, request: Request, import_id: str) -> Response:
        """Take back what it did."""
        return await self._told(request, import_id, UndoImport())

    async def _told(self, request: Request, import_id: str, command: Command) -> Response:
        principal, actor = await self._caller(request)
        _, row = await self._visible(import_id, actor)
        await self._tables.wake(row.id)
        await self._give(request, principal, command, row.id, actor)
        return await self._answer(row.id, 202)

    async def many(self, request: Request) -> Response:
        """List the latest hundred imports."""
        principal, actor = await self._caller(request)
        mine = None if actor.role in _SEE_ALL else UUID(principal.user_id)
        rows = await self._tables.many(mine, LISTED)
        states = await self._commanding.states.refresh({row.id: "import" for row in rows})
        shown = [answers.import_answer(states[row.id], row, []) for row in rows]
        return _json({"imports": [one for one in shown if one["version"]]})

    async def one(self, request: Request, import_id: str) -> Response:
        """Show an import."""
        _, actor = await self._caller(request)
        one, row = await self._visible(import_id, actor)
        return _json(await self._shown(one, row))

    async def rows(self, request: Request, import_id: str, asked: answers.RowsQuery) -> Response:
        """Show rows with their outcome."""
        _, actor = await self._caller(request)
        one, row = await self._visible(import_id, actor)
        found: list[dict[str, Any]] = []
        async for each in self._report(row, asked.step or _latest(one), asked.outcome, asked.after):
            found.append(each)
            if len(found) > asked.limit:
                break
        more = len(found) > asked.limit
        found = found[: asked.limit]
        return _json({"rows": found, "next": found[-1]["row"] if more else None})

    async def rows_csv(
        self, request: Request, import_id: str, asked: answers.RowsQuery
    ) -> Response:
        """Return the report as CSV; it holds no cell of the file."""
        _, actor = await self._caller(request)
        one, row = await self._visible(import_id, actor)

        async def lines() -> AsyncIterator[bytes]:
            yield csv_line(("row", "outcome", "lead_id", "codes", "reasons"))
            several: list[bytes] = []
            report = self._report(row, asked.step or _latest(one), asked.outcome, asked.after)
            async for each in report:
                told = each["reasons"]
                codes = " ".join(reason["code"] for reason in told)
                texts = " ".join(reason["detail"] for reason in told)
                cells = (str(each["row"]), each["outcome"], each["lead_id"] or "", codes, texts)
                several.append(csv_line(cells))
                if len(several) == 1_000:
                    yield b"".join(several)
                    several = []
            yield b"".join(several)

        return _csv(lines(), f"import-{one.id}.csv")

    async def refused(self, request: Request, import_id: str) -> Response:
        """Return the refused rows as they came, with their reasons, to be mended and sent again."""
        _, actor = await self._caller(request)
        one, row = await self._own(import_id, actor)
        if one.stage == "open" and row.previewed == 0:
            raise errors.Conflict("Nothing is decided yet; preview or run the import.")
        if row.wrapped is None:
            text = "Nothing is kept: a week passed, a number in it was erased, or none was refused."
            raise errors.NotFound(text, [Detail("file-gone", text)])
        step: answers.Step = "plan" if _latest(one) == "plan" else "done"

        async def lines() -> AsyncIterator[bytes]:
            yield csv_line(("row", "codes", "reasons", *self._tables.header_of(row)))
            after = 0
            while (found := await self._tables.refused_cells(row, step, after)) is not None:
                kept, reasons, after = found
                yield b"".join(
                    csv_line(
                        (
                            str(number),
                            " ".join(code for code, _, _ in reasons[number]),
                            " ".join(text for _, text, _ in reasons[number]),
                            *cells,
                        )
                    )
                    for number, cells, *_ in kept
                )

        return _csv(lines(), f"refused-{one.id}.csv")

    async def _report(
        self, row: ImportRow, step: answers.Step, outcome: str | None, after: int
    ) -> AsyncIterator[dict[str, Any]]:
        while runs := await self._tables.runs(row.id, step, after, RUNS):
            for run in runs:
                for each in answers.row_answers(run, row.id, step):
                    if each["row"] > after and outcome in (None, each["outcome"]):
                        yield each
            after = runs[-1].last

    async def _proposal(
        self, one: Import, row: ImportRow, asked: answers.ColumnsQuery
    ) -> dict[str, Any]:
        if row.wrapped is None or one.stage != "open":
            raise errors.Conflict("The file is gone: its import is over.")
        raw = b""
        async for part in self._tables.parts(row):
            raw += part
            if len(raw) >= HEAD_BYTES:
                break
        raw = raw[:HEAD_BYTES]
        encoding = asked.encoding or row.encoding
        if asked.delimiter is not None and asked.delimiter in '"\r\n\0':
            text = "A delimiter is one sign, and neither a quote nor a line's end."
            raise errors.Invalid(text, [Detail("no-delimiter", text, "/query/delimiter")])
        layout: Layout = layout_of(raw, encoding, asked.delimiter, asked.header)
        rows = head_of(raw, layout.encoding, layout.delimiter)
        template = await self._template(one)
        return answers.proposal_answer(propose(layout, rows, template), targets_of(template))

    async def _template(self, one: Import) -> Template:
        campaign = UUID(one.campaign_id)
        states = await self._commanding.states.refresh({campaign: "campaign"})
        template: Template = states[campaign].template
        return template

    async def _require_fit(self, one: Import, settings: ImportSettings, actor: Actor) -> None:
        """Raise Invalid with everything in the settings that no row could be imported with."""
        unknown = unknown_fields(settings, await self._template(one))
        reasons = [
            Reason("unknown-field", f"No lead of this campaign has a field {name}.", "columns")
            for name in unknown
        ]
        if not {"phone", "whatsapp"} & {each.field for each in settings.columns}:
            text = "Say which column holds the phone number, or the WhatsApp identity."
            reasons.append(Reason("unreachable", text, "columns"))
        wanted = {ORGANISATION_ID: "organisation"}
        if settings.pool_id is not None:
            wanted[UUID(settings.pool_id)] = "pool"
        states = await self._commanding.states.refresh(wanted)
        facts = Facts(self._clock.now(), actor, states[ORGANISATION_ID])
        if settings.pool_id is not None:
            reasons += pool_reasons(states[UUID(settings.pool_id)], one.campaign_id)
        if settings.owner is not None:
            reasons += owner_reasons(settings.owner, facts)
        reasons += status_reasons(settings.status, facts)
        if reasons:
            raise refusal(Refused(reasons))

    async def _give(
        self,
        request: Request,
        principal: Principal,
        command: Command,
        stream: UUID,
        actor: Actor | None = None,
    ) -> None:
        """Have a command carried out; raise the problem that says why not.

        actor: for commands of an import, whose decisions know who may give them.
        """
        try:
            order = Order(command, principal, stream, actor, trace=trace_of(request))
            await self._commanding.handle(order)
        except Refused as refused:
            raise refusal(refused) from None

    async def _caller(self, request: Request) -> tuple[Principal, Actor]:
        principal = await self._authenticator.principal_of(request.scope)
        states, _ = await self._commanding.states.get({ORGANISATION_ID: "organisation"})
        return principal, actor_of(principal, states[ORGANISATION_ID])

    async def _visible(self, import_id: str, actor: Actor) -> tuple[Import, ImportRow]:
        row = await self._tables.find(id_in_path(import_id))
        if row is None or not row.there:
            raise errors.NotFound
        if actor.role not in _SEE_ALL and str(row.made_by) != actor.user_id:
            raise errors.NotFound
        states = await self._commanding.states.refresh({row.id: "import"})
        row = await self._tables.find(row.id)  # Again: never older than the state it goes with.
        assert row is not None
        return states[row.id], row

    async def _own(self, import_id: str, actor: Actor) -> tuple[Import, ImportRow]:
        """Return an import for who may see and say what stands in its file."""
        one, row = await self._visible(import_id, actor)
        if one.by != actor.user_id:
            text = "Only who uploaded the file sees what stands in it and has it imported."
            raise errors.Forbidden(text, [Detail("not-your-import", text)])
        return one, row

    async def _earlier(self, row: ImportRow) -> list[Import]:
        same = await self._tables.same_of(row.id)
        found = [] if same is None else await self._tables.earlier(same, row.id)
        states = await self._commanding.states.refresh(dict.fromkeys(found, "import"))
        started = ("running", "cancelling", "finished", "undoing", "undone")
        return [states[one] for one in found if states[one].stage in started]

    async def _shown(self, one: Import, row: ImportRow) -> dict[str, Any]:
        counted = [each for each in await self._earlier(row) if each.stage != "undone"]
        return answers.import_answer(one, row, [UUID(each.id) for each in counted])

    async def _answer(self, import_id: UUID, status: int) -> Response:
        states = await self._commanding.states.refresh({import_id: "import"})
        row = await self._tables.find(import_id)
        assert row is not None
        return _json(await self._shown(states[import_id], row), status)


def _pool_of(one: Import) -> UUID:
    return uuid5(IMPORTS, f"pool of {one.id}")


def _same(one: Import, settings: ImportSettings) -> bytes:
    """Return what names this file in this campaign with these settings, whatever its pool."""
    told = settings.model_dump_json(exclude={"pool_id", "pool_name"})
    return hashlib.sha256(f"{one.campaign_id} {one.sha256} {told}".encode()).digest()


def _latest(one: Import) -> answers.Step:
    if one.stage in ("undoing", "undone"):
        return "undo"
    return "plan" if one.stage == "open" else "done"


def _json(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(orjson.dumps(content, option=_JSON), status, headers)


def _csv(lines: AsyncIterator[bytes], name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(lines, media_type="text/csv", headers=headers)
