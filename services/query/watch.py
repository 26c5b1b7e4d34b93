"""What the watch over the read models has found (services/projections/watch.py)."""

from datetime import datetime
from typing import Any

from schemas.instants import format_instant
from services.query import answers

_WATCHED = """
    select w.streams, w.rounds, w.round_streams, w.round_ended_at, count(d) as differing,
           (array_agg(d.model || ' ' || d.key || ': ' || d.what order by d.found_at))[1] as first
    from read.watch w left join read.differences d on true group by w.id
"""


class Watched(answers.Shape):
    """How the read models compare with a fold of the log, looked at all the time.

    streams: looked at in the round that goes on. rounds: how often all streams (of leads,
    campaigns, …) were; round_streams and round_ended_at: the last time. differing: rows known to
    be wrong now, `first` the one found first: read model, key, columns. Only who may see all is
    told which.
    """

    streams: int
    rounds: int
    round_streams: int
    round_ended_at: datetime | None
    differing: int
    first: str | None


async def watched(connection: Any) -> Any:
    """Return how far the watch has come and what it found."""
    return await connection.fetchrow(_WATCHED)


def shown(found: Any, *, everything: bool) -> dict[str, Any]:
    """Return it as `Watched`."""
    ended = found["round_ended_at"]
    return {
        "streams": found["streams"],
        "rounds": found["rounds"],
        "round_streams": found["round_streams"],
        "round_ended_at": None if ended is None else format_instant(ended),
        "differing": found["differing"],
        "first": found["first"] if everything else None,
    }


def sentence(found: Any) -> str:
    """Return the alarm as /readyz shows it; "" when all is well."""
    if found is None or not found["differing"]:
        return ""
    number = found["differing"]
    rows = f"{number} rows are" if number > 1 else "a row is"
    return f"{rows} not what the log says, first found {found['first'].partition(':')[0]}"
