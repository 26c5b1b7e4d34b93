"""The grid and the single lead: list, search, and one lead as it stands.

Every statement carries the caller's sight. Routes for a lead's past are in lead_history.py.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request
from starlette.responses import Response

from services.kit import errors
from services.kit.cursors import CursorInvalid, Cursors, fingerprint
from services.query import answers, rows
from services.query.along import Step, by_indexes, gathered, leading, led_order, sooner_gathered
from services.query.columns import THROUGH
from services.query.documents import body_of
from services.query.filters_sql import (
    Found,
    beside_condition,
    filter_condition,
    mentions,
    part_beside,
)
from services.query.paging import (
    Half,
    beside,
    half_condition,
    halves,
    place_of,
    read_place,
    selected_place,
    turned,
)
from services.query.parameters import Current, Version
from services.query.questions import (
    ListParameters,
    Question,
    SearchBody,
    of_body,
    of_parameters,
    read_question,
)
from services.query.reading import Asked, Reading, answer, tries
from services.query.sampling import planned
from services.query.searching import look_up
from services.query.sight import among, sight_condition, sight_then_condition
from services.query.sql import Arguments
from services.query.wall import beside_wall, lower_wall

SORTED_MAX = 5_000
"""So many leads are sorted by the name of their pool at once."""

PROBED_MAX = 3_000
"""So far is gone along an order that nothing says to hold what is wanted."""

SIGHT_SORTED = 100_000
"""So many leads in sight are sooner looked at one by one than that order is gone along."""

SIGHT_KNOWN = 600_000
"""The ids of so many leads in sight are kept by one statement that goes along an order."""

SORTED_COST = 60_000.0
"""What the planner expects to cost no more is gathered and sorted, however many are in sight."""

AMONG = -1

TAG = "leads"

Columns = Callable[[Arguments], str]
"""Makes the list of columns of a statement, with the parameters it needs."""


class LeadParameters(Current):
    """One lead; `min_version` waits until it has reached that version."""

    min_version: Version = 0


def leads_condition(
    tree: Any,
    asked: Asked,
    arguments: Arguments,
    *,
    everything: bool = False,
    found: Found | None = None,
    drawn: bool = False,
) -> str:
    """Return the condition on a lead `l` for the tree, in sight (or `everything`, for reports).

    Deleted leads are left out unless the tree asks about them. `found`: what `look_up` returned.
    `drawn`: it is asked of a sample of the leads.
    """
    in_sight = sight_then_condition if asked.then else sight_condition
    parts = ["true" if everything else in_sight(asked.sight, arguments)]
    if tree is None or not mentions(tree, "deleted"):
        parts.append("not l.deleted")
    if tree is not None:
        terms = replace(asked.terms, found=found or Found(), drawn=drawn)
        parts.append(filter_condition(tree, terms, arguments))
    return " and ".join(parts)


async def page(reading: Reading, asked: Asked, question: Question) -> Response:
    """Answer one page of leads."""
    return answer(await page_of(reading.cursors, asked, question))


async def page_of(cursors: Cursors, asked: Asked, question: Question) -> dict[str, Any]:
    """Return one page of leads as it is answered; `cursors` seal its ends."""
    tree = None if question.tree is None else question.tree.model_dump(mode="json")
    bound = fingerprint("leads", tree, [(key.field, key.descending) for key in question.sort])
    place = None
    if question.cursor is not None:
        try:
            place = read_place(cursors.open(question.cursor, bound), question.sort)
        except CursorInvalid as reason:
            detail = errors.Detail("invalid-cursor", str(reason), "/cursor")
            raise errors.Invalid("The cursor is not valid.", [detail]) from None
    found: list[_Line] = []
    searched = await look_up(asked, question.tree)
    for half in halves(question.sort, place):
        found += await _half(asked, question, half, searched, question.limit + 1 - len(found))
        if len(found) > question.limit:
            break
    more = len(found) > question.limit
    found = found[: question.limit]
    back = place is not None and place.back
    if back:
        found.reverse()

    def cursor(line: _Line, go_back: bool) -> str:
        return cursors.seal([go_back, *line.place], bound)

    following = cursor(found[-1], False) if found and (more or back) else None
    previous = cursor(found[0], True) if found and place and (more or not back) else None
    if not found and place is not None:
        turn = cursors.seal(turned(place, question.sort), bound)
        following, previous = (turn, None) if back else (None, turn)
    kinds, phones = asked.directory.kinds, asked.shows_phones
    return {
        "leads": [rows.shown(line.row, kinds, phones) for line in found if line.row is not None],
        "next": following,
        "previous": previous,
        **asked.currency(),
    }


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a page: its place (sort values and id), and the lead's row; None when it left the
    caller's sight just now.
    """

    place: list[Any]
    row: Any


