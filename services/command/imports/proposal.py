"""What a file seems to hold: a field for each column, by its header, and what looks wrong in it.

Only a proposal. Somebody looks at it and says what is meant; a column without a field is ignored.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from services.command.domain.campaign.template import BUILT_IN_FIELDS, Template
from services.command.domain.lead.numbers import CONTACTS_MAX
from services.command.imports.reading import Layout, Row

SAMPLES = 3
SHOWN = 5
CELL_SHOWN = 100
SYSTEM = ("ownership_code", "priority", "status", "active_from", "active_until")
"""What a row may say of its lead beside contact and template fields."""

SYSTEM_FIELDS = tuple(f"system:{name}" for name in SYSTEM)
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "phone": (
        "phone", "phone number", "primary phone", "phone 1", "telephone", "telephone number", "tel",
        "mobile", "mobile phone", "mobile number", "cell", "cell phone", "cellphone", "number",
        "msisdn", "contact number", "telefon", "telefonnummer", "handy", "handynummer", "rufnummer",
        "mobil", "mobilnummer", "telefono", "numero de telefono", "movil", "téléphone", "teléfono",
        "numéro de téléphone", "portable", "telefone", "telemóvel", "telefoon", "puhelin",
    ),
    "name": (
        "name", "full name", "fullname", "customer name", "client name", "contact name",
        "lead name", "first name", "firstname", "given name", "last name", "lastname", "surname",
        "family name", "vorname", "nachname", "nombre", "apellido", "apellidos", "nom", "prénom",
        "nome", "naam", "navn", "namn", "nimi",
    ),
    "email": ("email", "e mail", "email address", "e mail address", "mail", "correo", "courriel"),
    "whatsapp": ("whatsapp", "whatsapp number", "wa", "whats app"),
    "system:ownership_code": (
        "ownership code", "owner code", "lead ownership code", "owner", "ownership", "team code",
    ),
    "system:priority": ("priority", "lead priority"),
    "system:status": ("status", "lead status"),
    "system:active_from": ("active from", "valid from"),
    "system:active_until": ("active until", "active to", "valid until", "valid to"),
}  # fmt: skip
_BY_SYNONYM = {word: field for field, words in _SYNONYMS.items() for word in words}
_FURTHER_PHONE = re.compile(
    r"(?:secondary |second |alternative |alternate |alt |other |work |home |office )?"
    r"(?:phone|telephone|tel|mobile|cell|contact|number)(?: number)?(?: ([2-9]|1[0-9]|2[01]))?"
)
_MANGLED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+?[0-9]{2}")
_NUMBER_LIKE = re.compile(r"[0-9 ()./\-]{7,}")


class Column(NamedTuple):
    """A column of the file: where it is from 1, its header, the field proposed and why, cells."""

    column: int
    header: str
    field: str | None
    because: str
    samples: Sequence[str]

    def shown(self) -> dict[str, Any]:
        """Return it as it is answered."""
        return {**self._asdict(), "samples": list(self.samples)}


class Warned(NamedTuple):
    """Something to look at before the file is imported; `columns` and `rows` say where."""

    code: str
    detail: str
    columns: Sequence[int] = ()
    rows: Sequence[int] = ()

    def shown(self) -> dict[str, Any]:
        """Return it as it is answered."""
        return {**self._asdict(), "columns": list(self.columns), "rows": list(self.rows)}


class Proposal(NamedTuple):
    """What is proposed for a file, and its first rows as they would be read."""

    layout: Layout
    columns: Sequence[Column]
    warnings: Sequence[Warned]
    first_rows: Sequence[Row]


def targets_of(template: Template) -> dict[str, str]:
    """Return what a column may be mapped to, with what it is called: contact, template, system."""
    found = {"phone": "Phone"}
    found |= {name: one.label or name for name, one in BUILT_IN_FIELDS.items()}
    found |= {one.import_name: one.label or one.import_name for one in template.fields}
    found |= {name: name.partition(":")[2].replace("_", " ").capitalize() for name in SYSTEM_FIELDS}
    found |= {f"contact:{place}": f"Contact {place}" for place in range(1, CONTACTS_MAX + 1)}
    return found


def propose(layout: Layout, rows: Sequence[Row], template: Template) -> Proposal:
    """Return the proposal for a file of which these are the first rows."""
    filled = [row for row in rows if not row.is_blank]
    readable = [row for row in filled if not row.problem]
    headed = layout.header and bool(readable)
    headers = [cell.strip() for cell in readable[0].cells] if headed else []
    data = readable[1:] if headed else readable
    width = max([len(headers), *(len(row.cells) for row in data)], default=0)
    headers += [""] * (width - len(headers))
    columns = [
        Column(place + 1, header[:CELL_SHOWN], field, because, _samples(data, place))
        for place, (header, (field, because)) in enumerate(
            zip(headers, _fields_for(headers, template), strict=True)
        )
    ]
    warnings = [*_of_header(columns, headed=headed), *_of_cells(columns, data),
                *_of_rows(filled, width), *_of_fields(columns, template)]  # fmt: skip
    return Proposal(layout, columns, warnings, filled[1:][:SHOWN] if headed else filled[:SHOWN])


def _fields_for(headers: Sequence[str], template: Template) -> Iterator[tuple[str | None, str]]:
    """Yield a field for each header, none twice but for `name`, whose parts are put together."""
    names = {_plain(one.import_name): one.import_name for one in template.fields}
    labels = {_plain(one.label): one.import_name for one in template.fields if one.label}
    taken: set[str] = set()
    for header in headers:
        field, because = _field_for(header, names, labels)
        if field == "phone" and "phone" in taken:
            field = _free_contact(taken)
        if field is not None and field in taken and field != "name":
            field = None
        if field is not None:
            taken.add(field)
        yield field, because if field is not None else ""


def _field_for(
    header: str, names: Mapping[str, str], labels: Mapping[str, str]
) -> tuple[str | None, str]:
    plain = _plain(header)
    if not plain:
        return None, ""
    if plain in names:
        return names[plain], "import name"
    if plain in labels:
        return labels[plain], "label"
    if plain in _BY_SYNONYM:
        return _BY_SYNONYM[plain], "usual name"
    if _FURTHER_PHONE.fullmatch(plain):
        return "phone", "usual name"
    return None, ""


def _free_contact(taken: set[str]) -> str | None:
    places = (f"contact:{place}" for place in range(1, CONTACTS_MAX + 1))
    return next((place for place in places if place not in taken), None)


def _plain(text: str) -> str:
    """Return a name without what people spell differently: case, and what parts its words."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return " ".join(re.sub(r"[\W_]+", " ", spaced.casefold()).split())


