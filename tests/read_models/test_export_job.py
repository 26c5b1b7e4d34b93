"""The row of an export follows its events; a key that is destroyed takes filter and addresses."""

from schemas import export as events
from services.projections.export_job import fold
from tests.read_models.folding_events import ADA, at, row_of, text

ASKED = events.ExportRequested(
    by=ADA, name="Mine", columns=["name"], format="ndjson", filter={"op": "exists"},
    recipients=["a@example.com", "b@example.com"],
)  # fmt: skip
DONE = events.ExportFinished(40, 3, 900, "ab", text(1441))


def test_a_row_says_what_was_asked_for_and_what_became_of_it() -> None:
    row = row_of(fold, ASKED)
    assert (row["by"], row["name"], row["state"], row["requested_at"]) == (
        ADA, "Mine", "requested", at(1),
    )  # fmt: skip
    row = row_of(
        fold, ASKED, DONE, events.ExportMailed(1), events.ExportMailFailed(2, "mail-refused"),
        events.ExportDownloaded(), events.ExportDownloaded(1),
    )  # fmt: skip
    assert (row["state"], row["shown"], row["leads"], row["size"]) == ("finished", 40, 3, 900)
    assert (row["finished_at"], row["expires_at"]) == (at(2), at(1441))
    assert (row["mailed"], row["downloads"]) == ({"1": "sent", "2": "mail-refused"}, 2)


def test_it_ends_without_a_file_in_each_way() -> None:
    failed = row_of(fold, ASKED, events.ExportFailed("not-usable", "no field x"))
    assert (failed["state"], failed["code"], failed["detail"]) == (
        "failed", "not-usable", "no field x",
    )  # fmt: skip
    assert row_of(fold, ASKED, events.ExportCancelled("requested"))["state"] == "cancelled"
    gone = row_of(fold, ASKED, DONE, events.ExportRemoved("expired"))
    assert (gone["state"], gone["code"], gone["leads"]) == ("removed", "expired", 3)
    erased = row_of(fold, ASKED, DONE, events.ExportErased("asked"))
    assert (erased["state"], erased["filter"], erased["recipients"]) == ("removed", None, [])
