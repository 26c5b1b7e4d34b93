"""Who is asking, as the service knows them: what a page says in its corner, and what it offers."""

from typing import Annotated

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.query import answers
from services.query.parameters import Current
from services.query.reading import Asked, Reading, answer


class Me(answers.Shown):
    """The caller. `actor` is how the log names them; `name` and `team_name` are null until the read
    models have them.
    """

    user_id: str
    name: str | None
    role: str
    rights: list[str]
    team_id: str
    team_name: str | None
    actor: str


_NAMES = (
    "select (select u.name from read.app_user u where u.user_id = $1) as name,"
    " (select t.name from read.team t where t.team_id = $2) as team_name"
)


async def _me(asked: Asked) -> Response:
    caller = asked.principal
    names = await asked.connection.fetchrow(_NAMES, caller.user_id, caller.team_id)
    content = {
        "user_id": caller.user_id,
        "name": names["name"],
        "role": caller.role,
        "rights": sorted(caller.rights),
        "team_id": caller.team_id,
        "team_name": names["team_name"],
        "actor": caller.actor,
    }
    return answer({**content, **asked.currency()})


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the caller."""

    @app.get("/v1/me", tags=["organisation"], responses={200: {"model": Me}})
    async def read_me(request: Request, given: Annotated[Current, Query()]) -> Response:
        """Read who you are to the service: user, role, rights, team, and your name in the log."""
        async with reading.asked(request, given.min_position) as asked:
            return await _me(asked)
