"""The full log of a lead pool as a download: every call and change of its leads in sight.

Written as it is read, a few hundred leads at a time: a pool of a million leads takes no more memory
than one of a hundred. A download that breaks off misses its end (chunked encoding shows it).
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import StreamingResponse

from schemas.instants import format_instant
from services.kit import errors
from services.kit.csv_text import csv_line
from services.query.lead_log import entry
from services.query.parameters import Current
from services.query.reading import Asked, Reading
from services.query.rows import dumps
from services.query.sight import sight_condition
from services.query.sql import Arguments

LEADS_AT_ONCE = 200
CALL_COLUMNS = ("call_id", "agent", "number", "end_cause", "disposition", "talk_seconds")
CSV_COLUMNS = (
    *("lead_id", "version", "position", "kind", "happened_at", "recorded_at", "actor", "cause"),
    *CALL_COLUMNS,
    *("erased", "changes", "data"),
)
_LEADS = (
    "select l.lead_id, l.anonymised or l.deleted as erased from read.lead l"
    " where l.pool_id = {pool} and l.lead_id > {after} and {sight} order by l.lead_id limit {most}"
)
_FIRST = UUID(int=0)


class PoolLogParameters(Current):
    """As lines of JSON, or as CSV in which a spreadsheet finds no formula."""

    format: Literal["ndjson", "csv"] = "ndjson"


async def _entries(asked: Asked, pool: UUID, after: UUID) -> tuple[list[dict[str, Any]], UUID]:
    """Return the entries of the next leads of the pool, oldest first, and the last of the leads."""
    arguments = Arguments()
    statement = _LEADS.format(
        pool=arguments.add(pool, "uuid"),
        after=arguments.add(after, "uuid"),
        sight=sight_condition(asked.sight, arguments),
        most=arguments.add(LEADS_AT_ONCE, "int8"),
    )
    leads = await asked.connection.fetch(statement, *arguments.values)
    if not leads:
        return [], after
    erased = {row["lead_id"]: row["erased"] for row in leads}
    found = await asked.connection.fetch(
        "select g.* from read.lead_log g where g.lead_id = any($1::uuid[])"
        " order by g.lead_id, g.version",
        list(erased),
    )
    entries = [entry(asked, row, erased=erased[row["lead_id"]]) for row in found]
    return entries, leads[-1]["lead_id"]


async def _pieces(
    reading: Reading, request: Request, pool: UUID, as_csv: bool
) -> AsyncIterator[bytes]:
    """Yield the download. Each piece is read with the sight and rights its caller has then."""
    if as_csv:
        yield csv_line(CSV_COLUMNS)
    after = _FIRST
    while True:
        async with reading.asked(request) as asked:
            entries, last = await _entries(asked, pool, after)
        if last == after:
            return
        after = last
        if as_csv:
            yield b"".join(csv_line(_cells(one)) for one in entries)
        else:
            yield b"".join(dumps(one) + b"\n" for one in entries)


def _cells(one: Mapping[str, Any]) -> Sequence[str]:
    flat = {**one, **{name: one["data"].get(name) for name in CALL_COLUMNS}}
    flat["happened_at"] = format_instant(one["happened_at"])
    flat["recorded_at"] = format_instant(one["recorded_at"])
    return [_cell(flat[name]) for name in CSV_COLUMNS]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        return dumps(value).decode()
    return str(value)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the download."""

    @app.get(
        "/v1/pools/{pool_id}/log",
        tags=["pools"],
        responses={
            200: {
                "description": "Every event of the leads in sight, lead by lead, the oldest first",
                "content": {
                    "application/x-ndjson": {"schema": {"type": "string"}},
                    "text/csv": {"schema": {"type": "string"}},
                },
            }
        },
    )
    async def download_pool_log(
        request: Request, pool_id: UUID, given: Annotated[PoolLogParameters, Query()]
    ) -> StreamingResponse:
        """Download the full log of a lead pool, lead by lead, each lead's oldest entry first."""
        async with reading.asked(request, given.min_position) as asked:
            known = await asked.connection.fetchval(
                "select true from read.pool where pool_id = $1", pool_id
            )
            position = asked.position
        if not known:
            raise errors.NotFound
        as_csv = given.format == "csv"
        media = "text/csv; charset=utf-8" if as_csv else "application/x-ndjson"
        name = f'attachment; filename="pool-{pool_id}.{given.format}"'
        headers = {"Content-Disposition": name, "Leads-Position": str(position)}
        pieces = _pieces(reading, request, pool_id, as_csv)
        return StreamingResponse(pieces, media_type=media, headers=headers)
