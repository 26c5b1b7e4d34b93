"""The grid's row of a lead: one small function per event, none of which can fail on an event that
was stored.

What a lead *is* for decisions stands in services/command/domain/lead; this is what people see of
it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from schemas import lead as events
from schemas.envelope import Recorded
from schemas.event import Event
from schemas.lead_modified import LEAVES_DATE, moves_modified_at, moves_modified_by
from services.projections import lead_clock, lead_contacts, lead_dealings, lead_status
from services.projections.lead_status import end_callback, end_waiting, set_status
from services.projections.model import Row, StreamRow

VERSION = 4
BUILT_IN = ("name", "email", "whatsapp")
"""Personal fields that are columns of their own instead of entries of `fields`."""

_parse = datetime.fromisoformat


def fold(row: Row | None, recorded: Recorded) -> Row:
    """Return the row after one more event: the row given, changed, or a first one."""
    return fold_all(row, (recorded,))


def fold_all(row: Row | None, happened: Sequence[Recorded]) -> Row:
    """Return the row after these events, at least one, that follow each other."""
    last = happened[-1]
    if row is None:
        row = _first(happened[0])
    changes = _CHANGES
    activity = row["last_activity_at"]
    modified = modified_by = None
    for recorded in happened:
        at, event = recorded.happened_at, recorded.event
        if at > activity:
            activity = at
        kind = type(event)
        change = changes.get(kind)
        if change is None:  # unknown here, or of no concern to the grid
            continue
        change(row, event, recorded)
        if kind not in LEAVES_DATE and moves_modified_at(event):
            modified = recorded
            if moves_modified_by(event):
                modified_by = recorded
    row["version"] = last.version
    row["position"] = last.position
    row["last_activity_at"] = activity
    if modified is not None:
        row["last_modified_at"] = modified.happened_at
    if modified_by is not None:
        row["last_modified_by"] = modified_by.origin.actor
    return row


def _first(recorded: Recorded) -> Row:
    row = _EMPTY.copy()  # unlike {**_EMPTY}, as a block
    row["lead_id"] = recorded.stream_id
    row["last_activity_at"] = row["last_modified_at"] = recorded.happened_at
    return row


_EMPTY: Row = {
    "lead_id": None,
    "version": 0,
    "position": 0,
    "campaign_id": None,
    "pool_id": None,
    "segment_id": None,
    "cloned_from": None,
    "source": None,
    "owner": None,
    "original_owner": None,
    "status": "",
    "previous_status": None,
    "active": True,
    "active_from": None,
    "active_until": None,
    "suppressed": False,
    "suppressed_until": None,
    "priority": 5,
    "passes": 0,
    "reset_at": None,
    "call_attempts": 0,
    "contact_attempts": 0,
    "contact_sessions": [],
    "talk_seconds": 0,
    "next_dial_at": None,
    "callback_at": None,
    "callback_agent": None,
    "reserved_for": None,
    "locked_by": None,
    "locked_until": None,
    "dial_from": None,
    "dial_until": None,
    "dial_zone": None,
    "calling_id": None,
    "calling_until": None,
    "latest_call_id": None,
    "latest_call_at": None,
    "latest_call_by": None,
    "latest_end_cause": None,
    "latest_disposition": None,
    "last_contacted_at": None,
    "result": None,
    "user_processed_by": None,
    "user_processed_at": None,
    "uploaded_by": None,
    "uploaded_at": None,
    "created_at": None,
    "last_modified_by": None,
    "last_modified_at": None,
    "last_activity_at": None,
    "phone": None,
    "phone_typed": None,
    "name": None,
    "email": None,
    "whatsapp": None,
    "contacts": [],
    "notes": {},
    "fields": {},
    "personal_fields": [],
    "anonymised": False,
    "deleted": False,
    **lead_dealings.EMPTY,
    **lead_status.EMPTY,
}


def _time(text: str | None) -> datetime | None:
    return None if text is None else _parse(text)


def _created(row: Row, event: events.LeadCreated, recorded: Recorded) -> None:
    personal = event.personal_fields or {}
    row["campaign_id"] = event.campaign_id
    row["pool_id"] = event.pool_id
    row["cloned_from"] = event.cloned_from
    row["source"] = event.source
    row["owner"] = row["original_owner"] = event.owner
    row["status"] = event.status
    row["status_since"] = recorded.happened_at
    row["active"] = event.active
    row["active_from"] = _time(event.active_from)
    row["active_until"] = _time(event.active_until)
    row["priority"] = event.priority
    row["next_dial_at"] = _time(event.next_dial_at)
    row["uploaded_by"] = recorded.origin.actor
    row["uploaded_at"] = recorded.happened_at
    row["created_at"] = recorded.recorded_at
    row["phone"] = event.phone
    row["phone_typed"] = event.phone_typed
    row["contacts"] = list(event.contacts)
    row["fields"] = dict(event.fields) if event.fields else {}
    if personal:
        _keep_personal(row, personal)


def _keep_personal(row: Row, personal: Any) -> None:
    """Built-in fields go to columns of their own, the others among `fields`, remembered as
    personal.
    """
    own = {name: value for name, value in personal.items() if name not in BUILT_IN}
    for name in BUILT_IN:
        if name in personal:
            row[name] = personal[name]
    if own:
        row["fields"] = {**row["fields"], **own}
        row["personal_fields"] = sorted({*row["personal_fields"], *own})


def _fields_changed(row: Row, event: events.LeadFieldsChanged, _: Recorded) -> None:
    gone = set(event.unset)
    opened = event.set or {}
    personal = event.personal_set or {}
    for name in BUILT_IN:
        if name in gone or name in opened:
            row[name] = None
    # A field whose template made it personal, or no longer so, changes its room.
    hidden = [name for name in row["personal_fields"] if name not in gone and name not in opened]
    row["personal_fields"] = hidden
    kept = {n: v for n, v in row["fields"].items() if n not in gone and n not in personal}
    row["fields"] = {**kept, **{n: v for n, v in opened.items() if n not in gone}}
    if personal:
        _keep_personal(row, {n: v for n, v in personal.items() if n not in gone})


def _phone_changed(row: Row, event: events.LeadPhoneChanged, _: Recorded) -> None:
    row["phone"], row["phone_typed"] = event.phone, event.phone_typed


def _owner_changed(row: Row, event: events.LeadOwnerChanged, _: Recorded) -> None:
    row["owner"] = event.owner


def _attempts_restored(row: Row, event: events.LeadAttemptsRestored, _: Recorded) -> None:
    row["passes"] = event.attempts
    row["reset_at"] = None if event.reset_at is None else _parse(event.reset_at)


def _reset(row: Row, event: events.LeadReset, recorded: Recorded) -> None:
    set_status(row, "ready", recorded)
    row["passes"] = 0
    row["next_dial_at"] = row["reset_at"] = _parse(event.next_dial_at)


def _activated(row: Row, _: Event, __: Recorded) -> None:
    row["active"] = True


def _deactivated(row: Row, _: Event, __: Recorded) -> None:
    row["active"] = False


def _suppressed(row: Row, event: events.LeadSuppressed, _: Recorded) -> None:
    row["suppressed"], row["suppressed_until"] = True, _time(event.until)


def _unsuppressed(row: Row, _: Event, __: Recorded) -> None:
    row["suppressed"], row["suppressed_until"] = False, None


def _priority_changed(row: Row, event: events.LeadPriorityChanged, _: Recorded) -> None:
    row["priority"] = event.priority


def _dial_scheduled(row: Row, event: events.LeadDialScheduled, _: Recorded) -> None:
    row["next_dial_at"] = _parse(event.at)


def _scheduled_dial_cancelled(row: Row, _: Event, __: Recorded) -> None:
    row["next_dial_at"] = None


def _callback_set(row: Row, event: events.LeadCallbackSet, recorded: Recorded) -> None:
    set_status(row, "callback", recorded)
    end_callback(row)
    row["callback_at"] = row["next_dial_at"] = _parse(event.at)
    if event.agent is not None:
        row["callback_agent"] = row["reserved_for"] = event.agent


def _callback_cancelled(row: Row, event: events.LeadCallbackCancelled, recorded: Recorded) -> None:
    set_status(row, event.status, recorded)
    end_waiting(row)


def _reserved(row: Row, event: events.LeadReserved, _: Recorded) -> None:
    row["reserved_for"] = event.agent


def _unreserved(row: Row, _: Event, __: Recorded) -> None:
    row["reserved_for"] = None


def _locked(row: Row, event: events.LeadLocked, _: Recorded) -> None:
    row["locked_by"], row["locked_until"] = event.user, _time(event.until)


def _unlocked(row: Row, _: Event, __: Recorded) -> None:
    row["locked_by"] = row["locked_until"] = None


def _dial_time_limited(row: Row, event: events.LeadDialTimeLimited, _: Recorded) -> None:
    row["dial_from"], row["dial_until"], row["dial_zone"] = event.start, event.end, event.zone


def _dial_time_limit_removed(row: Row, _: Event, __: Recorded) -> None:
    row["dial_from"] = row["dial_until"] = row["dial_zone"] = None


def _added_to_segment(row: Row, event: events.LeadAddedToSegment, _: Recorded) -> None:
    row["segment_id"] = event.segment_id


def _removed_from_segment(row: Row, _: Event, __: Recorded) -> None:
    row["segment_id"] = None


def _moved(row: Row, event: events.LeadMoved, _: Recorded) -> None:
    if event.campaign_id != row["campaign_id"]:
        row["segment_id"] = None
    row["campaign_id"], row["pool_id"] = event.campaign_id, event.pool_id
    gone = set(event.dropped)
    if not gone:
        return
    row["fields"] = {name: value for name, value in row["fields"].items() if name not in gone}
    row["personal_fields"] = [name for name in row["personal_fields"] if name not in gone]
    row["contacts"] = [_without(contact, gone) for contact in row["contacts"]]
    for name in BUILT_IN:
        if name in gone:
            row[name] = None


def _without(contact: Row, gone: set[str]) -> Row:
    own = contact.get("fields") or {}
    if gone.isdisjoint(own):
        return contact
    return {**contact, "fields": {name: one for name, one in own.items() if name not in gone}}


def _cloned(_: Row, __: Event, ___: Recorded) -> None:
    """The source of a clone only counts as modified."""


def _call_started(row: Row, event: events.LeadCallStarted, recorded: Recorded) -> None:
    row["calling_id"], row["calling_until"] = event.call_id, _parse(event.expires_at)
    set_status(row, event.status_after, recorded)


def _call_recorded(row: Row, event: events.LeadCallRecorded, recorded: Recorded) -> None:
    started, talked = _parse(event.started_at), event.talk_seconds
    row["call_attempts"] += 1
    reset = row["reset_at"]
    if reset is None or started >= reset:
        row["passes"] += 1
    session = event.contact_session_id
    if session is None:
        row["contact_attempts"] += 1
    elif session not in (known := row["contact_sessions"]):
        row["contact_sessions"] = [*known, session]
        row["contact_attempts"] += 1
    call_id = event.call_id
    if row["calling_id"] == call_id:
        row["calling_id"] = row["calling_until"] = None
    latest = row["latest_call_at"]
    if latest is None or started >= latest:
        row["latest_call_id"] = call_id
        row["latest_call_at"] = started
        row["latest_call_by"] = event.agent
        row["latest_end_cause"] = event.end_cause
        row["latest_disposition"] = event.disposition
    if talked:
        row["talk_seconds"] += talked
        contacted = row["last_contacted_at"]
        if contacted is None or started > contacted:
            row["last_contacted_at"] = started
    if event.rule is not None:
        _follow_up(row, event, recorded)


def _follow_up(
    row: Row,
    event: events.LeadCallRecorded | events.LeadManualPassRecorded,
    recorded: Recorded,
) -> None:
    status, at = event.status_after, event.next_dial_at
    if status:
        set_status(row, status, recorded, result=True)
    row["next_dial_at"] = None if at is None else _parse(at)
    if row["callback_at"] is not None or row["callback_agent"] is not None:
        end_callback(row)


def _manual_pass_recorded(
    row: Row, event: events.LeadManualPassRecorded, recorded: Recorded
) -> None:
    row["passes"] += 1
    row["call_attempts"] += 1
    row["contact_attempts"] += 1
    if event.rule is not None:
        _follow_up(row, event, recorded)


def _result_recorded(row: Row, event: events.LeadResultRecorded, recorded: Recorded) -> None:
    set_status(row, event.result, recorded, result=True)
    row["result"] = event.result
    row["user_processed_by"], row["user_processed_at"] = event.processed_by, recorded.happened_at
    if event.ends_waiting:
        end_waiting(row)


def _erase(row: Row) -> None:
    """Rule 16: nothing of the person stays; call facts do."""
    for name in ("phone", "phone_typed", *BUILT_IN):
        row[name] = None
    row["contacts"], row["notes"], row["fields"], row["personal_fields"] = [], {}, {}, []
    row["next_dial_at"] = row["callback_at"] = row["callback_agent"] = None
    row["calling_id"] = row["calling_until"] = None
    row["active"] = False
    lead_dealings.erase(row)


def _anonymised(row: Row, _: Event, recorded: Recorded) -> None:
    _erase(row)
    set_status(row, "anonymised", recorded)
    row["anonymised"] = True


def _deleted(row: Row, _: Event, __: Recorded) -> None:
    _erase(row)
    row["deleted"] = True


_CHANGES: dict[type[Event], Callable[[Row, Any, Recorded], None]] = {
    events.LeadCreated: _created,
    events.LeadFieldsChanged: _fields_changed,
    events.LeadPhoneChanged: _phone_changed,
    events.LeadOwnerChanged: _owner_changed,
    events.LeadReset: _reset,
    events.LeadAttemptsRestored: _attempts_restored,
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
    events.LeadCloned: _cloned,
    events.LeadCallStarted: _call_started,
    events.LeadCallRecorded: _call_recorded,
    events.LeadManualPassRecorded: _manual_pass_recorded,
    events.LeadResultRecorded: _result_recorded,
    events.LeadAnonymised: _anonymised,
    events.LeadDeleted: _deleted,
    **lead_clock.CHANGES,
    **lead_contacts.CHANGES,
    **lead_dealings.CHANGES,
    **lead_status.CHANGES,
}

OFTEN = (
    *("version", "position", "last_activity_at"),
    *("status", "previous_status", "status_since", "reached"),
    *("passes", "call_attempts", "contact_attempts", "contact_sessions", "talk_seconds"),
    *("next_dial_at", "callback_at", "callback_agent", "reserved_for"),
    *("calling_id", "calling_until", "latest_call_id", "latest_call_at", "latest_call_by"),
    *("latest_end_cause", "latest_disposition", "last_contacted_at"),
    *("owner", "last_modified_at", "last_modified_by"),
)
"""What calls change, and changes of owner and status. A row is wide, and these are a third."""

UNOPENED = frozenset(
    {
        events.LeadCallRecorded,
        events.LeadCallStarted,
        events.LeadAttemptsRestored,
    }
)
"""Their personal fields are of no concern to the grid: numbers called, recordings, transcripts."""

MODEL = StreamRow(
    *("lead", "lead", VERSION, ("lead_id",), fold),
    opened=frozenset(
        kind.TOPIC for kind in events.LEAD_EVENTS if kind.PERSONAL and kind not in UNOPENED
    ),
    often=OFTEN,
    rare=itemgetter(*(name for name in _EMPTY if name not in OFTEN)),
    fold_all=fold_all,
)
