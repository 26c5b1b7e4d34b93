"""Given a lead's events, then the lines of its log."""

from schemas import lead as leads
from services.projections import (
    lead_log,
)
from tests.read_models.folding_events import ADA, CAMPAIGN, at, row_of, rows_of


def test_the_log_of_a_lead_keeps_what_is_personal_apart() -> None:
    row = row_of(
        lead_log.fold, leads.LeadCreated(CAMPAIGN, "team:t", phone="+1", fields={"job": "x"})
    )
    assert row["kind"] == "lead.created"
    assert row["data"] == {"campaign_id": CAMPAIGN, "owner": "team:t", "fields": {"job": "x"}}
    assert row["personal"] == {"phone": "+1"}
    assert (row["actor"], row["happened_at"], row["recorded_at"]) == (f"user:{ADA}", at(1), at(61))


def test_the_log_of_an_erased_lead_has_nothing_personal() -> None:
    rows = rows_of(
        lead_log.MODEL,
        leads.LeadCreated(CAMPAIGN, "team:t", phone="+1"),
        leads.LeadNoteAdded(1, text="x"),
        leads.LeadDeleted("asked"),
    )
    assert [row["personal"] for row in rows] == [None, None, None]
