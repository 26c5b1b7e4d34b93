"""EraseNumber: every lead that has or had the number loses its data; what blocks it stays."""

import base64
from dataclasses import replace
from uuid import UUID

import pytest

from schemas.dnc import DncAdded, DncNumberErased
from schemas.event import Event
from schemas.lead import (
    LeadAnonymised,
    LeadContactRemoved,
    LeadDeleted,
    LeadFieldsChanged,
    LeadPhoneChanged,
)
from schemas.quarantine import PayloadErased, PayloadHeld
from schemas.segment import SegmentCreated, SegmentFilterErased
from schemas.view import ViewCreated, ViewErased
from services.command.domain.decider import Elsewhere
from services.command.domain.dnc.commands import AddToDoNotCall, RemoveFromDoNotCall
from services.command.domain.dnc.erasing import EraseNumber
from services.command.domain.dnc.state import DncNumber, fold
from services.command.domain.lead.claims import numbers_of, traces_of
from services.command.domain.lead.evolving import fold as fold_lead
from services.command.domain.lead.state import Lead
from services.command.domain.quarantine.state import fold as fold_payload
from services.command.domain.segment.commands import CopySegment
from services.command.domain.segment.state import fold as fold_segment
from services.command.domain.view.state import fold as fold_view
from tests.domain.given_when_then import ACTOR, given, placed
from tests.domain.world import (
    ADA,
    CLONE,
    DIA,
    HOLDER,
    LEE,
    NOW,
    OTHER_PHONE,
    PHONE,
    THIRD_PHONE,
    created,
    facts,
)

CALL = UUID("01920000-0000-7000-8000-0000000000ca")
ERASE = EraseNumber(number=PHONE, reason="asked for it")
FIRST = fold_lead([(event, ACTOR) for event in placed([created()], UUID(CLONE))])
SECOND = replace(FIRST, id=HOLDER, status="ready", version=9)
GONE = LeadAnonymised(reason="asked for it", previous="created")
ADDED = DncAdded(scope="global", reason="lawyer", number=PHONE)
ERASED = DncNumberErased(reason="asked for it", leads=2)
LIFT = RemoveFromDoNotCall(number=PHONE, scope="global", reason="asked to be called")


def test_all_its_leads_are_erased_with_it() -> None:
    leads = {UUID(CLONE): FIRST, UUID(HOLDER): SECOND}
    given(ADDED, fold=fold).when(ERASE, facts(ADA, leads=leads)).then(
        ERASED,
        Elsewhere(UUID(CLONE), "lead", 1, (GONE,)),
        Elsewhere(UUID(HOLDER), "lead", 9, (replace(GONE, previous="ready"),)),
    )


def test_what_is_erased_stays_and_a_new_lead_with_the_number_goes_too() -> None:
    gone = replace(FIRST, anonymised=True)
    erased = given(ERASED, fold=fold)
    erased.when(ERASE, facts(ADA, leads={UUID(CLONE): gone})).nothing()
    erased.when(ERASE, facts(ADA)).nothing()
    # A file of an import that came since may hold it: what is kept there is found by the event.
    erased.when(ERASE, facts(ADA, files_kept=True)).then(replace(ERASED, leads=0))
    again = erased.when(ERASE, facts(ADA, leads={UUID(HOLDER): FIRST}))
    again.then(replace(ERASED, leads=1), Elsewhere(UUID(HOLDER), "lead", 1, (GONE,)))
    given(fold=fold).when(ERASE, facts(ADA)).then(replace(ERASED, leads=0))


def test_the_number_stays_blocked_and_is_written_down_no_more() -> None:
    state = given(ADDED, ERASED, fold=fold).state
    assert isinstance(state, DncNumber)
    assert state.entries[0].blocks("any", NOW)
    assert (True, frozenset()) == (DncNumberErased.DESTROYS_KEY, DncNumberErased.PERSONAL)
    again = AddToDoNotCall(number=PHONE, scope="global", reason="again")
    (added,) = given(ERASED, fold=fold).when(again, facts(ADA)).outcomes
    assert added == DncAdded(scope="global", reason="again")
    (lifted,) = given(ADDED, ERASED, fold=fold).when(LIFT, facts(ADA)).outcomes
    assert getattr(lifted, "number", "") is None