async def _half(
    asked: Asked, question: Question, half: Half, searched: Found, limit: int
) -> list[_Line]:
    """Return lines from one of the two statements of a page.

    For who sees little the places are found beside the wall, behind which hardly any index helps;
    the rows are read behind it.
    """
    sort = question.sort
    columns = question.columns or rows.GRID
    page = replace(question, limit=limit)
    if asked.sight.everything or asked.then:
        found = await _found(asked, page, half, searched, partial(rows.select_list, columns))
        return [_Line(place_of(row, sort), row) for row in found]
    async with beside_wall(asked.connection, asked.sight):
        found = await _found(asked, page, half, searched, lambda _: "l.lead_id")
    places = {row["lead_id"]: place_of(row, sort) for row in found}
    arguments = Arguments()
    wanted = rows.select_list(columns, arguments)
    seen = sight_condition(asked.sight, arguments)
    leads = arguments.add(list(places), "uuid[]")
    pieces = ("select", wanted, "from read.lead l where l.lead_id = any(", leads, ") and", seen)
    read = {
        row["lead_id"]: row
        for row in await asked.connection.fetch(" ".join(pieces), *arguments.values)
    }
    return [_Line(place, read.get(lead)) for lead, place in places.items()]


async def _found(
    asked: Asked, question: Question, half: Half, searched: Found, columns: Columns
) -> list[Any]:
    """Return these columns and the places of the lines of one statement.

    Along an order only some way is gone where nothing says that it holds what is wanted: what
    stands beside the leads of who sees little, or leads of one value of which more is asked. If
    that is not enough all are found and sorted, where they are not too many.
    """

    async def selected(probed: int | None = None) -> list[Any]:
        return await _selected(asked, question, half, searched, columns, probed)

    everything = asked.sight.everything or asked.then
    aside = beside(question.sort, half) and len(question.sort) == 1 and not everything
    if searched.few or (not aside and leading(asked, question) in (None, question.tree)):
        return await selected()
    found = await selected(PROBED_MAX)
    if len(found) >= question.limit:
        return found
    if not aside:
        return await selected()
    return await selected(await _farther(asked, question.tree, searched))


async def _farther(asked: Asked, tree: Any, searched: Found) -> int | None:
    """Return how far to go along an order that stands beside the leads, when some way was not
    enough: 0, not at all, where few are sorted; AMONG those in sight; or None, all the way.
    """
    arguments = Arguments()
    bound = " ".join(("select from read.lead l where", sight_condition(asked.sight, arguments)))
    seen = await estimate(asked, bound, arguments)
    if seen <= SIGHT_SORTED:
        return 0
    arguments = Arguments()
    condition = leads_condition(tree, asked, arguments, found=searched)
    whole = " ".join(("select from read.lead l where", condition))
    async with beside_wall(asked.connection, asked.sight):
        cost, _ = await planned(asked.connection, whole, arguments)
    if cost <= SORTED_COST:
        return 0
    known = seen <= SIGHT_KNOWN and (tree is None or not mentions(tree, "deleted"))
    return AMONG if known else None


async def _selected(
    asked: Asked,
    question: Question,
    half: Half,
    searched: Found,
    columns: Columns,
    probed: int | None,
) -> list[Any]:
    """Return these columns and the places of the rows of one statement. `probed`: go no further
    along an order, 0 not along one that stands beside the leads, AMONG only by leads that may be
    in sight.
    """
    kinds, sort = asked.directory.kinds, question.sort
    arguments = Arguments()
    wanted = f"{columns(arguments)}, {selected_place(sort, kinds, arguments)}"
    # Leads looked up before are sorted: along an order all of them would be tried at each step.
    table = "" if probed == 0 or searched.few else beside(sort, half)
    tree, bounds = part_beside(question.tree, sort[0].field if table else "")
    base = leads_condition(tree, asked, arguments, found=searched)
    condition, order = half_condition(sort, half, kinds, arguments, table)
    source = "read.lead l"
    through = None if half.empty else THROUGH.get(sort[0].field)
    most = arguments.add(question.limit, "int8")
    where = f"{base} and {condition}"
    step = Step(where, condition, order, most)
    if table:
        there, here = beside_condition(bounds, asked.now, arguments)
        place = f"read.{table} b"
        if probed == AMONG:
            # In brackets, so that it is asked of each entry, not joined: that keeps the order.
            where += f" and (b.lead_id in ({among(asked.sight, arguments)})) is true"
        elif probed:
            some = ("from", place, "where", condition + there, "order by", order)
            entries = f"select b.lead_id, b.{sort[0].field}"
            place = f"({' '.join((entries, *some, 'limit', str(probed)))}) b"
            where, there = base, ""
        source = f"{place} join read.lead l on b.lead_id = l.lead_id"
        where += there + here
    elif through is None and sooner_gathered(question, searched):
        source, where = gathered(step), "true"
    elif value := leading(asked, question):
        led = led_order(value, asked, order, arguments)
        if probed:
            holds = leads_condition(value, asked, arguments, everything=True)
            some = ("from read.lead l where", holds, "and", condition, "order by", led)
            source = f"({' '.join(('select l.*', *some, 'limit', str(probed)))}) l"
        else:
            order = led
    elif ids := by_indexes(asked, question, searched, step, arguments):
        source = f"({ids}) f join read.lead l on l.lead_id = f.lead_id"
    if through is not None:
        points = f"l.{through.key} = t.{through.key}"
        source = f"read.{through.table} t join read.lead l on {points}"
        counted = Arguments()
        narrow = leads_condition(question.tree, asked, counted, found=searched)
        bound = " ".join(("select from read.lead l where", narrow))
        if await estimate(asked, bound, counted) > SORTED_MAX:
            # One row pointed at after the other, no further than the page goes.
            leads = ("select l.* from read.lead l where", where, "and", points, "order by", order)
            inner = " ".join((*leads, "limit", most))
            source = f"read.{through.table} t cross join lateral ({inner}) l"
            where = "true"
    pieces = ("select", wanted, "from", source, "where", where, "order by", order)
    found: list[Any] = await asked.connection.fetch(
        " ".join((*pieces, "limit", most)), *arguments.values
    )
    return found


