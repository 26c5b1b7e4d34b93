"""A filter tree as a condition on a lead `l`: columns from the allow-list, values as parameters.

SQL's unknown is kept out: a leaf that is unknown counts as false, and `not` turns it into true.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from schemas.filters import (
    CUSTOM,
    And,
    Contains,
    Equals,
    In,
    IsEmpty,
    Kind,
    Logged,
    Not,
    Or,
    Range,
    Search,
    Starts,
    walk,
)
from schemas.instants import format_instant
from schemas.lead import LeadCallRecorded
from schemas.relative_time import resolve_date, resolve_instant
from services.query.paging import DUE
from services.query.sql import Arguments, like_anywhere, like_start

TRIGRAM_CHARS = 3
"""An index on parts of words cannot help to find shorter ones."""

_FOUND = "exists (select from read.lead_search s where s.lead_id = l.lead_id and ({}))"
_COMPARE = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_PHONE_LIKE = re.compile(r"[\d\s+()/.-]+", re.ASCII)
_NOT_DIGITS = re.compile(r"\D+", re.ASCII)
_UNSTORED_CAUSE = LeadCallRecorded.end_cause
"""Fields that equal their default are not stored."""
_INT8_MAX = 2**63 - 1


def filter_condition(
    tree: Any,
    kinds: Mapping[str, Kind],
    now: datetime,
    arguments: Arguments,
    *,
    phones: bool = True,
) -> str:
    """Return the condition for a tree that `check_filter` has passed with the same `kinds`.

    Without `phones` a search does not look at numbers, so that nobody can guess what is hidden.
    """
    return _Compiler(kinds, now, arguments, phones).node(tree)


def mentions(tree: Any, field: str) -> bool:
    """Say whether any condition of the tree is about `field`."""
    return any(getattr(node, "field", None) == field for node, _, _ in walk(tree))


def due_condition(tree: Any, now: datetime, arguments: Arguments) -> str:
    """Return what the tree says of the next dial, once more on `d`, whose index can use it."""
    compiler = _Compiler({}, now, arguments, phones=True)
    nodes = tree.of if isinstance(tree, And) else (tree,)
    return "".join(
        f" and {compiler.range(f'd.{DUE}', 'instant', node)}"
        for node in nodes
        if isinstance(node, Range) and node.field == DUE
    )


def search_digits(value: str) -> str:
    """Return the digits a search means, "" when it is not about a number.

    A leading 0 is how a number is dialled at home; it is not part of the number in E.164.
    """
    if not _PHONE_LIKE.fullmatch(value):
        return ""
    digits = _NOT_DIGITS.sub("", value)
    return digits.lstrip("0") or digits


class _Compiler:
    def __init__(
        self, kinds: Mapping[str, Kind], now: datetime, arguments: Arguments, phones: bool
    ) -> None:
        self._kinds = kinds
        self._phones = phones
        self._now = now
        self._add = arguments.add

    def node(self, node: Any) -> str:
        match node:
            case And():
                return "(" + " and ".join(self.node(child) for child in node.of) + ")"
            case Or():
                return "(" + " or ".join(self.node(child) for child in node.of) + ")"
            case Not():
                return f"(({self.node(node.of)}) is not true)"
            case Search():
                return self._search(node.value)
            case Logged():
                return self._logged(node)
        if node.field.startswith(CUSTOM):
            return self._custom(node, self._kinds[node.field])
        return self._system(node, self._kinds[node.field])

    def _search(self, value: str) -> str:
        if not self._phones:
            pattern = f"lower({self._add(like_anywhere(value), 'text')})"
            return f"(lower(l.name) like {pattern} or lower(l.email) like {pattern})"
        parts = [f"s.found like lower({self._add(like_anywhere(value), 'text')})"]
        if digits := search_digits(value):
            parts.append(f"s.found like {self._add(like_anywhere(digits), 'text')}")
        return _FOUND.format(" or ".join(parts))

    def _logged(self, node: Logged) -> str:
        parts = [f"g.kind = any({self._add(list(node.kinds), 'text[]')})"]
        if node.end_causes:
            cause = "g.data ->> 'end_cause'"
            if _UNSTORED_CAUSE in node.end_causes:
                cause = f"coalesce({cause}, '{_UNSTORED_CAUSE}')"
            parts.append(f"{cause} = any({self._add(list(node.end_causes), 'text[]')})")
            parts.append("g.kind = 'lead.call_recorded'")
        if node.dispositions:
            wanted = self._add(list(node.dispositions), "text[]")
            parts.append(f"g.data ->> 'disposition' = any({wanted})")
        if node.actors:
            parts.append(f"g.actor = any({self._add(list(node.actors), 'text[]')})")
        for sign, time in ((">=", node.since), ("<", node.until)):
            if time is not None:
                moment = self._add(resolve_instant(time, self._now), "timestamptz")
                parts.append(f"g.happened_at {sign} {moment}")
        condition = " and ".join(parts)
        if node.at_least == 1:
            return (
                f"exists (select from read.lead_log g where g.lead_id = l.lead_id and {condition})"
            )
        often = f"having count(*) >= {self._add(node.at_least, 'int8')}"
        pieces = ("l.lead_id in (select g.lead_id from read.lead_log g where", condition)
        return " ".join((*pieces, "group by g.lead_id", often, ")"))

    def _system(self, node: Any, kind: Kind) -> str:
        column = f"l.{node.field}"
        match node:
            case IsEmpty():
                if kind in ("text", "keyword", "phone"):
                    return f"({column} is null or {column} = '')"
                return f"{column} is null"
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
            case "id":
                return UUID(value), "uuid"
            case "instant":
                return resolve_instant(value, self._now), "timestamptz"
        return value, "text"

    def _like(self, column: str, kind: Kind, node: Contains | Starts) -> str:
        value = node.value
        if kind == "phone":
            value = _NOT_DIGITS.sub("", value)
            if not value:
                return "false"
            column = f"translate({column}, '+ ()/.-', '')" if column != "l.phone" else column
            if isinstance(node, Starts) and column == "l.phone":
                return f"{column} like {self._add(like_start('+' + value), 'text')}"
            pattern = like_start(value) if isinstance(node, Starts) else like_anywhere(value)
            return f"{column} like {self._add(pattern, 'text')}"
        pattern = like_start(value) if isinstance(node, Starts) else like_anywhere(value)
        return f"lower({column}) like lower({self._add(pattern, 'text')})"

    def _custom(self, node: Any, kind: Kind) -> str:
        name = node.field.removeprefix(CUSTOM)
        match node:
            case IsEmpty():
                return f"coalesce(l.fields ->> {self._add(name, 'text')}, '') = ''"
            case Equals():
                pair = {name: self._stored(kind, node.value)}
                condition = f"l.fields @> {self._add(_json(pair), 'jsonb')}"
                return self._by_search(condition, kind, node.value)
            case In():
                values = [_json(self._stored(kind, value)) for value in node.values]
                place = self._add(name, "text")
                return f"l.fields -> {place} = any({self._add(values, 'jsonb[]')})"
            case Contains() | Starts():
                if kind == "phone" and not _NOT_DIGITS.sub("", node.value):
                    return "false"
                place = self._add(name, "text")
                condition = self._like(f"(l.fields ->> {place})", kind, node)
                return self._by_search(condition, kind, node.value)
        return self._custom_range(name, kind, node)

    def _by_search(self, condition: str, kind: Kind, value: Any) -> str:
        """Say also that the text is among what a search looks at: that has an index."""
        if kind not in ("text", "keyword") or len(value) < TRIGRAM_CHARS:
            return condition
        pattern = self._add(like_anywhere(value), "text")
        return f"({condition} and {_FOUND.format(f's.found like lower({pattern})')})"

    def _custom_range(self, name: str, kind: Kind, node: Range) -> str:
        place = self._add(name, "text")
        wanted = "number" if kind == "number" else "string"
        parts = []
        for bound_name, bound in node.bounds():
            sign, value = _COMPARE[bound_name], self._stored(kind, bound)
            if kind == "instant":
                # The Z is cut off because it sorts after the point (schemas/instants.py).
                parts.append(
                    f"left(l.fields ->> {place}, -1) {sign} {self._add(value[:-1], 'text')}"
                )
            else:
                parts.append(f"l.fields -> {place} {sign} {self._add(_json(value), 'jsonb')}")
        # As a case the planner takes it for common, and walks the list's order until a page is
        # full; as a comparison it takes it for rare, reads the whole table and sorts.
        typed = f"jsonb_typeof(l.fields -> {place}) = '{wanted}'"
        return f"(case when {typed} then {' and '.join(parts)} else false end)"

    def _stored(self, kind: Kind, value: Any) -> Any:
        """Return the value in the spelling in which leads store it."""
        if kind == "date":
            return resolve_date(value, self._now).isoformat()
        if kind == "instant":
            return format_instant(resolve_instant(value, self._now))
        return value


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _whole(name: str, bound: float) -> tuple[str, int]:
    """Return the same bound for a column of whole numbers."""
    if bound != math.floor(bound):
        # Above 2.5 is from 3 on, below 2.5 is up to 2, with or without the bound itself.
        return (">=", math.ceil(bound)) if name in ("gt", "gte") else ("<=", math.floor(bound))
    number = max(-_INT8_MAX, min(_INT8_MAX, int(bound)))
    return _COMPARE[name], number
