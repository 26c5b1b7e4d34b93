"""What a template and follow-up rules must be before they are believed; all problems are named."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from schemas.dialling_hours import zone_named
from schemas.number_zones import OWN_ZONE
from schemas.statuses import END_CAUSES, Status
from services.command.domain.campaign.state import FollowUpRule
from services.command.domain.campaign.template import (
    BUILT_IN_FIELDS,
    PHONE_KEY,
    Template,
    TemplateField,
)
from services.command.domain.decider import Reason

MAX_FIELDS = 200
_ALWAYS_PERSONAL = frozenset({"phone", "email"})
_TYPES_OF_ZONE = frozenset({"text", "picklist"})


def in_command(
    reasons: Iterable[Reason], part: str, names: Sequence[str], removed: Iterable[str] = ()
) -> list[Reason]:
    """Return reasons about fields by name as those of the place in the command that names them.

    part: where the command gives fields, `names` in their order. What it names nowhere, because
    it was there before, is told of the whole part.
    """
    places = {"duplicate_key": "duplicate_key"} | dict.fromkeys(removed, "remove")
    places |= {name: f"{part}.{place}" for place, name in enumerate(names)}
    return [replace(one, field=places.get(one.field, part)) for one in reasons]


def problems_of_template(template: Template) -> Iterator[Reason]:
    """Yield what is wrong with a template as a whole and with each of its fields."""
    if len(template.fields) > MAX_FIELDS:
        text = f"A template has at most {MAX_FIELDS} fields; take some out."
        yield Reason("template-too-large", text, "fields")
    for name in _twice(field.import_name.casefold() for field in template.fields):
        text = f"Two fields are called {name}; import names must differ, whatever their case."
        yield Reason("field-named-twice", text, name)
    for field in template.fields:
        yield from _problems_of_field(field)
    key = template.duplicate_key
    if key == PHONE_KEY:
        return
    field_of_key = template.field(key)
    if field_of_key is None:
        text = f"The duplicate key must be {PHONE_KEY} or a field of the template, not {key}."
        yield Reason("unknown-duplicate-key", text, "duplicate_key")
    elif field_of_key.default is not None:
        text = f"Field {key} is the duplicate key; a default would make all leads duplicates."
        yield Reason("duplicate-key-default", text, key)


def _problems_of_field(field: TemplateField) -> Iterator[Reason]:
    name = field.import_name
    if name == PHONE_KEY:
        text = f"{PHONE_KEY} is the lead's primary number; call the field something else."
        yield Reason("field-name-reserved", text, name)
    built_in = BUILT_IN_FIELDS.get(name)
    if built_in is not None and (field.type, field.personal) != (built_in.type, True):
        text = f"Field {name} is built in: its type is {built_in.type}, and it is personal."
        yield Reason("field-built-in", text, name)
    if name == OWN_ZONE and field.type not in _TYPES_OF_ZONE:
        text = f"Field {name} holds the zone a lead is in; make it a text or a picklist."
        yield Reason("field-names-zone", text, name)
    if field.type in _ALWAYS_PERSONAL and not field.personal:
        text = f"Field {name} holds an address of a person; mark it as personal."
        yield Reason("field-must-be-personal", text, name)
    if field.type == "picklist" and not field.values:
        yield Reason("picklist-empty", f"Give picklist {name} its values.", name)
    if field.type != "picklist" and field.values:
        yield Reason(
            "values-without-picklist", f"Only a picklist has values; {name} is none.", name
        )
    for value in field.values if name == OWN_ZONE else ():
        if zone_named(value) is None:
            text = f"There is no time zone {value}; use names like Europe/Lisbon."
            yield Reason("field-names-zone", text, name)
    for value in _twice(field.values):
        yield Reason("picklist-value-twice", f"Picklist {name} has {value} twice.", name)
    if field.default is not None:
        try:
            field.typed(field.default)
        except ValueError as problem:
            yield Reason("default-unfit", f"The default of field {name} {problem}.", name)


def problems_of_change(
    template: Template, put: Sequence[TemplateField], removed: Sequence[str]
) -> Iterator[Reason]:
    """Yield why fields of this template cannot be put or removed like that."""
    known = {field.import_name: field for field in (*template.removed, *template.fields)}
    names = {field.import_name for field in put}
    for name in _twice(field.import_name for field in put):
        yield Reason("field-named-twice", f"Field {name} is given twice.", name)
    for field in put:
        old = known.get(field.import_name)
        if old is None:
            continue
        if old.type != field.type:
            text = f"Field {old.import_name} is of type {old.type} for good, because leads hold "
            yield Reason(
                "field-type-fixed", text + "such values; add another field.", old.import_name
            )
        if old.personal != field.personal:
            text = f"Whether field {old.import_name} is personal is fixed, because values are "
            yield Reason(
                "field-personal-fixed", text + "stored by it; add another field.", old.import_name
            )
    for name in removed:
        if name in names:
            text = f"Field {name} is both put and removed; do one of them."
            yield Reason("field-put-and-removed", text, name)
        if name == template.duplicate_key:
            text = f"Field {name} is the duplicate key and cannot be removed."
            yield Reason("field-is-duplicate-key", text, name)
        elif name not in known:
            yield Reason("unknown-field", f"The template has no field {name}.", name)


def problems_of_rules(
    rules: Sequence[FollowUpRule], statuses: Mapping[str, Status]
) -> Iterator[Reason]:
    """Yield what is wrong with follow-up rules, given the organisation's statuses."""
    for name in _twice(rule.name for rule in rules):
        yield Reason("rule-twice", f"Two rules are about {name}; keep one.", "rules")
    for rule in rules:
        if not rule.name:
            text = "A rule must be about an end cause, a disposition or both."
            yield Reason("rule-about-nothing", text, "rules")
        if rule.end_cause is not None and rule.end_cause not in END_CAUSES:
            text = f"There is no end cause {rule.end_cause}; there are: {', '.join(END_CAUSES)}."
            yield Reason("unknown-end-cause", text, "rules")
        status = statuses.get(rule.next_status)
        if status is None:
            text = f"There is no status {rule.next_status}; choose one of the catalogue."
            yield Reason("unknown-status", text, "rules")
        elif not status.active:
            text = f"Status {status.code} is switched off; choose another of the catalogue."
            yield Reason("status-inactive", text, "rules")
        elif status.code == "anonymised":
            text = "Only erasing a lead makes it anonymised; choose another status."
            yield Reason("status-reserved", text, "rules")
        elif rule.delay_minutes is not None and not status.dialable:
            text = (
                f"Leads in {status.code} are not dialled; leave out the delay of rule {rule.name}."
            )
            yield Reason("status-not-dialable", text, "rules")


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1 and name]
