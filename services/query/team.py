"""The teams of the organisation, each with the one above it."""

from typing import Any

from services.query import answers
from services.query.reading import Asked


class Team(answers.Shape):
    """A team; `parent_id` null for the one at the top."""

    team_id: str
    parent_id: str | None
    name: str
    ownership_code: str | None
    active: bool


async def teams(asked: Asked) -> list[dict[str, Any]]:
    """Return all teams, by name."""
    found = await asked.connection.fetch(
        "select t.team_id, t.parent_id, t.name, t.ownership_code, t.active from read.team t"
        " order by t.name, t.team_id"
    )
    return [dict(row) for row in found]
