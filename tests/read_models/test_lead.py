"""Given a lead's events, then its row in the grid."""

from typing import Any

import pytest

from schemas import lead as events
from schemas.event import Event
from services.projections.lead import fold
from tests.read_models.folding_events import (
    ADA,
    BOB,
    CAMPAIGN,
    STREAM,
    at,
    row_of,
    text,
    told,
)

OTHER = "01920000-0000-7000-8000-000000000002"


def created(**given: Any) -> events.LeadCreated:
    return events.LeadCreated(CAMPAIGN, "team:top", **given)


def call(number: int, minutes: int, **given: Any) -> events.LeadCallRecorded:
    return events.LeadCallRecorded(f"c{number}", CAMPAIGN, text(minutes), **given)


def test_a_new_lead_has_what_it_was_created_with() -> None:
    row = row_of(
        fold,
        created(
            phone="+12025550100",
            phone_typed="202 555 0100",
            fields={"job": "admin"},
            personal_fields={"name": "Ada", "email": "a@example.com", "iban": "X1"},
            contacts=[{"id": 1, "phone": "+12025550101", "typed": "1", "fields": {}}],
            pool_id=OTHER,
            source="upload",
            next_dial_at=text(5),
        ),
    )
    wanted = {
        "lead_id": STREAM,
        "version": 1,
        "position": 101,
        "campaign_id": CAMPAIGN,
        "pool_id": OTHER,
        "owner": "team:top",
        "original_owner": "team:top",
        "status": "created",
        "phone": "+12025550100",
        "name": "Ada",
        "email": "a@example.com",
        "fields": {"job": "admin", "iban": "X1"},
        "personal_fields": ["iban"],
        "uploaded_by": f"user:{ADA}",
        "uploaded_at": at(1),
        "created_at": at(61),
        "last_modified_by": f"user:{ADA}",
        "last_modified_at": at(1),
        "last_activity_at": at(1),
        "next_dial_at": at(5),
        "priority": 5,
        "active": True,
        "deleted": False,
    }
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("event", "wanted"),
    [
        (events.LeadOwnerChanged(f"user:{BOB}"), {"owner": f"user:{BOB}"}),
        (events.LeadStatusChanged("ready"), {"status": "ready", "previous_status": "created"}),
        (events.LeadStatusRestored("ready"), {"status": "ready", "previous_status": "created"}),
        (events.LeadReadied(), {"status": "ready"}),
        (events.LeadCancelled(), {"status": "cancelled"}),
        (events.LeadPaused(), {"status": "paused"}),
        (events.LeadReset(text(9)), {"status": "ready", "passes": 0, "next_dial_at": at(9)}),
        (events.LeadDeactivated(), {"active": False}),
        (events.LeadActivated(), {"active": True}),
        (events.LeadSuppressed("x", text(9)), {"suppressed": True, "suppressed_until": at(9)}),
        (events.LeadUnsuppressed(), {"suppressed": False}),
        (events.LeadPriorityChanged(9), {"priority": 9}),
        (events.LeadAddedToSegment(OTHER), {"segment_id": OTHER}),
        (events.LeadRemovedFromSegment(), {"segment_id": None}),
        (events.LeadMoved(OTHER, dropped=("job",)), {"campaign_id": OTHER, "fields": {}}),
        (events.LeadPhoneChanged("+1", "1"), {"phone": "+1", "phone_typed": "1"}),
        (events.LeadNoteAdded(1, text="hi"), {"notes": {"1": "hi"}}),
        (events.LeadDialScheduled(text(9)), {"next_dial_at": at(9)}),
        (events.LeadScheduledDialCancelled(), {"next_dial_at": None}),
        (events.LeadReserved(BOB), {"reserved_for": BOB}),
        (events.LeadUnreserved(), {"reserved_for": None}),
        (events.LeadLocked(BOB, text(9)), {"locked_by": BOB, "locked_until": at(9)}),
        (events.LeadUnlocked(), {"locked_by": None}),
        (
            events.LeadDialTimeLimited("09:00", "12:00", "UTC"),
            {"dial_from": "09:00", "dial_until": "12:00", "dial_zone": "UTC"},
        ),
        (events.LeadDialTimeLimitRemoved(), {"dial_from": None}),
        (
            events.LeadCallbackSet(text(9), BOB),
            {"status": "callback", "callback_at": at(9), "reserved_for": BOB},
        ),
        (
            events.LeadResultRecorded("success", BOB),
            {"status": "success", "result": "success", "user_processed_by": BOB},
        ),
        (
            events.LeadManualPassRecorded(rule="r", status_after="no_answer"),
            {"status": "no_answer", "passes": 1, "call_attempts": 1, "contact_attempts": 1},
        ),
        (events.LeadCloned(OTHER, OTHER), {"last_modified_at": at(1), "status": "created"}),
    ],
)
def test_an_event_changes_what_it_says(event: Event, wanted: dict[str, Any]) -> None:
    row = row_of(fold, created(fields={"job": "admin"}), event)
    assert {name: row[name] for name in wanted} == wanted
    assert (row["version"], row["position"]) == (2, 102)


