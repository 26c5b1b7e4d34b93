"""The zone a lead says it is in: checked when it is written, and closed hours there keep a dial."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from schemas.dialling_hours import DiallingHours
from schemas.lead import LeadCallRecorded, LeadDialTimeLimited, LeadFieldsChanged
from schemas.number_zones import plausible_zones, zones_of
from services.command.domain.campaign.commands import ChangeTemplate
from services.command.domain.campaign.state import AttemptLimits
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.decider import Command
from services.command.domain.facts import Facts
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.cloning import CloneLead
from services.command.domain.lead.contacts import AddContact
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.fields import UpdateFields
from services.command.domain.lead.moving import MoveLead
from tests.domain.given_when_then import given
from tests.domain.stories import ask
from tests.domain.test_campaign import RUNNING
from tests.domain.world import (
    ANA,
    CAMPAIGN,
    CLONE,
    OTHER_PHONE,
    PHONE,
    SELLING,
    TARGET,
    created,
    facts,
)

ZONED = replace(SELLING, template=Template((TemplateField("time_zone", "Zone"),)))
OPEN = replace(ZONED, hours=DiallingHours.every_day("09:00", "18:00"))
START = StartCall(call_id="c1")
NUMBER_OF_NO_ZONE = "+80012345678"
MINUTE = timedelta(minutes=1)


def dialled(hour: int = 17, minute: int = 0, campaign: Any = OPEN) -> Facts:
    """Return the facts of a call at that time of day (UTC); at 17:00 it is 09:00 at PHONE."""
    return facts(ANA, campaign=campaign, now=datetime(2026, 3, 2, hour, minute, tzinfo=UTC))


def test_a_holiday_is_told_as_one_where_it_is_that_day() -> None:
    closed = replace(OPEN, hours=replace(DiallingHours.every_day("00:00", "24:00"),
        holidays=frozenset({"2026-03-02"})))  # fmt: skip
    (told,) = given(created()).when(START, dialled(campaign=closed)).refused(
        "outside-dialling-hours")  # fmt: skip
    assert told.text.endswith(" by the number: 2026-03-02 is a holiday of the campaign.")
    # Four in the morning UTC is still the first of March at the number.
    assert given(created()).when(START, dialled(4, campaign=closed)).outcomes


@pytest.mark.parametrize("personal", [False, True])
def test_a_lead_is_dialled_when_its_own_zone_is_open_too(personal: bool) -> None:
    said = {"personal_fields" if personal else "fields": {"time_zone": "America/Denver"}}
    assert given(created(**said)).when(START, dialled()).after()
    (closed,) = given(created(**said)).when(START, dialled(1)).refused("outside-dialling-hours")
    assert closed.text == (
        "It is outside the campaign's dialling hours in America/Denver by the field time_zone."
    )
    (early,) = given(created(**said)).when(START, dialled(16)).refused("outside-dialling-hours")
    assert "in America/Los_Angeles by the number." in early.text
    (both,) = given(created(**said)).when(START, dialled(9)).refused("outside-dialling-hours")
    assert both.text.endswith(
        " in America/Los_Angeles by the number; America/Denver by the field time_zone."
    )


def test_a_change_of_the_zone_counts_from_then_on() -> None:
    lead = given(created(), LeadFieldsChanged(set={"time_zone": "Europe/Berlin"}))
    lead.when(START, dialled()).refused("outside-dialling-hours")
    gone = LeadFieldsChanged(unset=("time_zone",))
    assert given(*lead.happened, gone).when(START, dialled()).after()


def test_the_campaigns_zone_still_counts_alone() -> None:
    hours = DiallingHours.every_day("09:00", "18:00", "Europe/Lisbon")
    lead = given(created(fields={"time_zone": "Asia/Tokyo"}))
    assert lead.when(START, dialled(campaign=replace(ZONED, hours=hours))).after()
    at_night = dialled(20, campaign=replace(ZONED, hours=hours))
    (closed,) = lead.when(START, at_night).refused("outside-dialling-hours")
    assert closed.text.endswith("in Europe/Lisbon, the zone set for them.")


def test_a_contact_may_be_in_another_zone_than_its_lead() -> None:
    contact = {"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE}
    lead = created(
        fields={"time_zone": "Asia/Tokyo"},
        contacts=({**contact, "fields": {"time_zone": "America/Denver"}},),
    )
    given(lead).when(START, dialled()).refused("outside-dialling-hours")
    other = StartCall(call_id="c1", number=OTHER_PHONE)
    assert given(lead).when(other, dialled()).after()
    silent = replace(lead, contacts=(contact,))
    given(silent).when(other, dialled()).refused("outside-dialling-hours")


def test_without_a_zone_of_the_number_the_leads_own_is_gone_by() -> None:
    given(created(phone=NUMBER_OF_NO_ZONE)).when(START, dialled()).refused("zone-unknown")
    lead = created(phone=NUMBER_OF_NO_ZONE, fields={"time_zone": "Europe/Lisbon"})
    assert given(lead).when(START, dialled()).after()
    given(lead).when(START, dialled(18)).refused("outside-dialling-hours")


@pytest.mark.parametrize("value", ["Mars/Olympus", "", "../Lisbon", 5, True, "x" * 4_000, "Europe"])
def test_what_names_no_zone_does_not_count_where_it_stands_already(value: Any) -> None:
    assert plausible_zones(PHONE, value) == zones_of(PHONE)
    assert given(created(fields={"time_zone": value})).when(START, dialled()).after()
    unknown = created(phone=NUMBER_OF_NO_ZONE, fields={"time_zone": value})
    given(unknown).when(START, dialled()).refused("zone-unknown")


def test_a_limit_of_the_lead_goes_by_its_own_zone_too() -> None:
    lead = created(fields={"time_zone": "America/Denver"})
    limit = LeadDialTimeLimited("09:00", "10:00")
    (closed,) = given(lead, limit).when(START, dialled()).refused("outside-dial-time-limit")
    assert closed.text == (
        "The lead is dialled between 09:00 and 10:00 only;"
        " it is outside in America/Denver by the field time_zone."
    )
    assert given(created(), limit).when(START, dialled()).after()


def test_attempts_of_the_day_are_of_its_own_zone_too() -> None:
    once_a_day = replace(ZONED, limits=AttemptLimits(per_day=1))
    called = LeadCallRecorded("c0", CAMPAIGN, "2026-03-02T07:30:00Z", number=PHONE)  # Sunday 23:30
    assert given(created(), called).when(START, dialled(campaign=once_a_day)).after()
    lead = created(fields={"time_zone": "America/Denver"})  # Monday 00:30
    given(lead, called).when(START, dialled(campaign=once_a_day)).refused("attempts-per-day")


BAD: dict[str, Any] = {"time_zone": "Europe/Lisboa"}
TAKING = replace(ZONED, id=TARGET)
INTO = {"target": TAKING, "new_ids": (UUID(CLONE),)}
OLD_VALUE = created(fields=BAD)


@pytest.mark.parametrize(
    ("happened", "command", "known", "where"),
    [
        ((), CreateLead(campaign_id=CAMPAIGN, phone=PHONE, fields=BAD), {}, "fields.time_zone"),
        ((created(),), UpdateFields(set=BAD), {}, "set.time_zone"),
        ((created(),), AddContact(phone=OTHER_PHONE, fields=BAD), {}, "fields.time_zone"),
        ((OLD_VALUE,), CloneLead(target_campaign_id=TARGET), INTO, "target_campaign_id"),
        ((OLD_VALUE,), MoveLead(target_campaign_id=TARGET), INTO, "target_campaign_id"),
    ],
)
def test_a_value_that_is_no_zone_is_refused(
    happened: tuple[Any, ...], command: Command, known: dict[str, Any], where: str
) -> None:
    asked = given(*happened).when(command, facts(campaign=ZONED, **known))
    (reason,) = asked.refused("field-not-time-zone")
    assert reason.field == where
    assert reason.text == "Field time_zone must be a time zone like Europe/Lisbon."


def test_a_zone_is_kept_without_what_stands_around_it() -> None:
    changed = UpdateFields(set={"time_zone": " Europe/Lisbon "})
    given(created()).when(changed, facts(campaign=ZONED)).then(
        LeadFieldsChanged(set={"time_zone": "Europe/Lisbon"})
    )


def test_the_field_of_a_template_can_only_name_zones() -> None:
    def refused(**field: Any) -> list[str]:
        put = [{"import_name": "time_zone", **field}]
        return RUNNING.refused(ask(ChangeTemplate, put=put))

    assert refused(type="number") == ["field-names-zone"]
    assert refused(type="picklist", values=["UTC", "Mars/Olympus"]) == ["field-names-zone"]
    assert refused(default="Mars/Olympus") == ["default-unfit"]
    zones = {"type": "picklist", "values": ["UTC", "Europe/Lisbon"], "default": "UTC"}
    assert RUNNING.when(ask(ChangeTemplate, put=[{"import_name": "time_zone", **zones}]))


_CHANGES = st.sampled_from(
    ["2026-03-08T07:00:00Z", "2026-03-29T01:00:00Z", "2026-04-04T15:00:00Z", "2026-10-25T01:00:00Z"]
).map(datetime.fromisoformat)
_OWN = st.sampled_from(
    [None, "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Mars/Olympus"]
)


@settings(max_examples=150)
@examples(
    st.sampled_from([PHONE, "+351912345678", NUMBER_OF_NO_ZONE]),
    _OWN,
    _CHANGES,
    st.integers(-20 * 60, 20 * 60),
    st.integers(0, 23),
    st.integers(0, 23),
)
def test_dialled_only_when_every_clock_of_the_lead_is_inside(
    phone: str, own: str | None, change: datetime, minutes: int, start: int, end: int
) -> None:
    now = change + minutes * MINUTE
    zones = {*zones_of(phone), *([] if own in (None, "Mars/Olympus") else [str(own)])}
    shown = [now.astimezone(ZoneInfo(zone)).hour for zone in zones]
    inside = [start <= hour < end if start < end else not end <= hour < start for hour in shown]
    hours = DiallingHours.every_day(f"{start:02}:00", f"{end:02}:00")
    campaign = replace(ZONED, hours=hours)
    asked = given(created(phone=phone, fields=own and {"time_zone": own})).when(
        START, facts(ANA, campaign=campaign, now=now)
    )
    if not zones:
        asked.refused("zone-unknown")
    elif all(inside):
        assert asked.after()
    else:
        asked.refused("outside-dialling-hours")
