"""Which leads' logs are read from a lead: its own, and those of all leads that were merged into it.

A merged lead may itself have absorbed others. After an unmerge its log is no longer read here.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.projections.decoding import ERASING
from services.query.past import Moment
from services.query.reading import Asked
from services.query.wall import let_through

_JOINED = """
    select lead_id, kind, data ->> 'lead_id' as other from read.lead_log
     where lead_id = any($1::uuid[]) and kind in ('lead.absorbed', 'lead.released')
       and ($2::int8 is null or position <= $2) and ($3::timestamptz is null or recorded_at <= $3)
     order by position
"""
_POSITION_OF = "select max(position) from read.lead_log where lead_id = $1 and version <= $2"
_ERASED = """
    select distinct lead_id from read.lead_log where lead_id = any($1::uuid[]) and kind = any($2)
"""


async def moment_of_log(asked: Asked, lead_id: UUID, moment: Moment | None) -> Moment | None:
    """Return the moment as one that holds for several leads: a version is one lead's alone."""
    if moment is None or moment.version is None:
        return moment
    position = await asked.connection.fetchval(_POSITION_OF, lead_id, moment.version)
    return Moment(position=position or 0)


async def leads_of_log(asked: Asked, lead_id: UUID, moment: Moment | None) -> list[UUID]:
    """Return the lead's id and those of the leads merged into it at that moment (None: now).

    The caller sees the lead; from here on the database shows them the logs of all of these.
    """
    found = [lead_id]
    position, time = (None, None) if moment is None else (moment.position, moment.time)
    newest = found
    while newest:
        absorbed = await _absorbed(asked, newest, position, time)
        newest = [one for one in absorbed if one not in found]
        found = [*found, *newest]
        await let_through(asked.connection, asked.sight, [str(one) for one in found[1:]])
    return found


async def _absorbed(
    asked: Asked, leads: Collection[UUID], position: int | None, time: datetime | None
) -> list[UUID]:
    holding: dict[tuple[UUID, str], None] = {}
    for lead_id, kind, other in await asked.connection.fetch(_JOINED, leads, position, time):
        if kind == "lead.absorbed":
            holding[lead_id, other] = None
        else:
            holding.pop((lead_id, other), None)
    return [UUID(other) for _, other in holding]


async def erased_among(asked: Asked, leads: list[UUID]) -> set[UUID]:
    """Return those of the leads whose personal data was destroyed (rule 16)."""
    rows = await asked.connection.fetch(_ERASED, leads, sorted(ERASING))
    return {row["lead_id"] for row in rows}
