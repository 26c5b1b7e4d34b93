"""Mailings: which views are mailed by the clock, when next, and what was sent last.

Everybody sees their own; admins and auditors see all.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.query import answers
from services.query.export_job import SEE_ALL
from services.query.parameters import Current
from services.query.reading import Asked, Reading, answer
from services.query.wall import beside_wall

TAG = "mailings"
SHOWN_MAX = 1_000


class MailingParameters(Current):
    """Mailings, those due next first; `whose` = all is for admins and auditors."""

    whose: Literal["mine", "all"] = "mine"


class MailingShown(answers.Shape):
    """A mailing. `next_at` is when it is due next; `last_missed` how many due times before the last
    one nothing was sent for. `reason` says why it was stopped.
    """

    id: UUID
    version: int
    by: UUID
    view: str
    state: Literal["active", "paused", "stopped"]
    reason: str | None
    times: list[str]
    zone: str
    weekdays: list[int]
    days: list[int]
    format: Literal["csv", "ndjson"]
    contacts: bool
    skip_empty: bool
    recipients: list[str]
    next_at: datetime | None
    last_at: datetime | None
    last_missed: int | None
    last_export: UUID | None
    set_up_at: datetime
    changed_at: datetime


class Mailings(answers.Shown):
    """Mailings, 1,000 at most."""

    mailings: list[MailingShown]


class MailingAnswer(answers.Shown):
    """One mailing."""

    mailing: MailingShown


_SELECT = (
    "select m.mailing_id as id, m.version, m.by, m.view, m.state, m.reason, m.times, m.zone,"
    " m.weekdays, m.days, m.format, m.contacts, m.skip_empty, m.recipients, m.next_at, m.last_at,"
    " m.last_missed, m.last_export, m.set_up_at, m.changed_at from read.mailing m"
)
_JSON = ("times", "weekdays", "days", "recipients")


def _shown(row: Any) -> dict[str, Any]:
    mailing = dict(row)
    for name in _JSON:
        mailing[name] = orjson.loads(mailing[name])
    return mailing


def _sees_all(asked: Asked) -> bool:
    return asked.principal.role in SEE_ALL


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of mailings."""

    @app.get("/v1/view-mails", tags=[TAG], responses={200: {"model": Mailings}})
    async def list_view_mails(
        request: Request, given: Annotated[MailingParameters, Query()]
    ) -> Response:
        """List which views are mailed by the clock, what is due next first."""
        async with reading.asked(request, given.min_position) as asked:
            if given.whose == "all" and not _sees_all(asked):
                raise errors.Forbidden("All are shown to admins and auditors; you see your own.")
            me = None if given.whose == "all" else UUID(asked.principal.user_id)
            where = " where $1::uuid is null or m.by = $1"
            order = " order by m.next_at nulls last, m.set_up_at desc limit $2"
            async with beside_wall(asked.connection, asked.sight):
                found = await asked.connection.fetch(_SELECT + where + order, me, SHOWN_MAX)
            return answer({"mailings": [_shown(row) for row in found], **asked.currency()})

    @app.get("/v1/view-mails/{mailing_id}", tags=[TAG], responses={200: {"model": MailingAnswer}})
    async def read_view_mail(
        request: Request, mailing_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """Read one mailing. The ETag is its version, for If-Match when it is changed."""
        async with reading.asked(request, given.min_position) as asked:
            async with beside_wall(asked.connection, asked.sight):
                row = await asked.connection.fetchrow(
                    _SELECT + " where m.mailing_id = $1", mailing_id
                )
            mine = row is not None and str(row["by"]) == asked.principal.user_id
            if row is None or not (mine or _sees_all(asked)):
                raise errors.NotFound
            tag = {"ETag": f'"{row["version"]}"'}
            return answer({"mailing": _shown(row), **asked.currency()}, tag)
