"""The campaign: every command, every refusal, nothing when nothing changes; fields by type."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import campaign as events
from schemas.event import Event
from schemas.statuses import BUILT_IN, END_CAUSES
from services.command.domain.campaign.commands import (
    ActivateCampaign,
    ChangeActivityRange,
    ChangeAttemptLimits,
    ChangeDiallingHours,
    ChangeFollowUpRules,
    ChangeTemplate,
    CopyCampaign,
    CreateCampaign,
    DeactivateCampaign,
    RenameCampaign,
)
from services.command.domain.campaign.state import Campaign, evolve, fold
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.campaign.values import typer
from services.command.domain.decider import Command
from tests.domain.given_when_then import STREAM
from tests.domain.given_when_then import given as told
from tests.domain.stories import NOW, Story, ask, facts, person

NOTHING = Story(fold)
CITY = {"import_name": "city", "type": "picklist", "values": ["Faro", "Porto"], "default": "Faro"}
AGE = {"import_name": "age", "type": "number", "required": True}
MORE = {"import_name": "Other phone", "type": "phone", "personal": True}
BUSY = {"end_cause": "Busy", "next_status": "no_answer", "delay_minutes": 30}
HOURS = {"monday": [{"start": "09:00", "end": "12:00"}], "zone": "Europe/Lisbon"}
BODY: dict[str, Any] = {
    "name": "Deposits",
    "code": "dep-1",
    "project": "Bank",
    "fields": [CITY, AGE, MORE],
    "rules": [BUSY, {"disposition": "maybe", "next_status": "interested"}],
    "limits": {"per_lead": 5, "reservation_minutes": 10},
    "hours": HOURS,
    "active_from": "2026-03-01T00:00:00Z",
    "active_until": "2026-04-01T00:00:00+02:00",
}
RUNNING = NOTHING.after(ask(CreateCampaign, **BODY))


def state_of(story: Story) -> Campaign:
    """The story's state, typed."""
    state = story.state
    assert isinstance(state, Campaign)
    return state


def test_created_whole() -> None:
    campaign = state_of(RUNNING)
    assert (campaign.id, campaign.version, campaign.rules_version) == (str(STREAM), 1, 1)
    assert (campaign.name, campaign.code, campaign.project) == ("Deposits", "dep-1", "Bank")
    assert [one.import_name for one in campaign.template.fields] == ["city", "age", "Other phone"]
    assert campaign.template.duplicate_key == "phone"
    assert (campaign.limits.per_lead, campaign.limits.reservation_minutes) == (5, 10)
    assert campaign.hours is not None
    assert campaign.hours.windows[0] == ((540, 720),)
    assert campaign.active_until == "2026-03-31T22:00:00Z"
    assert campaign.runs(NOW)
    assert not campaign.runs(NOW - timedelta(days=2))
    assert campaign.has_ended(NOW + timedelta(days=30))


def test_create_refusals_are_all_named() -> None:
    body = {
        **BODY,
        "duplicate_key": "iban",
        "fields": [
            {"import_name": "phone"},
            {"import_name": "email"},
            {"import_name": "mail", "type": "email"},
            {"import_name": "City", "type": "picklist"},
            {"import_name": "city", "values": ["a", "a"]},
            {"import_name": "age", "type": "number", "default": "old"},
        ],
        "rules": [
            {"next_status": "ready"},
            {"end_cause": "Gone", "next_status": "nowhere"},
            {"end_cause": "Busy", "next_status": "success", "delay_minutes": 5},
            {"end_cause": "Busy", "next_status": "anonymised"},
        ],
        "hours": {
            "monday": [{"start": "10:00", "end": "09:00"}],
            "friday": [{"start": "09:00", "end": "12:00"}, {"start": "11:00", "end": "24:00"}],
            "zone": "Mars/Olympus",
        },
        "active_until": "2026-03-01T00:00:00Z",
    }
    assert NOTHING.refused(ask(CreateCampaign, **body)) == [
        "field-named-twice",
        "field-name-reserved",
        "field-built-in",
        "field-must-be-personal",
        "picklist-empty",
        "values-without-picklist",
        "picklist-value-twice",
        "default-unfit",
        "unknown-duplicate-key",
        "rule-twice",
        "rule-about-nothing",
        "unknown-end-cause",
        "unknown-status",
        "status-not-dialable",
        "status-reserved",
        "hours-window-empty",
        "hours-windows-overlap",
        "unknown-zone",
        "range-reversed",
    ]


