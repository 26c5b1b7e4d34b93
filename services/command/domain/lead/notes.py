"""Notes on a lead: what people write down for the next one who opens it."""

from typing import Annotated, ClassVar

from pydantic import Field

from schemas.event import Event
from schemas.lead import LeadNoteAdded, LeadNoteEdited, LeadNoteRemoved
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import NoteText

_NOTES_MAX = 1_000
NoteNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class AddNote(Command):
    """Write a note on a lead. Notes are numbered from 1; a lead holds at most 1,000."""

    roles: ClassVar[frozenset[str]] = AGENTS

    text: NoteText


class EditNote(Command):
    """Change the text of a note. The lead log keeps the text it had before."""

    roles: ClassVar[frozenset[str]] = AGENTS

    note: NoteNumber
    text: NoteText


class RemoveNote(Command):
    """Take a note away. Its number is not used again."""

    roles: ClassVar[frozenset[str]] = AGENTS

    note: NoteNumber


@decides(AddNote)
def add_note(lead: Lead, command: AddNote, facts: Facts) -> list[Event]:
    """Add the note; the same text twice is two notes."""
    admit(lead, command, facts)
    if len(lead.notes) >= _NOTES_MAX:
        text = f"The lead has {_NOTES_MAX:,} notes already; remove one first."
        raise Refused([Reason("too-many-notes", text)])
    return [LeadNoteAdded(note=lead.notes_made + 1, text=command.text)]


@decides(EditNote)
def edit_note(lead: Lead, command: EditNote, facts: Facts) -> list[Event]:
    """Change the note; refused when there is none with this number."""
    admit(lead, command, facts)
    previous = lead.notes.get(command.note)
    if previous is None:
        raise Refused([Reason("unknown-note", "The lead has no note with this number.", "note")])
    if previous == command.text:
        return []
    return [LeadNoteEdited(note=command.note, text=command.text, previous=previous)]


@decides(RemoveNote)
def remove_note(lead: Lead, command: RemoveNote, facts: Facts) -> list[Event]:
    """Remove the note; one that was removed already changes nothing."""
    admit(lead, command, facts)
    previous = lead.notes.get(command.note)
    if previous is not None:
        return [LeadNoteRemoved(note=command.note, previous=previous)]
    if command.note <= lead.notes_made:
        return []
    raise Refused([Reason("unknown-note", "The lead has no note with this number.", "note")])
