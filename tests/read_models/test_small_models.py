"""Given events of campaigns, organisation, numbers and payloads, then their rows."""

from base64 import b64encode

from schemas import campaign as campaigns
from schemas import dnc as numbers
from schemas import lead as leads
from schemas import organisation as org
from schemas import quarantine as held
from services.projections import (
    api_key,
    app_user,
    campaign,
    dnc,
    lead_log,
    quarantine,
    status,
    team,
)
from services.projections.registry import BY_CATEGORY, BY_NAME, MODELS
from tests.read_models.folding_events import ADA, CAMPAIGN, STREAM, at, row_of, rows_of, text


def test_teams_form_a_tree() -> None:
    rows = rows_of(
        team.MODEL,
        org.OrganisationSetUp("top", "Acme", "A"),
        org.TeamAdded("north", "North", "top"),
        org.TeamAdded("south", "South", "top"),
        org.TeamRenamed("north", "Nord"),
        org.TeamMoved("south", "north"),
        org.OwnershipCodeChanged("team:north", "N"),
        org.OwnershipCodeChanged("user:x", "X"),
    )
    shown = {
        row["team_id"]: (row["parent_id"], row["name"], row["ownership_code"], row["version"])
        for row in rows
    }
    assert shown == {
        "top": (None, "Acme", "A", 1),
        "north": ("top", "Nord", "N", 6),
        "south": ("north", "South", None, 5),
    }


def test_users_change_move_and_are_switched_off() -> None:
    (row,) = rows_of(
        app_user.MODEL,
        org.UserAdded("u", "top", "agent", name="Ada", email="a@example.com"),
        org.UserChanged("u", "admin", ("lead_admin",), name="Ada L", email="a@example.com"),
        org.UserMoved("u", "north"),
        org.OwnershipCodeChanged("user:u", "U"),
        org.UserDeactivated("u"),
    )
    shown = {name: row[name] for name in ("team_id", "role", "rights", "active", "name")}
    assert shown == {
        "team_id": "north",
        "role": "admin",
        "rights": ["lead_admin"],
        "active": False,
        "name": "Ada L",
    }
    assert row["ownership_code"] == "U"
    (again,) = rows_of(
        app_user.MODEL, org.UserAdded("u", "t", "agent"), org.UserDeactivated("u"),
        org.UserActivated("u"),
    )  # fmt: skip
    assert again["active"] is True


def test_a_key_is_issued_and_revoked() -> None:
    (row,) = rows_of(
        api_key.MODEL,
        org.ApiKeyIssued("k", "u", "hash", "laptop", text(99)),
        org.ApiKeyRevoked("k", "u"),
    )
    assert (row["user_id"], row["secret_hash"], row["expires_at"]) == ("u", "hash", at(99))
    assert (row["issued_at"], row["revoked_at"]) == (at(1), at(2))


def test_own_statuses_and_changed_built_in_ones() -> None:
    rows = rows_of(
        status.MODEL,
        org.StatusAdded("warm", "Warm", "open", True, "work"),
        org.StatusCatalogueChanged("ready", "Go", False),
        org.StatusCatalogueChanged("warm", "Hot", True),
    )
    shown = {row["code"]: (row["label"], row["dialable"], row["status_group"]) for row in rows}
    assert shown == {"warm": ("Hot", True, "open"), "ready": ("Go", False, None)}


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


def test_a_number_has_an_entry_for_each_scope() -> None:
    everywhere, once = rows_of(
        dnc.MODEL,
        numbers.DncAdded("global", number="+1", reason="asked"),
        numbers.DncAdded("campaign", CAMPAIGN, expires_at=text(9), number="+1"),
        numbers.DncRemoved("global", number="+1"),
    )
    assert (everywhere["scope"], everywhere["removed_at"]) == ("global", at(3))
    assert (once["campaign_id"], once["expires_at"], once["removed_at"]) == (CAMPAIGN, at(9), None)


def test_a_held_payload_is_mended_and_taken_in() -> None:
    raw, better = (b64encode(one).decode() for one in (b"{broken", b"{}"))
    first = held.PayloadHeld("bad-json", "not JSON", "dialer.calls/0/1", raw=raw)
    mended = row_of(quarantine.fold, first, held.PayloadMended("user:a", better))
    assert (mended["state"], mended["raw"], mended["mended"]) == ("mended", b"{broken", b"{}")
    again = held.PayloadHeld("no-lead", "no such lead", "http", raw=better)
    failed = row_of(quarantine.fold, first, held.PayloadMended("user:a", better), again)
    assert (failed["state"], failed["code"], failed["raw"]) == ("open", "no-lead", b"{broken")
    done = row_of(quarantine.fold, first, held.PayloadReprocessed(str(STREAM), "c1"))
    assert (done["state"], done["lead_id"], done["call_id"]) == ("reprocessed", str(STREAM), "c1")
    gone = row_of(quarantine.fold, first, held.PayloadDiscarded("test data"))
    assert (gone["state"], gone["discarded_for"]) == ("discarded", "test data")


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


def test_every_read_model_is_registered_under_its_name() -> None:
    assert {model.name for model in MODELS} == BY_NAME.keys()
    assert [model.name for model in BY_CATEGORY["lead"]] == ["lead", "lead_log"]