def test_calls_are_counted_and_the_latest_by_its_own_time_is_shown() -> None:
    row = row_of(
        fold,
        created(),
        call(1, 50, agent=ADA, end_cause="Busy", contact_session_id="s", talk_seconds=0),
        call(2, 70, agent=BOB, disposition="sold", contact_session_id="s", talk_seconds=30),
        call(3, 20, agent=ADA, end_cause="NoResponse"),
    )
    assert row["call_attempts"] == row["passes"] == 3
    assert row["contact_attempts"] == 2, "two calls were one session"
    assert row["talk_seconds"] == 30
    assert (row["latest_call_id"], row["latest_call_at"], row["latest_call_by"]) == (
        "c2",
        at(70),
        BOB,
    )
    assert row["latest_disposition"] == "sold"
    assert row["last_contacted_at"] == at(70)
    assert row["last_modified_at"] == at(1), "a call is no modification"


def test_a_call_with_a_rule_sets_status_and_next_dial() -> None:
    row = row_of(
        fold,
        created(),
        events.LeadCallStarted("c1", text(30), status_after="processing"),
        call(1, 20, rule="campaign:busy", status_after="no_answer", next_dial_at=text(80)),
    )
    assert (row["status"], row["previous_status"]) == ("no_answer", "created")
    assert row["next_dial_at"] == at(80)
    assert row["calling_id"] is None


def test_a_started_call_holds_the_lead_until_that_call_is_recorded() -> None:
    started = events.LeadCallStarted("c9", text(30))
    assert row_of(fold, created(), started, call(1, 5))["calling_until"] == at(30)
    assert row_of(fold, created(), started, call(9, 5))["calling_until"] is None


def test_calls_before_a_reset_are_attempts_but_no_passes() -> None:
    row = row_of(fold, created(), call(1, 10), events.LeadReset(text(30)), call(2, 20), call(3, 40))
    assert (row["call_attempts"], row["passes"]) == (3, 1)


def test_an_edited_status_leaves_last_modified_by_alone() -> None:
    """Rule 5."""
    first, second = told(created(), events.LeadStatusChanged("ready"), by="user:x")
    edited = told(created(), events.LeadStatusChanged("ready"), by="user:admin")[1]
    row = fold(fold(None, first), edited)
    assert row["last_modified_by"] == "user:x"
    assert row["last_modified_at"] == second.happened_at


@pytest.mark.parametrize(
    ("part_of", "date", "by"),
    [("status", 1, "user:x"), ("call", 0, "user:x"), (None, 1, "user:y")],
)
def test_what_a_status_or_a_call_brings_with_it_leaves_the_person_alone_too(
    part_of: str | None, date: int, by: str
) -> None:
    for brought in (events.LeadUnlocked, events.LeadOwnerChanged):
        given: dict[str, Any] = {} if brought is events.LeadUnlocked else {"owner": "user:a"}
        happened = (created(), brought(part_of=part_of, **given))
        first, second = told(*happened, by="user:x")[0], told(*happened, by="user:y")[1]
        row = fold(fold(None, first), second)
        moved = (first, second)[date].happened_at
        assert (row["last_modified_at"], row["last_modified_by"]) == (moved, by)


