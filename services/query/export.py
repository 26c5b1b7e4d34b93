"""Leads as a download, of any number: a filter, a sort and columns as in a list, CSV or lines of
JSON.

All of it shows one moment: one snapshot of the database, whose log position the answer names. It
is written as it is read, so a million leads take no more memory than a thousand. A download that
breaks off misses its end (chunked encoding shows it); it never looks whole.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from time import monotonic
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.kit import errors
from services.kit.telemetry import logger
from services.query.columns import COLUMNS
from services.query.documents import body_of
from services.query.exported_rows import Layout, lines_of
from services.query.lead import leads_condition
from services.query.paging import SortKey, sort_expression
from services.query.questions import (
    Conditions,
    ListBody,
    Question,
    YesNo,
    of_conditions,
    of_list,
    read_question,
)
from services.query.reading import STILL_SECONDS_MAX, Asked, Reading
from services.query.rows import select_list
from services.query.searching import look_up
from services.query.sight import sight_for
from services.query.sql import Arguments
from services.query.view import ViewParameters, find_view
from services.query.view_parts import parts_of

LEADS_AT_ONCE = 1_000
AT_ONCE_MAX = 4
"""So many downloads a process: each keeps a connection, and a snapshot that holds up cleaning."""
RETRY_SECONDS = 10
DOWNLOAD_SECONDS_MAX = 900
LOOK_SECONDS = 2.0
"""How often a running download looks whether its caller may still see what they saw."""
WITHOUT_COLUMNS = (*COLUMNS, "fields")
TAG = "leads"
Format = Literal["csv", "ndjson"]
_FORMAT = "Lines of JSON, or CSV in which a spreadsheet finds no formula."
_CONTACTS = "With the secondary contacts of each lead."


class ExportParameters(Conditions):
    """Leads as a list has them, all of them. Without `columns`: every column and template field."""

    contacts: Annotated[YesNo, Field(description=_CONTACTS)] = "false"
    format: Annotated[Format, Field(description=_FORMAT)] = "csv"


class ViewExportParameters(ViewParameters):
    """All leads of a view that are in the caller's sight, with the view's columns."""

    contacts: Annotated[YesNo, Field(description=_CONTACTS)] = "false"
    format: Annotated[Format, Field(description=_FORMAT)] = "csv"


class ExportBody(ListBody):
    """Leads that match `filter`, all of them. Without `columns`: every column and template field;
    `contacts` adds the secondary contacts of each lead.
    """

    contacts: bool = False
    format: Format = "csv"


class BrokenOff(Exception):
    """The download ends before its end; the connection is closed so that its reader notices."""


class Download(StreamingResponse):
    """A download, and the snapshot it is read from: given back however it ends."""

    def __init__(self, pieces: AsyncIterator[bytes], held: AsyncExitStack, **given: Any) -> None:
        """Stream `pieces`; close what is `held` after the last, or when the reader is gone."""
        super().__init__(pieces, **given)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then give back."""
        async with self._held:
            await super().__call__(scope, receive, send)


def statement_of(asked: Asked, question: Question, found: Any) -> tuple[str, Arguments]:
    """Return the statement for every lead of the question, in the order of a list."""
    arguments = Arguments()
    columns = select_list(question.columns, arguments)
    where = leads_condition(question.tree, asked, arguments, found=found)
    kinds = asked.directory.kinds
    keys = [
        f"{sort_expression(key, kinds, arguments)[0]} {_direction(key)} nulls last"
        for key in question.sort
    ]
    keys.append(f"l.lead_id {_direction(question.sort[-1])}")
    also = (
        "l.lead_id as of_lead, l.phone as of_phone, l.whatsapp as of_whatsapp,"
        " l.campaign_id as of_campaign"
    )
    pieces = ("select", columns, ",", also, "from read.lead l where", where)
    return " ".join((*pieces, "order by", ", ".join(keys))), arguments


def _direction(key: SortKey) -> str:
    return "desc" if key.descending else "asc"


async def most_contacts(asked: Asked, question: Question, found: Any) -> int:
    """Return how many secondary contacts the lead with the most of them has."""
    arguments = Arguments()
    where = leads_condition(question.tree, asked, arguments, found=found)
    pieces = ("select max(jsonb_array_length(l.contacts)) from read.lead l where", where)
    most = await asked.connection.fetchval(
        " ".join(pieces), *arguments.values, timeout=STILL_SECONDS_MAX
    )
    return most or 0


