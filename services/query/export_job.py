"""Exports as jobs: the list of those asked for, and one with its progress.

Everybody sees their own; admins and auditors see who took what out.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from schemas.filters import Filter
from schemas.instants import format_instant
from services.kit import errors
from services.kit.cursors import CursorInvalid, fingerprint
from services.query import answers
from services.query.parameters import LIMIT_DEFAULT, Current, Cursor, Limit
from services.query.questions import SortSpec
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments
from services.query.view_parts import masked_filter
from services.query.wall import beside_wall

TAG = "exports"
SEE_ALL = frozenset({"admin", "auditor"})
State = Literal["requested", "finished", "failed", "cancelled", "removed"]


class ExportParameters(Current):
    """Exports in this state, the latest first; `whose` = all is for admins and auditors."""

    state: State | None = None
    whose: Literal["mine", "all"] = "mine"
    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


class Recipient(answers.Shape):
    """An address, and what became of its mail: `waits`, `sent`, or a code that says why not."""

    address: str
    mail: str


class Written(answers.Shape):
    """So many leads of all are written."""

    leads: int
    of: int


class ExportShown(answers.Shape):
    """An export. The file is there while it is `finished`, until `expires_at`; it shows the log as
    of `shown`. `code` and `detail` say why there is none, or not any more.
    """

    id: UUID
    by: UUID
    name: str
    state: State
    view: str | None
    filter: Filter | None
    columns: list[str]
    sort: list[SortSpec]
    contacts: bool
    format: Literal["csv", "ndjson"]
    recipients: list[Recipient]
    progress: Written | None
    shown: int | None
    leads: int | None
    size: int | None
    digest: str | None
    downloads: int
    code: str | None
    detail: str | None
    requested_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None


class ExportPage(answers.Shown):
    """One page of exports."""

    exports: list[ExportShown]
    next: str | None


class ExportAnswer(answers.Shown):
    """One export."""

    export: ExportShown


_SELECT = (
    "select e.export_id as id, e.by, e.name, e.state, e.view, e.filter, e.columns, e.sort,"
    " e.contacts, e.format, e.recipients, e.mailed, e.shown, e.leads, e.size, e.digest,"
    " e.downloads, e.code, e.detail, e.requested_at, e.finished_at, e.expires_at,"
    " f.leads as done, f.selected from read.export_job e left join job.exports f using (export_id)"
)


def _shown(row: Any, asked: Asked) -> dict[str, Any]:
    export = dict(row)
    done, selected = export.pop("done"), export.pop("selected")
    for name in ("filter", "columns", "sort", "recipients", "mailed"):
        export[name] = None if export[name] is None else orjson.loads(export[name])
    mailed = export.pop("mailed")
    begun = export["state"] == "requested" and done is not None
    export["progress"] = {"leads": done, "of": selected} if begun else None
    export["filter"] = masked_filter(export["filter"], asked)
    export["recipients"] = [
        {"address": address, "mail": mailed.get(str(place), "waits")}
        for place, address in enumerate(export["recipients"], 1)
    ]
    return export


def _sees_all(asked: Asked) -> bool:
    return asked.principal.role in SEE_ALL


async def _page(reading: Reading, asked: Asked, given: ExportParameters) -> Response:
    if given.whose == "all" and not _sees_all(asked):
        raise errors.Forbidden("All exports are shown to admins and auditors; you see your own.")
    arguments = Arguments()
    parts = ["true"]
    if given.whose == "mine":
        parts.append(f"e.by = {arguments.add(UUID(asked.principal.user_id), 'uuid')}")
    if given.state is not None:
        parts.append(f"e.state = {arguments.add(given.state, 'text')}")
    bound = fingerprint("exports", given.whose, given.state, asked.principal.user_id)
    if given.cursor is not None:
        try:
            at, last = reading.cursors.open(given.cursor, bound)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/query/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
        time = arguments.add(datetime.fromisoformat(at), "timestamptz")
        place = arguments.add(UUID(last), "uuid")
        parts.append(f"(e.requested_at, e.export_id) < ({time}, {place})")
    order = "order by e.requested_at desc, e.export_id desc limit"
    limit = arguments.add(given.limit + 1, "int8")
    statement = (_SELECT, "where", " and ".join(parts), order, limit)
    async with beside_wall(asked.connection, asked.sight):
        found = await asked.connection.fetch(" ".join(statement), *arguments.values)
    following = None
    if len(found) > given.limit:
        found = found[: given.limit]
        place_of = [format_instant(found[-1]["requested_at"]), str(found[-1]["id"])]
        following = reading.cursors.seal(place_of, bound)
    shown = [_shown(row, asked) for row in found]
    return answer({"exports": shown, "next": following, **asked.currency()})


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of exports; asking, cancelling and the file are the command service's."""

    @app.get("/v1/exports", tags=[TAG], responses={200: {"model": ExportPage}})
    async def list_exports(
        request: Request, given: Annotated[ExportParameters, Query()]
    ) -> Response:
        """List exports, the latest first."""
        async with reading.asked(request, given.min_position) as asked:
            return await _page(reading, asked, given)

    @app.get("/v1/exports/{export_id}", tags=[TAG], responses={200: {"model": ExportAnswer}})
    async def read_export(
        request: Request, export_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """See what an export is of, how far it is, and what became of it."""
        async with reading.asked(request, given.min_position) as asked:
            async with beside_wall(asked.connection, asked.sight):
                row = await asked.connection.fetchrow(
                    _SELECT + " where e.export_id = $1", export_id
                )
            mine = row is not None and str(row["by"]) == asked.principal.user_id
            if row is None or not (mine or _sees_all(asked)):
                raise errors.NotFound
            return answer({"export": _shown(row, asked), **asked.currency()})
