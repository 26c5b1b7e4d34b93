"""Rules the clock sets off: each at its due time, once, and never when that time was moved."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadCallbackDue,
    LeadCallbackOverdue,
    LeadCallbackSet,
    LeadCallLapsed,
    LeadCallRecorded,
    LeadCallStarted,
    LeadDeactivated,
    LeadDeleted,
    LeadDialDue,
    LeadDialScheduled,
    LeadLocked,
    LeadMerged,
    LeadSessionEnded,
    LeadStatusChanged,
    LeadStatusRestored,
    LeadSuppressed,
    LeadUnlocked,
    LeadUnsuppressed,
)
from services.command.domain.lead.clock import ApplyClockRule, due_times
from tests.domain.given_when_then import BEGAN, given
from tests.domain.world import ANA, BEN, CAMPAIGN, NOW, PHONE, SELLING, TARGET, created, facts

DUE = NOW - timedelta(minutes=1)
AT = format_instant(DUE)
LATER = format_instant(NOW + timedelta(hours=1))
STARTED = LeadCallStarted("c1", AT, PHONE, ANA, status_after="processing", status_before="created")
UNRESOLVED = LeadSessionEnded("s1", ANA, "unresolved", "created")
LEFT = (UNRESOLVED, LeadLocked(user=ANA))
A_WEEK = BEGAN + timedelta(seconds=1, days=7)
ENDED = replace(SELLING, active_until=AT)
OVERDUE = DUE - timedelta(minutes=30)
CALLBACK = LeadCallbackSet(at=format_instant(OVERDUE), agent=ANA, status_before="created")


def apply(rule: Any, at: Any = DUE) -> ApplyClockRule:
    """Return the scheduler's command."""
    return ApplyClockRule(rule=rule, at=at)


CASES: list[tuple[str, tuple[Event, ...], Any, dict[str, Any], list[Event]]] = [
    (
        "end-suppression",
        (LeadSuppressed(reason="x", until=AT),),
        DUE,
        {},
        [LeadUnsuppressed(reason="Its time is over.")],
    ),
    ("end-lock", (LeadLocked(user=ANA, until=AT),), DUE, {}, [LeadUnlocked(previous=ANA)]),
    ("end-call", (STARTED,), DUE, {}, [LeadCallLapsed("c1", "created", "processing")]),
    (
        "end-call",
        (LeadStatusChanged(status="interested"), replace(STARTED, status_after=None)),
        DUE,
        {},
        [LeadCallLapsed("c1")],
    ),
    ("dial-due", (LeadDialScheduled(at=AT),), DUE, {}, [LeadDialDue(at=AT)]),
    ("callback-due", (CALLBACK,), OVERDUE, {}, [LeadCallbackDue(CALLBACK.at, ANA)]),
    ("callback-overdue", (CALLBACK,), DUE, {}, [LeadCallbackOverdue(CALLBACK.at, ANA)]),
    (
        "abandon",
        LEFT,
        A_WEEK,
        {"now": A_WEEK},
        [
            LeadStatusChanged("abandoned", "unresolved", "Unresolved for 7 days."),
            LeadUnlocked(previous=ANA),
        ],
    ),
    (
        "expire",
        (),
        DUE,
        {"campaign": ENDED},
        [LeadStatusChanged("expired", "created", "The active range of the campaign is over.")],
    ),
]


@pytest.mark.parametrize(("rule", "before", "at", "known", "events"), CASES)
def test_every_rule_applies_when_it_is_due_and_once(
    rule: str, before: tuple[Event, ...], at: Any, known: dict[str, Any], events: list[Event]
) -> None:
    story = given(created(), *before)
    due: Any = due_times(story.state, known.get("campaign", SELLING))
    assert due[rule] == at
    story.when(apply(rule, at), facts(**known)).then(*events)
    given(created(), *before, *events).when(apply(rule, at), facts(**known)).nothing()


