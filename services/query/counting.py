"""How many leads match: exactly up to 10,000, else as a sample or the planner tells.

Behind the wall hardly any index helps, so leads are found beside it and counted behind it.
"""

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from services.query import answers
from services.query.documents import body_of
from services.query.filters_sql import Found
from services.query.lead import TAG, estimate, leads_condition, whole_scope
from services.query.questions import CountBody, check_tree, read_question
from services.query.reading import Asked, Reading, answer
from services.query.sampling import (
    COUNTED_MS,
    DRAWN_MS,
    SMALLER,
    WHOLE,
    Source,
    quickly,
    sample_of,
)
from services.query.searching import look_up
from services.query.sight import sight_condition, sight_parts
from services.query.sql import Arguments
from services.query.wall import beside_wall

COUNT_EXACT_MAX = 10_000


async def count(asked: Asked, body: CountBody) -> Response:
    """Answer how many leads match: exactly when asked to, or up to 10,000 unless that takes long;
    else a sample's number, or the planner's guess.
    """
    everything = await whole_scope(asked, body.scope)
    arguments = Arguments()
    searched = await look_up(asked, body.filter)
    condition = leads_condition(
        body.filter, asked, arguments, everything=everything, found=searched
    )
    if body.exact:
        statement = " ".join(("select count(*) from read.lead l where", condition))
        number = await asked.connection.fetchval(statement, *arguments.values)
        return answer({"count": number, "exact": True, **asked.currency()})
    bound = " ".join(("select from read.lead l where", condition))
    expected = await estimate(asked, bound, arguments)

    async def up_to_most() -> int:
        if not (asked.sight.everything or asked.then or everything):
            return await _count_found(asked, body.filter, searched, expected)
        limited = ("select count(*) from (", bound, "limit", str(COUNT_EXACT_MAX + 1), ") as found")
        found: int = await asked.connection.fetchval(" ".join(limited), *arguments.values)
        return found

    sample = await sample_of(asked.connection)
    if sample is WHOLE:
        known: int | None = await up_to_most()
    else:
        within_ms = COUNTED_MS if expected <= COUNT_EXACT_MAX else None
        known = await quickly(asked.connection, up_to_most, within_ms)
    if known is None:
        drawn = Arguments()
        condition = leads_condition(
            body.filter, asked, drawn, everything=everything, found=searched, drawn=True
        )
        number = await _count_drawn(asked, sample, condition, drawn)
        if number is None:
            sample = await sample_of(asked.connection, SMALLER)
            number = await _count_drawn(asked, sample, condition, drawn)
        if number is None:
            number = expected
        if number <= COUNT_EXACT_MAX < expected:
            known = await quickly(asked.connection, up_to_most, COUNTED_MS)
        if known is None:
            return answer({"count": number, "exact": False, **asked.currency()})
    exact = known <= COUNT_EXACT_MAX
    number = known if exact else max(known, expected)
    return answer({"count": number, "exact": exact, **asked.currency()})


async def _count_drawn(
    asked: Asked, sample: Source, condition: str, arguments: Arguments
) -> int | None:
    """Count the leads of a sample and return how many there are in all, if it is like the rest;
    None when that takes too long.
    """
    pieces = ("select count(*) from", sample.sql, "where", condition)

    async def counted() -> int:
        async with beside_wall(asked.connection, asked.sight):
            found: int = await asked.connection.fetchval(" ".join(pieces), *arguments.values)
        return round(found * sample.weight)

    return await quickly(asked.connection, counted, DRAWN_MS)


async def _count_found(asked: Asked, tree: Any, searched: Found, expected: int) -> int:
    """Count up to COUNT_EXACT_MAX leads for who sees little: found beside the wall, behind which
    hardly any index helps, and counted behind it. So many are `expected`.
    """
    arguments = Arguments()
    if expected > 2 * COUNT_EXACT_MAX:
        statement = _by_parts_of_sight(asked, tree, searched, arguments)
    else:
        condition = leads_condition(tree, asked, arguments, found=searched)
        statement = " ".join(("select l.lead_id from read.lead l where", condition))
    most = str(COUNT_EXACT_MAX + 1)
    pieces = ("select array(", statement, "limit", most, ")")
    async with beside_wall(asked.connection, asked.sight):
        leads = await asked.connection.fetchval(" ".join(pieces), *arguments.values)
    if len(leads) > COUNT_EXACT_MAX:
        return len(leads)
    counted = Arguments()
    seen = sight_condition(asked.sight, counted)
    wanted = counted.add(leads, "uuid[]")
    behind = ("select count(*) from read.lead l where l.lead_id = any(", wanted, ") and", seen)
    number: int = await asked.connection.fetchval(" ".join(behind), *counted.values)
    return number


def _by_parts_of_sight(asked: Asked, tree: Any, searched: Found, arguments: Arguments) -> str:
    """Return what selects the ids of leads seen for one reason, then those seen for another. No
    index has the order of both, so else all would be gathered before the first is counted.
    """
    rest = leads_condition(tree, asked, arguments, everything=True, found=searched)
    parts = sight_parts(asked.sight, arguments)
    selects = []
    for index, part in enumerate(parts):
        once = [part, *(f"({before}) is not true" for before in parts[:index]), rest]
        statement = ("select l.lead_id from read.lead l where", " and ".join(once))
        selects.append(" ".join(("(", *statement, "limit", str(COUNT_EXACT_MAX + 1), ")")))
    return " ".join(("select l.lead_id from (", " union all ".join(selects), ") l"))


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of counts."""

    @app.post(
        "/v1/leads/count",
        tags=[TAG],
        responses={200: {"model": answers.Count}},
        openapi_extra=body_of(app, CountBody),
    )
    async def count_leads(request: Request) -> Response:
        """Count the leads that match a filter tree."""
        body = await read_question(request, CountBody, reading)
        async with reading.asked(request, body.min_position) as asked:
            check_tree(body.filter, asked)
            return await count(asked, body)
