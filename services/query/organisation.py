"""The organisation as everybody in it may know it: teams, users, statuses."""

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.query import answers
from services.query.app_user import User, users
from services.query.parameters import Current
from services.query.reading import Reading, answer
from services.query.status import StatusEntry, statuses
from services.query.team import Team, teams


class Organisation(answers.Shown):
    """Teams and users by name, statuses in the order in which people see them."""

    teams: list[Team]
    users: list[User]
    statuses: list[StatusEntry]


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the organisation."""

    @app.get("/v1/organisation", tags=["organisation"], responses={200: {"model": Organisation}})
    async def read_organisation(request: Request, given: Annotated[Current, Query()]) -> Response:
        """Read who belongs to the organisation and which statuses its leads can have."""
        async with reading.asked(request, given.min_position) as asked:
            content = {
                "teams": await teams(asked),
                "users": await users(asked),
                "statuses": await statuses(asked),
                **asked.currency(),
            }
            return answer(content)
