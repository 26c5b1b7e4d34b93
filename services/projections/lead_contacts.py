"""The part of the grid's row that contacts and notes change; used by lead.py."""

from collections.abc import Callable
from typing import Any

from schemas import lead as events
from schemas.envelope import Recorded
from schemas.event import Event
from services.projections.model import Row


def _contact(event: events.LeadContactAdded | events.LeadContactChanged) -> Row:
    fields = dict(event.fields) if event.fields else {}
    return {
        "id": event.contact,
        "phone": event.phone,
        "typed": event.phone_typed,
        "fields": fields,
    }


def _contact_added(row: Row, event: events.LeadContactAdded, _: Recorded) -> None:
    row["contacts"] = [*row["contacts"], _contact(event)]


def _contact_changed(row: Row, event: events.LeadContactChanged, _: Recorded) -> None:
    changed = _contact(event)
    row["contacts"] = [
        changed if one["id"] == event.contact else one for one in row["contacts"]
    ]  # fmt: skip


def _contact_removed(row: Row, event: events.LeadContactRemoved, _: Recorded) -> None:
    row["contacts"] = [one for one in row["contacts"] if one["id"] != event.contact]


def _contacts_reordered(row: Row, event: events.LeadContactsReordered, _: Recorded) -> None:
    place = {contact: index for index, contact in enumerate(event.order)}
    row["contacts"] = sorted(row["contacts"], key=lambda one: place.get(one["id"], len(place)))


def _note_written(
    row: Row, event: events.LeadNoteAdded | events.LeadNoteEdited, _: Recorded
) -> None:
    row["notes"] = {**row["notes"], str(event.note): event.text}


def _note_removed(row: Row, event: events.LeadNoteRemoved, _: Recorded) -> None:
    row["notes"] = {n: text for n, text in row["notes"].items() if n != str(event.note)}


CHANGES: dict[type[Event], Callable[[Row, Any, Recorded], None]] = {
    events.LeadContactAdded: _contact_added,
    events.LeadContactChanged: _contact_changed,
    events.LeadContactRemoved: _contact_removed,
    events.LeadContactsReordered: _contacts_reordered,
    events.LeadNoteAdded: _note_written,
    events.LeadNoteEdited: _note_written,
    events.LeadNoteRemoved: _note_removed,
}
