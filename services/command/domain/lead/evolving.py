"""How a lead changes: one small function per event. They never fail and ask no clock.

`evolve` and `fold` work on a copy of their own; an event that is not known here only counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from schemas import lead as events
from schemas.envelope import Recorded
from schemas.event import Event
from schemas.instants import format_instant, is_before
from schemas.lead_modified import moves_modified_at, moves_modified_by
from services.command.domain.lead import evolving_clock, evolving_dealings
from services.command.domain.lead.state import Contact, DialWindow, Lead, Reservation
from services.command.domain.written_out import copier

_REMEMBERED_STATUSES = 20
_NOTHING: Mapping[str, Any] = {}

_NEW = Lead()
_same = copier(Lead)


def _copy(lead: Lead) -> Lead:
    """Copy, with own collections where events add in place; the others are replaced."""
    twin = _same(lead)
    twin.calls = lead.calls.copy()
    twin.sessions = lead.sessions.copy()
    return twin


def evolve(lead: Lead, event: Event, actor: str = "") -> Lead:
    """Return the lead after one more event; `actor` is the one of its envelope."""
    twin = _copy(lead)
    _apply(twin, event, actor)
    return twin


def fold(happened: Iterable[tuple[Event, str]], lead: Lead | None = None) -> Lead:
    """Return the lead after these (event, actor) pairs, starting from `lead` or from nothing."""
    twin = _copy(_NEW if lead is None else lead)
    for event, actor in happened:
        _apply(twin, event, actor)
    return twin


def replay(recorded: Iterable[Recorded], lead: Lead | None = None) -> Lead:
    """Return the lead after these events as they stand in the log."""
    return fold(((one.event, one.origin.actor) for one in recorded), lead)


def _apply(lead: Lead, event: Event, actor: str) -> None:
    lead.version += 1
    kind = type(event)
    change = _CHANGES.get(kind)
    if change is None:
        return
    change(lead, event)
    if lead.status == "unresolved" or lead.unresolved_at is not None:
        evolving_clock.note_unresolved(lead, event)
    if not moves_modified_at(event):
        return
    lead.modified_at = event.timestamp
    if not moves_modified_by(event):
        return
    lead.modified_by = actor
    if kind is events.LeadCreated:
        lead.created_by = actor


def _set_status(lead: Lead, status: str | None) -> None:
    if not status or status == lead.status:
        return
    if lead.status == "processing":  # A call in progress is nothing to go back to.
        if lead.previous_statuses[-1:] == (status,):
            lead.previous_statuses = lead.previous_statuses[:-1]
    elif lead.status:
        lead.previous_statuses = (*lead.previous_statuses[1 - _REMEMBERED_STATUSES :], lead.status)
    lead.status = status


def _edit_status(lead: Lead, event: Event, status: str) -> None:
    _set_status(lead, status)
    lead.status_edited_at = event.timestamp


def _created(lead: Lead, event: events.LeadCreated) -> None:
    lead.id = str(event.originator_id)
    lead.campaign_id = event.campaign_id
    lead.pool_id = event.pool_id
    lead.source = event.source
    lead.key = event.key
    lead.claims = event.claims
    lead.cloned_from = event.cloned_from
    lead.owner = lead.original_owner = event.owner
    lead.status = event.status
    lead.active = event.active
    lead.active_from = event.active_from
    lead.active_until = event.active_until
    lead.priority = event.priority
    lead.phone = event.phone
    lead.phone_typed = event.phone_typed
    lead.fields = event.fields or _NOTHING
    lead.personal = event.personal_fields or _NOTHING
    lead.contacts = tuple(
        Contact(one["id"], one.get("phone"), one.get("typed"), one.get("fields") or _NOTHING)
        for one in event.contacts
    )
    lead.contacts_made = max((one.id for one in lead.contacts), default=0)
    numbers = [
        event.phone, lead.personal.get("whatsapp"), *(one.phone for one in lead.contacts)
    ]  # fmt: skip
    lead.numbers_known = frozenset(number for number in numbers if number)
    lead.next_dial_at = event.next_dial_at
    lead.created_at = event.timestamp


def _fields_changed(lead: Lead, event: events.LeadFieldsChanged) -> None:
    gone = event.unset
    open_set, personal_set = event.set or _NOTHING, event.personal_set or _NOTHING
    # A field whose template made it personal, or no longer so, changes its room.
    lead.fields = {
        name: value for name, value in {**lead.fields, **open_set}.items()
        if name not in gone and name not in personal_set
    }  # fmt: skip
    lead.personal = {
        name: value for name, value in {**lead.personal, **personal_set}.items()
        if name not in gone and name not in open_set
    }  # fmt: skip
    _know(lead, personal_set.get("whatsapp"))


def _phone_changed(lead: Lead, event: events.LeadPhoneChanged) -> None:
    lead.phone, lead.phone_typed = event.phone, event.phone_typed
    _know(lead, event.phone)


def _know(lead: Lead, number: str | None) -> None:
    if number is not None:
        lead.numbers_known = lead.numbers_known | {number}


def _contact_added(lead: Lead, event: events.LeadContactAdded) -> None:
    contact = Contact(event.contact, event.phone, event.phone_typed, event.fields or _NOTHING)
    lead.contacts = (*lead.contacts, contact)
    lead.contacts_made = max(lead.contacts_made, event.contact)
    _know(lead, event.phone)


def _contact_changed(lead: Lead, event: events.LeadContactChanged) -> None:
    changed = Contact(event.contact, event.phone, event.phone_typed, event.fields or _NOTHING)
    lead.contacts = tuple(changed if one.id == event.contact else one for one in lead.contacts)
    _know(lead, event.phone)


def _contact_removed(lead: Lead, event: events.LeadContactRemoved) -> None:
    lead.contacts = tuple(one for one in lead.contacts if one.id != event.contact)


def _contacts_reordered(lead: Lead, event: events.LeadContactsReordered) -> None:
    place = {contact: index for index, contact in enumerate(event.order)}
    lead.contacts = tuple(sorted(lead.contacts, key=lambda one: place.get(one.id, len(place))))


def _note_added(lead: Lead, event: events.LeadNoteAdded) -> None:
    lead.notes = {**lead.notes, event.note: event.text}
    lead.notes_made = max(lead.notes_made, event.note)


def _note_edited(lead: Lead, event: events.LeadNoteEdited) -> None:
    lead.notes = {**lead.notes, event.note: event.text}


def _note_removed(lead: Lead, event: events.LeadNoteRemoved) -> None:
    lead.notes = {note: text for note, text in lead.notes.items() if note != event.note}


def _owner_changed(lead: Lead, event: events.LeadOwnerChanged) -> None:
    lead.owner = event.owner


def _status_changed(lead: Lead, event: events.LeadStatusChanged) -> None:
    _edit_status(lead, event, event.status)
    if event.ends_waiting:
        _end_waiting(lead)
    if event.next_dial_at is not None:
        lead.next_dial_at = event.next_dial_at


def _status_restored(lead: Lead, event: events.LeadStatusRestored) -> None:
    lead.status = event.status
    lead.previous_statuses = lead.previous_statuses[:-1]
    lead.status_edited_at = event.timestamp
    if event.ends_waiting:
        _end_waiting(lead)


def _end_waiting(lead: Lead) -> None:
    """No dial, retry or callback waits any more."""
    _free_callback_agent(lead)
    lead.callback_at = lead.next_dial_at = lead.next_contact = None


def _reset(lead: Lead, event: events.LeadReset) -> None:
    _edit_status(lead, event, "ready")
    lead.attempts = 0
    lead.attempts_by_number = lead.attempts_by_rule = _NOTHING
    lead.next_dial_at = lead.reset_at = event.next_dial_at
    lead.next_contact = None


def _attempts_restored(lead: Lead, event: events.LeadAttemptsRestored) -> None:
    lead.attempts, lead.reset_at = event.attempts, event.reset_at
    lead.attempts_by_rule = event.by_rule or _NOTHING
    lead.attempts_by_number = event.by_number or _NOTHING


def _readied(lead: Lead, event: events.LeadReadied) -> None:
    _edit_status(lead, event, "ready")


def _cancelled(lead: Lead, event: events.LeadCancelled) -> None:
    _edit_status(lead, event, "cancelled")


def _paused(lead: Lead, event: events.LeadPaused) -> None:
    _edit_status(lead, event, "paused")


def _activated(lead: Lead, event: events.LeadActivated) -> None:
    lead.active = True


def _deactivated(lead: Lead, event: events.LeadDeactivated) -> None:
    lead.active = False


def _suppressed(lead: Lead, event: events.LeadSuppressed) -> None:
    lead.suppressed, lead.suppressed_until = True, event.until


def _unsuppressed(lead: Lead, event: events.LeadUnsuppressed) -> None:
    lead.suppressed, lead.suppressed_until = False, None


def _priority_changed(lead: Lead, event: events.LeadPriorityChanged) -> None:
    lead.priority = event.priority


def _dial_scheduled(lead: Lead, event: events.LeadDialScheduled) -> None:
    lead.next_dial_at = event.at
    if event.contact is not None:
        lead.next_contact = event.contact


def _scheduled_dial_cancelled(lead: Lead, event: events.LeadScheduledDialCancelled) -> None:
    lead.next_dial_at = lead.next_contact = None


def _callback_set(lead: Lead, event: events.LeadCallbackSet) -> None:
    _edit_status(lead, event, "callback")
    lead.callback_at = lead.next_dial_at = event.at
    lead.next_contact = None
    _free_callback_agent(lead)
    if event.agent is not None:
        lead.callback_agent = lead.reserved_for = event.agent


def _free_callback_agent(lead: Lead) -> None:
    """A lead is reserved for the agent of its callback as long as that callback is due."""
    if lead.callback_agent is not None and lead.reserved_for == lead.callback_agent:
        lead.reserved_for = None
    lead.callback_agent = None


def _callback_cancelled(lead: Lead, event: events.LeadCallbackCancelled) -> None:
    _edit_status(lead, event, event.status)
    _end_waiting(lead)


def _reserved(lead: Lead, event: events.LeadReserved) -> None:
    lead.reserved_for = event.agent


def _unreserved(lead: Lead, event: events.LeadUnreserved) -> None:
    lead.reserved_for = None


def _locked(lead: Lead, event: events.LeadLocked) -> None:
    lead.locked_by, lead.locked_until = event.user, event.until


def _unlocked(lead: Lead, event: events.LeadUnlocked) -> None:
    lead.locked_by = lead.locked_until = None


def _dial_time_limited(lead: Lead, event: events.LeadDialTimeLimited) -> None:
    lead.dial_window = DialWindow(event.start, event.end, event.zone)


def _dial_time_limit_removed(lead: Lead, event: events.LeadDialTimeLimitRemoved) -> None:
    lead.dial_window = None


def _added_to_segment(lead: Lead, event: events.LeadAddedToSegment) -> None:
    lead.segment_id = event.segment_id


def _removed_from_segment(lead: Lead, event: events.LeadRemovedFromSegment) -> None:
    lead.segment_id = None


def _moved(lead: Lead, event: events.LeadMoved) -> None:
    if event.campaign_id != lead.campaign_id:
        lead.segment_id = None
    lead.campaign_id, lead.pool_id, lead.key = event.campaign_id, event.pool_id, event.key
    lead.claims = event.claims
    dropped: Sequence[str] = event.dropped
    if not dropped:
        return
    lead.fields = _without(lead.fields, dropped)
    lead.personal = _without(lead.personal, dropped)
    lead.contacts = tuple(
        one._replace(fields=_without(one.fields, dropped)) for one in lead.contacts
    )


def _without(fields: Mapping[str, Any], names: Sequence[str]) -> Mapping[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def _call_started(lead: Lead, event: events.LeadCallStarted) -> None:
    lead.reservation = Reservation(event.call_id, event.agent, event.number, event.expires_at)
    _set_status(lead, event.status_after)


def _call_recorded(lead: Lead, event: events.LeadCallRecorded) -> None:
    started_at, number = event.started_at, event.number
    lead.calls[event.call_id] = (started_at, number)
    lead.call_attempts += 1
    lead.talk_seconds += event.talk_seconds
    session = event.contact_session_id
    if session is None:
        lead.contact_attempts += 1
    elif session not in lead.sessions:
        lead.sessions.add(session)
        lead.contact_attempts += 1
    if lead.reset_at is None or not is_before(started_at, lead.reset_at):
        lead.attempts += 1
        if number is not None:
            counts = lead.attempts_by_number
            lead.attempts_by_number = {**counts, number: counts.get(number, 0) + 1}
    if lead.reservation is not None and lead.reservation.call_id == event.call_id:
        lead.reservation = None
    if lead.latest_call_at is None or not is_before(started_at, lead.latest_call_at):
        lead.latest_call_id = event.call_id
        lead.latest_call_at = started_at
        lead.latest_call_by = event.agent
        lead.latest_end_cause = event.end_cause
        lead.latest_disposition = event.disposition
    if event.rule is not None:
        _follow_up(lead, event)


def _follow_up(lead: Lead, event: events.LeadCallRecorded | events.LeadManualPassRecorded) -> None:
    if event.rule is not None:
        counts = lead.attempts_by_rule
        lead.attempts_by_rule = {**counts, event.rule: counts.get(event.rule, 0) + 1}
        _set_status(lead, event.status_after)
        lead.next_dial_at, lead.next_contact = event.next_dial_at, event.next_contact
        _free_callback_agent(lead)
        lead.callback_at = None


def _manual_pass_recorded(lead: Lead, event: events.LeadManualPassRecorded) -> None:
    # Kept like a call, under a name no call id can have, so that it counts towards the day's limit.
    lead.calls[f"manual {lead.version}"] = (format_instant(event.timestamp), None)
    lead.attempts += 1
    lead.call_attempts += 1
    lead.contact_attempts += 1
    _follow_up(lead, event)


def _result_recorded(lead: Lead, event: events.LeadResultRecorded) -> None:
    _edit_status(lead, event, event.result)
    lead.result = event.result
    lead.processed_by, lead.processed_at = event.processed_by, event.timestamp
    if event.ends_waiting:
        _end_waiting(lead)


def _session_ended(lead: Lead, event: events.LeadSessionEnded) -> None:
    # Nobody decided on the status: a call told late may still say what became of the session.
    lead.sessions_ended = lead.sessions_ended | {event.contact_session_id}
    if event.status_after is not None:
        _set_status(lead, event.status_after)
        lead.unresolved_by = event.agent


def _call_lapsed(lead: Lead, event: events.LeadCallLapsed) -> None:
    if lead.reservation is not None and lead.reservation.call_id == event.call_id:
        lead.reservation = None
    _set_status(lead, event.status_after)


def _erase(lead: Lead) -> None:
    lead.phone = lead.phone_typed = lead.reservation = None
    lead.fields = lead.personal = _NOTHING
    lead.notes = {}
    lead.contracts = _NOTHING
    lead.contract_messages = {}
    lead.outbox = {
        name: one._replace(state="cancelled") if one.state == "queued" else one
        for name, one in lead.outbox.items()
    }
    lead.contacts = ()
    lead.numbers_known = frozenset()
    lead.attempts_by_number = _NOTHING
    lead.calls = {call: (at, None) for call, (at, _number) in lead.calls.items()}
    lead.next_dial_at = lead.next_contact = lead.callback_at = lead.callback_agent = None
    lead.active = False


def _anonymised(lead: Lead, event: events.LeadAnonymised) -> None:
    _erase(lead)
    _set_status(lead, "anonymised")
    lead.anonymised = True


def _deleted(lead: Lead, event: events.LeadDeleted) -> None:
    _erase(lead)
    lead.deleted = True


_CHANGES: dict[type[Event], Callable[[Lead, Any], None]] = {
    events.LeadCreated: _created,
    events.LeadFieldsChanged: _fields_changed,
    events.LeadPhoneChanged: _phone_changed,
    events.LeadContactAdded: _contact_added,
    events.LeadContactChanged: _contact_changed,
    events.LeadContactRemoved: _contact_removed,
    events.LeadContactsReordered: _contacts_reordered,
    events.LeadNoteAdded: _note_added,
    events.LeadNoteEdited: _note_edited,
    events.LeadNoteRemoved: _note_removed,
    events.LeadOwnerChanged: _owner_changed,
    events.LeadStatusChanged: _status_changed,
    events.LeadStatusRestored: _status_restored,
    events.LeadReset: _reset,
    events.LeadAttemptsRestored: _attempts_restored,
    events.LeadReadied: _readied,
    events.LeadCancelled: _cancelled,
    events.LeadPaused: _paused,
    events.LeadActivated: _activated,
    events.LeadDeactivated: _deactivated,
    events.LeadSuppressed: _suppressed,
    events.LeadUnsuppressed: _unsuppressed,
    events.LeadPriorityChanged: _priority_changed,
    events.LeadDialScheduled: _dial_scheduled,
    events.LeadScheduledDialCancelled: _scheduled_dial_cancelled,
    events.LeadCallbackSet: _callback_set,
    events.LeadCallbackCancelled: _callback_cancelled,
    events.LeadReserved: _reserved,
    events.LeadUnreserved: _unreserved,
    events.LeadLocked: _locked,
    events.LeadUnlocked: _unlocked,
    events.LeadDialTimeLimited: _dial_time_limited,
    events.LeadDialTimeLimitRemoved: _dial_time_limit_removed,
    events.LeadAddedToSegment: _added_to_segment,
    events.LeadRemovedFromSegment: _removed_from_segment,
    events.LeadMoved: _moved,
    events.LeadCallStarted: _call_started,
    events.LeadCallRecorded: _call_recorded,
    events.LeadManualPassRecorded: _manual_pass_recorded,
    events.LeadResultRecorded: _result_recorded,
    events.LeadAnonymised: _anonymised,
    events.LeadDeleted: _deleted,
    events.LeadSessionEnded: _session_ended,
    events.LeadCallLapsed: _call_lapsed,
    **evolving_clock.CHANGES,
    **evolving_dealings.CHANGES,
}
