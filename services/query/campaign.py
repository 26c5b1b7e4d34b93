"""Campaigns: their templates, follow-up rules, limits and hours."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.query import answers
from services.query.parameters import Current
from services.query.reading import Reading, answer

_COLUMNS = (
    "c.campaign_id, c.version, c.name, c.code, c.project, c.duplicate_key, c.fields, c.rules,"
    " c.limits, c.hours, c.active, c.active_from, c.active_until, c.copied_from, c.created_at,"
    " c.changed_at"
)
_JSON = ("fields", "rules", "limits", "hours")


class Campaign(answers.Shape):
    """A campaign; the shapes of fields, rules, limits and hours are those of its events."""

    campaign_id: UUID
    version: int
    name: str
    code: str
    project: str
    duplicate_key: str
    fields: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    limits: dict[str, Any] | None
    hours: dict[str, Any] | None
    active: bool
    active_from: datetime | None
    active_until: datetime | None
    copied_from: str | None
    created_at: datetime | None
    changed_at: datetime


class Campaigns(answers.Shown):
    """All campaigns, by name."""

    campaigns: list[Campaign]


class CampaignAnswer(answers.Shown):
    """One campaign."""

    campaign: Campaign


def _shown(row: Any) -> dict[str, Any]:
    campaign = dict(row)
    for name in _JSON:
        if campaign[name] is not None:
            campaign[name] = orjson.Fragment(campaign[name])
    return campaign


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of campaigns."""

    @app.get("/v1/campaigns", tags=["campaigns"], responses={200: {"model": Campaigns}})
    async def list_campaigns(request: Request, given: Annotated[Current, Query()]) -> Response:
        """List all campaigns, by name."""
        async with reading.asked(request, given.min_position) as asked:
            statement = ("select", _COLUMNS, "from read.campaign c order by c.name, c.campaign_id")
            found = await asked.connection.fetch(" ".join(statement))
            return answer({"campaigns": [_shown(row) for row in found], **asked.currency()})

    @app.get(
        "/v1/campaigns/{campaign_id}",
        tags=["campaigns"],
        responses={200: {"model": CampaignAnswer}},
    )
    async def read_campaign(
        request: Request, campaign_id: UUID, given: Annotated[Current, Query()]
    ) -> Response:
        """Read one campaign. The ETag is its version."""
        async with reading.asked(request, given.min_position) as asked:
            statement = ("select", _COLUMNS, "from read.campaign c where c.campaign_id = $1")
            row = await asked.connection.fetchrow(" ".join(statement), campaign_id)
            if row is None:
                raise errors.NotFound
            content = {"campaign": _shown(row), **asked.currency()}
            return answer(content, {"ETag": f'"{row["version"]}"'})
