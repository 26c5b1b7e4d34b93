"""Phone numbers hidden from those who may not see them, wherever they stand: rows, logs, diffs, the
past, the stream, audit packages.

A field is hidden because of what it is: a number of the lead or a contact, a template field of
type phone, personal or not. What looks like a number is hidden among personal values too, for a
contact's own fields have no type.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.filters import CUSTOM, Kind

Kinds = Mapping[str, Kind]

_NUMBERS = frozenset({"phone", "phone_typed", "typed", "number", "whatsapp", "address"})
_NUMBER_LIKE = re.compile(r"(?!\d{4}-\d\d-\d\d)\+?[\d ()/.-]{6,}", re.ASCII)
_PHONE_CHANGED = "lead.phone_changed"


def masked(phone: str) -> str:
    """Return a number with all but its last two digits hidden."""
    return "•" * max(len(phone) - 2, 0) + phone[-2:]


def is_number(name: str, kinds: Kinds) -> bool:
    """Say whether a field holds a phone number: a built-in one, or a template field by its import
    name.
    """
    return name in _NUMBERS or kinds.get(CUSTOM + name) == "phone"


def mask_numbers(value: Any) -> Any:
    """Return `value` with every text masked that looks like a phone number."""
    return _mask(value, {}, True)


def mask_event(kind: str, fields: Mapping[str, Any], kinds: Kinds, *, personal: bool) -> Any:
    """Return an event's fields without numbers. `personal`: also what only looks like one."""
    if kind == _PHONE_CHANGED:
        return {name: _all_masked(value) for name, value in fields.items()}
    return _mask(fields, kinds, personal)


def mask_changes(changes: Sequence[Mapping[str, Any]], kinds: Kinds) -> list[dict[str, Any]]:
    """Return differences between two states of a lead without numbers."""
    return [_mask_change(change, kinds) for change in changes]


def mask_contact(contact: Mapping[str, Any], kinds: Kinds) -> Any:
    """Return a contact without numbers."""
    return _mask(contact, kinds, True)


def _mask_change(change: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    field: str = change["field"]
    name = field.removeprefix(CUSTOM)
    if is_number(name, kinds):
        sides = {side: _all_masked(change[side]) for side in ("before", "after")}
    else:
        loose = field.startswith("contacts")
        sides = {side: _mask(change[side], kinds, loose) for side in ("before", "after")}
    return {**change, **sides}


def _mask(value: Any, kinds: Kinds, loose: bool) -> Any:
    if isinstance(value, str):
        return masked(value) if loose and _NUMBER_LIKE.fullmatch(value) else value
    if isinstance(value, Mapping):
        return {
            (masked(name) if _NUMBER_LIKE.fullmatch(name) else name): (
                _all_masked(one) if is_number(name, kinds) else _mask(one, kinds, loose)
            )
            for name, one in value.items()
        }
    if isinstance(value, Sequence):
        return [_mask(one, kinds, loose) for one in value]
    return value


def _all_masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, Mapping):
        return {name: _all_masked(one) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [_all_masked(one) for one in value]
    return value