def test_fields_change_rooms_and_go() -> None:
    row = row_of(
        fold,
        created(fields={"a": 1, "b": 2}, personal_fields={"name": "Ada", "c": 3}),
        events.LeadFieldsChanged(
            set={"c": 4}, unset=("b", "name"), personal_set={"a": 5, "email": "x@example.com"}
        ),
    )
    assert row["fields"] == {"c": 4, "a": 5}
    assert row["personal_fields"] == ["a"]
    assert (row["name"], row["email"]) == (None, "x@example.com")


def test_contacts_are_added_changed_reordered_and_removed() -> None:
    row = row_of(
        fold,
        created(),
        events.LeadContactAdded(1, phone="+11"),
        events.LeadContactAdded(2, phone="+12"),
        events.LeadContactChanged(1, phone="+13", fields={"who": "son"}),
        events.LeadContactsReordered((2, 1)),
    )
    assert [(one["id"], one["phone"]) for one in row["contacts"]] == [(2, "+12"), (1, "+13")]
    gone = row_of(fold, created(), events.LeadContactAdded(1), events.LeadContactRemoved(1))
    assert gone["contacts"] == []


def test_notes_are_edited_and_removed() -> None:
    row = row_of(
        fold,
        created(),
        events.LeadNoteAdded(1, text="a"),
        events.LeadNoteAdded(2, text="b"),
        events.LeadNoteEdited(1, text="c"),
        events.LeadNoteRemoved(2),
    )
    assert row["notes"] == {"1": "c"}


@pytest.mark.parametrize("end", [events.LeadDeleted("asked"), events.LeadAnonymised("asked")])
def test_an_erased_lead_keeps_call_facts_and_nothing_personal(end: Event) -> None:
    row = row_of(
        fold,
        created(phone="+1", fields={"job": "x"}, personal_fields={"name": "Ada", "whatsapp": "w"}),
        events.LeadContactAdded(1, phone="+11"),
        events.LeadNoteAdded(1, text="secret"),
        call(1, 5, talk_seconds=9),
        end,
    )
    for name in ("phone", "phone_typed", "name", "email", "whatsapp", "next_dial_at"):
        assert row[name] is None
    assert (row["contacts"], row["notes"], row["fields"]) == ([], {}, {})
    assert (row["call_attempts"], row["talk_seconds"], row["latest_call_id"]) == (1, 9, "c1")
    assert row["active"] is False
    assert row["deleted"] is isinstance(end, events.LeadDeleted)
    assert row["anonymised"] is isinstance(end, events.LeadAnonymised)


def test_a_cancelled_callback_releases_the_agent_it_was_for() -> None:
    row = row_of(
        fold,
        created(),
        events.LeadCallbackSet(text(9), BOB),
        events.LeadCallbackCancelled("ready"),
    )
    assert (row["status"], row["callback_at"], row["reserved_for"]) == ("ready", None, None)


def test_every_lead_event_has_a_place_in_the_grid() -> None:
    """Added to schemas/lead.py and forgotten here? The grid would show old data."""
    from services.projections.lead import _CHANGES

    assert set(_CHANGES) == set(events.LEAD_EVENTS)


def test_what_a_lead_ever_reached_is_counted_and_since_when_it_is_so_is_told() -> None:
    failed = {"end_cause": "Busy", "rule": 0, "status_after": "no_answer"}
    happened: list[Event] = [
        created(),
        call(1, 2, **failed),
        call(2, 3, **failed),
        events.LeadStatusChanged("interested", previous="no_answer"),
        events.LeadResultRecorded("success", BOB),
        events.LeadStatusRestored("interested", previous="success"),
        events.LeadResultRecorded("success", BOB),
        events.LeadResultRecorded("success", BOB),
    ]
    row = row_of(fold, *happened)
    assert row["reached"] == {"no_answer": 2, "interested": 1, "success": 3}
    assert (row["status"], row["status_since"]) == ("success", at(7))
    assert row_of(fold, *happened[:3])["status_since"] == at(2)
    assert row_of(fold, *happened, events.LeadDeleted())["reached"]["success"] == 3
