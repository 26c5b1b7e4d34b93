"""Which parts of a state differ: what decides whether two people edited the same thing, and what a
bulk job shows and takes back.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from services.command.domain.written_out import Difference, comparer

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


_comparers: dict[type, Callable[[Any, Any], list[Difference]]] = {}


def _comparer(kind: Any) -> Callable[[Any, Any], list[Difference]]:
    """Return what compares the parts of a kind of state; made once for each."""
    known = _comparers.get(kind)
    if known is None:
        names = [one.name for one in fields(kind) if one.name not in BOOKKEEPING]
        known = _comparers[kind] = comparer(kind, names)
    return known


def changes(before: Any, after: Any) -> dict[str, tuple[Any, Any]]:
    """Return the parts that differ, each with its value before and after.

    Parts are attributes, and the entries of those that are maps, as `fields.age`: whoever changed
    one field of a lead is not in the way of who changed another.
    """
    parts: dict[str, tuple[Any, Any]] = {}
    # Most values are the very same object, which is found out fastest.
    for name, old, new in _comparer(type(before))(before, after):
        if old == new:
            continue
        # Most values are text, and asking what is no mapping whether it is one takes long.
        if type(old) is not str and isinstance(old, Mapping) and isinstance(new, Mapping):
            for key in {*old, *new}:
                if old.get(key) != new.get(key):
                    parts[f"{name}.{key}"] = (old.get(key), new.get(key))
        else:
            parts[name] = (old, new)
    return parts


def changed_parts(before: Any, after: Any) -> frozenset[str]:
    """Return the names of the parts that differ."""
    return frozenset(changes(before, after))
