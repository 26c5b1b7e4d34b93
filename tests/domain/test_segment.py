"""Segments: a filter and who may pick it, copied, on and off; a lead is in at most one."""

from dataclasses import replace

import pytest

from schemas import segment as events
from schemas.lead import LeadAddedToSegment, LeadMoved, LeadRemovedFromSegment
from services.command.domain.decider import Command
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.segments import AddToSegment, RemoveFromSegment
from services.command.domain.segment.commands import (
    ActivateSegment,
    ChangeSegment,
    CopySegment,
    CreateSegment,
    DeactivateSegment,
)
from services.command.domain.segment.state import Segment, evolve, fold
from tests.domain.given_when_then import STREAM, given
from tests.domain.stories import Story, ask
from tests.domain.world import (
    ADA,
    ANA,
    BEN,
    CAMPAIGN,
    DIA,
    LEE,
    OLD,
    SUE,
    TARGET,
    an_id,
    created,
    facts,
)

CITY = {"op": "equals", "field": "fields.city", "value": "Lisbon"}
OPEN = {"op": "and", "of": [CITY, {"op": "in", "field": "status", "values": ["ready"]}]}
CREATE = ask(CreateSegment, name="Lisbon", filter=OPEN, agents=[ANA, BEN, ANA])
NOTHING = Story(fold)
MADE = NOTHING.after(CREATE, facts(LEE))
FIRST, SECOND = an_id(51), an_id(52)
LISBON = Segment(FIRST, 1, "Lisbon", OPEN, (ANA,))


def test_a_segment_is_a_filter_and_the_agents_who_may_pick_it() -> None:
    assert MADE.happened == (events.SegmentCreated("Lisbon", OPEN, (ANA, BEN)),)
    assert MADE.state == Segment(str(STREAM), 1, "Lisbon", OPEN, (ANA, BEN), active=True)
    assert MADE.refused(CREATE, facts(LEE)) == ["segment-exists"]
    assert NOTHING.refused(CREATE, facts(ANA)) == ["role-not-allowed"]


def test_agents_must_be_there_and_within_reach() -> None:
    asked = ask(CreateSegment, name="X", agents=[ANA, SUE, OLD, an_id(99)])
    expected = ["agent-out-of-reach", "unknown-agent", "unknown-agent"]
    assert NOTHING.refused(asked, facts(LEE)) == expected
    assert NOTHING.refused(asked, facts(ADA)) == ["unknown-agent", "unknown-agent"]


def test_a_filter_too_large_is_refused() -> None:
    large = {"op": "or", "of": [{"op": "and", "of": [CITY] * 99} for _ in range(3)]}
    assert NOTHING.refused(ask(CreateSegment, name="X", filter=large), facts()) == [
        "filter-too-large"
    ]


def test_a_filter_that_names_a_number_is_refused() -> None:
    """It would stay readable when the number is erased."""
    for value in ("+1 (415) 555-0100", "004915112345678"):
        named = {"op": "or", "of": [CITY, {"op": "equals", "field": "phone", "value": value}]}
        asked = ask(CreateSegment, name="X", filter=named)
        assert NOTHING.refused(asked, facts()) == ["filter-names-number"]
        assert MADE.refused(ask(ChangeSegment, filter=named), facts()) == ["filter-names-number"]


def test_changed_in_part_the_rest_stays() -> None:
    changed = MADE.after(ask(ChangeSegment, name="Porto"), facts(LEE))
    assert changed.happened[-1] == events.SegmentChanged(
        "Porto", OPEN, (ANA, BEN),
        before={"name": "Lisbon", "filter": OPEN, "agents": [ANA, BEN]},
    )  # fmt: skip
    narrower = changed.after(ask(ChangeSegment, agents=[BEN], filter=CITY), facts(LEE))
    assert narrower.state == Segment(str(STREAM), 3, "Porto", CITY, (BEN,))


def test_a_filter_of_null_is_taken_away() -> None:
    without = MADE.after(ask(ChangeSegment, filter=None), facts(LEE))
    assert without.happened[-1] == events.SegmentChanged(
        "Lisbon", None, (ANA, BEN),
        before={"name": "Lisbon", "filter": OPEN, "agents": [ANA, BEN]},
    )  # fmt: skip
    assert not without.when(ask(ChangeSegment, filter=None), facts(LEE))
    assert without.after(ask(ChangeSegment, filter=CITY), facts(LEE)).state.filter == CITY


def test_who_leads_none_of_its_agents_leaves_a_segment_alone() -> None:
    far = NOTHING.after(ask(CreateSegment, name="Support", agents=[SUE]), facts(ADA))
    commands = (ask(ChangeSegment, name="Mine"), ask(DeactivateSegment), ask(ActivateSegment))
    for command in commands:
        assert far.refused(command, facts(LEE)) == ["segment-out-of-reach"]
        assert NOTHING.refused(command, facts(LEE)) == ["unknown-segment"]


