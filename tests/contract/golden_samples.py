"""Stored samples of every event type and version, kept for ever.

`python -m tests.contract.golden_samples` adds samples for types that have none, and never touches
one that is there: what was once written must stay readable.
"""

import dataclasses
import json
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from schemas.catalogue import EVENTS
from schemas.event import Event
from services.kit.codec import EventCodec

FOLDER = Path(__file__).parent / "golden"
STREAM = "01950000-0000-7000-8000-0000000000aa"
OWN = {field.name for field in dataclasses.fields(Event)}
INSTANT = "2026-03-01T09:00:00Z"
FIELD = {
    "import_name": "city", "label": "City", "type": "picklist", "values": ["Berlin", "Łódź"],
    "required": True, "default": "Berlin", "personal": False,
}  # fmt: skip
RULE = {
    "end_cause": "Busy", "disposition": None, "next_status": "automatic_redial",
    "delay_minutes": 30, "max_attempts": 5, "number": "next",
}  # fmt: skip
HOURS = {"windows": [[["09:00", "18:00"]]] * 5 + [[], []], "zone": "Europe/Berlin",
         "holidays": ["2026-12-25"]}  # fmt: skip
LIMITS = {"per_lead": 9, "per_number": 6, "per_day": 3, "reservation_minutes": 15}
CONTACT = {"id": 2, "phone": "+12025550124", "typed": "202-555-0124", "fields": {"role": "boss"}}
BY_NAME: dict[str, Any] = {
    "contacts": [CONTACT],
    "rules": [RULE],
    "put": [FIELD],
    "limits": LIMITS,
    "hours": HOURS,
    "phone": "+12025550123",
    "phone_typed": "(202) 555-0123",
    "number": "+12025550123",
    "owner": "team:01950000-0000-7000-8000-0000000000bb",
    "agent": "user:01950000-0000-7000-8000-0000000000cc",
    "zone": "Europe/Berlin",
    "start": "09:00",
    "end": "18:00",
    "end_cause": "Busy",
    "status": "ready",
    "status_after": "no_answer",
    "status_before": "ready",
    "raw": "eyJjYWxsX2lkIjogMX0=",
}
BY_TYPE: dict[str, Any] = {
    "str": 'text, „ü\n☎"',
    "int": 3,
    "bool": False,
    "Sequence[str]": ["extended_data", "lead_admin"],
    "Sequence[int]": [2, 1],
    "Sequence[str | None]": ["09:00", None],
    "Mapping": {"city": "Łódź", "age": 44, "vip": True, "empty": None, "list": [1, "a"]},
}
BY_PLACE: dict[str, Any] = {
    "campaign.created.fields": [FIELD],
    "campaign.template_changed.before": [FIELD],
    "campaign.template_changed.removed": ["town"],
    "campaign.follow_up_rules_changed.before": [RULE],
    "campaign.attempt_limits_changed.before": LIMITS,
    "campaign.dialling_hours_changed.before": HOURS,
    "campaign.activity_range_changed.before": [INSTANT, None],
    "lead.created.contacts": [CONTACT],
    "lead.released.contacts": [2],
    "view.created.sort": [{"field": "name", "descending": True}],
    "view.changed.sort": [{"field": "fields.gone", "descending": False}],
    "export.requested.sort": [{"field": "name", "descending": True}],
    "export.requested.format": "ndjson",
    "mailing.scheduled.format": "ndjson",
    "mailing.changed.format": "ndjson",
    "mailing.scheduled.times": ["09:00", "17:30"],
    "mailing.changed.times": ["09:00"],
    "lead.contract_recorded.step": "reminder_1",
    "lead.message_recorded.channel": "whatsapp",
    "lead.message_recorded.direction": "in",
}


def files() -> dict[str, list[dict[str, Any]]]:
    """The samples there are, by file name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def missing() -> list[tuple[type[Event], int]]:
    """Event classes and versions without a sample."""
    have = {(one["type"], one["schema_version"]) for many in files().values() for one in many}
    return [
        (kind, version)
        for kind in EVENTS.values()
        for version in range(1, kind.class_version + 1)
        if (kind.TOPIC, version) not in have
    ]


def own_fields(event: Event) -> dict[str, Any]:
    """The event's fields as JSON has them."""
    names = {field.name for field in dataclasses.fields(event)} - OWN
    own = {name: getattr(event, name) for name in sorted(names)}
    return dict(orjson.loads(orjson.dumps(own)))


def _value(kind: type[Event], name: str, hint: Any) -> Any:
    place = f"{kind.TOPIC}.{name}"
    for table, key in ((BY_PLACE, place), (BY_NAME, name)):
        if key in table:
            return table[key]
    if name.endswith(("_at", "_from", "_until")) or name in ("at", "until", "expires_at"):
        return INSTANT
    if name.endswith("_id"):
        return STREAM
    options = [option for option in typing.get_args(hint) or (hint,) if option is not type(None)]
    origin = typing.get_origin(hint) or typing.get_origin(options[0])
    if origin is not None and issubclass(origin, Mapping):
        return BY_TYPE["Mapping"]
    if origin is not None and issubclass(origin, Sequence):
        (inner,) = typing.get_args(hint)
        name = getattr(inner, "__name__", str(inner)) if typing.get_origin(inner) is None else ""
        return BY_TYPE[f"Sequence[{name or inner}]"]
    return BY_TYPE[options[0].__name__]


def _samples(kind: type[Event]) -> list[dict[str, Any]]:
    """One with every field filled, one with only what it cannot do without."""
    hints = typing.get_type_hints(kind)
    full, least = {}, {}
    for field in dataclasses.fields(kind):
        if field.name not in OWN:
            full[field.name] = _value(kind, field.name, hints[field.name])
            if field.default is dataclasses.MISSING:
                least[field.name] = full[field.name]
    return [_sample(kind(**one)) for one in ([full, least] if full != least else [full])]


def _sample(event: Event) -> dict[str, Any]:
    data, personal = EventCodec(EVENTS).encode(event)
    return {
        "type": event.TOPIC,
        "schema_version": event.class_version,
        "data": data.decode(),
        "personal": None if personal is None else personal.decode(),
        "fields": own_fields(event),
    }


def add_missing() -> list[str]:
    """Write a sample for each type that has none in its present version; return what was added."""
    added = []
    samples = files()
    for kind, version in missing():
        assert version == kind.class_version, f"{kind.TOPIC} v{version} was stored once: by hand"
        samples.setdefault(kind.category(), []).extend(_samples(kind))
        added.append(f"{kind.TOPIC} v{version}")
    for name, many in samples.items():
        many.sort(key=lambda one: (one["type"], one["schema_version"]))
        text = json.dumps(many, ensure_ascii=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n")
    return added


if __name__ == "__main__":
    print("\n".join(add_missing()) or "every event type and version has a sample")
