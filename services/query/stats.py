"""The numbers of everything in sight at once: leads, attempts, statuses, quarantine."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from schemas.statuses import BUILT_IN
from services.query import answers
from services.query.parameters import Current, Id
from services.query.reading import Asked, Reading, answer
from services.query.sight import sight_condition
from services.query.sql import Arguments
from services.query.watch import Watched, shown, watched


class StatsParameters(Current):
    """Of all campaigns, or of one."""

    campaign: Id | None = None


class Stats(answers.Shown):
    """Leads in sight that are not deleted. `call_attempts_max` is the most on one lead.

    `quarantine` counts held payloads by state, for roles that may see them; else it is empty.
    `watched` says whether these numbers can be trusted.
    """

    leads: int
    active: int
    call_attempts: int
    call_attempts_max: int
    contact_attempts: int
    talk_seconds: int
    by_status: dict[str, int]
    by_group: dict[str, int]
    quarantine: dict[str, int]
    watched: Watched


_SUMS = (
    "l.status, count(*) as leads, count(*) filter (where l.active) as active,"
    " coalesce(sum(l.call_attempts), 0)::int8 as call_attempts,"
    " coalesce(max(l.call_attempts), 0) as call_attempts_max,"
    " coalesce(sum(l.contact_attempts), 0)::int8 as contact_attempts,"
    " coalesce(sum(l.talk_seconds), 0)::int8 as talk_seconds"
)
SEE_QUARANTINE = frozenset({"admin", "auditor", "dialer"})


async def stats(asked: Asked, campaign: str | None) -> dict[str, Any]:
    """Return the numbers, from the read models."""
    arguments = Arguments()
    condition = sight_condition(asked.sight, arguments)
    if campaign is not None:
        condition += f" and l.campaign_id = {arguments.add(campaign, 'uuid')}"
    pieces = ("select", _SUMS, "from read.lead l where not l.deleted and", condition)
    statement = " ".join((*pieces, "group by l.status order by l.status"))
    found = await asked.connection.fetch(statement, *arguments.values)
    own = await asked.connection.fetch("select code, status_group from read.status")
    groups = {one.code: str(one.group) for one in BUILT_IN.values()}
    groups |= {code: group for code, group in own if group is not None}
    by_group = {"open": 0, "held": 0, "closed": 0}
    for row in found:
        group = groups.get(row["status"], "open")
        by_group[group] += row["leads"]
    sums = ("leads", "active", "call_attempts", "contact_attempts", "talk_seconds")
    return {
        **{name: sum(row[name] for row in found) for name in sums},
        "call_attempts_max": max((row["call_attempts_max"] for row in found), default=0),
        "by_status": {row["status"]: row["leads"] for row in found},
        "by_group": by_group,
        "quarantine": await _quarantine(asked),
        "watched": shown(await watched(asked.connection), everything=asked.sight.everything),
        **asked.currency(),
    }


async def _quarantine(asked: Asked) -> dict[str, int]:
    if asked.principal.role not in SEE_QUARANTINE:
        return {}
    found = await asked.connection.fetch(
        "select state, count(*) as held from read.quarantine group by state order by state"
    )
    return {row["state"]: row["held"] for row in found}


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of the numbers."""

    @app.get("/v1/stats", tags=["stats"], responses={200: {"model": Stats}})
    async def read_stats(request: Request, given: Annotated[StatsParameters, Query()]) -> Response:
        """Read the numbers of all leads in sight."""
        async with reading.asked(request, given.min_position) as asked:
            return answer(await stats(asked, given.campaign))
