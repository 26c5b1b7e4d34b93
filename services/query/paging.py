"""Pages of a list that keep their place while rows change: a page starts after a row, not after a
count.

A list is sorted by up to three columns, values that are missing last, and by the lead's id. Rows
with and without a value of the first column are two statements, so that each can follow an index.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from schemas.filters import CUSTOM, Kind
from schemas.instants import format_instant
from services.query.columns import BESIDE, SYSTEM, THROUGH
from services.query.sql import Arguments
from services.query.values_sql import document_value

SORT_KEYS_MAX = 3


@dataclass(frozen=True, slots=True)
class SortKey:
    """One column to sort by. `field` is a system column or `fields.<import name>`."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a list: its sort values and its id; `back` to go on before it."""

    values: tuple[Any, ...]
    lead_id: str
    back: bool = False


@dataclass(frozen=True, slots=True)
class Half:
    """One of the two statements a page may need: rows with or without a value of the first column.

    place: the row after which to go on, None from the start. back: rows come in reverse.
    """

    empty: bool
    place: Place | None
    back: bool


@dataclass(frozen=True, slots=True)
class _Key:
    sql: str
    cast: str
    nullable: bool
    descending: bool


Kinds = Mapping[str, Kind]
DEFAULT_SORT = (SortKey("last_modified_at", descending=True),)
_CASTS = {
    "id": "uuid",
    "user": "uuid",
    "number": "int8",
    "boolean": "boolean",
    "instant": "timestamptz",
}
BY_LAST_CHANGE = frozenset({"owner", "pool_id", "segment_id", "user_processed_by"})
"""Columns with an index in which leads of one value stand by their last change."""


def completed(sort: Sequence[SortKey]) -> tuple[SortKey, ...]:
    """Return the sort with the key that decides between equals, where one column is not enough.

    It is the one that the column's index goes on with, so that a page can follow it.
    """
    first = sort[0]
    if len(sort) > 1:
        return tuple(sort)
    if first.field == "status":
        return (first, SortKey("priority", not first.descending))
    if first.field in THROUGH:
        return (first, SortKey("last_modified_at", descending=True))
    if first.field in BY_LAST_CHANGE or first.field.startswith(CUSTOM):
        return (first, SortKey("last_modified_at", first.descending))
    return (first,)


def sort_expression(key: SortKey, kinds: Kinds, arguments: Arguments) -> tuple[str, str]:
    """Return what `key` sorts by and its SQL type."""
    if key.field.startswith(CUSTOM):
        name = arguments.add(key.field.removeprefix(CUSTOM), "text")
        kind = kinds[key.field]
        return document_value("l.fields", name, kind), "text" if kind == "instant" else "jsonb"
    cast = _CASTS.get(SYSTEM[key.field].kind, "text")
    if key.field in THROUGH:
        return looked_up(key.field), cast
    return f"l.{key.field}", cast


def looked_up(field: str) -> str:
    """Return the value of a column that the lead only points at."""
    one = THROUGH[field]
    key = f"t.{one.key} = l.{one.key}"
    return f"(select t.{one.value} from read.{one.table} t where {key})"  # noqa: S608 - our names


def selected_place(sort: Sequence[SortKey], kinds: Kinds, arguments: Arguments) -> str:
    """Return the select list that `place_of` reads."""
    keys = [sort_expression(key, kinds, arguments)[0] for key in sort]
    return ", ".join(f"{sql} as place_{index}" for index, sql in enumerate(keys))


def place_of(row: Any, sort: Sequence[SortKey]) -> list[Any]:
    """Return the place of a selected row as JSON: sort values, then the id."""
    values = [_as_json(row[f"place_{index}"]) for index in range(len(sort))]
    return [*values, str(row["lead_id"])]


def turned(place: Place, sort: Sequence[SortKey]) -> list[Any]:
    """Return the cursor that leads back from a page on which nothing is left, to the row at whose
    place it began and those before it.
    """
    onwards = -1 if sort[-1].descending != place.back else 1
    nearest = min(max(UUID(place.lead_id).int + onwards, 0), (1 << 128) - 1)
    return [not place.back, *map(_as_json, place.values), str(UUID(int=nearest))]


def read_place(raw: Any, sort: Sequence[SortKey]) -> Place:
    """Return the place that a cursor of ours holds: `[back, *values, id]`."""
    back, *values, lead_id = raw
    typed = tuple(_from_json(value, key) for value, key in zip(values, sort, strict=True))
    return Place(typed, lead_id, back)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    return str(value) if isinstance(value, UUID) else value


