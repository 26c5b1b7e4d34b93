"""Segments: named filters, who may pick them, and how far their leads are."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.query import answers
from services.query.numbers import Counted, Kpi, KpiParameters, Numbers
from services.query.parameters import Id
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments
from services.query.tallies import Tallies, tallies_of

_COLUMNS = (
    "s.segment_id, s.version, s.name, s.filter, s.agents, s.active, s.copied_from,"
    " s.created_by, s.created_at, s.changed_at"
)


class SegmentParameters(KpiParameters):
    """Segments that are active or not, or that this agent may pick."""

    active: Literal["true", "false"] | None = None
    agent: Id | None = None


class Segment(Counted):
    """A segment and the numbers of its leads; `filter` is a tree as searches take it."""

    segment_id: UUID
    version: int
    name: str
    filter: dict[str, Any] | None
    agents: list[str]
    active: bool
    copied_from: UUID | None
    created_by: str
    created_at: datetime | None
    changed_at: datetime
    numbers: Numbers
    kpis: list[Kpi]


class Segments(answers.Shown):
    """All segments, by name."""

    segments: list[Segment]


class SegmentAnswer(answers.Shown):
    """One segment."""

    segment: Segment


async def _shown(
    asked: Asked, rows: list[Any], given: KpiParameters, tallies: Tallies
) -> list[dict[str, Any]]:
    shown = []
    for segment in await tallies.shown(asked, "segment_id", rows, given):
        segment["agents"] = orjson.Fragment(segment["agents"])
        if segment["filter"] is not None:
            segment["filter"] = orjson.Fragment(segment["filter"])
        shown.append(segment)
    return shown


def _condition(given: SegmentParameters, arguments: Arguments) -> str:
    parts = ["true"]
    if given.active is not None:
        parts.append("s.active" if given.active == "true" else "not s.active")
    if given.agent is not None:
        parts.append(f"s.agents ? {arguments.add(given.agent, 'text')}")
    return " and ".join(parts)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of segments."""
    tallies = tallies_of(app, reading)

    @app.get("/v1/segments", tags=["segments"], responses={200: {"model": Segments}})
    async def list_segments(
        request: Request, given: Annotated[SegmentParameters, Query()]
    ) -> Response:
        """List segments by name, with the numbers of their leads."""
        async with reading.asked(request, given.min_position) as asked:
            arguments = Arguments()
            condition = _condition(given, arguments)
            order = "order by s.name, s.segment_id"
            statement = ("select", _COLUMNS, "from read.segment s where", condition, order)
            rows = await asked.connection.fetch(" ".join(statement), *arguments.values)
            segments = await _shown(asked, rows, given, tallies)
            return answer({"segments": segments, **asked.currency()})

    @app.get(
        "/v1/segments/{segment_id}", tags=["segments"], responses={200: {"model": SegmentAnswer}}
    )
    async def read_segment(
        request: Request, segment_id: UUID, given: Annotated[KpiParameters, Query()]
    ) -> Response:
        """Read one segment. The ETag is its version."""
        async with reading.asked(request, given.min_position) as asked:
            statement = ("select", _COLUMNS, "from read.segment s where s.segment_id = $1")
            rows = await asked.connection.fetch(" ".join(statement), segment_id)
            if not rows:
                raise errors.NotFound
            (shown,) = await _shown(asked, rows, given, tallies)
            headers = {"ETag": f'"{shown["version"]}"'}
            return answer({"segment": shown, **asked.currency()}, headers)
