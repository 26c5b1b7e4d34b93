"""Leads by what their log has are looked up first, where few leads can have it.

The planner cannot know how rare somebody's calls are, or leads with many of them. Where they are
common a list finds its page by going along its order; where they are rare, or nobody has any, it
would look into the log of nearly every lead.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.filters import Logged
from schemas.relative_time import resolve_instant
from services.query.filters_sql import Wanted, logged_wanted

ENTRIES_FEW = 3_000
"""Up to so many entries of the log their leads are looked at sooner than a list is walked along."""

_BY_DISPOSITION = (
    "select g.lead_id from read.lead_log g where g.data ->> 'disposition' = any($1::text[])"
    " and g.data ->> 'disposition' is not null limit $2::int8"
)
# By hashes alone inside: else the planner, which takes few to meet both conditions, would have all
# of an actor's entries gathered before it counts.
_BY_ACTOR = (
    "select array_agg(distinct g.lead_id)"
    " filter (where g.actor = who.actor and g.kind = any($2::text[])) as leads,"
    " count(g.lead_id) as entries from unnest($1::text[]) who (actor) cross join lateral ("
    " select l.lead_id, l.kind, l.actor from read.lead_log l"
    " where hashtext(l.actor) = hashtext(who.actor) limit $3::int8) g"
)
_BY_TIME = (
    "select g.lead_id from read.lead_log g where g.end_cause is not null"
    " and (g.end_cause = any($1::text[]) or cardinality($1::text[]) = 0)"
    " and (g.happened_at >= $2::timestamptz or $2::timestamptz is null)"
    " and (g.happened_at < $3::timestamptz or $3::timestamptz is null) limit $4::int8"
)
_BY_CALLS = "select c.lead_id from read.lead_calls c where c.call_attempts >= $1::int4 limit $2"


async def few_logged(connection: Any, node: Logged, now: datetime) -> Mapping[Wanted, list[UUID]]:
    """Return the leads that can meet the condition at all, by what was looked up, as far as they
    are few. `connection` is beside the wall.
    """
    few: dict[Wanted, list[UUID]] = {}
    for wanted in logged_wanted(node):
        leads = await _looked_up(connection, wanted, node, now)
        if leads is not None:
            few[wanted] = leads
    return few


async def _looked_up(
    connection: Any, wanted: Wanted, node: Logged, now: datetime
) -> list[UUID] | None:
    """Return the leads, None when there are too many."""
    match wanted[0]:
        case "actors":
            who = (list(node.actors), list(node.kinds), ENTRIES_FEW + 1)
            row = await connection.fetchrow(_BY_ACTOR, *who)
            return None if row["entries"] > ENTRIES_FEW else row["leads"] or []
        case "times":
            given = [one and resolve_instant(one, now) for one in (node.since, node.until)]
            causes = list(node.end_causes)
            rows = await connection.fetch(_BY_TIME, causes, *given, ENTRIES_FEW + 1)
        case "calls":
            rows = await connection.fetch(_BY_CALLS, node.at_least, ENTRIES_FEW + 1)
        case _:
            rows = await connection.fetch(_BY_DISPOSITION, list(node.dispositions), ENTRIES_FEW + 1)
    return None if len(rows) > ENTRIES_FEW else list({lead for (lead,) in rows})
