"""Views mailed by the clock: set up, changed, paused, due, and what stops them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas import mailing as events
from schemas import organisation as org
from schemas.event import Event
from schemas.export import ExportRequested
from schemas.view import ViewCreated, ViewDeleted, ViewShared, ViewShareEnded
from services.command.domain.decider import Elsewhere
from services.command.domain.facts import Actor, Facts
from services.command.domain.mailing.commands import (
    ChangeViewMail,
    FireViewMail,
    PauseViewMail,
    ResumeViewMail,
    ScheduleViewMail,
    SendViewMailNow,
    StopViewMail,
)
from services.command.domain.mailing.state import Mailing, fold
from services.command.domain.mailing.times import Timetable
from services.command.domain.organisation.state import fold as fold_organisation
from services.command.domain.view.state import fold as fold_view
from tests.domain.given_when_then import STREAM, Asked, given, placed
from tests.domain.stories import Story, ask
from tests.domain.world import ADA, ANA, BEN, DIA, NOW, ORGANISATION, facts

READY = {"op": "equals", "field": "status", "value": "ready"}
EXPORT = UUID(int=77)
VIEW = ViewCreated("Ready ones", ANA, columns=("name",), filter=READY)
NOTHING = Story(fold)
AT_NINE = {
    "view": str(STREAM), "times": ["09:00"], "zone": "Europe/Berlin", "weekdays": [2, 4],
    "recipients": ["x@partner.example"], "skip_empty": True,
}  # fmt: skip
TUESDAY = datetime(2026, 3, 3, 8, tzinfo=UTC)  # 09:00 in Berlin; now is Monday, 18:00 there


def known(by: str = ANA, *view: Any, **more: Any) -> Facts:
    shown = fold_view(placed([VIEW, *view], STREAM))
    mail = {"mail_domains": frozenset({"partner.example"}), "new_ids": (EXPORT,)}
    return facts(by, **{"view": shown, **mail, **more})


def clock(*view: Any, **more: Any) -> Facts:
    return replace(known(ANA, *view, **more), actor=Actor("service:scheduler", "admin"))


MADE = NOTHING.after(ask(ScheduleViewMail, **AT_NINE), known())


def fired(at: datetime, told: Facts, story: Story = MADE) -> Asked:
    return given(*story.happened, fold=fold).when(FireViewMail(at=at), told)


def test_it_is_set_up_whole_by_who_sees_the_view() -> None:
    mailing: Mailing = MADE.state
    assert (mailing.by, mailing.view, mailing.state, mailing.next_at) == (
        ANA, str(STREAM), "active", TUESDAY,
    )  # fmt: skip
    assert mailing.table == Timetable(("09:00",), "Europe/Berlin", (2, 4))
    schedule = ask(ScheduleViewMail, **AT_NINE)
    assert NOTHING.refused(schedule, known(BEN)) == ["unknown-view"]
    assert NOTHING.refused(schedule, known(DIA)) == ["role-not-allowed"]
    wrong = ask(
        ScheduleViewMail, view="mine", times=["09:00", "09:00"], weekdays=[1], days=[1],
        zone="Mars/Base", recipients=["x@elsewhere.example"],
    )  # fmt: skip
    assert NOTHING.refused(wrong, known()) == [
        "unknown-zone", "weekdays-and-days", "repeated", "recipient-not-allowed",
    ]  # fmt: skip
    assert NOTHING.refused(schedule, facts(ANA, view=known().view)) == ["mail-not-set-up"]


def test_when_due_an_export_of_what_the_view_shows_then_is_begun() -> None:
    asked = fired(TUESDAY, clock(now=TUESDAY + timedelta(seconds=1)))
    event, elsewhere = asked.outcomes
    thursday = "2026-03-05T08:00:00Z"
    assert event == events.MailingFired("2026-03-03T08:00:00Z", str(EXPORT), thursday)
    assert elsewhere == Elsewhere(
        EXPORT, "export", 0,
        (ExportRequested(
            by=ANA, name="Ready ones", columns=("name",), view=str(STREAM), skip_empty=True,
            mailing=str(STREAM), note="It was due at 2026-03-03 09:00 Europe/Berlin.",
            filter=READY, recipients=("x@partner.example",),
        ),),
    )  # fmt: skip
    assert fired(TUESDAY + timedelta(days=2), clock()).outcomes == (), "not due then"
    assert isinstance(event, Event)
    again = replace(MADE, happened=(*MADE.happened, event))
    assert fired(TUESDAY, clock(), again).outcomes == (), "once"
    paused = MADE.after(PauseViewMail(), known())
    assert fired(TUESDAY, clock(), paused).outcomes == ()


def test_after_an_outage_only_the_latest_is_sent_and_it_says_so() -> None:
    late = clock(now=TUESDAY + timedelta(days=9, hours=3))
    event, elsewhere = fired(TUESDAY, late).outcomes
    assert event == events.MailingFired(
        "2026-03-12T08:00:00Z", str(EXPORT), "2026-03-17T08:00:00Z", missed=3
    )
    assert isinstance(elsewhere, Elsewhere)
    (asked,) = elsewhere.events
    assert isinstance(asked, ExportRequested)
    assert asked.note == (
        "It was due at 2026-03-12 09:00 Europe/Berlin."
        " 3 earlier ones were missed while nothing ran, and are not sent."
    )


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (clock(ViewDeleted()), "view-gone"),
        (clock(organisation=fold_organisation([org.UserDeactivated(ANA)], ORGANISATION)),
         "user-inactive"),
        (clock(mail_domains=frozenset()), "no-recipient"),
    ],
)  # fmt: skip
def test_it_stops_by_itself_and_says_why(told: Facts, reason: str) -> None:
    assert fired(TUESDAY, told).outcomes == (events.MailingStopped(reason),)


def test_it_stops_when_the_view_is_not_shared_any_more() -> None:
    to = ViewShared(f"user:{BEN}", "view")
    of_ben = NOTHING.after(ask(ScheduleViewMail, **AT_NINE), known(BEN, to))
    assert len(fired(TUESDAY, clock(to), of_ben).outcomes) == 2
    ended = clock(to, ViewShareEnded(f"user:{BEN}"))
    assert fired(TUESDAY, ended, of_ben).outcomes == (events.MailingStopped("view-out-of-reach"),)


def test_what_is_changed_counts_from_now_on_and_what_is_left_out_stays() -> None:
    story = MADE.after(ask(ChangeViewMail, times=["17:30"], weekdays=[], days=[31]), known())
    state: Mailing = story.state
    assert state.next_at == datetime(2026, 3, 31, 15, 30, tzinfo=UTC)
    assert (state.table.zone, state.recipients, state.skip_empty) == (
        "Europe/Berlin", ("x@partner.example",), True,
    )  # fmt: skip
    form = story.after(ask(ChangeViewMail, format="ndjson"), known(now=NOW + timedelta(days=40)))
    assert form.state.next_at == state.next_at, "what is due stays due"
    assert MADE.when(ask(ChangeViewMail, zone="Europe/Berlin"), known()) == []
    assert MADE.refused(ask(ChangeViewMail, days=[1]), known()) == ["weekdays-and-days"]
    stranger = ask(ChangeViewMail, recipients=["x@elsewhere.example"])
    assert MADE.refused(stranger, known()) == ["recipient-not-allowed"]


def test_paused_resumed_and_stopped_by_its_owner_and_by_admins() -> None:
    paused = MADE.after(PauseViewMail(), known())
    assert (paused.state.state, paused.state.next_at) == ("paused", None)
    changed = paused.after(ask(ChangeViewMail, times=["10:00"]), known())
    assert changed.state.next_at is None
    resumed = changed.after(ResumeViewMail(), known(now=NOW + timedelta(days=1)))
    assert resumed.state.next_at == datetime(2026, 3, 5, 9, tzinfo=UTC)
    stopped = resumed.after(StopViewMail(), known(ADA))
    assert stopped.refused(ResumeViewMail(), known()) == ["mailing-stopped"]
    for command in (PauseViewMail(), ResumeViewMail(), StopViewMail(), SendViewMailNow()):
        assert MADE.refused(command, known(BEN)) == ["unknown-mailing"]
        assert NOTHING.refused(command, known(ADA)) == ["unknown-mailing"]


def test_sent_now_it_is_as_when_due_and_what_is_due_stays() -> None:
    asked = given(*MADE.happened, fold=fold).when(SendViewMailNow(), known())
    event, elsewhere = asked.outcomes
    assert event == events.MailingSentNow(str(EXPORT))
    assert isinstance(elsewhere, Elsewhere)
    (export,) = elsewhere.events
    assert isinstance(export, ExportRequested)
    assert (export.note, export.recipients) == ("It was sent by hand.", ("x@partner.example",))
    assert fold([*placed(MADE.happened), *placed([event])]).next_at == TUESDAY
    assert MADE.refused(SendViewMailNow(), known(ANA, ViewDeleted())) == ["view-gone"]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        # Skipped: 02:30 would have been half an hour after 02:00, where the clock jumped to 03:00.
        ("2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
        # Twice: the first one.
        ("2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
    ],
)
def test_a_time_that_is_skipped_or_comes_twice_is_due_once(day: str, expected: str) -> None:
    table = Timetable(("02:30",), "Europe/Berlin")
    due = table.after(datetime.fromisoformat(day))
    assert due == datetime.fromisoformat(expected)
    assert table.after(due) - due in (timedelta(hours=23), timedelta(hours=24), timedelta(hours=25))
