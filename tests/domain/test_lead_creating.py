"""CreateLead: owner, numbers, fields, range and duplicates, each accepted and refused."""

from uuid import UUID

import pytest
from pydantic import ValidationError

from schemas.lead import LeadCreated
from services.command.domain.lead.claims import claim_of, knows_number, numbers_of
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.numbers import NewContact
from services.command.domain.pool.state import Pool
from tests.domain.given_when_then import given
from tests.domain.world import (
    ADA,
    ANA,
    AUD,
    BEN,
    CAMPAIGN,
    DIA,
    HOLDER,
    LEE,
    NORTH,
    NOW,
    OLD,
    OTHER_PHONE,
    PHONE,
    POOL,
    SALES,
    SELLING,
    SUPPORT,
    THIRD_PHONE,
    TOP,
    an_id,
    created,
    facts,
)


def test_the_least_a_lead_needs() -> None:
    lead = (
        given()
        .when(CreateLead(campaign_id=CAMPAIGN, phone=PHONE), facts())
        .then(created(owner=f"team:{TOP}", fields={"job": "clerk"}))
    )
    assert lead.exists
    assert lead.status == "created"
    assert lead.owner == lead.original_owner == f"team:{TOP}"
    assert lead.created_by == lead.modified_by != ""
    assert numbers_of(lead) == {PHONE}


def test_everything_at_once() -> None:
    command = CreateLead(
        campaign_id=CAMPAIGN,
        phone="(415) 555-0100",
        default_region="US",
        fields={"age": "41", "job": "baker", "iban": "XX00", "name": "Ana", "city": ""},
        contacts=(
            NewContact(phone="415-555-0101", fields={"name": "Eve"}),
            NewContact(phone="4155550102"),
        ),
        owner=f"user:{BEN}",
        status="ready",
        priority=9,
        active_from=NOW,
        pool_id=POOL,
        source="upload",
    )
    expected = LeadCreated(
        campaign_id=CAMPAIGN,
        owner=f"user:{BEN}",
        status="ready",
        phone=PHONE,
        phone_typed="(415) 555-0100",
        fields={"age": 41, "job": "baker"},
        personal_fields={"iban": "XX00", "name": "Ana"},
        contacts=(
            {"id": 1, "phone": OTHER_PHONE, "typed": "415-555-0101", "fields": {"name": "Eve"}},
            {"id": 2, "phone": THIRD_PHONE, "typed": "4155550102"},
        ),
        priority=9,
        pool_id=POOL,
        source="upload",
        active_from="2026-03-02T17:00:00Z",
    )
    lead = given().when(command, facts(pool=Pool(POOL, 1, "March", CAMPAIGN))).then(expected)
    assert lead.value("age") == 41
    assert lead.value("name") == "Ana"
    assert lead.value("city") is None
    assert numbers_of(lead) == {PHONE, OTHER_PHONE, THIRD_PHONE}
    assert knows_number(lead, THIRD_PHONE)
    assert [contact.id for contact in lead.contacts] == [1, 2]


@pytest.mark.parametrize(
    ("by", "asked", "owner"),
    [
        (ANA, {}, f"team:{TOP}"),
        (ANA, {"ownership_code": "A1"}, f"user:{ANA}"),
        (DIA, {"ownership_code": "S1"}, f"team:{SALES}"),
        (ANA, {"status": "manual_redial_vip"}, f"user:{ANA}"),
        (DIA, {"status": "manual_redial_vip"}, f"team:{TOP}"),
        (LEE, {"owner": f"team:{NORTH}"}, f"team:{NORTH}"),
        (ANA, {"owner": f"team:{SALES}"}, f"team:{SALES}"),
        (DIA, {"owner": f"team:{SUPPORT}"}, f"team:{SUPPORT}"),
    ],
)
def test_the_owner_of_a_new_lead(by: str, asked: dict[str, str], owner: str) -> None:
    command = CreateLead.model_validate({"campaign_id": CAMPAIGN, "phone": PHONE, **asked})
    status = asked.get("status", "created")
    expected = created(owner=owner, status=status, fields={"job": "clerk"})
    given().when(command, facts(by)).then(expected)