def _samples(data: Sequence[Row], place: int) -> list[str]:
    cells = (row.cells[place].strip() for row in data if place < len(row.cells))
    return [cell[:CELL_SHOWN] for cell in cells if cell][:SAMPLES]


def _of_header(columns: Sequence[Column], *, headed: bool) -> Iterator[Warned]:
    if not headed:
        text = "The first row is taken for a lead, not for the names of columns."
        yield Warned("no-header", text)
        return
    times = Counter(one.header.casefold() for one in columns if one.header)
    for header, count in times.items():
        if count > 1:
            places = [one.column for one in columns if one.header.casefold() == header]
            yield Warned("header-doubled", f"{count} columns are called {header}.", places)
    nameless = [one.column for one in columns if not one.header]
    if nameless:
        yield Warned("header-empty", "Columns without a name.", nameless)


def _of_cells(columns: Sequence[Column], data: Sequence[Row]) -> Iterator[Warned]:
    empty = [one.column for one in columns if not one.samples]
    if empty and data:
        yield Warned("column-empty", "Columns with nothing in them so far.", empty)
    for one in columns:
        cells = [
            (row.number, row.cells[one.column - 1].strip())
            for row in data
            if one.column <= len(row.cells)
        ]
        mangled = [number for number, cell in cells if _MANGLED.fullmatch(cell)]
        if mangled:
            text = (
                "Numbers like 4.91E+11 lost their digits in a spreadsheet; save the column as text."
            )
            yield Warned("number-mangled", text, [one.column], mangled[:SHOWN])
        if one.field is not None and (
            one.field in ("phone", "whatsapp") or "contact:" in one.field
        ):
            bare = [number for number, cell in cells if _NUMBER_LIKE.fullmatch(cell)]
            if bare:
                text = (
                    "Numbers without + and country code, or with a 0 lost; name the country they"
                    " are of (default_region), or they are refused."
                )
                yield Warned("number-without-country", text, [one.column], bare[:SHOWN])


def _of_rows(rows: Sequence[Row], width: int) -> Iterator[Warned]:
    ragged = [row.number for row in rows if not row.problem and len(row.cells) != width]
    if ragged:
        text = f"Rows with fewer than {width} cells; what is missing reads as empty."
        yield Warned("rows-ragged", text, (), ragged[:SHOWN])
    unread = [row.number for row in rows if row.problem]
    if unread:
        yield Warned("rows-unreadable", "Rows that cannot be read.", (), unread[:SHOWN])


def _of_fields(columns: Sequence[Column], template: Template) -> Iterator[Warned]:
    mapped = {one.field for one in columns if one.field is not None}
    if not mapped & {"phone", "whatsapp"}:
        text = "No column seems to hold a phone number or WhatsApp identity; say which one does."
        yield Warned("unreachable", text)
    own = {one.import_name: one for one in (*BUILT_IN_FIELDS.values(), *template.fields)}
    missing = [
        name
        for name, one in own.items()
        if one.required and one.default is None and name not in mapped
    ]
    if missing:
        text = f"The campaign requires fields that no column holds: {', '.join(missing)}."
        yield Warned("required-unmapped", text)
    key = template.duplicate_key
    if key not in mapped and key not in missing and key != "phone":
        yield Warned("key-unmapped", f"No column holds {key}, by which duplicates are found.")
