"""A row of the file as a command: the cells that are mapped, as the fields they are for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import ValidationError

from services.command.domain.campaign.template import Template
from services.command.domain.campaign.values import Unfit
from services.command.domain.decider import Claim, Reason
from services.command.domain.lead.claims import claim_on
from services.command.domain.lead.creating import CreateLead
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.imports.reading import PROBLEMS, Row
from services.command.imports.settings import ImportSettings

PHONE_CHARS_MAX = 40
CODE_CHARS_MAX = 200
PLAIN_CHARS_MAX = 1_000
FIELDS_MAX = 200
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_WORDED = {
    "unknown-ownership-code": "Nobody has the ownership code of this row.",
    "unknown-status": "There is no such status; the status catalogue lists all there are.",
}
"""Reasons told without the cell: a number in the wrong column shall not stand in a report."""


LeadSource = Literal["upload", "api"]
_OTHER_TYPES = frozenset({"bool_type", "int_type", "float_type"})
"""What a field's value may also be, and text of a file never is: no news to who wrote it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row asks for: the lead it would be, its duplicate key, and what is said of contacts.

    emptied: mapped fields whose cells are empty; they matter where a lead is replaced.
    """

    command: CreateLead
    claim: Claim | None
    emptied: tuple[str, ...] = ()


@dataclass(slots=True)
class RowReader:
    """Turns the rows of one file into commands, by its settings and the campaign's template."""

    settings: ImportSettings
    campaign_id: str
    template: Template
    pool_id: str | None
    source: LeadSource = "upload"
    _plain: list[tuple[int, str]] = field(init=False, default_factory=list)
    _names: list[int] = field(init=False, default_factory=list)
    _contacts: dict[str, list[tuple[int, str]]] = field(init=False, default_factory=dict)
    _system: list[tuple[int, str]] = field(init=False, default_factory=list)
    _phone: int | None = field(init=False, default=None)
    _common: dict[str, Any] = field(init=False, default_factory=dict)
    _texts_only: bool = field(init=False, default=False)
    _plain_one: CreateLead = field(init=False)

    def __post_init__(self) -> None:
        for one in sorted(self.settings.columns, key=lambda each: each.column):
            self._place(one.column - 1, one.field)
        settings = self.settings
        codes_only = all(name == "ownership_code" for _, name in self._system)
        self._texts_only = codes_only and not self._contacts and len(self._plain) < FIELDS_MAX
        self._common = {
            "campaign_id": self.campaign_id,
            "default_region": settings.default_region,
            "owner": settings.owner,
            "status": settings.status,
            "priority": settings.priority,
            "pool_id": self.pool_id,
            "source": self.source,
        }
        self._plain_one = CreateLead.model_construct(**self._common)  # Copies take half as long.

    def _place(self, column: int, name: str) -> None:
        kind, _, rest = name.partition(":")
        if name == "phone":
            self._phone = column
        elif name == "name":
            self._names.append(column)
        elif kind == "contact" and rest and self.template.field(name) is None:
            number, _, own = rest.partition(":")
            self._contacts.setdefault(number, []).append((column, own))
        elif kind == "system" and rest and self.template.field(name) is None:
            self._system.append((column, rest))
        else:
            self._plain.append((column, name))

    @property
    def maps_contacts(self) -> bool:
        """Whether further contacts come from the file."""
        return bool(self._contacts)

    def read(self, row: Row) -> Wanted | list[Reason]:
        """Return what a row asks for, or all that is wrong with how it is written."""
        if row.problem:
            return [Reason(row.problem, PROBLEMS[row.problem])]
        cells = row.cells
        width = len(cells)
        fields: dict[str, Any] = {}
        emptied = []
        for column, name in self._plain:
            cell = cells[column].strip() if column < width else ""
            if cell:
                fields[name] = cell
            else:
                emptied.append(name)
        given = dict(self._common)
        if self._names:
            parts = (cells[column].strip() for column in self._names if column < width)
            name = " ".join(part for part in parts if part)
            if name:
                fields["name"] = name
            else:
                emptied.append("name")
        if self._phone is not None and self._phone < width and (cell := cells[self._phone].strip()):
            given["phone"] = cell
        given["fields"] = fields
        if self._system:
            self._add_system(given, cells)
        if self._contacts:
            given["contacts"] = self._further(cells)
        if self._texts_only and _is_plain(given, fields):
            command = self._plain_one.model_copy(update=given)  # All checks hold: see there.
            return Wanted(command, self._claim(command), tuple(emptied))
        try:
            command = CreateLead(**given)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_context=False)
            return [_misfit(fault) for fault in faults if not _is_other_type(fault)]
        return Wanted(command, self._claim(command), tuple(emptied))

    def _add_system(self, given: dict[str, Any], cells: Sequence[str]) -> None:
        for column, name in self._system:
            cell = cells[column].strip() if column < len(cells) else ""
            if not cell:
                continue
            given[name] = cell
            if name == "ownership_code":
                given["owner"] = None  # The row's own code comes before the owner of the upload.
            elif name == "priority" and _WHOLE.fullmatch(cell):
                given[name] = int(cell)

    def _further(self, cells: Sequence[str]) -> tuple[dict[str, Any], ...]:
        contacts = []
        for number in sorted(self._contacts, key=int):
            contact: dict[str, Any] = {"fields": {}}
            for column, own in self._contacts[number]:
                cell = cells[column].strip() if column < len(cells) else ""
                if cell and own:
                    contact["fields"][own] = cell
                elif cell:
                    contact["phone"] = cell
            if contact["fields"] or "phone" in contact:
                contacts.append(contact)
        return tuple(contacts)

    def _claim(self, command: CreateLead) -> Claim | None:
        """Return the duplicate key the lead would hold; None without one, or with a wrong one."""
        key = self.template.duplicate_key
        try:
            if key == "phone":
                if command.phone is None:
                    return None
                value: Any = parse_phone(command.phone, command.default_region)
            else:
                known, value = self.template.field(key), command.fields.get(key)
                if known is None:
                    return None
                value = known.default if value is None else known.typed(value)
        except (NotAPhone, Unfit, ValueError):
            return None
        return claim_on(self.campaign_id, key, value)


def _is_plain(given: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    """Say whether the texts are such that no check of the command would change or refuse them.

    Most are, and the checks take as long as the decision. What the settings say is checked already,
    and control characters are none of a row that was read (reading.BROKEN).
    """
    phone, code = given.get("phone"), given.get("ownership_code")
    if phone is not None and not (2 <= len(phone) <= PHONE_CHARS_MAX and _is_line(phone)):
        return False
    if code is not None and not (len(code) <= CODE_CHARS_MAX and _is_line(code)):
        return False
    return all(text.isascii() and len(text) <= PLAIN_CHARS_MAX for text in fields.values())


def _is_line(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _is_other_type(fault: Mapping[str, Any]) -> bool:
    return fault["type"] in _OTHER_TYPES and "fields" in fault["loc"]


def _misfit(fault: Mapping[str, Any]) -> Reason:
    """Return a fault of pydantic's as a reason; it never repeats what was written."""
    where = ".".join(str(part) for part in fault["loc"])
    return Reason(str(fault["type"]).replace("_", "-"), str(fault["msg"]), where)


def told(reasons: Sequence[Reason]) -> list[list[str]]:
    """Return reasons as they are kept in a report: code, text, field, without any cell."""
    return [
        [one.code, _WORDED.get(one.code, one.text), one.field.removeprefix("fields.")]
        for one in reasons
    ]
