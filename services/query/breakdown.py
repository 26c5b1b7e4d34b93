"""How leads spread over the values of a field: the top values, numbers and times in bins, the rest.

For the small chart over a column, under the filter that is in force. Exact where that is quick or
asked for, else scaled up from a sample and said so.
"""

from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from schemas.filters import CUSTOM, Fault, FilterInvalid, Kind
from services.query import answers
from services.query.columns import THROUGH
from services.query.documents import body_of
from services.query.filters_sql import Found, without_log
from services.query.lead import TAG, leads_condition, whole_scope
from services.query.parameters import invalid
from services.query.questions import BreakdownBody, check_tree, read_question
from services.query.reading import Asked, Reading, answer
from services.query.sampling import (
    COST_EXACT_MAX,
    DRAWN_MS,
    FOUND_MIN,
    ROWS_EXACT_MAX,
    ROWS_HOPELESS,
    SMALLER,
    WHOLE,
    Source,
    hurry,
    planned,
    quickly,
    sample_of,
)
from services.query.searching import look_up
from services.query.sql import Arguments
from services.query.values_sql import TEXTS

UNITS: tuple[tuple[str, timedelta], ...] = (
    ("hour", timedelta(days=2)),
    ("day", timedelta(days=62)),
    ("week", timedelta(days=366)),
    ("month", timedelta(days=5 * 366)),
)
"""The bins of a time: the first unit whose span holds all values, else years."""
BINNED = frozenset({"number", "instant", "date"})

Parts = tuple[list[dict[str, Any]], int, int]
"""The parts, the leads in all and those without a value."""


def value_expression(field: str, kind: Kind, arguments: Arguments) -> str:
    """Return the value of `field`, null when it is empty; of what a lead points at, the id."""
    if field in THROUGH:
        return f"l.{THROUGH[field].key}"
    if not field.startswith(CUSTOM):
        return f"nullif(l.{field}, '')" if kind in TEXTS else f"l.{field}"
    name = arguments.add(field.removeprefix(CUSTOM), "text")
    text = f"l.fields ->> {name}"
    match kind:
        case "number":
            number = f"jsonb_typeof(l.fields -> {name}) = 'number'"
            return f"case when {number} then ({text})::float8 end"
        case "instant":
            return (
                f"case when pg_input_is_valid({text}, 'timestamptz') then ({text})::timestamptz end"
            )
        case "date":
            return f"case when pg_input_is_valid({text}, 'date') then ({text})::date end"
    return f"nullif({text}, '')"


