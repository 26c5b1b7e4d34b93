"""Given a number's events, then its entries."""

from schemas import dnc as numbers
from services.projections import (
    dnc,
)
from tests.read_models.folding_events import CAMPAIGN, at, rows_of, text


def test_a_number_has_an_entry_for_each_scope() -> None:
    everywhere, once = rows_of(
        dnc.MODEL,
        numbers.DncAdded("global", number="+1", reason="asked"),
        numbers.DncAdded("campaign", CAMPAIGN, expires_at=text(9), number="+1"),
        numbers.DncRemoved("global", number="+1"),
    )
    assert (everywhere["scope"], everywhere["removed_at"]) == ("global", at(3))
    assert (once["campaign_id"], once["expires_at"], once["removed_at"]) == (CAMPAIGN, at(9), None)
