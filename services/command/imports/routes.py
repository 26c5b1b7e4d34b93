"""Files of leads over HTTP: upload, confirm the columns, look, run, read what became of a row."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from services.command.handler import Commanding
from services.command.imports import answers
from services.command.imports.desk import ImportDesk
from services.command.imports.settings import ImportSettings
from services.command.imports.source import SourceAnswer, SourceDesk, SourceRows
from services.command.imports.uploading import MEDIA
from services.kit.auth import Authenticator
from services.kit.clock import Clock
from services.kit.settings import IMPORT_BYTES_MAX

TAG = "imports"


def install_imports(
    app: FastAPI,
    commanding: Commanding,
    authenticator: Authenticator,
    clock: Clock,
    limit: int = IMPORT_BYTES_MAX,
) -> None:
    """Add the routes of imports; a file has at most `limit` bytes."""
    desk = ImportDesk(commanding, authenticator, clock, limit)
    _install_writes(app, desk)
    _install_reads(app, desk)
    _install_source(app, SourceDesk(commanding, authenticator, clock))


def _install_source(app: FastAPI, desk: SourceDesk) -> None:
    done: dict[int | str, dict[str, Any]] = {200: {"model": SourceAnswer}}

    @app.post("/v1/imports/rows", tags=[TAG], responses=done,
              openapi_extra=_body(app, SourceRows))  # fmt: skip
    async def take_rows(request: Request) -> Response:
        """Take leads from a connected source, up to a thousand at a time, each at most once.

        A row that comes again, known by its key, is answered with the lead it made.
        """
        return await desk.take(request)


def _install_writes(app: FastAPI, desk: ImportDesk) -> None:
    place = "/v1/imports"
    made: dict[int | str, dict[str, Any]] = {201: {"model": answers.UploadAnswer}}
    done: dict[int | str, dict[str, Any]] = {200: {"model": answers.ImportAnswer}}
    accepted: dict[int | str, dict[str, Any]] = {202: {"model": answers.ImportAnswer}}
    anything: dict[str, Any] = {}  # any bytes: what is no row is told row by row
    body = {"requestBody": {"required": True, "content": dict.fromkeys(MEDIA, anything)}}

    @app.post(place, tags=[TAG], status_code=201, responses=made, openapi_extra=body)
    async def upload_leads(
        request: Request, asked: Annotated[answers.UploadQuery, Query()]
    ) -> Response:
        """Upload a file of leads for a campaign: CSV or an xlsx workbook. Nothing is imported yet.

        The answer proposes a field for each column; confirm or change it, then preview and run.
        """
        return await desk.upload(request, asked)

    @app.put(place + "/{import_id}/mapping", tags=[TAG], responses=done,
             openapi_extra=_body(app, ImportSettings))  # fmt: skip
    async def map_import(request: Request, import_id: str) -> Response:
        """Say what the columns of the file are, and what becomes of doubles, owners and pool."""
        return await desk.confirm(request, import_id)

    @app.post(place + "/{import_id}/preview", tags=[TAG], status_code=202, responses=accepted)
    async def preview_import(request: Request, import_id: str) -> Response:
        """Decide on every row as the import would, and append nothing."""
        return await desk.preview(request, import_id)

    @app.post(place + "/{import_id}/run", tags=[TAG], status_code=202, responses=accepted)
    async def run_import(request: Request, import_id: str) -> Response:
        """Carry an import out. What an earlier import of the same file did is not done twice."""
        return await desk.run(request, import_id)

    @app.post(place + "/{import_id}/cancel", tags=[TAG], status_code=202, responses=accepted)
    async def cancel_import(request: Request, import_id: str) -> Response:
        """Do nothing more of an import; what is done stays."""
        return await desk.cancel(request, import_id)

    @app.post(place + "/{import_id}/undo", tags=[TAG], status_code=202, responses=accepted)
    async def undo_import(request: Request, import_id: str) -> Response:
        """Delete the leads an import made and restore those it updated, unless changed since."""
        return await desk.undo(request, import_id)


def _install_reads(app: FastAPI, desk: ImportDesk) -> None:
    place = "/v1/imports"
    shown: dict[int | str, dict[str, Any]] = {200: {"model": answers.ImportAnswer}}
    listed: dict[int | str, dict[str, Any]] = {200: {"model": answers.ImportList}}
    proposed: dict[int | str, dict[str, Any]] = {200: {"model": answers.ProposalAnswer}}
    page: dict[int | str, dict[str, Any]] = {200: {"model": answers.ImportRows}}
    csv: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}

    @app.get(place, tags=[TAG], responses=listed)
    async def list_imports(request: Request) -> Response:
        """List the latest hundred of your imports; administrators and auditors see everybody's."""
        return await desk.many(request)

    @app.get(place + "/{import_id}", tags=[TAG], responses=shown)
    async def show_import(request: Request, import_id: str) -> Response:
        """Show an import with its settings, preview, progress and result."""
        return await desk.one(request, import_id)

    @app.get(place + "/{import_id}/columns", tags=[TAG], responses=proposed)
    async def propose_columns(
        request: Request, import_id: str, asked: Annotated[answers.ColumnsQuery, Query()]
    ) -> Response:
        """Propose fields for the columns again, the file read as you say."""
        return await desk.columns(request, import_id, asked)

    @app.get(place + "/{import_id}/rows", tags=[TAG], responses=page)
    async def list_import_rows(
        request: Request, import_id: str, asked: Annotated[answers.RowsQuery, Query()]
    ) -> Response:
        """List what became of each row: its lead, or every reason against it."""
        return await desk.rows(request, import_id, asked)

    @app.get(place + "/{import_id}/rows.csv", tags=[TAG], responses=csv)
    async def download_import_rows(
        request: Request, import_id: str, asked: Annotated[answers.RowsQuery, Query()]
    ) -> Response:
        """Download what became of each row; it holds no cell of the file."""
        return await desk.rows_csv(request, import_id, asked)

    @app.get(place + "/{import_id}/refused.csv", tags=[TAG], responses=csv)
    async def download_refused_rows(request: Request, import_id: str) -> Response:
        """Download the refused rows as they came, with their reasons, for seven days."""
        return await desk.refused(request, import_id)


def _body(app: FastAPI, model: type[BaseModel]) -> dict[str, Any]:
    """Return how a route's body is documented, which is read as bytes."""

    def add(document: dict[str, Any]) -> None:
        schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"].update(schema.pop("$defs", {}))
        document["components"]["schemas"][model.__name__] = schema

    app.state.openapi_parts.append(add)
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": reference}}}
    }