class _Spread:
    """One breakdown: the statements share source and condition and differ in how they group."""

    def __init__(self, asked: Asked, body: BreakdownBody, everything: bool) -> None:
        self._asked = asked
        self._body = body
        self._everything = everything
        self.kind = asked.kinds[body.field]
        self.source: Source = WHOLE
        self._searched = Found()
        self._hurries = False
        self._within_ms: int | None = None

    async def parts_in_time(self) -> Parts:
        """Return exact parts where they are asked for, quick, or too few for a sample to tell of;
        else the parts of a sample, which then is the source.
        """
        self._searched = await look_up(self._asked, self._body.filter)
        if self._body.exact:
            return await self.parts()
        sample = await sample_of(self._asked.connection)
        if sample is WHOLE:
            return await self.parts()
        dear = await self._is_dear()
        if not dear and (exact := await self._quickly()) is not None:
            return exact
        self.source = sample
        drawn = await self._drawn()
        few = drawn[1] < FOUND_MIN and drawn[1] * self.source.weight <= ROWS_HOPELESS
        if dear and few:  # what was not dear has been tried
            drawn_from, self.source = self.source, WHOLE
            if (exact := await self._quickly()) is not None:
                return exact
            self.source = drawn_from
        return drawn

    async def _drawn(self) -> Parts:
        """Return the parts of the sample that is the source; of a smaller one when it takes too
        long, as where every lead's log is looked into and all is still on the disk.
        """
        if (drawn := await self._quickly(DRAWN_MS)) is not None:
            return drawn
        self.source = await sample_of(self._asked.connection, SMALLER)
        return await self.parts()

    async def _quickly(self, within_ms: int | None = None) -> Parts | None:
        """Return the parts, unless all their statements together take too long."""
        self._hurries, self._within_ms = True, within_ms
        parts = await quickly(self._asked.connection, self.parts, within_ms)
        self._hurries = False
        return parts

    async def _is_dear(self) -> bool:
        """Say whether an exact answer takes too long, as the planner sees it. It cannot tell how
        long looking into each lead's log takes, so it is asked about the leads alone.
        """
        arguments = Arguments()
        value, source = self._from(arguments, of_log=False)
        statement = f"select {value} {source}"
        cost, matching = await planned(self._asked.connection, statement, arguments)
        return cost > COST_EXACT_MAX or matching > ROWS_EXACT_MAX

    def _from(self, arguments: Arguments, *, of_log: bool = True) -> tuple[str, str]:
        value = value_expression(self._body.field, self.kind, arguments)
        condition = leads_condition(
            self._body.filter if of_log else without_log(self._body.filter),
            self._asked,
            arguments,
            everything=self._everything,
            found=self._searched,
            drawn=self.source is not WHOLE,
        )
        return value, f"from {self.source.sql} where {condition}"

    async def top(self) -> list[Any]:
        """Return the commonest values, each with its leads, all leads and those without value."""
        arguments = Arguments()
        value, source = self._from(arguments)
        spread = " ".join(("select", value, "as value, count(*) as n", source, "group by 1"))
        if through := THROUGH.get(self._body.field):
            shown = f"t.{through.value}"
            shown = f"nullif({shown}, '')" if self.kind in TEXTS else shown
            pointed = f"left join read.{through.table} t on t.{through.key} = g.value group by 1"
            summed = ("select", shown, f"as value, sum(g.n)::int8 as n from ({spread}) g", pointed)
            spread = " ".join(summed)
        pieces = (
            "select value, n, (sum(n) over ())::int8 as total,",
            "coalesce(sum(n) filter (where value is null) over (), 0)::int8 as empty",
            f"from ({spread}) as spread order by value is null, n desc, value limit",
            arguments.add(self._body.top + 1, "int8"),
        )
        found: list[Any] = await self._asked.connection.fetch(" ".join(pieces), *arguments.values)
        return found

    async def ends(self) -> Any:
        """Return total, empty, least and greatest, and how many values differ (top + 1 at most)."""
        arguments = Arguments()
        value, source = self._from(arguments)
        few = arguments.add(self._body.top + 1, "int8")
        pieces = (
            f"with found as materialized (select {value} as value {source}),",
            "few as (select distinct value from found where value is not null limit",
            f"{few}) select count(*) as total, count(*) - count(value) as empty,",
            "min(value) as least, max(value) as greatest,",
            "(select count(*) from few) as different from found",
        )
        return await self._asked.connection.fetchrow(" ".join(pieces), *arguments.values)

    async def binned(self, expression: str, *values: tuple[Any, str]) -> list[Any]:
        """Group by `expression`, in which {value} and {0}, {1}… stand for value and `values`."""
        arguments = Arguments()
        value, source = self._from(arguments)
        places = [arguments.add(*pair) for pair in values]
        bin_ = expression.format(*places, value=value)
        pieces = ("select", bin_, "as value, count(*) as n", source, "group by 1 order by 1")
        found: list[Any] = await self._asked.connection.fetch(" ".join(pieces), *arguments.values)
        return [row for row in found if row["value"] is not None]

    async def number_bins(self, least: float, greatest: float) -> list[dict[str, Any]]:
        """Return at most `top` bins of equal width."""
        width = (greatest - least) / self._body.top or 1.0
        if float(least).is_integer() and float(greatest).is_integer():
            width = float(int((greatest - least) // self._body.top) + 1)
        found = await self.binned(
            "floor(({value} - {0}) / {1})::int8", (float(least), "float8"), (width, "float8")
        )
        return [
            {
                "value": least + row["value"] * width,
                "to": least + (row["value"] + 1) * width,
                "count": row["n"],
            }
            for row in found
        ]

    async def time_bins(self, least: Any, greatest: Any) -> list[dict[str, Any]]:
        """Return bins of an hour, day, week, month or year in UTC; of dates, a day or more."""
        days = self.kind == "date"
        units = [one for one in UNITS if one[0] != "hour" or not days]
        unit = next((unit for unit, longest in units if greatest - least <= longest), "year")
        moment = "({value})::timestamp at time zone 'UTC'" if days else "{value}"
        found = await self.binned(f"date_trunc({{0}}, {moment}, 'UTC')", (unit, "text"))
        bins = []
        for row in found:
            first, last = row["value"], _next(row["value"], unit)
            pair = (first.date(), last.date()) if days else (first, last)
            bins.append({"value": pair[0], "to": pair[1], "count": row["n"]})
        return bins

    async def parts(self) -> Parts:
        """Return the parts, the leads in all and those without a value, as found in the source."""
        if self.kind in BINNED:
            began = monotonic()
            ends = await self.ends()
            if self._hurries:
                await hurry(self._asked.connection, began, self._within_ms)
            if ends["different"] > self._body.top:
                make = self.number_bins if self.kind == "number" else self.time_bins
                bins = await make(ends["least"], ends["greatest"])
                return bins, ends["total"], ends["empty"]
        top = await self.top()
        total, empty = (top[0]["total"], top[0]["empty"]) if top else (0, 0)
        known = [row for row in top if row["value"] is not None][: self._body.top]
        parts = [{"value": row["value"], "to": None, "count": row["n"]} for row in known]
        return parts, total, empty


def _next(moment: datetime, unit: str) -> datetime:
    """Return when the bin after the one that begins at `moment` begins."""
    match unit:
        case "hour":
            return moment + timedelta(hours=1)
        case "day":
            return moment + timedelta(days=1)
        case "week":
            return moment + timedelta(days=7)
        case "month":
            after = date(moment.year + moment.month // 12, moment.month % 12 + 1, 1)
            return datetime.combine(after, time(), moment.tzinfo)
    return moment.replace(year=moment.year + 1)


async def breakdown(asked: Asked, body: BreakdownBody) -> Response:
    """Answer how leads spread over a field."""
    if body.field not in asked.single_kinds:
        fault = Fault("no-such-field", f"there is no field {body.field}", "/field")
        raise invalid(FilterInvalid([fault]), "")
    spread = _Spread(asked, body, await whole_scope(asked, body.scope))
    parts, total, empty = await spread.parts_in_time()
    other = max(total - empty - sum(part["count"] for part in parts), 0)
    weight = spread.source.weight

    def scaled(found: int) -> int:
        return round(found * weight)

    content = {
        "field": body.field,
        "parts": [{**part, "count": scaled(part["count"])} for part in parts],
        "other": scaled(other),
        "empty": scaled(empty),
        "total": scaled(total),
        "exact": spread.source is WHOLE,
        **asked.currency(),
    }
    return answer(content)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of breakdowns."""

    @app.post(
        "/v1/leads/breakdown",
        tags=[TAG],
        responses={200: {"model": answers.Breakdown}},
        openapi_extra=body_of(app, BreakdownBody),
    )
    async def break_down_leads(request: Request) -> Response:
        """Tell how the leads that match a filter tree spread over a field."""
        body = await read_question(request, BreakdownBody, reading)
        async with reading.asked(request, body.min_position) as asked:
            check_tree(body.filter, asked)
            return await breakdown(asked, body)
