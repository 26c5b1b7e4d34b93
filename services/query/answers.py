"""The shapes of answers, for the OpenAPI document. Answers are written straight from rows; a
contract test holds them to this.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, create_model

from schemas.filters import Kind
from services.query.columns import SYSTEM


class Shape(BaseModel):
    """An answer has exactly these members."""

    model_config = ConfigDict(extra="forbid")


class Shown(Shape):
    """`position` is the place in the log that the answer shows at least; `lag` how many events
    there are beyond.
    """

    position: int = Field(ge=0)
    lag: int = Field(ge=0)


class Contact(Shape):
    """A secondary contact; the order of contacts is the order of dialling."""

    id: int
    phone: str | None
    typed: str | None
    fields: dict[str, Any]


class Note(Shape):
    """A note; notes are numbered from 1."""

    note: int
    text: str


class Message(Shape):
    """A message and what became of it: `received`, `queued`, `sent`, `delivered`, `cancelled`, or
    `failed` for the reason `code`; `at` is since when. What it says stands in the lead's log.
    """

    id: str
    channel: str
    direction: str
    state: str
    at: datetime
    contract_id: str | None
    code: str | None


class ContractStep(Shape):
    """A step a contract took, and the icon it stands for."""

    at: datetime
    step: str
    icon: str


class Contract(ContractStep):
    """A contract where its latest step put it, with all its steps in order of time."""

    id: str
    timeline: list[ContractStep]


_TYPES: dict[Kind, Any] = {
    "text": str,
    "keyword": str,
    "owner": str,
    "id": str,
    "user": str,
    "phone": str,
    "number": int,
    "boolean": bool,
    "date": str,
    "instant": datetime,
}
_COLUMN_FIELDS: Any = {
    column.name: (
        _TYPES[column.kind] | None if column.nullable else _TYPES[column.kind],
        Field(default=None, description=column.label),
    )
    for column in SYSTEM.values()
}
Lead = create_model(
    "Lead",
    __base__=Shape,
    __doc__="The columns asked for, by name. Numbers are masked for callers who may not see them.",
    contacts=(list[Contact], Field(default=[])),
    notes=(list[Note], Field(default=[])),
    fields=(dict[str, Any], Field(default={}, description="Template fields by import name")),
    absorbed=(list[str], Field(default=[], description="Leads merged into this one")),
    contracts=(list[Contract], Field(default=[])),
    messages=(list[Message], Field(default=[], description="The latest 50")),
    **_COLUMN_FIELDS,
)


class LeadPage(Shown):
    """One page of leads. `next` and `previous` are cursors, null where nothing follows."""

    leads: list[Lead]
    next: str | None
    previous: str | None


class LeadAnswer(Shown):
    """One lead as it is, or as it was."""

    lead: Lead


class Count(Shown):
    """How many leads match; `exact` false: an estimate, for there are more than 10,000 or it would
    have taken long.
    """

    count: int = Field(ge=0)
    exact: bool


class Part(Shape):
    """One value, or one bin from `value` up to `to` (not included), and its leads."""

    value: Any
    to: Any = None
    count: int


class Breakdown(Shown):
    """How leads spread over a field: the top values or bins, all `other` values, `empty` ones."""

    field: str
    parts: list[Part]
    other: int
    empty: int
    total: int
    exact: bool = Field(description="False: scaled up from a sample of the leads")