@pytest.mark.parametrize(("rule", "before", "at", "known", "events"), CASES)
def test_no_rule_applies_early_or_at_another_time(
    rule: str, before: tuple[Event, ...], at: Any, known: dict[str, Any], events: list[Event]
) -> None:
    story = given(created(), *before)
    early = {**known, "now": at - timedelta(microseconds=1)}
    story.when(apply(rule, at), facts(**early)).refused("not-due")
    for other in (at - timedelta(seconds=1), at + timedelta(seconds=1)):
        story.when(apply(rule, other), facts(**known)).nothing()
    given(created(), *before, LeadDeleted()).when(apply(rule, at), facts(**known)).nothing()


@pytest.mark.parametrize(
    ("rule", "before"),
    [
        ("end-suppression", (LeadSuppressed(until=AT), LeadSuppressed(until=LATER))),
        ("end-suppression", (LeadSuppressed(until=AT), LeadUnsuppressed())),
        ("end-lock", (LeadLocked(user=ANA, until=AT), LeadLocked(user=ANA))),
        ("end-call", (STARTED, LeadCallRecorded("c1", CAMPAIGN, AT, PHONE))),
        ("dial-due", (LeadDialScheduled(at=AT), LeadDialScheduled(at=LATER))),
        ("callback-due", (CALLBACK, LeadCallRecorded("c1", CAMPAIGN, AT, rule="x"))),
    ],
)
def test_a_moved_time_cancels_the_old_one(rule: str, before: tuple[Event, ...]) -> None:
    at = OVERDUE if rule == "callback-due" else DUE
    given(created(), *before).when(apply(rule, at), facts()).nothing()


def test_a_dial_falls_due_only_where_it_can_be_made() -> None:
    scheduled = LeadDialScheduled(at=AT)
    for held in (LeadDeactivated(), LeadStatusChanged("paused"), LeadMerged(into=TARGET)):
        given(created(), scheduled, held).when(apply("dial-due"), facts()).nothing()
    given(created(), CALLBACK).when(apply("dial-due", OVERDUE), facts()).nothing()


def test_what_is_closed_or_merged_does_not_expire() -> None:
    for over in (LeadStatusChanged("success"), LeadMerged(into=TARGET)):
        given(created(), over).when(apply("expire"), facts(campaign=ENDED)).nothing()
    held = given(created(), LeadStatusChanged("paused"))
    held.when(apply("expire"), facts(campaign=ENDED)).after()


def test_the_earlier_end_of_lead_and_campaign_counts() -> None:
    own = created(active_until=AT)
    lead = given(own).when(apply("expire"), facts()).after()
    assert (lead.status, lead.previous_statuses) == ("expired", ("created",))
    soon = replace(SELLING, active_until=format_instant(OVERDUE))
    assert due_times(given(own).state, soon)["expire"] == OVERDUE
    assert due_times(given(own).state, replace(SELLING, active_until=LATER))["expire"] == DUE
    given(own).when(apply("expire", OVERDUE), facts(campaign=soon)).after()


def test_the_week_counts_from_when_it_became_unresolved() -> None:
    again = LeadSessionEnded("s2", ANA)
    assert due_times(given(created(), UNRESOLVED, again).state, SELLING)["abandon"] == A_WEEK
    gone = LeadStatusChanged("interested", "unresolved")
    back = LeadStatusRestored("unresolved", "interested")
    assert "abandon" not in due_times(given(created(), UNRESOLVED, gone).state, SELLING)
    restored = due_times(given(created(), UNRESOLVED, gone, back).state, SELLING)
    assert restored["abandon"] == A_WEEK + timedelta(seconds=2)


def test_a_lock_of_somebody_else_outlives_the_session() -> None:
    lead = given(created(), *LEFT, LeadLocked(user=BEN))
    left = lead.when(apply("abandon", A_WEEK), facts(now=A_WEEK)).after()
    assert (left.status, left.locked_by) == ("abandoned", BEN)


def test_a_call_told_after_it_lapsed_still_moves_the_lead_on() -> None:
    lapsed = LeadCallLapsed("c1", "created", "processing")
    late = LeadCallRecorded("c1", CAMPAIGN, AT, PHONE, rule="x", status_after="no_answer")
    lead = given(created(), STARTED, lapsed, late).state
    assert (lead.status, lead.reservation) == ("no_answer", None)
    assert lead.previous_statuses == ("created",)