class _Exporting:
    """The downloads of one process."""

    def __init__(self, app: FastAPI, reading: Reading) -> None:
        self._reading = reading
        self._draining: asyncio.Event = app.state.draining
        self._running = 0

    async def answer(
        self, request: Request, given: Any, question_of: Any, *, contacts: bool, lines: Format
    ) -> Download:
        """Begin a download. All that can be refused is refused before its first byte."""
        async with AsyncExitStack() as held:
            await self._reading.authenticator.principal_of(request.scope)
            if self._running >= AT_ONCE_MAX:
                text = f"{AT_ONCE_MAX} downloads are running already."
                raise errors.TooMany(text, retry_after_seconds=RETRY_SECONDS)
            self._running += 1
            held.callback(self._ended)
            asked = await held.enter_async_context(
                self._reading.asked(request, given.min_position, still=True)
            )
            question = await question_of(asked)
            found = await look_up(asked, question.tree)
            wanted = question.columns or WITHOUT_COLUMNS
            if contacts and "contacts" not in wanted:
                wanted = (*wanted, "contacts")
            question = Question(question.tree, question.sort, wanted)
            most = 0
            if lines == "csv" and "contacts" in wanted:
                most = await most_contacts(asked, question, found)
            layout = Layout.of(wanted, most, asked)
            statement, arguments = statement_of(asked, question, found)
            # What fails has failed before the answer begins: sorting comes before the first lead.
            cursor = await asked.connection.cursor(statement, *arguments.values)
            first = await cursor.fetch(LEADS_AT_ONCE, timeout=STILL_SECONDS_MAX)
            pieces = self._pieces(request, asked, cursor, first, layout, lines)
            name = f'attachment; filename="leads-{asked.position}.{lines}"'
            media = "text/csv; charset=utf-8" if lines == "csv" else "application/x-ndjson"
            headers = {"Content-Disposition": name, "Leads-Position": str(asked.position)}
            return Download(pieces, held.pop_all(), media_type=media, headers=headers)

    def _ended(self) -> None:
        self._running -= 1

    async def _pieces(
        self, request: Request, asked: Asked, cursor: Any, rows: Any, layout: Layout, lines: Format
    ) -> AsyncIterator[bytes]:
        began = looked = monotonic()
        count = 0
        if lines == "csv":
            yield layout.header()
        while rows:
            count += len(rows)
            yield await lines_of(asked, layout, rows, lines)
            rows = await cursor.fetch(LEADS_AT_ONCE, timeout=STILL_SECONDS_MAX)
            if rows and monotonic() - looked >= LOOK_SECONDS:
                await self._look(request, asked)
                looked = monotonic()
            if rows and (self._draining.is_set() or looked - began > DOWNLOAD_SECONDS_MAX):
                raise BrokenOff("the service stops, or this took too long")
        logger().info(
            "leads-exported",
            by=asked.principal.user_id,
            leads=count,
            position=asked.position,
            trace=request.scope["trace_id"],
        )

    async def _look(self, request: Request, asked: Asked) -> None:
        """Raise BrokenOff when the caller may not see any more what they saw at the beginning."""
        # Not the request's own scope: it remembers who its caller was.
        again = {"headers": request.scope["headers"]}
        try:
            principal = await self._reading.authenticator.principal_of(again)
        except errors.Unauthenticated:
            raise BrokenOff("the key is not valid any more") from None
        except errors.TooMany:
            return  # it is known, and asks for other things meanwhile
        directory = await self._reading.recent_directory()
        then = (asked.sight, asked.principal.role, asked.principal.rights)
        if then != (sight_for(principal, directory), principal.role, principal.rights):
            raise BrokenOff("the caller's sight is another one now")


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of downloads; before those of a single lead, whose address is wider."""
    exporting = _Exporting(app, reading)
    content = {
        "text/csv": {"schema": {"type": "string"}},
        "application/x-ndjson": {"schema": {"type": "string"}},
    }
    responses: dict[int | str, dict[str, Any]] = {
        200: {"description": "All the leads, of the log position in Leads-Position",
              "content": content},
    }  # fmt: skip

    @app.get("/v1/leads/export", tags=[TAG], responses=responses)
    async def export_leads(
        request: Request, given: Annotated[ExportParameters, Query()]
    ) -> StreamingResponse:
        """Download the leads in sight that match simple conditions."""

        async def question(asked: Asked) -> Question:
            return of_conditions(given, asked)

        contacts = given.contacts == "true"
        return await exporting.answer(
            request, given, question, contacts=contacts, lines=given.format
        )

    @app.post(
        "/v1/leads/export", tags=[TAG], responses=responses, openapi_extra=body_of(app, ExportBody)
    )
    async def export_found_leads(request: Request) -> StreamingResponse:
        """Download the leads in sight that match a filter tree."""
        body = await read_question(request, ExportBody, reading)

        async def question(asked: Asked) -> Question:
            return of_list(body, asked)

        return await exporting.answer(
            request, body, question, contacts=body.contacts, lines=body.format
        )

    @app.get("/v1/views/{view}/export", tags=["views"], responses=responses)
    async def export_view(
        request: Request, view: str, given: Annotated[ViewExportParameters, Query()]
    ) -> StreamingResponse:
        """Download the leads of a view that are in the caller's own sight, with its columns."""

        async def question(asked: Asked) -> Question:
            parts = parts_of(await find_view(asked, view, given.zone), asked)
            return Question(parts.tree, parts.order, parts.columns)

        contacts = given.contacts == "true"
        return await exporting.answer(
            request, given, question, contacts=contacts, lines=given.format
        )
