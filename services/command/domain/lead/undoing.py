"""Taking back what a bulk job did to a lead, by events that restore what stood there before.

Only where nobody changed the same things since. What is restored is checked against the state
before, so that a lead is restored exactly or refused with what stands against it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

from schemas.event import Event
from schemas.lead import (
    LeadActivated,
    LeadAddedToSegment,
    LeadAnonymised,
    LeadAttemptsRestored,
    LeadCallbackCancelled,
    LeadCallbackSet,
    LeadCloned,
    LeadDeactivated,
    LeadDeleted,
    LeadDialScheduled,
    LeadDialTimeLimited,
    LeadDialTimeLimitRemoved,
    LeadFieldsChanged,
    LeadLocked,
    LeadManualPassRecorded,
    LeadMoved,
    LeadOwnerChanged,
    LeadPriorityChanged,
    LeadRemovedFromSegment,
    LeadReserved,
    LeadScheduledDialCancelled,
    LeadStatusChanged,
    LeadStatusRestored,
    LeadSuppressed,
    LeadUnlocked,
    LeadUnreserved,
    LeadUnsuppressed,
)
from services.command.domain.changes import changed_parts
from services.command.domain.decider import Reason, Refused
from services.command.domain.lead.evolving import evolve, fold
from services.command.domain.lead.state import Lead

FOR_GOOD: dict[type[Event], str] = {
    LeadDeleted: "The lead's data was erased; it cannot come back.",
    LeadAnonymised: "The lead's data was erased; it cannot come back.",
    LeadCloned: "The lead was cloned; delete the clones if they are not wanted.",
    LeadManualPassRecorded: "An attempt that was entered stays counted.",
}
"""Events that nothing takes back, and why."""

Acted = tuple[Event, str]
"""An event with the actor of its envelope."""


class ChangedSince(Exception):
    """Somebody changed the same parts after the job did: theirs stays."""

    def __init__(self, parts: Iterable[str]) -> None:
        """Keep the names of the parts that others changed and undoing would too."""
        self.parts = tuple(sorted(parts))
        super().__init__(", ".join(self.parts))


def undo(
    before: Lead, done: Sequence[Acted], since: Sequence[Acted], did: Lead | None = None
) -> tuple[list[Event], Lead]:
    """Return the events that restore what `done` changed on `before`, and the lead after them.

    `since` came after `done`; `did` is the lead between the two, where it is at hand. No events
    when nothing is left to restore. Raises ChangedSince, and Refused for what cannot be undone.
    """
    reasons = [
        Reason("cannot-be-undone", text)
        for kind in dict.fromkeys(type(event) for event, _ in done)
        if (text := FOR_GOOD.get(kind))
    ]
    if reasons:
        raise Refused(reasons)
    now = fold(done, before) if did is None else did
    parts = changed_parts(before, now)
    theirs = set[str]()
    for event, actor in since:
        moved = evolve(now, event, actor)
        theirs |= changed_parts(now, moved)
        now = moved
    if theirs & parts:
        raise ChangedSince(theirs & parts)
    if not now.exists:
        raise Refused([Reason("cannot-be-undone", "The lead's data is gone.")])
    restored, events = _restore(now, before, parts)
    unlike = changed_parts(before, restored)
    if not since and not unlike:  # All is as it was, so nothing else was touched.
        return events, restored
    left = parts & unlike
    touched = changed_parts(now, restored) - parts
    if not left and touched and touched <= theirs:
        # One event sets both: lifting our suppression would take the end others gave it along.
        raise ChangedSince(touched)
    if left or touched:
        text = f"Nothing restores this exactly: {', '.join(sorted(left | touched))}."
        raise Refused([Reason("cannot-be-undone", text)])
    return events, restored


def _restore(now: Lead, before: Lead, parts: frozenset[str]) -> tuple[Lead, list[Event]]:
    """Compose the events step by step, each on the lead as those before it leave it."""
    names = {part.partition(".")[0] for part in parts}
    events: list[Event] = []
    for watched, step in _STEPS:
        if names.isdisjoint(watched):
            continue
        for event in step(now, before, parts):
            now = evolve(now, event)
            events.append(event)
    return now, events


Step = Callable[[Lead, Lead, frozenset[str]], Iterator[Event]]


def _status(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.status == before.status:
        return
    if now.previous_statuses[:-1] == before.previous_statuses:
        yield LeadStatusRestored(status=before.status, previous=now.status)
    else:
        yield LeadStatusChanged(status=before.status, previous=now.status)


def _place(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    here, there = (now.campaign_id, now.pool_id), (before.campaign_id, before.pool_id)
    if here != there or now.key != before.key:
        yield LeadMoved(
            campaign_id=before.campaign_id,
            pool_id=before.pool_id,
            key=before.key,
            previous=now.campaign_id,
            previous_pool=now.pool_id,
            claims=before.claims,
        )


def _segment(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if before.segment_id is None:
        if now.segment_id is not None:
            yield LeadRemovedFromSegment(previous=now.segment_id)
    elif before.segment_id != now.segment_id:
        yield LeadAddedToSegment(segment_id=before.segment_id, previous=now.segment_id)


def _fields(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    """Restore the fields that were touched, and no other."""
    rooms = [part.split(".", 1) for part in parts if part.startswith(("fields.", "personal."))]
    names = sorted({name for _, name in rooms})
    is_open = {name: before.fields[name] for name in names if name in before.fields}
    personal = {name: before.personal[name] for name in names if name in before.personal}
    known = {name: now.fields[name] for name in names if name in now.fields}
    own = {name: now.personal[name] for name in names if name in now.personal}
    gone = tuple(name for name in names if name not in is_open and name not in personal)
    if (is_open, personal) != (known, own):
        yield LeadFieldsChanged(
            set=is_open or None,
            unset=gone,
            before=known or None,
            personal_set=personal or None,
            personal_before=own or None,
        )


def _owner(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.owner != before.owner:
        yield LeadOwnerChanged(owner=before.owner, previous=now.owner)


def _active(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.active != before.active:
        yield LeadActivated() if before.active else LeadDeactivated()


def _suppression(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if (now.suppressed, now.suppressed_until) == (before.suppressed, before.suppressed_until):
        return
    if before.suppressed:
        yield LeadSuppressed(until=before.suppressed_until)
    else:
        yield LeadUnsuppressed()


def _priority(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.priority != before.priority:
        yield LeadPriorityChanged(priority=before.priority, previous=now.priority)


def _attempts(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    yield LeadAttemptsRestored(
        attempts=before.attempts,
        reset_at=before.reset_at,
        by_rule=dict(before.attempts_by_rule) or None,
        by_number=dict(before.attempts_by_number) or None,
        previous=now.attempts,
    )


def _callback(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    """The status stands already where it belongs, so that neither event moves it."""
    if (now.callback_at, now.callback_agent) == (before.callback_at, before.callback_agent):
        return
    if before.callback_at is None:
        yield LeadCallbackCancelled(status=now.status, previous=now.callback_at)
    else:
        yield LeadCallbackSet(
            at=before.callback_at,
            agent=before.callback_agent,
            status_before=now.status,
            previous=now.callback_at,
        )


def _reservation(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.reserved_for == before.reserved_for:
        return
    if before.reserved_for is None:
        yield LeadUnreserved(previous=now.reserved_for)
    else:
        yield LeadReserved(agent=before.reserved_for, previous=now.reserved_for)


def _next_dial(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if (now.next_dial_at, now.next_contact) == (before.next_dial_at, before.next_contact):
        return
    if now.next_contact is not None or before.next_dial_at is None:
        yield LeadScheduledDialCancelled(previous=now.next_dial_at)
    if before.next_dial_at is not None:
        yield LeadDialScheduled(
            at=before.next_dial_at, previous=now.next_dial_at, contact=before.next_contact
        )


def _lock(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if (now.locked_by, now.locked_until) == (before.locked_by, before.locked_until):
        return
    if before.locked_by is None:
        yield LeadUnlocked(previous=now.locked_by)
    else:
        yield LeadLocked(user=before.locked_by, until=before.locked_until, previous=now.locked_by)


def _dial_window(now: Lead, before: Lead, parts: frozenset[str]) -> Iterator[Event]:
    if now.dial_window == before.dial_window:
        return
    was = tuple(now.dial_window or ())
    if before.dial_window is None:
        yield LeadDialTimeLimitRemoved(before=was)
    else:
        start, end, zone = before.dial_window
        yield LeadDialTimeLimited(start=start, end=end, zone=zone, before=was)


_DIALS = {"next_dial_at", "next_contact"}
_CALLBACKS = {"callback_at", "callback_agent"}
# A status comes first and last: a callback restored in between may move it.
_STEPS: tuple[tuple[set[str], Step], ...] = (
    ({"status"}, _status),
    ({"campaign_id", "pool_id", "key", "claims"}, _place),
    ({"segment_id"}, _segment),
    ({"fields", "personal"}, _fields),
    ({"owner"}, _owner),
    ({"active"}, _active),
    ({"suppressed", "suppressed_until"}, _suppression),
    ({"priority"}, _priority),
    ({"attempts", "attempts_by_rule", "attempts_by_number", "reset_at"}, _attempts),
    (_CALLBACKS, _callback),
    ({"status", *_CALLBACKS}, _status),
    ({"reserved_for", *_CALLBACKS}, _reservation),
    ({*_DIALS, *_CALLBACKS}, _next_dial),
    ({"locked_by", "locked_until"}, _lock),
    ({"dial_window"}, _dial_window),
)
