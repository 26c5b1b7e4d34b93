"""The template of a campaign: which fields its leads have, and whether values fit them.

A field's import name is its identity, across campaigns too (rule 14). Every lead has `name`,
`email` and `whatsapp` besides, and its primary number, which is no field but may be the duplicate
key `phone`. A field `time_zone` names the zone a lead is in, for the hours of dialling.
"""

from collections.abc import Collection, KeysView, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from schemas.dialling_hours import zone_named
from schemas.number_zones import OWN_ZONE
from services.command.domain.campaign.values import FieldType, Typer, Unfit, Value, typer
from services.command.domain.decider import Reason

PHONE_KEY = "phone"
"""The duplicate key that is the primary number."""

Checked = tuple[dict[str, Any], dict[str, Any], list[Reason]]
"""Clean values of open fields, of personal fields, and every reason why a value does not fit."""


@dataclass(frozen=True, slots=True)
class TemplateField:
    """One field. Type and `personal` never change, because values of leads are stored by them."""

    import_name: str
    label: str = ""
    type: FieldType = "text"
    values: tuple[str, ...] = ()
    required: bool = False
    default: Value | None = None
    personal: bool = False

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "TemplateField":
        """Return the field that `stored` once described."""
        known = {one.name: stored[one.name] for one in fields(cls) if one.name in stored}
        return cls(**{**known, "values": tuple(stored.get("values") or ())})

    def stored(self) -> dict[str, Any]:
        """Return the field as an event holds it."""
        return {
            "import_name": self.import_name,
            "label": self.label,
            "type": self.type,
            "values": list(self.values),
            "required": self.required,
            "default": self.default,
            "personal": self.personal,
        }

    def typed(self, value: Any) -> Value:
        """Return `value` as this field stores it; Unfit with what it must be."""
        return self.typer()(value)

    def typer(self) -> Typer:
        """Return what types values as this field stores them; made once for many of them."""
        typed = typer(self.type, self.values)
        return _zone_of(typed) if self.import_name == OWN_ZONE else typed


def _zone_of(typed: Typer) -> Typer:
    def zone(value: Any) -> Value:
        found = typed(value)
        if not isinstance(found, str):
            return found
        if zone_named(found.strip()) is None:
            raise Unfit("must be a time zone like Europe/Lisbon")
        return found.strip()

    return zone


BUILT_IN_FIELDS: dict[str, TemplateField] = {
    one.import_name: one
    for one in (
        TemplateField("name", "Name", personal=True),
        TemplateField("email", "E-mail", "email", personal=True),
        TemplateField("whatsapp", "WhatsApp", "phone", personal=True),
    )
}
"""Fields every lead has; a template may name one to give it a label or make it required."""


@dataclass(frozen=True)
class Template:
    """The fields of a campaign in their order, and which of them is the duplicate key (rule 15).

    removed: fields taken out; their values stay in leads, so a field of that name that comes
    back keeps its type.
    """

    fields: tuple[TemplateField, ...] = ()
    duplicate_key: str = PHONE_KEY
    removed: tuple[TemplateField, ...] = ()
    _by_name: Mapping[str, TemplateField] = field(init=False, repr=False, compare=False)
    _defaults: Mapping[str, Value] = field(init=False, repr=False, compare=False)
    _needed: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _typers: Mapping[str, tuple[bool, Typer]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = BUILT_IN_FIELDS | {one.import_name: one for one in self.fields}
        defaults = {name: one.default for name, one in by_name.items() if one.default is not None}
        object.__setattr__(self, "_by_name", by_name)
        object.__setattr__(self, "_defaults", defaults)
        needed = tuple(name for name, one in by_name.items() if one.required)
        object.__setattr__(self, "_needed", needed)
        typers = {name: (one.personal, one.typer()) for name, one in by_name.items()}
        object.__setattr__(self, "_typers", typers)

    @property
    def names(self) -> KeysView[str]:
        """The import names of all fields, built-in ones included."""
        return self._by_name.keys()

    def field(self, import_name: str) -> TemplateField | None:
        """Return the field of this import name, built-in ones included; None when unknown."""
        return self._by_name.get(import_name)

    def check(self, fields: Mapping[str, Any]) -> Checked:
        """Type all values of a whole lead, fill in defaults, and miss required fields.

        None and "" count as not given. Reasons: unknown-field, field-required, field-not-<type>,
        field-not-time-zone.
        """
        given = {name: one for name, one in fields.items() if one is not None and one != ""}
        for name, default in self._defaults.items():
            if name not in given:
                given[name] = default
        clean, personal, reasons = self._typed(given)
        for name in self._needed:
            if name not in given:
                reasons.append(_required(name))
        return clean, personal, reasons

    def check_change(self, changed: Mapping[str, Any], unset: Collection[str] = ()) -> Checked:
        """Type the values of a change; what it unsets must be known and not required.

        More reasons: field-empty (None or "" is no value: unset it), field-set-and-unset.
        """
        given = {name: one for name, one in changed.items() if one is not None and one != ""}
        clean, personal, reasons = self._typed(given)
        for name in changed:
            if name not in given:
                text = f"Field {name} got no value; unset it to empty it."
                reasons.append(Reason("field-empty", text, name))
        for name in unset:
            if name in changed:
                text = f"Field {name} is both set and unset; do one of them."
                reasons.append(Reason("field-set-and-unset", text, name))
            elif name not in self._by_name and name not in {
                one.import_name for one in self.removed
            }:
                reasons.append(_unknown(name))
        reasons.extend(_required(name) for name in unset if name in self._needed)
        return clean, personal, reasons

    def _typed(self, given: Mapping[str, Any]) -> Checked:
        clean: dict[str, Any] = {}
        personal: dict[str, Any] = {}
        reasons: list[Reason] = []
        typers = self._typers
        for name, value in given.items():
            known = typers.get(name)
            if known is None:
                reasons.append(_unknown(name))
                continue
            hidden, typed = known
            try:
                (personal if hidden else clean)[name] = typed(value)
            except ValueError as problem:
                text = f"Field {name} {problem}."
                kind = "time-zone" if name == OWN_ZONE else self._by_name[name].type
                reasons.append(Reason(f"field-not-{kind}", text, name))
        return clean, personal, reasons


def _required(name: str) -> Reason:
    return Reason("field-required", f"Field {name} is required; give it a value.", name)


def _unknown(name: str) -> Reason:
    text = f"The campaign's template has no field {name}; add it there, or leave it out."
    return Reason("unknown-field", text, name)