def _from_json(value: Any, key: SortKey) -> Any:
    if value is None or key.field.startswith(CUSTOM):
        return value
    kind = SYSTEM[key.field].kind
    if kind == "instant":
        return datetime.fromisoformat(value).astimezone(UTC)
    return UUID(value) if kind in ("id", "user") else value


def beside(sort: Sequence[SortKey], half: Half) -> str:
    """Return the table beside the lead, as `b`, in whose order the rows come; "" for none."""
    return "" if half.empty else BESIDE.get(sort[0].field, "")


def halves(sort: Sequence[SortKey], place: Place | None) -> list[Half]:
    """Return the statements whose rows, one after the other, follow `place` (None: from the start).

    Going back, rows come in reverse, the nearest first.
    """
    back = place is not None and place.back
    order = [False, True] if _nullable(sort[0]) else [False]
    if back:
        order.reverse()
    if place is not None:
        order = order[order.index(place.values[0] is None) :]
    return [Half(empty, None if index else place, back) for index, empty in enumerate(order)]


def _nullable(key: SortKey) -> bool:
    return key.field.startswith(CUSTOM) or SYSTEM[key.field].nullable


def half_condition(
    sort: Sequence[SortKey], half: Half, kinds: Kinds, arguments: Arguments, table: str
) -> tuple[str, str]:
    """Return the condition and the order of one statement.

    Where the first column is one of THROUGH, the row that the lead points at is `t` in both. With
    a `table` beside the lead its row is `b`.
    """
    keys = []
    for index, key in enumerate(sort):
        sql, cast = sort_expression(key, kinds, arguments)
        keys.append(_Key(sql, cast, index > 0 and _nullable(key), key.descending != half.back))
    tail = _Key("l.lead_id", "uuid", False, keys[-1].descending)
    first = sort[0].field
    if table:
        keys[0] = replace(keys[0], sql=f"b.{first}")
        tail = replace(tail, sql="b.lead_id")
    # Of a column without nulls nothing is said: it would be asked of two indexes, which the planner
    # then takes for two ways to find the same and never joins.
    parts = [f"{keys[0].sql} is {'' if half.empty else 'not '}null"] if _nullable(sort[0]) else []
    if first.startswith(CUSTOM) and not half.empty:
        parts.append("l.deleted is false")  # as the field's index says it, if it has one
    if first in THROUGH:
        one = THROUGH[first]
        keys[0] = replace(keys[0], sql=f"t.{one.value}")
        there = f"t.{one.value} is not null"
        known = f"t.{one.key} from read.{one.table} t where {there}"
        missing = f"(l.{one.key} = any(array(select {known}))) is not true"
        parts = [missing if half.empty else there]
    keys = [*keys[half.empty :], tail]
    if half.place is not None:
        values = [*half.place.values[half.empty :], UUID(half.place.lead_id)]
        parts.append(_after(keys, values, half.back, arguments))
    return " and ".join(parts) or "true", ", ".join(_ordered(key, half.back) for key in keys)


def _ordered(key: _Key, back: bool) -> str:
    """Nulls are last; going back, first. A column without them names no place for them: indexes do
    not either.
    """
    direction = "desc" if key.descending else "asc"
    if not key.nullable:
        return f"{key.sql} {direction}"
    return f"{key.sql} {direction} nulls {'first' if back else 'last'}"


def _after(keys: Sequence[_Key], values: Sequence[Any], back: bool, arguments: Arguments) -> str:
    """Return the condition for rows that come after these values in the order of `keys`."""
    places = [
        None if value is None else arguments.add(value, key.cast)
        for key, value in zip(keys, values, strict=True)
    ]
    same_way = len({key.descending for key in keys}) == 1
    if same_way and not any(key.nullable for key in keys):
        sign = "<" if keys[0].descending else ">"
        columns = ", ".join(key.sql for key in keys)
        return f"({columns}) {sign} ({', '.join(place or '' for place in places)})"
    condition = "false"
    for key, place in reversed(list(zip(keys, places, strict=True))):
        beyond = _beyond(key, place, back)
        equal = f"{key.sql} is null" if place is None else f"{key.sql} = {place}"
        condition = f"({beyond} or ({equal} and {condition}))"
    if not keys[0].nullable and len(keys) > 1:
        # Says again what follows from the rest, in the only form that an index can use.
        sign = "<=" if keys[0].descending else ">="
        condition = f"({keys[0].sql} {sign} {places[0]} and {condition})"
    return condition


def _beyond(key: _Key, place: str | None, back: bool) -> str:
    if place is None:
        return f"{key.sql} is not null" if back else "false"
    beyond = f"{key.sql} {'<' if key.descending else '>'} {place}"
    return f"({beyond} or {key.sql} is null)" if key.nullable and not back else beyond
