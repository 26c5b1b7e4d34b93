"""Which parts of a state differ: what decides whether two people edited the same thing, and what a
bulk job shows and takes back.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from itertools import compress
from operator import attrgetter, is_not
from typing import Any

BOOKKEEPING = frozenset(
    {
        "version",
        "modified_at",
        "modified_by",
        "status_edited_at",
        "previous_statuses",
        "numbers_known",
        "notes_made",
        "contacts_made",
        "earlier",
        "sessions_ended",
        "unresolved_at",
        "unresolved_by",
        "told",
    }
)
"""Attributes that every change or every change of its kind moves along: nobody edits these."""


_Reader = tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]
_readers: dict[Any, _Reader] = {}


def _reader(kind: Any) -> _Reader:
    """Return what reads the parts of a kind of state; made once for each."""
    known = _readers.get(kind)
    if known is None:
        names = tuple(one.name for one in fields(kind) if one.name not in BOOKKEEPING)
        known = _readers[kind] = (names, attrgetter(*names))
    return known


def changes(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """Return the parts that differ, each with its value before and after.

    Parts are attributes, and the entries of those that are maps, as `fields.age`: whoever changed
    one field of a lead is not in the way of who changed another.
    """
    names, read = _reader(type(before))
    olds, news = read(before), read(after)
    parts: dict[str, tuple[Any, Any]] = {}
    # Most values are the very same object, which is found out fastest.
    for place in compress(range(len(names)), map(is_not, olds, news)):
        name, old, new = names[place], olds[place], news[place]
        if old == new:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            for key in {*old, *new}:
                if old.get(key) != new.get(key):
                    parts[f"{name}.{key}"] = (old.get(key), new.get(key))
        else:
            parts[name] = (old, new)
    return parts


def changed_parts(before: Any, after: Any) -> frozenset[str]:
    """Return the names of the parts that differ."""
    return frozenset(changes(before, after))
