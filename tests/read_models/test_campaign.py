"""Given a campaign's events, then its row."""

from schemas import campaign as campaigns
from services.projections import (
    campaign,
)
from tests.read_models.folding_events import STREAM, at, row_of, text


def test_a_campaign_with_its_template() -> None:
    old, new = ({"import_name": "a", "label": label} for label in ("A", "B"))
    more = {"import_name": "b", "label": "C"}
    row = row_of(
        campaign.fold,
        campaigns.CampaignCreated("Spring", "S", fields=(old, {"import_name": "gone"})),
        campaigns.CampaignTemplateChanged(put=(more, new), removed=("gone",)),
        campaigns.CampaignRenamed("Summer", "S", "P"),
        campaigns.CampaignFollowUpRulesChanged(({"end_cause": "Busy"},)),
        campaigns.CampaignAttemptLimitsChanged({"per_day": 3}),
        campaigns.CampaignDiallingHoursChanged({"zone": "UTC"}),
        campaigns.CampaignActivityRangeChanged(None, text(5)),
        campaigns.CampaignDeactivated(),
    )
    assert row["campaign_id"] == STREAM
    assert row["fields"] == [new, more], "a changed field keeps its place"
    assert (row["name"], row["project"], row["active"]) == ("Summer", "P", False)
    assert (row["limits"], row["hours"], row["active_until"]) == (
        {"per_day": 3},
        {"zone": "UTC"},
        at(5),
    )
    assert row_of(campaign.fold, campaigns.CampaignCreated("x"), campaigns.CampaignActivated())[
        "active"
    ]
