"""How leads spread over the values of a field: the top values, numbers and times in bins, the rest.

For the small chart over a column, under the filter that is in force.
"""

from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from schemas.filters import CUSTOM, Fault, FilterInvalid, Kind
from services.query import answers
from services.query.documents import body_of
from services.query.lead import TAG, leads_condition, whole_scope
from services.query.parameters import invalid
from services.query.questions import BreakdownBody, check_tree, read_question
from services.query.reading import Asked, Reading, answer
from services.query.sql import Arguments

UNITS: tuple[tuple[str, timedelta], ...] = (
    ("hour", timedelta(days=2)),
    ("day", timedelta(days=62)),
    ("week", timedelta(days=366)),
    ("month", timedelta(days=5 * 366)),
)
"""The bins of a time: the first unit whose span holds all values, else years."""


def value_expression(field: str, kind: Kind, arguments: Arguments) -> str:
    """Return the value of `field`, null when it is empty."""
    if not field.startswith(CUSTOM):
        column = f"l.{field}"
        return f"nullif({column}, '')" if kind in ("text", "keyword", "phone") else column
    name = arguments.add(field.removeprefix(CUSTOM), "text")
    if kind == "number":
        number = f"(l.fields ->> {name})::float8"
        return f"case when jsonb_typeof(l.fields -> {name}) = 'number' then {number} end"
    return f"nullif(l.fields ->> {name}, '')"


class _Spread:
    """One breakdown: the statements share the condition and differ in how they group."""

    def __init__(self, asked: Asked, body: BreakdownBody, everything: bool) -> None:
        self._asked = asked
        self._body = body
        self._everything = everything
        self.kind = asked.kinds[body.field]

    def _from(self, arguments: Arguments) -> tuple[str, str]:
        value = value_expression(self._body.field, self.kind, arguments)
        condition = leads_condition(
            self._body.filter, self._asked, arguments, everything=self._everything
        )
        return value, f"from read.lead l where {condition}"

    async def top(self) -> list[Any]:
        """Return the commonest values, each with its leads, all leads and those without value."""
        arguments = Arguments()
        value, source = self._from(arguments)
        pieces = (
            "select value, n, (sum(n) over ())::int8 as total,",
            "coalesce(sum(n) filter (where value is null) over (), 0)::int8 as empty,",
            "(count(value) over ())::int8 as different from (select",
            value,
            "as value, count(*) as n",
            source,
            "group by 1) as spread order by value is null, n desc, value limit",
            arguments.add(self._body.top + 1, "int8"),
        )
        found: list[Any] = await self._asked.connection.fetch(" ".join(pieces), *arguments.values)
        return found

    async def bounds(self) -> tuple[Any, Any]:
        """Return the least and the greatest value."""
        arguments = Arguments()
        value, source = self._from(arguments)
        pieces = ("select min(", value, "), max(", value, ")", source)
        row = await self._asked.connection.fetchrow(" ".join(pieces), *arguments.values)
        return row[0], row[1]

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

    async def time_bins(self, least: datetime, greatest: datetime) -> list[dict[str, Any]]:
        """Return bins of an hour, day, week, month or year in UTC."""
        span = greatest - least
        unit = next((unit for unit, longest in UNITS if span <= longest), "year")
        found = await self.binned("date_trunc({0}, {value}, 'UTC')", (unit, "text"))
        return [{"value": row["value"], "to": None, "count": row["n"]} for row in found]


async def breakdown(asked: Asked, body: BreakdownBody) -> Response:
    """Answer how leads spread over a field."""
    if body.field not in asked.kinds:
        fault = Fault("no-such-field", f"there is no field {body.field}", "/field")
        raise invalid(FilterInvalid([fault]), "")
    spread = _Spread(asked, body, whole_scope(asked, body.scope))
    top = await spread.top()
    total, empty = (top[0]["total"], top[0]["empty"]) if top else (0, 0)
    parts = [{"value": row["value"], "to": None, "count": row["n"]} for row in top]
    parts = [part for part in parts if part["value"] is not None][: body.top]
    different = top[0]["different"] if top else 0
    if different > body.top and spread.kind in ("number", "instant") and _measured(body, spread):
        least, greatest = await spread.bounds()
        if spread.kind == "number":
            parts = await spread.number_bins(least, greatest)
        else:
            parts = await spread.time_bins(least, greatest)
    counted = sum(part["count"] for part in parts)
    content = {
        "field": body.field,
        "parts": parts,
        "other": max(total - empty - counted, 0),
        "empty": empty,
        "total": total,
        "exact": True,
        **asked.currency(),
    }
    return answer(content)


def _measured(body: BreakdownBody, spread: _Spread) -> bool:
    """Template times are stored as text, which has no bins."""
    return spread.kind == "number" or not body.field.startswith(CUSTOM)


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
        body = await read_question(request, BreakdownBody)
        async with reading.asked(request, body.min_position) as asked:
            check_tree(body.filter, asked)
            return await breakdown(asked, body)
