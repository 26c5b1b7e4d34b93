"""The numbers of everything in sight at once: leads, attempts, statuses, quarantine."""

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from schemas.statuses import BUILT_IN
from services.query import answers
from services.query.numbers import Counted
from services.query.parameters import Current, Id
from services.query.reading import Asked, Reading, answer
from services.query.sums import Sums
from services.query.watch import Watched, shown, watched


class StatsParameters(Current):
    """Of all campaigns, or of one."""

    campaign: Id | None = None


class Stats(answers.Shown, Counted):
    """Leads in sight that are not deleted. `call_attempts_max` is the most on one lead.

    `counted_at` is the log position that the numbers of leads show, `counted_on` when they were
    counted: more than 100,000 leads are shown as they were counted last and counted anew meanwhile,
    10 s apart for a million. `exact` false: nobody has counted them yet, so it is scaled up from a
    sample, and the most on one lead is the most in it; ask again.
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


SEE_QUARANTINE = frozenset({"admin", "auditor", "dialer"})


async def stats(asked: Asked, given: StatsParameters, sums: Sums) -> dict[str, Any]:
    """Return the numbers, from the read models."""
    summed = await sums.of(asked, given.campaign, given.min_position)
    found = summed.rows
    own = await asked.connection.fetch("select code, status_group from read.status")
    groups = {one.code: str(one.group) for one in BUILT_IN.values()}
    groups |= {code: group for code, group in own if group is not None}
    by_group = {"open": 0, "held": 0, "closed": 0}
    for row in found:
        group = groups.get(row["status"], "open")
        by_group[group] += row["leads"]
    added = ("leads", "active", "call_attempts", "contact_attempts", "talk_seconds")
    return {
        **{name: sum(row[name] for row in found) for name in added},
        "call_attempts_max": max((row["call_attempts_max"] for row in found), default=0),
        "by_status": {row["status"]: row["leads"] for row in found},
        "by_group": by_group,
        "quarantine": await _quarantine(asked),
        "watched": shown(await watched(asked.connection), everything=asked.sight.everything),
        **summed.counted(),
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
    sums = Sums(reading)

    @app.get("/v1/stats", tags=["stats"], responses={200: {"model": Stats}})
    async def read_stats(request: Request, given: Annotated[StatsParameters, Query()]) -> Response:
        """Read the numbers of all leads in sight."""
        async with reading.asked(request, given.min_position) as asked:
            return answer(await stats(asked, given, sums))