def test_an_agent_who_left_may_stay_named_but_not_come_in_anew() -> None:
    old = Story(fold, (events.SegmentCreated("X", agents=(OLD,)),))
    assert old.when(ask(ChangeSegment, name="Y"), facts(ADA))
    assert MADE.refused(ask(ChangeSegment, agents=[ANA, OLD]), facts(ADA)) == ["unknown-agent"]


def test_a_copy_stands_alone_and_takes_no_agents_out_of_reach() -> None:
    source = replace(LISBON, agents=(ANA, SUE))
    copy = ask(CopySegment, segment_id=FIRST, name="Copy")
    assert NOTHING.when(copy, facts(LEE, segment=source)) == [
        events.SegmentCreated("Copy", OPEN, (ANA,), copied_from=FIRST)
    ]
    assert NOTHING.refused(copy, facts(LEE)) == ["unknown-segment"]


def test_on_and_off() -> None:
    off = MADE.after(ask(DeactivateSegment), facts(LEE))
    assert off.state.active is False
    assert off.after(ask(ActivateSegment), facts(LEE)).state.active is True
    assert evolve(LISBON, LeadRemovedFromSegment()) == replace(LISBON, version=2)


def test_a_lead_is_in_at_most_one_segment() -> None:
    known = facts(LEE, segment=LISBON)
    first = LeadAddedToSegment(segment_id=FIRST)
    lead = given(created()).when(AddToSegment(segment_id=FIRST), known).then(first)
    assert lead.segment_id == FIRST
    given(created(), first).when(AddToSegment(segment_id=FIRST), known).nothing()
    second = facts(LEE, segment=replace(LISBON, id=SECOND))
    moved = LeadAddedToSegment(segment_id=SECOND, previous=FIRST)
    lead = given(created(), first).when(AddToSegment(segment_id=SECOND), second).then(moved)
    assert lead.segment_id == SECOND


@pytest.mark.parametrize(
    ("segment", "code"),
    [
        (None, "unknown-segment"),
        (Segment(), "unknown-segment"),
        (replace(LISBON, active=False), "segment-inactive"),
    ],
)
def test_a_segment_that_is_not_there_or_off_takes_no_lead(
    segment: Segment | None, code: str
) -> None:
    given(created()).when(AddToSegment(segment_id=FIRST), facts(segment=segment)).refused(code)


def test_a_lead_leaves_the_segment_that_is_named_and_no_other() -> None:
    inside = given(created(), LeadAddedToSegment(segment_id=FIRST))
    out = LeadRemovedFromSegment(previous=FIRST)
    assert inside.when(RemoveFromSegment(segment_id=FIRST), facts(LEE)).then(out).segment_id is None
    other = facts(LEE, segment=replace(LISBON, id=SECOND))
    inside.when(RemoveFromSegment(segment_id=SECOND), other).nothing()
    for nothing in (None, Segment()):
        nowhere = facts(LEE, segment=nothing)
        inside.when(RemoveFromSegment(segment_id=SECOND), nowhere).refused("unknown-segment")
    moved = LeadMoved(campaign_id=TARGET, previous=CAMPAIGN)
    story = given(created(), LeadAddedToSegment(segment_id=FIRST), moved)
    story.when(RemoveFromSegment(segment_id=FIRST), facts(LEE, segment=LISBON)).nothing()


@pytest.mark.parametrize("command", [AddToSegment, RemoveFromSegment])
def test_agents_put_no_lead_into_segments(command: type[Command]) -> None:
    asked = ask(command, segment_id=FIRST)
    given(created()).when(asked, facts(ANA, segment=LISBON)).refused("role-not-allowed")


def test_who_picked_a_segment_is_given_its_leads_only() -> None:
    start = StartCall(call_id="c1", segment_id=FIRST)
    inside = given(created(), LeadAddedToSegment(segment_id=FIRST))
    assert inside.when(start, facts(ANA, segment=LISBON)).outcomes
    by_dialer = start.model_copy(update={"agent": None})
    assert inside.when(by_dialer, facts(DIA, segment=LISBON)).outcomes
    given(created()).when(start, facts(ANA, segment=LISBON)).refused("not-in-segment")
    inside.when(start, facts(BEN, segment=LISBON)).refused("segment-not-for-agent")
    inside.when(start, facts(ANA)).refused("unknown-segment")
    off = replace(LISBON, active=False)
    inside.when(start, facts(ANA, segment=off)).refused("segment-inactive")
