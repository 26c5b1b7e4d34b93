"""What lists of leads can show and be asked by: every column and every template field, described.

A page that draws its columns and conditions from here needs no change for a new one.
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.filter_names import names_of
from schemas.filters import CONTACTS, CUSTOM, OPERATORS, Kind
from services.query import answers
from services.query.columns import COLLECTIONS, SYSTEM
from services.query.parameters import Current
from services.query.reading import Asked, Reading, answer

_OF_CONTACTS: Mapping[str, str] = {
    "phone": "Phone",
    "typed": "Phone as typed",
    "name": "Name",
    "email": "E-mail",
}
"""What every contact has; the rest are fields of the templates."""
_TOLD = frozenset(CONTACTS + name for name in _OF_CONTACTS)
_CONTACT = "Contact: "


class LeadColumn(answers.Shape):
    """A column: what it is called, and what the caller may do with it.

    Fields of contacts (`contacts.<name>`) are conditions only, for a lead has many of them;
    `contacts`, `notes` and their like are shown only and have no kind. Who may not see numbers
    gets them masked, and may not filter, sort or break down by them.
    """

    name: str
    label: str
    kind: Kind | None
    nullable: bool = Field(description="May have no value")
    show: bool
    filter: bool
    sort: bool
    breakdown: bool
    operators: list[str] = Field(description="The conditions it takes, empty without `filter`")
    type: str | None = Field(description="Of a template field: text, picklist, date …")
    values: list[str] = Field(description="All it can have, where that is a list; else empty")
    campaigns: list[str] = Field(description="Whose template has it; empty for all")


class LeadColumns(answers.Shown):
    """Columns of the lead in the order of a whole lead, then template fields of all campaigns."""

    columns: list[LeadColumn]


def _system(asked: Asked) -> list[dict[str, Any]]:
    return [_column(asked, one.name, one.label, nullable=one.nullable) for one in SYSTEM.values()]


def _shown_only(asked: Asked) -> list[dict[str, Any]]:
    """The parts of a lead that are no single value; `fields` are told one by one."""
    return [
        _column(asked, name, name.capitalize(), nullable=False)
        for name in COLLECTIONS
        if name != "fields"
    ]


async def _fields(asked: Asked) -> list[dict[str, Any]]:
    """Return the template fields, merged by import name: of two templates that differ the older
    campaign's type and label hold, as for filters; values are those of all.
    """
    found = await asked.connection.fetch(
        "select c.campaign_id, c.fields from read.campaign c order by c.campaign_id"
    )
    merged: dict[str, Any] = {}
    for campaign_id, fields in found:
        for field in orjson.loads(fields):
            name = field["import_name"]
            one = merged.setdefault(
                name, {"label": "", "type": field["type"], "values": {}, "campaigns": []}
            )
            one["label"] = one["label"] or field.get("label", "")
            one["values"].update(dict.fromkeys(field.get("values", ())))
            one["campaigns"].append(str(campaign_id))
    return [
        _column(
            asked,
            prefix + name,
            of + (one["label"] or name),
            type_=one["type"],
            values=list(one["values"]),
            campaigns=one["campaigns"],
        )
        for prefix, of in ((CUSTOM, ""), (CONTACTS, _CONTACT))
        for name, one in merged.items()
        if prefix + name in asked.directory.kinds and prefix + name not in _TOLD
    ]


def _of_contacts(asked: Asked) -> list[dict[str, Any]]:
    return [
        _column(asked, CONTACTS + name, _CONTACT + label) for name, label in _OF_CONTACTS.items()
    ]


def _column(
    asked: Asked,
    name: str,
    label: str,
    *,
    nullable: bool = True,
    type_: str | None = None,
    values: Collection[str] = (),
    campaigns: Collection[str] = (),
) -> dict[str, Any]:
    kinds, single = asked.kinds, not name.startswith(CONTACTS)
    kind = asked.directory.kinds.get(name)
    filtered = name in kinds
    return {
        "name": name,
        "label": label,
        "kind": kind,
        "nullable": nullable,
        "show": single,
        "filter": filtered,
        "sort": filtered and single,
        "breakdown": filtered and single,
        "operators": sorted(OPERATORS[kinds[name]]) if filtered else [],
        "type": type_,
        "values": values or names_of(name, asked.directory.statuses),
        "campaigns": campaigns,
    }


def install(app: FastAPI, reading: Reading) -> None:
    """Add the route of columns."""

    @app.get("/v1/leads/columns", tags=["leads"], responses={200: {"model": LeadColumns}})
    async def list_columns(request: Request, given: Annotated[Current, Query()]) -> Response:
        """List every column that lists of leads can show, filter, sort or break down by."""
        async with reading.asked(request, given.min_position) as asked:
            own = await _fields(asked)
            columns = [*_system(asked), *_shown_only(asked), *_of_contacts(asked), *own]
            return answer({"columns": columns, **asked.currency()})
