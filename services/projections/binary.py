"""Rows in PostgreSQL's binary form of COPY, made whole: a driver that looks at each value by its
type takes three times as long for rows as wide as the grid's.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

from services.kit.postgres import count_of
from services.projections.model import Row

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
KEPT = 2_048
"""Of columns that have few values so many are kept with their bytes."""

_NULL = b"\xff\xff\xff\xff"
_JSON_VERSION = 1
_length = struct.Struct(">i").pack
_short = struct.Struct(">ih").pack
_int = struct.Struct(">ii").pack
_long = struct.Struct(">iq").pack
_json_head = struct.Struct(">iB").pack
_dumps = orjson.dumps


def _text(value: str) -> bytes:
    text = value.encode()
    return _length(len(text)) + text


def _uuid(value: str | UUID) -> bytes:
    return b"\0\0\0\x10" + (value if isinstance(value, UUID) else UUID(value)).bytes


def _json(value: Any) -> bytes:
    if value:  # also a Fragment, which is JSON already
        text = _dumps(value)
        return _json_head(len(text) + 1, _JSON_VERSION) + text
    if value is None:
        return _NULL
    return _NO_FIELDS if type(value) is dict else _NO_ITEMS


_NO_FIELDS = _json_head(3, _JSON_VERSION) + b"{}"
_NO_ITEMS = _json_head(3, _JSON_VERSION) + b"[]"

_PLAIN: dict[str, Callable[[Any], bytes]] = {
    "bigint": lambda value: _long(8, value),
    "boolean": lambda value: b"\0\0\0\x01\x01" if value else b"\0\0\0\x01\0",
    "bytea": lambda value: _length(len(value)) + value,
    "integer": lambda value: _int(4, value),
    "smallint": lambda value: _short(2, value),
    "text": _text,
    "uuid": _uuid,
}
_TIME, _JSON = "timestamp with time zone", "jsonb"


class _Known(dict[Any, bytes]):
    """Values of some columns together, with their bytes; what is not kept is made."""

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__()
        self._made = [_PLAIN[kind] for kind in kinds]

    def __missing__(self, values: tuple[Any, ...]) -> bytes:
        packed = b"".join(
            [
                _NULL if value is None else made(value)
                for made, value in zip(self._made, values, strict=True)
            ]
        )
        if len(self) < KEPT:
            self[values] = packed
        return packed


class BinaryRows:
    """Packs rows of one table.

    Rows are wide, and most columns of most rows are what they were in the row before: those which
    are the same in all of the first rows are looked at together, and values are looked up where
    they are few.
    """

    def __init__(self, columns: Sequence[tuple[str, str]], rows: Sequence[Row]) -> None:
        """Take the table's columns with their types, and some rows to learn from. Raises KeyError
        for a type that no read model has so far.
        """
        values = {name: [row[name] for row in rows] for name, _ in columns}
        same = [one for one in columns if _are_alike(values[one[0]], one[1])]
        other = [one for one in columns if one not in same]
        self._same, self._other = _Some(same, values), _Some(other, values)
        self._head = struct.pack(">h", len(columns))
        self._alike: tuple[Any, ...] | None = None
        self._packed = b""
        self.names = (*self._same.names, *self._other.names)
        """The columns in the order in which they are packed."""

    def pack(self, rows: Sequence[Row]) -> bytes:
        """Return the rows as they go between HEADER and TRAILER."""
        alike, packed = self._alike, self._packed
        same, pack_other = self._same.values, self._other.pack
        parts: list[bytes] = []
        for row in rows:
            if (values := same(row)) != alike:
                packed = b"".join((self._head, *self._same.pack(row)))
                # What is in JSON may be equal and yet another text: 1, true and 1.0.
                alike = None if any(self._same.texts(row)) else values
            parts.append(packed)
            parts += pack_other(row)
        self._alike, self._packed = alike, packed
        return b"".join(parts)


class _Some:
    """Some columns, those of a kind together."""

    def __init__(
        self, columns: Sequence[tuple[str, str]], values: Mapping[str, Sequence[Any]]
    ) -> None:
        kinds = dict(columns)
        times = [name for name, kind in columns if kind == _TIME]
        texts = [name for name, kind in columns if kind == _JSON]
        plain = [name for name, kind in columns if kind not in {_TIME, _JSON}]
        few, many = _by_variety({name: values[name] for name in plain})
        words = [name for name in many if kinds[name] == "text"]
        rest = [name for name in many if kinds[name] != "text"]
        self.names = (*(name for group in few for name in group), *words, *rest, *times, *texts)
        self.values = _values_of(self.names)
        self._few = [(_Known([kinds[name] for name in group]), _values_of(group)) for group in few]
        self._words = _values_of(words)
        self._made = [_PLAIN[kinds[name]] for name in rest]
        self._rest = _values_of(rest)
        self._times = _values_of(times)
        self.texts = _values_of(texts)

    def pack(self, row: Row) -> list[bytes]:
        """Return these columns of a row."""
        parts = [known[values(row)] for known, values in self._few]
        # Without a function for each value: calls would be half of the time.
        parts += [
            _NULL if word is None else _length(len(text := word.encode())) + text
            for word in self._words(row)
        ]
        parts += [
            _NULL if value is None else made(value)
            for made, value in zip(self._made, self._rest(row), strict=True)
        ]
        parts += [_NULL if at is None else _long(8, count_of(at)) for at in self._times(row)]
        parts += [_json(value) for value in self.texts(row)]
        return parts


def _are_alike(values: Sequence[Any], kind: str) -> bool:
    """Say whether these are the same each time, and may well be so for long; times and JSON only if
    there are none.
    """
    first = values[0] if values else 0
    if first and kind in {_TIME, _JSON}:
        return False
    return bool(values) and all(value == first for value in values)


def _by_variety(values: Mapping[str, Sequence[Any]]) -> tuple[list[list[str]], list[str]]:
    """Return the columns that have few values, those together that have few even together; and
    those that have many.
    """
    variety = {name: len(set(found)) for name, found in values.items()}
    few: list[list[str]] = []
    many: list[str] = []
    together: list[tuple[Any, ...]] = []
    for name in sorted(variety, key=lambda name: variety[name]):
        found = values[name]
        if 2 * variety[name] > len(found):
            many.append(name)
            continue
        joined = [(*before, value) for before, value in zip(together, found, strict=bool(few))]
        if few and 2 * len(set(joined)) <= len(found):
            few[-1].append(name)
        else:
            few.append([name])
            joined = [(value,) for value in found]
        together = joined
    return few, many


def _values_of(names: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    """Return what reads these columns of a row."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda row: tuple([row[name] for name in names])