def test_create_other_refusals() -> None:
    assert RUNNING.refused(ask(CreateCampaign, **BODY)) == ["campaign-exists"]
    key = {**BODY, "duplicate_key": "city"}
    assert NOTHING.refused(ask(CreateCampaign, **key)) == ["duplicate-key-default"]
    never = {**BODY, "hours": {"zone": "UTC"}}
    assert NOTHING.refused(ask(CreateCampaign, **never)) == ["hours-never-open"]
    many = {**BODY, "fields": [{"import_name": f"f{n}"} for n in range(201)]}
    assert NOTHING.refused(ask(CreateCampaign, **many)) == ["template-too-large"]


@pytest.mark.parametrize("role", ["agent", "team_leader", "auditor", "dialer"])
def test_only_admins_whatever_their_rights(role: str) -> None:
    known = facts(person(role, ["lead_admin", "extended_data"]))
    assert NOTHING.refused(ask(CreateCampaign, **BODY), known) == ["role-not-allowed"]
    assert RUNNING.refused(ask(DeactivateCampaign), known) == ["role-not-allowed"]
    copy = ask(CopyCampaign, campaign_id=str(STREAM), name="x")
    assert NOTHING.refused(copy, known) == ["role-not-allowed"]


@pytest.mark.parametrize(
    "command",
    [
        ask(RenameCampaign, name="x"),
        ask(ChangeTemplate),
        ask(ChangeFollowUpRules, rules=[]),
        ask(ChangeAttemptLimits, limits={}),
        ask(ChangeDiallingHours, hours=None),
        ask(ChangeActivityRange),
        ask(ActivateCampaign),
        ask(DeactivateCampaign),
    ],
)
def test_unknown_campaign(command: Any) -> None:
    assert NOTHING.refused(command) == ["unknown-campaign"]


def test_copy_takes_over_the_work_but_not_the_run() -> None:
    source = state_of(RUNNING)
    known = facts(campaign=source)
    copy = ask(CopyCampaign, campaign_id=source.id, name="Deposits 2")
    copied = state_of(NOTHING.after(copy, known))
    assert copied.template == source.template
    assert (copied.rules, copied.limits, copied.hours) == (
        source.rules,
        source.limits,
        source.hours,
    )
    assert (copied.name, copied.project, copied.active) == ("Deposits 2", "Bank", False)
    assert (copied.active_from, copied.active_until) == (None, None)
    (created,) = NOTHING.when(copy, known)
    assert isinstance(created, events.CampaignCreated)
    assert created.copied_from == source.id
    assert NOTHING.refused(copy, facts(campaign=Campaign())) == ["unknown-campaign"]
    assert RUNNING.refused(copy, known) == ["campaign-exists"]


def test_rename_keeps_what_is_left_out() -> None:
    renamed = state_of(RUNNING.after(ask(RenameCampaign, name="Savings")))
    assert (renamed.name, renamed.code, renamed.project) == ("Savings", "dep-1", "Bank")
    assert RUNNING.when(ask(RenameCampaign, name="Deposits", project="Bank")) == []


def test_template_grows_changes_and_shrinks() -> None:
    wider = {**CITY, "values": ["Faro", "Porto", "Braga"]}
    later = RUNNING.after(
        ask(ChangeTemplate, put=[wider, {"import_name": "notes"}], remove=["age"])
    )
    template = state_of(later).template
    assert [one.import_name for one in template.fields] == ["city", "Other phone", "notes"]
    assert [one.import_name for one in template.removed] == ["age"]
    (event,) = RUNNING.when(ask(ChangeTemplate, put=[wider], remove=["age"]))
    assert isinstance(event, events.CampaignTemplateChanged)
    assert [one["import_name"] for one in event.before] == ["city", "age"]
    again = state_of(later.after(ask(ChangeTemplate, put=[AGE]))).template
    assert [one.import_name for one in again.fields][-1] == "age"
    assert again.removed == ()


def test_template_refusals() -> None:
    known = RUNNING.refused
    assert known(ask(ChangeTemplate, put=[{"import_name": "age"}])) == ["field-type-fixed"]
    personal = {**AGE, "personal": True}
    assert known(ask(ChangeTemplate, put=[personal])) == ["field-personal-fixed"]
    assert known(ask(ChangeTemplate, put=[AGE, AGE])) == ["field-named-twice"]
    assert known(ask(ChangeTemplate, put=[AGE], remove=["age"])) == ["field-put-and-removed"]
    assert known(ask(ChangeTemplate, remove=["shoe"])) == ["unknown-field"]
    assert known(ask(ChangeTemplate, duplicate_key="age")) == ["duplicate-key-fixed"]
    assert known(ask(ChangeTemplate, put=[{"import_name": "AGE"}])) == ["field-named-twice"]
    keyed = NOTHING.after(ask(CreateCampaign, **{**BODY, "duplicate_key": "age"}))
    assert keyed.refused(ask(ChangeTemplate, remove=["age"])) == ["field-is-duplicate-key"]
    taken_out = RUNNING.after(ask(ChangeTemplate, remove=["age"]))
    text = {"import_name": "age", "type": "text"}
    assert taken_out.refused(ask(ChangeTemplate, put=[text])) == ["field-type-fixed"]