@pytest.mark.parametrize("by", [LEE, DIA])
def test_only_admins_erase(by: str) -> None:
    given(fold=fold).when(ERASE, facts(by)).refused("role-not-allowed")


def test_what_is_no_number_is_refused() -> None:
    given(fold=fold).when(EraseNumber(number="555", reason="x"), facts(ADA)).refused(
        "phone-not-e164"
    )


def traces(*happened: Event) -> frozenset[str]:
    return traces_of(given(*happened).state)


def test_a_lead_leaves_traces_of_numbers_it_had_and_of_its_whatsapp() -> None:
    changed = LeadPhoneChanged(phone=OTHER_PHONE, phone_typed="x", previous=PHONE)
    assert traces(created()) == frozenset()
    assert traces(created(), changed) == {PHONE}
    back = LeadPhoneChanged(phone=PHONE, phone_typed="x", previous=OTHER_PHONE)
    assert traces(created(), changed, back) == {OTHER_PHONE}
    contact = {"id": 1, "phone": OTHER_PHONE, "typed": "x", "fields": {}}
    assert traces(created(contacts=(contact,)), LeadContactRemoved(1)) == {OTHER_PHONE}
    whatsapp = created(personal_fields={"whatsapp": OTHER_PHONE})
    assert traces(whatsapp) == {OTHER_PHONE}
    other = LeadFieldsChanged(personal_set={"whatsapp": THIRD_PHONE})
    assert traces(whatsapp, other) == {OTHER_PHONE, THIRD_PHONE}
    assert traces(whatsapp, other, LeadDeleted()) == frozenset()
    assert numbers_of(Lead()) == traces_of(Lead()) == frozenset()


def test_views_whose_filter_holds_the_number_go_with_it() -> None:
    tree = {"op": "equals", "field": "phone", "value": PHONE}
    view = fold_view(placed([ViewCreated("Ann", ADA, filter=tree)], CALL))
    gone = ViewErased(reason="asked for it")
    given(fold=fold).when(ERASE, facts(ADA, views={CALL: view})).then(
        replace(ERASED, leads=0), Elsewhere(CALL, "view", 1, (gone,))
    )
    after = {CALL: fold_view(placed([gone], CALL), view)}
    given(replace(ERASED, leads=0), fold=fold).when(ERASE, facts(ADA, views=after)).nothing()


def test_segments_whose_filter_names_the_number_lose_it() -> None:
    tree = {"op": "equals", "field": "phone", "value": PHONE}
    segment = fold_segment(placed([SegmentCreated("Ann", tree)], CALL))
    cleared = SegmentFilterErased(reason="asked for it")
    given(fold=fold).when(ERASE, facts(ADA, segments={CALL: segment})).then(
        replace(ERASED, leads=0), Elsewhere(CALL, "segment", 1, (cleared,))
    )
    after = {CALL: fold_segment(placed([cleared], CALL), segment)}
    assert (after[CALL].filter, after[CALL].name) == (None, "Ann")
    given(replace(ERASED, leads=0), fold=fold).when(ERASE, facts(ADA, segments=after)).nothing()
    copy = CopySegment(segment_id=str(CALL), name="Copy")
    given(fold=fold_segment).when(copy, facts(ADA, segment=segment)).refused("filter-names-number")


def test_payloads_in_quarantine_that_hold_the_number_go_with_it() -> None:
    raw = base64.b64encode(b'{"number": "+14155550100", "note": "Ann, 004415"}').decode()
    payload = fold_payload(placed([PayloadHeld("no-lead", "no lead", "http", raw=raw)], CALL))
    assert payload.numbers == {PHONE}
    payloads = {CALL: payload}
    gone = PayloadErased(reason="asked for it")
    given(fold=fold).when(ERASE, facts(ADA, payloads=payloads)).then(
        replace(ERASED, leads=0), Elsewhere(CALL, "quarantine", 1, (gone,))
    )
    after = fold_payload(placed([gone], CALL), payload)
    assert (after.fate, after.raw, after.numbers, after.waits) == ("erased", "", frozenset(), False)
    given(replace(ERASED, leads=0), fold=fold).when(
        ERASE, facts(ADA, payloads={CALL: after})
    ).nothing()
