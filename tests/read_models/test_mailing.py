"""The row of a mailing follows its events."""

from schemas import mailing as events
from services.projections.mailing import fold
from tests.read_models.folding_events import ADA, STREAM, at, row_of, text

SET_UP = events.MailingScheduled(
    ADA, "mine", ["09:00"], "Europe/Berlin", text(100), weekdays=[1], recipients=["a@example.com"]
)


def test_a_row_says_when_next_and_what_was_last() -> None:
    row = row_of(fold, SET_UP)
    assert (row["by"], row["view"], row["state"], row["next_at"]) == (
        ADA,
        "mine",
        "active",
        at(100),
    )
    assert (row["times"], row["weekdays"], row["recipients"]) == (["09:00"], [1], ["a@example.com"])
    fired = events.MailingFired(text(300), str(STREAM), text(400), missed=2)
    row = row_of(fold, SET_UP, fired)
    assert (row["last_at"], row["last_missed"], row["last_export"], row["next_at"]) == (
        at(300), 2, str(STREAM), at(400),
    )  # fmt: skip


def test_paused_changed_resumed_and_stopped() -> None:
    changed = events.MailingChanged(["10:00"], "UTC", days=[31], format="ndjson")
    story = [SET_UP, events.MailingPaused(), changed]
    row = row_of(fold, *story)
    assert (row["state"], row["next_at"], row["days"], row["weekdays"]) == (
        "paused",
        None,
        [31],
        [],
    )
    row = row_of(fold, *story, events.MailingResumed(text(500)), events.MailingSentNow(str(STREAM)))
    assert (row["state"], row["next_at"], row["last_at"]) == ("active", at(500), None)
    row = row_of(fold, *story, events.MailingStopped("view-gone"))
    assert (row["state"], row["reason"], row["next_at"]) == ("stopped", "view-gone", None)