def test_template_unchanged() -> None:
    assert RUNNING.when(ask(ChangeTemplate)) == []
    same = ask(ChangeTemplate, put=[CITY, AGE], duplicate_key="phone")
    assert RUNNING.when(same) == []


def test_follow_up_rules() -> None:
    exact = {"end_cause": "Busy", "disposition": "maybe", "next_status": "callback"}
    rules = [BUSY, {"disposition": "maybe", "next_status": "interested"}, exact]
    campaign = state_of(RUNNING.after(ask(ChangeFollowUpRules, rules=rules)))
    found = {
        (cause, said): rule.name
        for cause in ("Busy", "VoiceMail")
        for said in (None, "maybe", "other")
        if (rule := campaign.rules.find(cause, said)) is not None
    }
    assert found == {
        ("Busy", None): "Busy",
        ("Busy", "maybe"): "Busy+maybe",
        ("Busy", "other"): "Busy",
        ("VoiceMail", "maybe"): "maybe",
    }
    assert campaign.rules_version == 2
    twice = ask(ChangeFollowUpRules, rules=[BUSY, BUSY])
    assert RUNNING.refused(twice) == ["rule-twice"]


def test_attempt_limits() -> None:
    later = state_of(RUNNING.after(ask(ChangeAttemptLimits, limits={"per_day": 3})))
    assert (later.limits.per_lead, later.limits.per_day, later.rules_version) == (None, 3, 2)
    with pytest.raises(ValidationError):
        ask(ChangeAttemptLimits, limits={"per_day": 0})


def places(story: Story, command: Command) -> dict[str, str]:
    """Return where in the command each reason of its refusal points, by code."""
    asked = told(*story.happened, fold=fold).when(command, facts())
    return {one.code: one.field for one in asked.reasons or ()}


def test_what_is_wrong_points_into_the_command() -> None:
    window = {"start": "20:00", "end": "09:00"}
    hours = {"friday": [window], "zone": "Europe/Atlantis"}
    wrong = {"hours-window-empty": "hours.friday", "unknown-zone": "hours.zone"}
    assert places(RUNNING, ask(ChangeDiallingHours, hours=hours)) == wrong
    fields = [AGE, {"import_name": "job", "type": "picklist"}]
    body = {**BODY, "fields": fields, "hours": hours, "duplicate_key": "shoe"}
    first = {"picklist-empty": "fields.1", "unknown-duplicate-key": "duplicate_key"}
    assert places(NOTHING, ask(CreateCampaign, **body)) == first | wrong
    change = ask(ChangeTemplate, put=fields[1:], remove=["shoe"])
    expected = {"picklist-empty": "put.0", "unknown-field": "remove"}
    assert places(RUNNING, change) == expected


def test_dialling_hours() -> None:
    assert state_of(RUNNING.after(ask(ChangeDiallingHours, hours=None))).hours is None
    windows = [{"start": "13:00", "end": "24:00"}, {"start": "08:00", "end": "12:00"}]
    hours = {"sunday": windows, "holidays": ["2026-12-25"]}
    later = state_of(RUNNING.after(ask(ChangeDiallingHours, hours=hours))).hours
    assert later is not None
    assert later.windows[6] == ((480, 720), (780, 1440))
    assert later.holidays == {"2026-12-25"}
    never = ask(ChangeDiallingHours, hours={})
    assert RUNNING.refused(never) == ["hours-never-open"]


def test_activity_range() -> None:
    later = state_of(RUNNING.after(ask(ChangeActivityRange, active_until="2027-01-01T00:00:00Z")))
    assert (later.active_from, later.active_until) == (None, "2027-01-01T00:00:00Z")
    at = "2027-01-01T00:00:00Z"
    reversed_ = ask(ChangeActivityRange, active_from=at, active_until=at)
    assert RUNNING.refused(reversed_) == ["range-reversed"]


def test_on_and_off() -> None:
    assert RUNNING.when(ask(ActivateCampaign)) == []
    off = RUNNING.after(ask(DeactivateCampaign))
    assert not state_of(off).runs(NOW)
    assert state_of(off.after(ask(ActivateCampaign))).runs(NOW)


TEMPLATE = Template(
    (
        TemplateField("city", "City", "picklist", ("Faro", "Porto"), default="Faro"),
        TemplateField("age", "Age", "number", required=True),
        TemplateField("second", "Second phone", "phone", personal=True),
        TemplateField("email", "E-mail", "email", required=True, personal=True),
    )
)


