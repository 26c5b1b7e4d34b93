"""Leads as lines of a download: CSV cells, or JSON.

Whether a number stands on a do-not-call list is said in every download, whatever its columns: who
puts the leads in again, here or elsewhere, must not call anybody back to life.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from schemas.filters import CUSTOM
from schemas.instants import format_instant
from services.kit.csv_text import csv_line
from services.query.reading import Asked
from services.query.rows import dumps, shown

DO_NOT_CALL = "do_not_call"
_OF_CONTACT = ("phone", "fields", DO_NOT_CALL)
_LISTED = (
    "select x.number, x.scope, x.campaign_id from read.dnc x where x.number = any($1::text[])"
    " and x.removed_at is null and (x.expires_at is null or x.expires_at > $2)"
)
Listed = Mapping[str, set[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What a line has. `columns` as asked, `fields` the template fields that `fields` stands for,
    `contacts` how many secondary contacts a line of CSV has room for.
    """

    columns: tuple[str, ...]
    fields: tuple[str, ...]
    contacts: int

    @classmethod
    def of(cls, columns: Sequence[str], contacts: int, asked: Asked) -> "Layout":
        """Return the layout for these columns. Fields come in the order of the templates."""
        fields = tuple(name for name in asked.directory.kinds if name.startswith(CUSTOM))
        return cls(tuple(dict.fromkeys(columns)), fields, contacts)

    @property
    def names(self) -> tuple[str, ...]:
        """The header of the CSV: names as the API has them."""
        names: list[str] = []
        for column in self.columns:
            if column == "fields":
                names += self.fields
            elif column == "contacts":
                places = range(1, self.contacts + 1)
                names += [f"contacts.{place}.{part}" for place in places for part in _OF_CONTACT]
            else:
                names.append(column)
        return tuple(dict.fromkeys((*names, DO_NOT_CALL)))

    def header(self) -> bytes:
        """Return the first line of the CSV."""
        return csv_line(self.names)


async def lines_of(asked: Asked, layout: Layout, rows: Sequence[Any], form: str) -> bytes:
    """Return these rows as lines, numbers masked where due."""
    whole = [_loaded(row) for row in rows]
    listed = await _listed(asked, whole)
    kinds, phones = asked.directory.kinds, asked.shows_phones
    written = []
    for row in whole:
        lead = shown(row, kinds, phones)
        lead[DO_NOT_CALL] = _scope(listed, row["of_campaign"], row["of_phone"], row["of_whatsapp"])
        for contact, stored in zip(
            lead.get("contacts", ()), row.get("contacts") or (), strict=False
        ):
            contact[DO_NOT_CALL] = _scope(listed, row["of_campaign"], stored["phone"])
        if form == "csv":
            written.append(csv_line(_cells(layout, lead)))
        else:
            written.append(dumps({name: lead[name] for name in (*_parts(layout), DO_NOT_CALL)}))
            written.append(b"\n")
    return b"".join(written)


def _parts(layout: Layout) -> list[str]:
    """Return the members of a line of JSON: template fields come together, as in a list."""
    return list(
        dict.fromkeys("fields" if one.startswith(CUSTOM) else one for one in layout.columns)
    )


def _loaded(row: Any) -> dict[str, Any]:
    """Return a row with its contacts and fields as objects of their own."""
    whole = dict(row)
    for name in ("contacts", "fields"):
        if isinstance(whole.get(name), str):
            whole[name] = orjson.loads(whole[name])
    if "contacts" in whole:
        whole["contacts"] = [dict(one) for one in whole["contacts"] or ()]
    return whole


async def _listed(asked: Asked, rows: Sequence[Mapping[str, Any]]) -> Listed:
    """Return where numbers of these leads must not be called: `global`, or campaigns."""
    numbers = {row[name] for row in rows for name in ("of_phone", "of_whatsapp")}
    numbers |= {one["phone"] for row in rows for one in row.get("contacts") or ()}
    numbers.discard(None)
    found: dict[str, set[str]] = {}
    for number, scope, campaign in await asked.connection.fetch(
        _LISTED, sorted(numbers), asked.now
    ):
        found.setdefault(number, set()).add("global" if scope == "global" else campaign)
    return found


def _scope(listed: Listed, campaign: UUID | None, *numbers: str | None) -> str:
    """Return `global`, `campaign` or "": whether any of the numbers must not be called."""
    where = set[str]().union(*(listed.get(number or "", ()) for number in numbers))
    if "global" in where:
        return "global"
    return "campaign" if str(campaign) in where else ""


def _cells(layout: Layout, lead: Mapping[str, Any]) -> list[str]:
    flat: dict[str, Any] = dict(lead)
    for name, value in (lead.get("fields") or {}).items():
        flat[CUSTOM + name] = value
    for place, contact in enumerate(lead.get("contacts") or (), 1):
        for part in _OF_CONTACT:
            flat[f"contacts.{place}.{part}"] = contact.get(part)
    return [_cell(flat.get(name)) for name in layout.names]


def _cell(value: Any) -> str:
    if value is None or value == {} or value == []:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, bool | dict | list | orjson.Fragment):
        return dumps(value).decode()
    return str(value)