@pytest.mark.parametrize(
    ("by", "asked", "codes"),
    [
        (AUD, {}, ["role-not-allowed"]),
        (ADA, {"owner": f"user:{an_id(99)}"}, ["unknown-owner"]),
        (ADA, {"owner": f"user:{OLD}"}, ["owner-inactive"]),
        (ANA, {"owner": f"user:{BEN}"}, ["owner-out-of-reach"]),
        (LEE, {"owner": f"team:{SUPPORT}"}, ["owner-out-of-reach"]),
        (ADA, {"ownership_code": "nobody's"}, ["unknown-ownership-code"]),
        (ADA, {"status": "asleep"}, ["unknown-status"]),
        (ADA, {"status": "anonymised"}, ["status-not-by-hand"]),
        (ADA, {"phone": "0155550100"}, ["phone-not-e164"]),
        (ADA, {"phone": None}, ["unreachable"]),
        (ADA, {"fields": {"age": "old", "shoe": 44}}, ["field-not-number", "unknown-field"]),
        (ADA, {"fields": {"job": "pilot"}}, ["field-not-picklist"]),
        (ADA, {"contacts": (NewContact(phone=PHONE),)}, ["number-twice"]),
        (ADA, {"contacts": (NewContact(phone="12"),)}, ["phone-not-e164"]),
        (ADA, {"contacts": (NewContact(phone=OTHER_PHONE),) * 2}, ["number-twice"]),
        (ADA, {"contacts": (NewContact(phone=OTHER_PHONE, fields={"x": 1}),)}, ["unknown-field"]),
        (ADA, {"active_from": NOW, "active_until": NOW}, ["range-reversed"]),
    ],
)
def test_what_is_refused(by: str, asked: dict[str, object], codes: list[str]) -> None:
    command = CreateLead.model_validate({"campaign_id": CAMPAIGN, "phone": PHONE, **asked})
    given().when(command, facts(by)).refused(*codes)


def test_every_reason_comes_at_once() -> None:
    command = CreateLead(
        campaign_id=CAMPAIGN, phone="11", status="asleep", fields={"shoe": 44}, owner=f"user:{OLD}"
    )
    given().when(command, facts()).refused(
        "owner-inactive", "unknown-status", "phone-not-e164", "unknown-field"
    )


def test_an_unknown_campaign_or_a_taken_id() -> None:
    command = CreateLead(campaign_id=CAMPAIGN, phone=PHONE)
    given().when(command, facts(campaign=None)).refused("unknown-campaign")
    given(created()).when(command, facts()).refused("lead-exists")


def test_a_duplicate_names_the_lead_that_is_there() -> None:
    command = CreateLead(campaign_id=CAMPAIGN, phone=PHONE)
    (reason,) = given().when(command, facts(holder=UUID(HOLDER))).refused("duplicate")
    assert HOLDER in reason.text


def test_whatsapp_alone_reaches_a_lead() -> None:
    command = CreateLead(campaign_id=CAMPAIGN, fields={"whatsapp": OTHER_PHONE, "job": "baker"})
    lead = given().when(command, facts()).after()
    assert lead.value("whatsapp") == OTHER_PHONE
    assert claim_of(lead) is None


def test_equal_for_people_is_an_equal_claim() -> None:
    one, two = (
        given(created(key="name", personal_fields={"name": name})).state
        for name in ("Ana  Lima", "ana lima ")
    )
    assert claim_of(one) == claim_of(two) is not None
    assert claim_of(one) != claim_of(given(created()).state)
    assert claim_of(given(created(claims=False)).state) is None


@pytest.mark.parametrize(
    "body",
    [
        '{"campaign_id": "1"}',
        f'{{"campaign_id": "{CAMPAIGN}", "priority": 11}}',
        f'{{"campaign_id": "{CAMPAIGN}", "priority": "5"}}',
        f'{{"campaign_id": "{CAMPAIGN}", "fields": {{"city": "\\u0000"}}}}',
        f'{{"campaign_id": "{CAMPAIGN}", "fields": {{"age": 18446744073709551616}}}}',
        f'{{"campaign_id": "{CAMPAIGN}", "fields": {{"": 1}}}}',
        f'{{"campaign_id": "{CAMPAIGN}", "active_from": "2026-03-01T09:00:00"}}',
        f'{{"campaign_id": "{CAMPAIGN}", "active_from": "0001-01-01T00:00:00+14:00"}}',
        f'{{"campaign_id": "{CAMPAIGN}", "owner": "team:x"}}',
        f'{{"campaign_id": "{CAMPAIGN}", "nonsense": 1}}',
    ],
)
def test_what_no_command_may_carry(body: str) -> None:
    with pytest.raises(ValidationError):
        CreateLead.model_validate_json(body)


def test_the_campaign_in_the_facts_is_the_one_asked_for() -> None:
    assert SELLING.id == CAMPAIGN
