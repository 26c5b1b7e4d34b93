"""How far a pool, a campaign or a segment is: the numbers of its leads, their statuses, and KPIs.

A KPI is a status: how many leads ever reached it, each counted once, and how often it was reached
in all. What leads reached goes with them when they move to another pool.
"""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.query import answers
from services.query.numbers import Counted, Kpi, KpiParameters, Numbers, kpi_labels, kpis_of
from services.query.reading import Asked, Reading, answer
from services.query.tallies import Column, Tallies, tallies_of


class Summary(Counted):
    """The numbers of one thing's leads.

    `by_status` leaves out deleted leads. `counted_at` is the log position that the numbers show,
    `counted_on` when they were counted: those of many leads are shown as they were counted last
    and counted anew meanwhile. `exact` false: nobody has counted them yet, so they are scaled up
    from a sample; ask again.
    """

    id: UUID
    name: str
    active: bool
    numbers: Numbers
    by_status: dict[str, int]
    kpis: list[Kpi]
    created_at: datetime | None


class SummaryAnswer(answers.Shown):
    """One summary."""

    summary: Summary


_NAMED: dict[Column, str] = {
    "pool_id": "select name, active, created_at from read.pool where pool_id = $1",
    "campaign_id": "select name, active, created_at from read.campaign where campaign_id = $1",
    "segment_id": "select name, active, created_at from read.segment where segment_id = $1",
}


async def _summary(
    asked: Asked, column: Column, thing: UUID, given: KpiParameters, tallies: Tallies
) -> dict[str, Any]:
    row = await asked.connection.fetchrow(_NAMED[column], thing)
    if row is None:
        raise errors.NotFound
    labels = await kpi_labels(asked, given.kpi)
    tally = (await tallies.of(asked, column, [thing], given, reached=True))[thing]
    return {
        "id": thing,
        **row,
        "numbers": tally.numbers,
        "by_status": {code: tally.by_status[code] for code in labels if code in tally.by_status},
        "kpis": kpis_of(tally, labels, given.kpi),
        **tally.counted(),
    }


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of the summaries."""
    tallies = tallies_of(app, reading)

    async def answered(
        request: Request, column: Column, thing: UUID, given: KpiParameters
    ) -> Response:
        async with reading.asked(request, given.min_position) as asked:
            summary = await _summary(asked, column, thing, given, tallies)
            return answer({"summary": summary, **asked.currency()})

    @app.get(
        "/v1/pools/{pool_id}/summary", tags=["pools"], responses={200: {"model": SummaryAnswer}}
    )
    async def summarise_pool(
        request: Request, pool_id: UUID, given: Annotated[KpiParameters, Query()]
    ) -> Response:
        """Tell how far a lead pool is, with its KPIs."""
        return await answered(request, "pool_id", pool_id, given)

    @app.get(
        "/v1/campaigns/{campaign_id}/summary",
        tags=["campaigns"],
        responses={200: {"model": SummaryAnswer}},
    )
    async def summarise_campaign(
        request: Request, campaign_id: UUID, given: Annotated[KpiParameters, Query()]
    ) -> Response:
        """Tell how far a campaign is, with its KPIs."""
        return await answered(request, "campaign_id", campaign_id, given)

    @app.get(
        "/v1/segments/{segment_id}/summary",
        tags=["segments"],
        responses={200: {"model": SummaryAnswer}},
    )
    async def summarise_segment(
        request: Request, segment_id: UUID, given: Annotated[KpiParameters, Query()]
    ) -> Response:
        """Tell how far a segment is, with its KPIs."""
        return await answered(request, "segment_id", segment_id, given)
