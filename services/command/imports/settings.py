"""What is said of a file of leads: how it is read, what its columns are, what doubles become."""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.command.domain.campaign.template import Template
from services.command.domain.types import Code, Id, ImportName, Name, OwnerRef, Priority, Region
from services.command.imports.proposal import SYSTEM_FIELDS, targets_of
from services.command.imports.reading import COLUMNS_MAX, Encoding, Layout

Place = Annotated[int, Field(ge=1, le=COLUMNS_MAX)]
Duplicates = Literal["skip", "update", "replace"]
_CONTACT = re.compile(r"contact:(1[0-9]|20|[1-9])(?::(.+))?")


class ColumnSetting(BaseModel):
    """A column, by its place from 1, and the field its cells are for.

    `phone`, `name`, `email`, `whatsapp`, an import name of the template; `contact:1` for the number
    of the first further contact and `contact:1:role` for a field of it; `system:ownership_code`,
    `system:priority`, `system:status`, `system:active_from`, `system:active_until`. Several
    columns for `name` are put together in their order.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    column: Place
    field: ImportName


class ImportSettings(BaseModel):
    """How a file becomes leads. Columns that are not named are ignored.

    The leads go into the pool `pool_id`, or into a new one called `pool_name` (the file's name
    when neither is given). Their owner is the one of the row's ownership code, else `owner`, else
    the top-level team. A row whose duplicate key a lead of the campaign has already is skipped, or
    that lead is updated by the cells that are filled, or its mapped fields are replaced by what the
    row says, empty ones too. `default_region`: numbers may be written as people there do; without
    it only E.164 is taken.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    columns: Annotated[tuple[ColumnSetting, ...], Field(min_length=1, max_length=COLUMNS_MAX)]
    encoding: Encoding = "utf-8"
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n\x00-\x08\x0b-\x1f]$')] = ","
    header: bool = True
    pool_id: Id | None = None
    pool_name: Name | None = None
    owner: OwnerRef | None = None
    duplicates: Duplicates = "skip"
    default_region: Region | None = None
    status: Code = "created"
    priority: Priority = 5

    @model_validator(mode="after")
    def _fits(self) -> "ImportSettings":
        if self.pool_id is not None and self.pool_name is not None:
            raise ValueError("name a pool that is there (pool_id) or a new one (pool_name)")
        places = [one.column for one in self.columns]
        if len(places) != len(set(places)):
            raise ValueError("name each column once")
        fields = [one.field for one in self.columns if one.field != "name"]
        if len(fields) != len(set(fields)):
            raise ValueError("only the field name can be put together from several columns")
        return self

    @property
    def layout(self) -> Layout:
        """How the file is laid out."""
        return Layout(self.encoding, self.delimiter, self.header)


def unknown_fields(settings: ImportSettings, template: Template) -> list[str]:
    """Return the fields named that a lead of this campaign cannot have."""
    known = targets_of(template)
    own = known.keys() - set(SYSTEM_FIELDS) - {"phone"}
    unknown = []
    for one in settings.columns:
        if one.field in known:
            continue
        contact = _CONTACT.fullmatch(one.field)
        if contact is None or contact[2] not in own or contact[2].startswith("contact:"):
            unknown.append(one.field)
    return unknown
