"""A lead as JSON: system columns, contacts, notes and template fields, numbers masked where due.

Rows come from the read model or from a fold of the log; both look the same here.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

import orjson

from schemas.filters import CUSTOM, Kind
from services.query.columns import COLLECTIONS, COLUMNS, PHONES, THROUGH
from services.query.masking import is_number, mask_contact, masked
from services.query.paging import looked_up
from services.query.sql import Arguments

EVERYTHING = (*COLUMNS, *COLLECTIONS)
GRID = (*COLUMNS, "contacts", "fields")
"""What a list shows when no columns are asked for: all but the notes."""

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def select_list(columns: Iterable[str], arguments: Arguments) -> str:
    """Return the select list for these columns; template fields come together in `fields`."""
    wanted = list(dict.fromkeys(columns))
    parts = [f"l.{name}" for name in wanted if name in COLUMNS or name in COLLECTIONS]
    parts += [f"{looked_up(name)} as {name}" for name in wanted if name in THROUGH]
    if "l.lead_id" not in parts:
        parts.insert(0, "l.lead_id")
    own = [name.removeprefix(CUSTOM) for name in wanted if name.startswith(CUSTOM)]
    if own and "fields" not in wanted:
        pairs = []
        for name in own:
            place = arguments.add(name, "text")
            pairs.append(f"{place}, l.fields -> {place}")
        parts.append(f"jsonb_strip_nulls(jsonb_build_object({', '.join(pairs)})) as fields")
    return ", ".join(parts)


def shown(row: Mapping[str, Any], kinds: Mapping[str, Kind], phones: bool) -> dict[str, Any]:
    """Return a selected or folded row as the object an answer holds."""
    lead: dict[str, Any] = {}
    for name, value in row.items():
        if name in COLUMNS:
            lead[name] = value if phones or name not in PHONES or value is None else masked(value)
        elif name in THROUGH:
            lead[name] = value
        elif name in COLLECTIONS:
            lead[name] = _collection(name, value, kinds, phones)
    return lead


def _collection(name: str, value: Any, kinds: Mapping[str, Kind], phones: bool) -> Any:
    text = isinstance(value, str)
    if name == "notes":
        notes = orjson.loads(value) if text else value
        return [{"note": int(number), "text": notes[number]} for number in sorted(notes, key=int)]
    if phones or name in ("absorbed", "contracts", "messages"):
        return orjson.Fragment(value) if text else value
    plain = orjson.loads(value) if text else value
    if name == "contacts":
        return [mask_contact(contact, kinds) for contact in plain]
    return {
        field: masked(one) if is_number(field, kinds) and isinstance(one, str) else one
        for field, one in plain.items()
    }


def dumps(content: Any) -> bytes:
    """Return `content` as JSON: instants in UTC with a Z, ids as text."""
    return orjson.dumps(content, default=_id_as_text, option=OPTIONS)


def _id_as_text(value: Any) -> str:
    """The driver's ids are a subclass of UUID, which the encoder does not take by itself."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
