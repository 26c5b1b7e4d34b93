"""What an event changed, field by field, before and after, as they were then: for people who read a
log.

Pure: works on an event's stored fields, so that an erased lead still tells what is left of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any

from schemas.catalogue import EVENTS
from schemas.filters import CUSTOM

Data = Mapping[str, Any]
Change = tuple[str, Any, Any]


def changes_of(kind: str, data: Data) -> list[dict[str, Any]]:
    """Return `{"field", "before", "after"}` for everything the event changed by itself."""
    find = _CHANGES.get(kind)
    if find is None:
        return []
    return [
        {"field": field, "before": before, "after": after} for field, before, after in find(data)
    ]


def complete(kind: str, data: Data, personal: Data | None) -> dict[str, Any]:
    """Return all fields of an event: what is not stored has its default, what is erased is left
    out.
    """
    return {**_defaults(kind), **data, **(personal or {})}


@cache
def _defaults(kind: str) -> dict[str, Any]:
    event = EVENTS.get(kind)
    if event is None:
        return {}
    return {
        field.name: list(field.default) if isinstance(field.default, tuple) else field.default
        for field in fields(event)
        if field.init and field.default is not MISSING and field.name not in event.PERSONAL
    }


def has_personal(kind: str) -> bool:
    """Say whether events of this kind can carry personal fields."""
    event = EVENTS.get(kind)
    return event is not None and bool(event.PERSONAL)


def _replaced(
    field: str, name: str, before: str = "previous"
) -> Callable[[Data], Iterator[Change]]:
    """The event holds the new value as `name` and the old one as `before`."""

    def find(data: Data) -> Iterator[Change]:
        yield field, data.get(before) or None, data.get(name)

    return find


def _status(code: str) -> Callable[[Data], Iterator[Change]]:
    def find(data: Data) -> Iterator[Change]:
        yield "status", data.get("previous") or None, code

    return find


def _fixed(field: str, before: Any, after: Any) -> Callable[[Data], Iterator[Change]]:
    def find(_: Data) -> Iterator[Change]:
        yield field, before, after

    return find


def _fields(data: Data) -> Iterator[Change]:
    before = {**(data.get("before") or {}), **(data.get("personal_before") or {})}
    after = {**(data.get("set") or {}), **(data.get("personal_set") or {})}
    for name in sorted({*after, *(data.get("unset") or ())}):
        yield CUSTOM + name, before.get(name), after.get(name)


def _status_changed(data: Data) -> Iterator[Change]:
    yield "status", data.get("previous") or None, data.get("status")
    if data.get("next_dial_at"):
        yield "next_dial_at", None, data["next_dial_at"]


def _call(data: Data) -> Iterator[Change]:
    if data.get("status_after"):
        yield "status", data.get("status_before"), data["status_after"]
    if data.get("rule") and data.get("next_dial_at"):
        yield "next_dial_at", None, data["next_dial_at"]


def _reset(data: Data) -> Iterator[Change]:
    yield from _status("ready")(data)
    yield "passes", data.get("attempts_before", 0), 0
    yield "next_dial_at", None, data.get("next_dial_at")


def _moved(data: Data) -> Iterator[Change]:
    yield "campaign_id", data.get("previous") or None, data.get("campaign_id")
    if data.get("pool_id") != data.get("previous_pool"):
        yield "pool_id", data.get("previous_pool"), data.get("pool_id")
    for name in data.get("dropped") or ():
        yield CUSTOM + name, None, None


def _contact(data: Data) -> Iterator[Change]:
    after = {name: data[name] for name in ("phone", "fields") if data.get(name)}
    yield f"contacts.{data.get('contact')}", data.get("before"), after or None


def _merged(data: Data) -> Iterator[Change]:
    yield "merged_into", None, data.get("into")
    if data.get("was_active", True):
        yield "active", True, False


def _unmerged(data: Data) -> Iterator[Change]:
    yield "merged_into", data.get("previous"), None
    if data.get("active", True):
        yield "active", False, True


def _message(state: str) -> Callable[[Data], Iterator[Change]]:
    def find(data: Data) -> Iterator[Change]:
        yield f"messages.{data.get('message_id')}", None, state

    return find


def _contract(data: Data) -> Iterator[Change]:
    step = data.get("step", "cancelled")
    yield f"contracts.{data.get('contract_id')}", data.get("previous"), step


def _absorbed(data: Data) -> Iterator[Change]:
    yield "absorbed", None, data.get("lead_id")
    for contact in data.get("contacts") or ():
        number = {name: contact[name] for name in ("phone", "fields") if contact.get(name)}
        yield f"contacts.{contact.get('id')}", None, number or None


def _released(data: Data) -> Iterator[Change]:
    yield "absorbed", data.get("lead_id"), None
    for contact in data.get("contacts") or ():
        yield f"contacts.{contact}", None, None


_CHANGES: dict[str, Callable[[Data], Iterator[Change]]] = {
    "lead.fields_changed": _fields,
    "lead.phone_changed": _replaced("phone", "phone"),
    "lead.contact_added": _contact,
    "lead.contact_changed": _contact,
    "lead.contact_removed": _contact,
    "lead.contacts_reordered": _replaced("contacts", "order"),
    "lead.note_added": _replaced("note", "text"),
    "lead.note_edited": _replaced("note", "text"),
    "lead.note_removed": _replaced("note", "text"),
    "lead.owner_changed": _replaced("owner", "owner"),
    "lead.status_changed": _status_changed,
    "lead.status_restored": _replaced("status", "status"),
    "lead.reset": _reset,
    "lead.attempts_restored": _replaced("passes", "attempts"),
    "lead.readied": _status("ready"),
    "lead.cancelled": _status("cancelled"),
    "lead.paused": _status("paused"),
    "lead.anonymised": _status("anonymised"),
    "lead.activated": _fixed("active", False, True),
    "lead.deactivated": _fixed("active", True, False),
    "lead.suppressed": _fixed("suppressed", False, True),
    "lead.unsuppressed": _fixed("suppressed", True, False),
    "lead.priority_changed": _replaced("priority", "priority"),
    "lead.added_to_segment": _replaced("segment_id", "segment_id"),
    "lead.removed_from_segment": _replaced("segment_id", "segment_id"),
    "lead.moved": _moved,
    "lead.dial_scheduled": _replaced("next_dial_at", "at"),
    "lead.scheduled_dial_cancelled": _replaced("next_dial_at", "at"),
    "lead.callback_set": _replaced("callback_at", "at"),
    "lead.callback_cancelled": _replaced("callback_at", "at"),
    "lead.reserved": _replaced("reserved_for", "agent"),
    "lead.unreserved": _replaced("reserved_for", "agent"),
    "lead.locked": _replaced("locked_by", "user"),
    "lead.unlocked": _replaced("locked_by", "user"),
    "lead.result_recorded": _replaced("result", "result"),
    "lead.call_recorded": _call,
    "lead.manual_pass_recorded": _call,
    "lead.session_ended": _call,
    "lead.call_lapsed": _call,
    "lead.message_queued": _message("queued"),
    "lead.message_requeued": _message("queued"),
    "lead.message_sent": _message("sent"),
    "lead.message_delivered": _message("delivered"),
    "lead.message_failed": _message("failed"),
    "lead.message_cancelled": _message("cancelled"),
    "lead.contract_recorded": _contract,
    "lead.contract_rejected": _contract,
    "lead.absorbed": _absorbed,
    "lead.released": _released,
    "lead.merged": _merged,
    "lead.unmerged": _unmerged,
}