async def estimate(asked: Asked, statement: str, arguments: Arguments) -> int:
    """Return how many rows the planner expects of a statement that carries the caller's sight.

    Asked beside the wall, behind which it may not use all that it knows.
    """
    async with beside_wall(asked.connection, asked.sight):
        _, expected = await planned(asked.connection, statement, arguments)
    return expected


async def whole_scope(asked: Asked, scope: str) -> bool:
    """Say whether to count leads out of sight too; Forbidden for who may not (rule 2)."""
    if scope != "all":
        return False
    if not asked.sight.insights:
        raise errors.Forbidden(
            "Counting leads out of your sight takes the right extended_insights."
        )
    await lower_wall(asked.connection, asked.sight)
    return True


def whole(_: Arguments) -> str:
    """Select all that the lead's own row has."""
    return "l.*"


def alone(_: Arguments) -> str:
    """Join nothing to the lead."""
    return ""


@asynccontextmanager
async def lead_at(
    reading: Reading,
    request: Request,
    lead_id: UUID,
    given: LeadParameters,
    columns: Columns = whole,
    beside: Columns = alone,
) -> AsyncIterator[tuple[Asked, list[Any]]]:
    """Begin a read of one lead, once it has `given.min_version`; yield these columns of it, and of
    what is joined to it `beside`: a row at least. All of it is one statement.

    Raises NotFound when it is not there or out of sight, NotYet after 2 s, naming its version.
    """
    found: list[Any] = []
    async for _ in tries(given.min_version > 0):
        async with reading.asked(request, given.min_position, by_key=True) as asked:
            arguments = Arguments()
            seen = sight_condition(asked.sight, arguments)
            wanted = arguments.add(lead_id, "uuid")
            shown = ("select l.version as lead_version,", columns(arguments), "from read.lead l")
            pieces = (*shown, beside(arguments), "where l.lead_id =", wanted, "and", seen)
            found = await asked.connection.fetch(" ".join(pieces), *arguments.values)
            if found and found[0]["lead_version"] >= given.min_version:
                yield asked, found
                return
        if not found and not given.min_version:
            break
    if not found:
        raise errors.NotFound
    version = found[0]["lead_version"]
    raise errors.NotYet(
        f"Version {given.min_version} is not visible yet; {version} is.", version=version
    )


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of the grid and of the single lead."""

    @app.get("/v1/leads", tags=[TAG], responses={200: {"model": answers.LeadPage}})
    async def list_leads(request: Request, given: Annotated[ListParameters, Query()]) -> Response:
        """List leads in sight by simple conditions, last modified first unless sorted."""
        async with reading.asked(request, given.min_position) as asked:
            return await page(reading, asked, of_parameters(given, asked))

    @app.post(
        "/v1/leads/search",
        tags=[TAG],
        responses={200: {"model": answers.LeadPage}},
        openapi_extra=body_of(app, SearchBody),
    )
    async def search_leads(request: Request) -> Response:
        """List leads in sight that match a filter tree."""
        body = await read_question(request, SearchBody, reading)
        async with reading.asked(request, body.min_position) as asked:
            return await page(reading, asked, of_body(body, asked))
