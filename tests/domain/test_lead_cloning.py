"""CloneLead: every setting of rule 14, each accepted and refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.event import Event
from schemas.lead import LeadAddedToSegment, LeadCloned, LeadCreated, LeadFieldsChanged, LeadMoved
from services.command.domain.campaign.state import Campaign
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.decider import Elsewhere, decide
from services.command.domain.facts import Facts
from services.command.domain.lead.claims import claim_of, claims_anywhere
from services.command.domain.lead.cloning import CloneLead
from services.command.domain.lead.evolving import evolve, fold
from tests.domain.given_when_then import ACTOR, STREAM, given, placed
from tests.domain.world import (
    ADA,
    ANA,
    CAMPAIGN,
    CLONE,
    HOLDER,
    LEE,
    NOW,
    OTHER_PHONE,
    PHONE,
    POOL,
    SALES,
    SELLING,
    SUPPORT,
    TARGET,
    created,
    facts,
)

SOURCE = created(
    fields={"age": 41, "job": "clerk", "city": "Lisbon"},
    personal_fields={"iban": "XX00", "name": "Ana"},
    contacts=(
        {"id": 1, "phone": OTHER_PHONE, "typed": "0101", "fields": {"city": "Porto", "age": 9}},
    ),
    priority=3,
)
BUYING = Campaign(
    id=TARGET, version=1, name="Buying", active=True,
    template=Template(
        (
            TemplateField("age", type="number"),
            TemplateField("job", type="picklist", values=("clerk", "pilot")),
            TemplateField("shoe", type="number", default=40),
        )
    ),
)  # fmt: skip
CLONED = LeadCloned(lead_id=CLONE, campaign_id=TARGET, dropped=("city", "iban"))
NEW = LeadCreated(
    campaign_id=TARGET, owner=f"team:{SALES}", phone=PHONE, phone_typed=PHONE,
    fields={"age": 41, "job": "clerk", "shoe": 40}, personal_fields={"name": "Ana"},
    contacts=({"id": 1, "phone": OTHER_PHONE, "typed": "0101", "fields": {"age": 9}},),
    priority=3, source="clone", cloned_from=str(STREAM),
)  # fmt: skip


def elsewhere(event: Event, stream: str = CLONE, version: int = 0) -> Elsewhere:
    return Elsewhere(UUID(stream), "lead", version, (event,))


def known(by: str = ADA, target: Campaign | None = BUYING, *held: Event, **more: Any) -> Facts:
    """Return facts with the target, and with the duplicate that is there already."""
    holder = {}
    if held:
        lead = fold([(event, ACTOR) for event in placed(held, UUID(HOLDER))])
        holder = {"holder": UUID(HOLDER), "holder_lead": lead}
    return facts(by, target=target, new_ids=(UUID(CLONE),), **{**holder, **more})


def clone(**settings: Any) -> CloneLead:
    return CloneLead(target_campaign_id=TARGET, **settings)


def template(*fields: TemplateField, key: str = "phone") -> Campaign:
    return replace(BUYING, template=Template(fields, key))


def test_fields_go_by_import_name_and_what_is_dropped_is_said() -> None:
    lead = given(SOURCE).when(clone(), known(LEE)).then(CLONED, elsewhere(NEW))
    assert lead.modified_at == lead.created_at
    assert claim_of(fold([(NEW, ACTOR)])) is not None


def test_priority_and_range_are_set() -> None:
    command = clone(priority=9, active_from=NOW, active_until=NOW + timedelta(days=1))
    expected = replace(
        NEW, priority=9, active_from="2026-03-02T17:00:00Z", active_until="2026-03-03T17:00:00Z"
    )
    given(SOURCE).when(command, known()).then(CLONED, elsewhere(expected))


@pytest.mark.parametrize(
    ("settings", "target", "codes"),
    [
        ({}, None, ["unknown-campaign"]),
        ({}, Campaign(), ["unknown-campaign"]),
        ({}, replace(BUYING, id=CAMPAIGN), ["same-campaign"]),
        (
            {},
            template(TemplateField("job", type="picklist", values=("pilot",))),
            ["field-not-picklist"],
        ),
        ({}, template(TemplateField("city", type="number")), ["field-not-number"] * 2),
        ({}, template(TemplateField("surname", required=True)), ["field-required"]),
        ({}, template(TemplateField("iban", personal=True), key="iban"), ["duplicate-key-differs"]),
        ({"active_from": NOW, "active_until": NOW}, BUYING, ["range-reversed"]),
        ({"time_from": "09:00"}, BUYING, ["time-range-half"]),
        ({"time_from": "09:00", "time_until": "09:00"}, BUYING, ["range-reversed"]),
        ({"zone": "Europe/Atlantis"}, BUYING, ["zone-unknown"]),
    ],
)
def test_what_refuses_a_lead(
    settings: dict[str, Any], target: Campaign | None, codes: list[str]
) -> None:
    given(SOURCE).when(clone(**settings), known(target=target)).refused(*codes)


def test_what_misfits_is_said_of_the_campaign_the_request_names() -> None:
    target = template(TemplateField("city", type="number"), TemplateField("surname", required=True))
    reasons = given(SOURCE).when(clone(), known(target=target)).reasons or ()
    assert [one.field for one in reasons] == ["target_campaign_id"] * 3
    assert [one.text.split()[1] for one in reasons] == ["city", "surname", "city"]


def test_who_may_not() -> None:
    given(SOURCE).when(clone(), known(ANA)).refused("role-not-allowed")
    foreign = replace(SOURCE, owner=f"team:{SUPPORT}")
    given(foreign).when(clone(), known(LEE)).refused("lead-out-of-reach")


THERE = replace(NEW, cloned_from=None, fields={"age": 40, "job": "clerk"}, contacts=())
ELSEWHERE = created(pool_id=POOL, fields={"age": 40, "city": "Faro"})


def test_a_duplicate_is_skipped() -> None:
    given(SOURCE).when(clone(), known(ADA, BUYING, THERE)).nothing()


def test_a_duplicate_is_updated() -> None:
    event = LeadFieldsChanged(set={"age": 41, "shoe": 40}, before={"age": 40})
    updated = LeadCloned(HOLDER, TARGET, "updated", ("city", "iban"))
    command = clone(duplicate_action="update")
    given(SOURCE).when(command, known(ADA, BUYING, THERE)).then(
        updated, elsewhere(event, HOLDER, 1)
    )
    same = replace(THERE, fields=NEW.fields)
    given(SOURCE).when(command, known(ADA, BUYING, same)).nothing()
    given(SOURCE).when(command, known(ADA, BUYING, ELSEWHERE)).refused("duplicate-elsewhere")
    foreign = replace(THERE, owner=f"team:{SUPPORT}")
    given(SOURCE).when(command, known(LEE, BUYING, foreign)).refused("lead-out-of-reach")


def test_a_duplicate_is_moved() -> None:
    event = LeadMoved(TARGET, dropped=("city",), previous=CAMPAIGN, previous_pool=POOL)
    moved = LeadCloned(HOLDER, TARGET, "moved", ("city",))
    command = clone(duplicate_action="move", duplicate_search="everywhere")
    there = known(ADA, BUYING, ELSEWHERE)
    given(SOURCE).when(command, there).then(moved, elsewhere(event, HOLDER, 1))
    assert there.holder_lead is not None
    lead = evolve(evolve(there.holder_lead, LeadAddedToSegment(segment_id="s")), event)
    assert lead.segment_id is None
    assert (lead.campaign_id, lead.pool_id, lead.fields) == (TARGET, None, {"age": 40})
    given(SOURCE).when(command, known(ADA, BUYING, THERE)).nothing()
    unfit = replace(ELSEWHERE, fields={"job": "baker"})
    given(SOURCE).when(command, known(ADA, BUYING, unfit)).refused("field-not-picklist")


def test_a_duplicate_is_cloned_anyway_without_a_claim_on_what_is_claimed() -> None:
    command = clone(duplicate_action="clone_anyway", duplicate_search="everywhere")
    beside = replace(NEW, claims=False)
    given(SOURCE).when(command, known(ADA, BUYING, THERE)).then(CLONED, elsewhere(beside))
    assert claim_of(fold([(beside, ACTOR)])) is None
    given(SOURCE).when(command, known(ADA, BUYING, ELSEWHERE)).then(CLONED, elsewhere(NEW))


def test_the_source_is_no_duplicate_of_its_clone() -> None:
    own = known(holder=STREAM, holder_lead=given(SOURCE).state)
    given(SOURCE).when(clone(duplicate_search="everywhere"), own).then(CLONED, elsewhere(NEW))


def test_without_a_search_only_the_claim_decides() -> None:
    command = clone(duplicate_search="none")
    given(SOURCE).when(command, known(ADA, BUYING, THERE)).then(CLONED, elsewhere(NEW))


def test_where_duplicates_are_looked_for() -> None:
    lead = given(SOURCE).state
    found = claims_anywhere(lead, [(CAMPAIGN, "phone"), (TARGET, "phone"), (TARGET, "email")])
    assert [claim.scope for claim in found] == [CAMPAIGN, TARGET]
    assert found[0] == claim_of(lead)


def first_dial(number: int, **settings: Any) -> datetime:
    """Return when the clone of source lead number so-and-so is first due."""
    lead = fold([(SOURCE.placed(UUID(int=number), 1, NOW), ACTOR)])
    _, there = decide(lead, clone(**settings), known())
    assert isinstance(there, Elsewhere)
    (event,) = there.events
    assert isinstance(event, LeadCreated)
    assert event.next_dial_at is not None
    return datetime.fromisoformat(event.next_dial_at)


def test_clones_are_spread_over_days_and_hours_the_same_way_again() -> None:
    settings = {"day_offset": 2, "day_count": 3, "time_from": "09:00", "time_until": "12:00"}
    dials = [first_dial(number, **settings) for number in range(200)]
    assert dials == [first_dial(number, **settings) for number in range(200)]
    assert {at.date().day for at in dials} == {4, 5, 6}
    assert {at.hour for at in dials} == {9, 10, 11}
    other = [first_dial(number, seed=1, **settings) for number in range(200)]
    assert [at.date() for at in other] != [at.date() for at in dials]
    assert [at.time() for at in other] != [at.time() for at in dials]


def test_the_days_are_those_of_the_zone() -> None:
    at = first_dial(1, day_offset=1, time_from="00:00", time_until="00:01", zone="Asia/Tokyo")
    assert at == datetime(2026, 3, 3, 15, 0, tzinfo=UTC)  # midnight of 4 March, there
    assert first_dial(1, day_offset=1) == NOW + timedelta(days=1)


def test_without_a_spread_the_clone_is_due_at_once() -> None:
    assert SELLING.template.duplicate_key == BUYING.template.duplicate_key
    asked = given(SOURCE).when(clone(), known())
    assert isinstance(asked.outcomes[1], Elsewhere)
    assert isinstance(asked.outcomes[1].events[0], LeadCreated)
    assert asked.outcomes[1].events[0].next_dial_at is None