def test_a_whole_lead_is_typed_and_completed() -> None:
    clean, personal, reasons = TEMPLATE.check(
        {"age": "41", "second": "+351212345678", "email": "Ana@Example.COM", "name": " "}
    )
    assert clean == {"city": "Faro", "age": 41}
    assert personal == {"second": "+351212345678", "email": "Ana@example.com", "name": " "}
    assert reasons == []


def test_a_whole_lead_with_every_reason() -> None:
    _, _, reasons = TEMPLATE.check({"age": "", "city": "Rome", "second": "1", "shoe": 43})
    assert [(one.code, one.field) for one in reasons] == [
        ("field-not-picklist", "city"),
        ("field-not-phone", "second"),
        ("unknown-field", "shoe"),
        ("field-required", "email"),
        ("field-required", "age"),
    ]


def test_a_change_completes_nothing() -> None:
    assert TEMPLATE.check_change({"city": "Porto"}, ("second",)) == ({"city": "Porto"}, {}, [])
    _, _, reasons = TEMPLATE.check_change({"city": None, "name": "x"}, ("age", "shoe", "name"))
    assert [(one.code, one.field) for one in reasons] == [
        ("field-empty", "city"),
        ("unknown-field", "shoe"),
        ("field-set-and-unset", "name"),
        ("field-required", "age"),
    ]
    old = Template((), removed=(TemplateField("gone"),))
    assert old.check_change({}, ("gone",)) == ({}, {}, [])


@pytest.mark.parametrize(
    ("kind", "given_value", "stored"),
    [
        ("text", "e\u0301", "é"),
        ("text", 12, "12"),
        ("number", "-3.50", -3.5),
        ("number", "007", 7),
        ("number", 2.0, 2),
        ("date", "2024-02-29", "2024-02-29"),
        ("datetime", "2026-03-01T10:00+01:00", "2026-03-01T09:00:00Z"),
        ("datetime", "2026-03-01 09:00:00.5Z", "2026-03-01T09:00:00.500000Z"),
        ("boolean", "Yes", True),
        ("boolean", False, False),
        ("picklist", " Faro ", "Faro"),
        ("phone", "+14155550100", "+14155550100"),
        ("email", "a.b+c@Mail.Example.org", "a.b+c@mail.example.org"),
        ("url", "https://example.com/a?b#c", "https://example.com/a?b#c"),
    ],
)
def test_values_have_one_spelling(kind: str, given_value: Any, stored: Any) -> None:
    found = typer(kind, ("Faro",))(given_value)
    assert found == stored
    assert type(found) is type(stored)
    assert typer(kind, ("Faro",))(found) == found


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text", True),
        ("text", "nul\x00"),
        ("text", "x" * 4_001),
        ("number", "1_000"),
        ("number", "1e999"),
        ("number", float("nan")),
        ("number", float("inf")),
        ("number", 2**53),
        ("number", True),
        ("number", "١٢"),
        ("date", "2023-02-29"),
        ("date", "20260301"),
        ("date", "1899-12-31"),
        ("datetime", "2026-03-01T10:00:00"),
        ("datetime", "2026-02-30T10:00:00Z"),
        ("datetime", "1900-01-01T00:00:00+25:00"),
        ("boolean", "on"),
        ("boolean", 1),
        ("picklist", "faro"),
        ("phone", "4155550100"),
        ("email", "ana@localhost"),
        ("email", "a b@example.org"),
        ("email", "x" * 250 + "@example.org"),
        ("url", "javascript:alert(1)"),
        ("url", "https://"),
        ("url", "http://[bad"),
        ("url", "https://a b"),
    ],
)
def test_values_that_do_not_fit(kind: str, value: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        typer(kind, ("Faro",))(value)


_JSON = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text("aé019+@. \x00", max_size=12)
)


@given(st.dictionaries(st.sampled_from(["city", "age", "second", "email", "name", "x"]), _JSON))
def test_checking_never_fails_and_is_stable(fields: dict[str, Any]) -> None:
    clean, personal, _ = TEMPLATE.check(fields)
    assert TEMPLATE.check_change({**clean, **personal}) == (clean, personal, [])


def test_unknown_events_only_count() -> None:
    class Later(Event):
        TOPIC = "campaign.later"

    campaign = state_of(RUNNING)
    assert evolve(campaign, Later()).version == campaign.version + 1
    newer = {**campaign.limits.stored(), "per_week": 4}
    assert evolve(campaign, events.CampaignAttemptLimitsChanged(newer)).limits == campaign.limits


def test_the_catalogue_of_statuses() -> None:
    groups = [one.group for one in BUILT_IN.values()]
    assert {one: groups.count(one) for one in groups} == {"open": 18, "held": 2, "closed": 16}
    assert len(END_CAUSES) == 7
    assert not any(one.dialable for one in BUILT_IN.values() if one.group != "open")
