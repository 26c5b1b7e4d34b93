"""Copying and comparing states of many fields, by functions written out for their class.

As `dataclass` writes `__init__`: a lead has seventy fields, and going over them by name takes six
times as long as a line for each. A bulk job does it several times for each of its leads.
"""

from collections.abc import Callable, Iterable
from dataclasses import fields
from typing import Any, TypeVar

Class = TypeVar("Class")
Difference = tuple[str, Any, Any]
"""A field that is not the same object in two states, with its value in either."""


def copier(kind: type[Class]) -> Callable[[Class], Class]:
    """Return what makes another object with the very same values in the fields of a dataclass."""
    dataclass: Any = kind
    lines = [f" twin.{one.name} = state.{one.name}" for one in fields(dataclass)]
    return _written(["def written(state):", " twin = new(kind)", *lines, " return twin"], kind)


def comparer(kind: type, names: Iterable[str]) -> Callable[[Any, Any], list[Difference]]:
    """Return what lists those of the fields that are not the same object in two states."""
    lines = [
        f" if old.{name} is not new.{name}: found.append(({name!r}, old.{name}, new.{name}))"
        for name in names
    ]
    return _written(["def written(old, new):", " found = []", *lines, " return found"], kind)


def _written(lines: list[str], kind: type) -> Callable[..., Any]:
    names: dict[str, Any] = {"kind": kind, "new": object.__new__}
    exec("\n".join(lines), names)  # noqa: S102 - names of fields of our own classes, nothing else
    written: Callable[..., Any] = names["written"]
    return written
