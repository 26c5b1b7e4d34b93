"""MoveLead: into another campaign, into a pool, both; what is dropped, required, claimed."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadAddedToSegment,
    LeadCallStarted,
    LeadContactChanged,
    LeadFieldsChanged,
    LeadLocked,
    LeadMoved,
)
from services.command.domain.campaign.state import Campaign
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.facts import Facts
from services.command.domain.lead.claims import claim_of
from services.command.domain.lead.evolving import evolve, fold
from services.command.domain.lead.moving import MoveLead
from services.command.domain.lead.undoing import undo
from services.command.domain.pool.state import Pool
from tests.domain.given_when_then import ACTOR, STREAM, given, placed
from tests.domain.world import (
    ADA,
    ANA,
    CAMPAIGN,
    HOLDER,
    LEE,
    NOW,
    OTHER_PHONE,
    POOL,
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
    pool_id=POOL,
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
MOVED = LeadMoved(TARGET, dropped=("city", "iban"), previous=CAMPAIGN, previous_pool=POOL)
HERE, THERE = Pool(POOL, 1, "March", CAMPAIGN), Pool(POOL, 1, "April", TARGET)
INTO = MoveLead(target_campaign_id=TARGET)


def known(by: str = ADA, *held: Event, **more: Any) -> Facts:
    """Return facts with the target, and with the lead that has the duplicate key there."""
    holder = {}
    if held:
        lead = fold([(event, ACTOR) for event in placed(held, UUID(HOLDER))])
        holder = {"holder": UUID(HOLDER), "holder_lead": lead}
    return facts(by, **{"target": BUYING, **holder, **more})


def template(*fields: TemplateField, key: str = "phone") -> Campaign:
    return replace(BUYING, template=Template(fields, key))


def test_fields_go_by_import_name_and_those_that_are_dropped_are_named() -> None:
    defaults = LeadFieldsChanged(set={"shoe": 40})
    lead = given(SOURCE).when(INTO, known(LEE)).then(MOVED, defaults)
    assert (lead.campaign_id, lead.pool_id, lead.owner) == (TARGET, None, SOURCE.owner)
    assert (lead.fields, lead.personal) == (
        {"age": 41, "job": "clerk", "shoe": 40}, {"name": "Ana"},
    )  # fmt: skip
    assert lead.contacts[0].fields == {"age": 9}
    claim = claim_of(lead)
    assert claim is not None
    assert claim.scope == TARGET


def test_what_the_new_template_types_otherwise_is_typed_so() -> None:
    target = template(TemplateField("age", type="text", personal=True), key="age")
    lead = given(created(fields={"age": 41}, contacts=SOURCE.contacts)).when(
        INTO, known(target=target)
    )
    moved = LeadMoved(TARGET, key="age", dropped=("city",), previous=CAMPAIGN)
    retyped = LeadFieldsChanged(personal_set={"age": "41"}, before={"age": 41})
    number = {"phone": OTHER_PHONE, "typed": "0101"}
    contact = LeadContactChanged(
        1, OTHER_PHONE, "0101", {"age": "9"}, before={**number, "fields": {"age": 9}}
    )
    after = lead.then(moved, retyped, contact)
    assert (after.fields, after.personal, after.key) == ({}, {"age": "41"}, "age")


@pytest.mark.parametrize(
    ("target", "codes"),
    [
        (None, ["unknown-campaign"]),
        (Campaign(), ["unknown-campaign"]),
        (template(TemplateField("surname", required=True)), ["field-required"]),
        (
            template(TemplateField("job", type="picklist", values=("pilot",))),
            ["field-not-picklist"],
        ),
        (template(TemplateField("city", type="number")), ["field-not-number"] * 2),
    ],
)
def test_what_the_new_template_requires_or_cannot_hold_is_named(
    target: Campaign | None, codes: list[str]
) -> None:
    given(SOURCE).when(INTO, known(target=target)).refused(*codes)


def test_into_a_pool_of_the_same_campaign_nothing_else_changes() -> None:
    inside = given(created(), LeadAddedToSegment(segment_id="s"))
    moved = LeadMoved(CAMPAIGN, POOL, previous=CAMPAIGN)
    lead = inside.when(MoveLead(pool_id=POOL), facts(pool=HERE)).then(moved)
    assert (lead.pool_id, lead.segment_id) == (POOL, "s")
    given(SOURCE).when(MoveLead(pool_id=POOL), facts(pool=HERE)).nothing()
    given(SOURCE).when(MoveLead(target_campaign_id=CAMPAIGN), facts()).nothing()
    given(created()).when(MoveLead(pool_id=POOL), facts()).refused("unknown-pool")
    given(created()).when(MoveLead(pool_id=POOL), facts(pool=THERE)).refused(
        "pool-of-other-campaign"
    )


def test_a_lead_without_a_claim_gets_none_by_changing_its_pool() -> None:
    moved = LeadMoved(CAMPAIGN, POOL, previous=CAMPAIGN, claims=False)
    beside = given(created(claims=False))
    lead = beside.when(MoveLead(pool_id=POOL), facts(pool=HERE)).then(moved)
    assert claim_of(lead) is None


def test_into_a_pool_of_another_campaign() -> None:
    both = MoveLead(target_campaign_id=TARGET, pool_id=POOL)
    lead = given(created()).when(both, known(pool=THERE)).after()
    assert (lead.campaign_id, lead.pool_id) == (TARGET, POOL)
    given(created()).when(both, known(pool=HERE)).refused("pool-of-other-campaign")
    given(created()).when(MoveLead(), facts()).refused("nowhere-to-move")


OTHER = replace(SOURCE, campaign_id=TARGET, fields={"age": 40}, contacts=())


def test_a_duplicate_there_refuses_is_skipped_or_stands_beside() -> None:
    there = known(ADA, OTHER)
    (reason,) = given(SOURCE).when(INTO, there).refused("duplicate")
    assert HOLDER in reason.text
    skip = MoveLead(target_campaign_id=TARGET, duplicate_action="skip")
    given(SOURCE).when(skip, there).nothing()
    given(created()).when(
        skip, replace(there, target=template(TemplateField("surname", required=True)))
    ).refused("duplicate", "field-required")
    anyway = MoveLead(target_campaign_id=TARGET, duplicate_action="move_anyway")
    lead = given(SOURCE).when(anyway, there).after()
    assert (lead.campaign_id, lead.claims, claim_of(lead)) == (TARGET, False, None)


def test_a_holder_that_has_let_go_is_no_duplicate() -> None:
    gone = replace(OTHER, phone=OTHER_PHONE)
    given(SOURCE).when(INTO, known(ADA, gone)).then(MOVED, LeadFieldsChanged(set={"shoe": 40}))


def test_not_while_it_is_called_or_locked_and_not_by_everybody() -> None:
    later = format_instant(NOW + timedelta(minutes=5))
    called = LeadCallStarted(call_id="c1", expires_at=later)
    locked = LeadLocked(user=ANA)
    given(SOURCE, called, locked).when(INTO, known()).refused("locked", "call-in-progress")
    given(SOURCE).when(INTO, known(ANA)).refused("role-not-allowed")
    foreign = replace(SOURCE, owner=f"team:{SUPPORT}")
    given(foreign).when(INTO, known(LEE)).refused("lead-out-of-reach")


def test_undone_it_is_where_it_was_with_all_it_had() -> None:
    first = replace(SOURCE, contacts=(), claims=False)
    begun = placed([first, LeadAddedToSegment(segment_id="s")])
    before = fold([(event, ACTOR) for event in begun])
    outcomes = given(first, LeadAddedToSegment(segment_id="s")).when(INTO, known()).outcomes
    done = [
        (event.placed(STREAM, version, NOW), ACTOR)
        for version, event in enumerate(outcomes, 3)
        if isinstance(event, Event)
    ]
    lead = before
    for event, actor in done:
        lead = evolve(lead, event, actor)
    assert (lead.campaign_id, lead.segment_id, lead.claims) == (TARGET, None, True)
    events, _ = undo(before, done, [])
    for event in events:
        lead = evolve(lead, event, ACTOR)
    for part in ("campaign_id", "pool_id", "segment_id", "key", "claims", "fields", "personal"):
        assert getattr(lead, part) == getattr(before, part), part
