"""RecordMessage: in and out, once per id, without content where the lead's data was erased."""

from datetime import timedelta
from typing import Any

import pytest

from schemas.instants import format_instant
from schemas.lead import LeadDeleted, LeadMerged, LeadMessageRecorded
from services.command.domain.lead.messages import RecordMessage
from services.command.planning import happened_at
from tests.domain.given_when_then import given
from tests.domain.world import ADA, ANA, AUD, DIA, HOLDER, LEE, NOW, SUPPORT, created, facts

SENT = NOW - timedelta(hours=2)
MESSAGE = RecordMessage(
    message_id="m1", channel="whatsapp", direction="in", sent_at=SENT,
    address="+14155550100", subject="Re: offer", body="Call me later", agent=ANA,
)  # fmt: skip
RECORDED = LeadMessageRecorded(
    "m1", "whatsapp", "in", format_instant(SENT), ANA, "+14155550100", "Re: offer",
    "Call me later",
)  # fmt: skip


def test_recorded_once_with_its_own_time_and_no_edit_of_the_lead() -> None:
    lead = given(created()).when(MESSAGE, facts(DIA)).then(RECORDED)
    assert lead.messages == {"m1"}
    assert lead.modified_at == lead.created_at
    assert happened_at(RECORDED, NOW) == SENT
    given(created(), RECORDED).when(MESSAGE, facts(DIA)).nothing()
    given(created(), RECORDED).when(
        MESSAGE.model_copy(update={"message_id": "m2"}), facts(DIA)
    ).after()


def test_what_a_message_says_is_personal() -> None:
    assert {"address", "subject", "body"} == LeadMessageRecorded.PERSONAL


@pytest.mark.parametrize("erasing", [LeadDeleted()])
def test_of_an_erased_lead_only_the_fact_is_kept(erasing: Any) -> None:
    bare = LeadMessageRecorded("m1", "whatsapp", "in", format_instant(SENT), ANA)
    given(created(), erasing).when(MESSAGE, facts(DIA)).then(bare)


def test_a_merged_lead_still_hears_of_its_messages() -> None:
    given(created(), LeadMerged(into=HOLDER)).when(MESSAGE, facts(DIA)).then(RECORDED)


def test_who_may() -> None:
    for by in (ADA, LEE, ANA, DIA):
        given(created()).when(MESSAGE, facts(by)).then(RECORDED)
    given(created()).when(MESSAGE, facts(AUD)).refused("role-not-allowed")
    given(created(owner=f"team:{SUPPORT}")).when(MESSAGE, facts(ANA)).refused("lead-out-of-reach")
    given().when(MESSAGE, facts(DIA)).refused("unknown-lead")
