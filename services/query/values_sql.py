"""Conditions on one value: a column, or a template field in a JSON document. Values travel as
parameters; every name comes from the allow-list or is a parameter too.

SQL's unknown stands for a missing value here; the tree makes of it what it means.
"""

import math
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from schemas.filters import Contains, Equals, In, IsEmpty, Kind, Range, Starts
from schemas.instants import format_instant
from schemas.relative_time import resolve_date, resolve_instant
from services.query.sql import Arguments, like_anywhere, like_start

TEXTS: Collection[Kind] = ("text", "keyword", "owner", "phone")
"""Kinds whose empty text counts as no value."""

_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_NOT_DIGITS = re.compile(r"\D+", re.ASCII)
_INT8_MAX = 2**63 - 1
# JSON values of one kind lie between these; no number as small as that is let in.
_BELOW_NUMBERS, _ABOVE_NUMBERS = "'-1e1000'::jsonb", "'false'::jsonb"
_BELOW_TEXTS, _ABOVE_TEXTS = "'\"\"'::jsonb", _BELOW_NUMBERS


def digits_of(text: str) -> str:
    """Return the digits of a text and nothing else."""
    return _NOT_DIGITS.sub("", text)


def document_value(document: str, name: str, kind: Kind) -> str:
    """Return the SQL of a template field's value in a JSON `document`, null when it has none.

    The same expression is what an index on a chosen field holds (services/projections). Of an
    instant the Z is cut off, because it sorts after the point (schemas/instants.py).
    """
    if kind == "instant":
        return f"left({document} ->> {name}, -1)"
    return f"nullif({document} -> {name}, 'null'::jsonb)"


class Values:
    """Makes conditions whose relative times mean `now`."""

    def __init__(self, now: datetime, arguments: Arguments) -> None:
        """Take the moment and the statement's parameters."""
        self._now = now
        self._add = arguments.add

    def column(self, column: str, kind: Kind, node: Any) -> str:
        """Return the condition of `node` on a column of its kind's own SQL type."""
        match node:
            case IsEmpty():
                empty = f" or {column} = ''" if kind in TEXTS else ""
                return f"({column} is null{empty})"
            case Equals():
                value, cast = self._value(kind, node.value)
                return "false" if value is None else f"{column} = {self._add(value, cast)}"
            case In():
                pairs = [self._value(kind, value) for value in node.values]
                known = [value for value, _ in pairs if value is not None]
                return f"{column} = any({self._add(known, pairs[0][1] + '[]')})"
            case Range():
                return self.range(column, kind, node)
            case Contains() | Starts():
                return self._like(column, kind, node)
        raise AssertionError(node)

    def range(self, column: str, kind: Kind, node: Range) -> str:
        """Return the bounds of `node` on a column."""
        parts = []
        for name, bound in node.bounds():
            if kind == "number":
                assert isinstance(bound, (int, float))
                sign, number = _whole(name, bound)
                parts.append(f"{column} {sign} {self._add(number, 'int8')}")
            else:
                value, cast = self._value(kind, bound)
                parts.append(f"{column} {_COMPARE[name]} {self._add(value, cast)}")
        return "(" + " and ".join(parts) + ")"

    def _value(self, kind: Kind, value: Any) -> tuple[Any, str]:
        """Return the parameter and its type; None for a number no whole-numbered column holds."""
        match kind:
            case "number":
                whole = value == math.floor(value) and abs(value) <= _INT8_MAX
                return (int(value) if whole else None), "int8"
            case "boolean":
                return value, "boolean"
            case "id" | "user":
                return UUID(value), "uuid"
            case "instant":
                return resolve_instant(value, self._now), "timestamptz"
        return value, "text"

    def _like(self, column: str, kind: Kind, node: Contains | Starts) -> str:
        value = node.value
        if kind == "phone":
            value = digits_of(value)
            if not value:
                return "false"
            column = f"translate({column}, '+ ()/.-', '')" if column != "l.phone" else column
            if isinstance(node, Starts) and column == "l.phone":
                return f"{column} like {self._add(like_start('+' + value), 'text')}"
            pattern = like_start(value) if isinstance(node, Starts) else like_anywhere(value)
            return f"{column} like {self._add(pattern, 'text')}"
        pattern = like_start(value) if isinstance(node, Starts) else like_anywhere(value)
        return f"lower({column}) like lower({self._add(pattern, 'text')})"

    def document(self, document: str, field: str, kind: Kind, node: Any, *, indexed: bool) -> str:
        """Return the condition of `node` on a template field in a JSON `document`.

        `indexed`: the field has an index of its own, and the condition is said so that it helps.
        """
        if kind == "phone" and isinstance(node, (Contains, Starts)) and not digits_of(node.value):
            return "false"
        name = self._add(field, "text")
        value = document_value(document, name, kind)
        match node:
            case IsEmpty():
                return f"coalesce({document} ->> {name}, '') = ''"
            case Equals():
                return f"{value} = {self._stored(kind, node.value)}"
            case In():
                values = ", ".join(self._stored(kind, one) for one in node.values)
                return f"{value} = any(array[{values}])"
            case Range():
                return self._document_range(document, name, kind, node, indexed=indexed)
            case Contains() | Starts():
                return self._like(f"({document} ->> {name})", kind, node)
        raise AssertionError(node)

    def _document_range(
        self, document: str, name: str, kind: Kind, node: Range, *, indexed: bool
    ) -> str:
        value = document_value(document, name, kind)
        parts = [
            f"{value} {_COMPARE[bound_name]} {self._stored(kind, bound)}"
            for bound_name, bound in node.bounds()
        ]
        if kind == "instant":
            return "(" + " and ".join(parts) + ")"
        if not indexed:
            # As a case the planner takes it for common, and walks the list's order until a page is
            # full; as a comparison it takes it for rare, reads the whole table and sorts.
            wanted = "number" if kind == "number" else "string"
            typed = f"jsonb_typeof({document} -> {name}) = '{wanted}'"
            return f"(case when {typed} then {' and '.join(parts)} else false end)"
        numbers = kind == "number"
        below = f"{value} > {_BELOW_NUMBERS}" if numbers else f"{value} >= {_BELOW_TEXTS}"
        above = f"{value} < {_ABOVE_NUMBERS if numbers else _ABOVE_TEXTS}"
        if node.gt is None and node.gte is None:
            parts.append(below)
        if node.lt is None and node.lte is None:
            parts.append(above)
        return "(" + " and ".join(parts) + ")"

    def _stored(self, kind: Kind, value: Any) -> str:
        """Return the place of a value in the spelling and type in which leads store it."""
        if kind == "instant":
            return self._add(format_instant(resolve_instant(value, self._now))[:-1], "text")
        if kind == "date":
            value = resolve_date(value, self._now).isoformat()
        return self._add(orjson.dumps(value).decode(), "jsonb")


def _whole(name: str, bound: float) -> tuple[str, int]:
    """Return the same bound for a column of whole numbers."""
    if bound != math.floor(bound):
        # Above 2.5 is from 3 on, below 2.5 is up to 2, with or without the bound itself.
        return (">=", math.ceil(bound)) if name in ("gt", "gte") else ("<=", math.floor(bound))
    number = max(-_INT8_MAX, min(_INT8_MAX, int(bound)))
    return _COMPARE[name], number
