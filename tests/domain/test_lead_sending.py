"""Messages to a lead: queued with all checks, cancelled, retried, sent, reported on; contracts."""

from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.instants import format_instant
from schemas.lead import (
    LeadAnonymised,
    LeadContractRecorded,
    LeadContractResendRequested,
    LeadDeleted,
    LeadMerged,
    LeadMessageCancelled,
    LeadMessageDelivered,
    LeadMessageFailed,
    LeadMessageQueued,
    LeadMessageRequeued,
    LeadMessageSent,
)
from services.command.domain.facts import Facts
from services.command.domain.lead.contracts import ResendContract
from services.command.domain.lead.sending import (
    WAITING_MAX,
    CancelMessage,
    NoteMessageFailed,
    NoteMessageSent,
    ReportMessage,
    RetryMessage,
    SendEmail,
    SendSms,
    SendWhatsapp,
)
from tests.domain.given_when_then import STREAM, given
from tests.domain.world import (
    ADA,
    ANA,
    AUD,
    DIA,
    HOLDER,
    LEE,
    NOW,
    OTHER_PHONE,
    PHONE,
    SUPPORT,
    THIRD_PHONE,
    created,
    facts,
    listed,
)

ALL = frozenset({"email", "sms", "whatsapp"})
AT = format_instant(NOW)
MAIL = "ana@example.com"
ID = f"{STREAM}.2"
PERSON: dict[str, Any] = {"personal_fields": {"email": MAIL, "whatsapp": THIRD_PHONE}}
EMAIL = SendEmail(subject="Offer", body="Hello")
SMS = SendSms(body="Hello")
WHATSAPP = SendWhatsapp(body="Hello")


def able(by: str = ANA, **more: Any) -> Facts:
    return facts(by, channels=ALL, **more)


def queued(
    channel: str = "sms", number: int = 2, contract: str | None = None, by: str | None = ANA
) -> LeadMessageQueued:
    address = {"email": MAIL, "sms": PHONE, "whatsapp": THIRD_PHONE}[channel]
    subject = "Offer" if channel == "email" else None
    return LeadMessageQueued(
        f"{STREAM}.{number}", channel, by, contract, address, subject, "Hello"
    )  # fmt: skip


def test_a_message_is_queued_under_the_name_of_its_event() -> None:
    lead = given(created(**PERSON)).when(EMAIL, able()).then(queued("email"))
    assert lead.outbox[ID].state == "queued"
    assert lead.modified_at == lead.created_at
    given(created(**PERSON)).when(SMS, able()).then(queued("sms"))
    given(created(**PERSON)).when(WHATSAPP, able()).then(queued("whatsapp"))
    given(created(**PERSON), queued()).when(SMS, able()).then(queued(number=3))
    assert {"address", "subject", "body"} == LeadMessageQueued.PERSONAL


def test_it_goes_to_an_address_of_the_lead_only() -> None:
    contact = {"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE}
    story = given(created(contacts=(contact,)))
    (event,) = story.when(SendSms(to=OTHER_PHONE, body="Hi"), able()).outcomes
    assert isinstance(event, LeadMessageQueued)
    assert event.address == OTHER_PHONE
    story.when(SendSms(to=THIRD_PHONE, body="Hi"), able()).refused("address-not-of-lead")
    (event,) = story.when(WHATSAPP, able()).outcomes
    assert isinstance(event, LeadMessageQueued)
    assert event.address == PHONE
    story.when(EMAIL, able()).refused("no-address")
    given(created(phone=None, **PERSON)).when(SMS, able()).refused("no-address")
    other = SendEmail(to="eve@example.com", subject="x", body="y")
    given(created(**PERSON)).when(other, able()).refused("address-not-of-lead")


def test_every_reason_is_listed() -> None:
    blocked = facts(ANA, dnc=listed())
    given(created()).when(SMS, blocked).refused("sms-not-set-up", "do-not-call-global")
    settled = LeadContractRecorded("k1", "accepted", AT)
    about = SendEmail(subject="x", body="y", contract_id="k1")
    given(created(), settled).when(about, facts(ANA)).refused(
        "email-not-set-up", "no-address", "contract-settled"
    )
    given(created()).when(about, able()).refused("no-address", "unknown-contract")


def test_a_number_on_a_do_not_call_list_gets_no_message_but_mail() -> None:
    story = given(created(**PERSON))
    blocked = able(dnc=listed("campaign", campaign_id=created().campaign_id))
    story.when(SMS, blocked).refused("do-not-call-campaign")
    story.when(EMAIL, blocked).then(queued("email"))
    elsewhere = able(dnc=listed("campaign", campaign_id=HOLDER))
    story.when(SMS, elsewhere).then(queued("sms"))


def test_not_to_what_is_erased_or_merged_or_out_of_reach() -> None:
    for command in (EMAIL, SMS, WHATSAPP):
        given(created(), LeadDeleted()).when(command, able(ADA)).refused("lead-deleted")
        given(created(), LeadAnonymised()).when(command, able(ADA)).refused("lead-anonymised")
        given(created(), LeadMerged(into=HOLDER)).when(command, able(ADA)).refused("lead-merged")
        given(created(**PERSON)).when(command, able(AUD)).refused("role-not-allowed")
        given(created(**PERSON)).when(command, able(DIA)).refused("role-not-allowed")
        given(created(owner=f"team:{SUPPORT}")).when(command, able()).refused("lead-out-of-reach")
        given().when(command, able()).refused("unknown-lead")
        for by in (ANA, LEE, ADA):
            given(created(**PERSON)).when(command, able(by)).after()


def test_a_lead_is_not_flooded() -> None:
    many = [queued(number=number) for number in range(2, 2 + WAITING_MAX)]
    given(created(), *many).when(SMS, able()).refused("too-many-waiting")
    given(created(), *many, LeadMessageSent(ID)).when(SMS, able()).after()


@pytest.mark.parametrize(
    "bad",
    [
        {"subject": "a\nBcc: eve@example.com", "body": "x"},
        {"subject": "a\rBcc: eve@example.com", "body": "x"},
        {"subject": "x", "body": "  "},
        {"subject": " ", "body": "x"},
        {"subject": "x", "body": "x" * 10_001},
        {"subject": "x", "body": "\0"},
        {"subject": "x", "body": "y", "to": "a@b.example\nBcc: c@d.example"},
    ],
)
def test_no_header_can_be_smuggled_in_and_nothing_is_empty(bad: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        SendEmail(**bad)


def test_what_waits_can_be_cancelled_and_what_failed_sent_again() -> None:
    cancel, retry = CancelMessage(message_id=ID, reason="typo"), RetryMessage(message_id=ID)
    cancelled = LeadMessageCancelled(ID, "typo")
    failed = LeadMessageFailed(ID, "mail-refused", AT, 1)
    lead = given(created(), queued()).when(cancel, able()).then(cancelled)
    assert lead.outbox[ID].state == "cancelled"
    given(created(), queued(), cancelled).when(cancel, able()).nothing()
    given(created(), queued(), cancelled).when(retry, able()).refused("not-failed")
    given(created(), queued(), LeadMessageSent(ID)).when(cancel, able()).refused("not-waiting")
    given(created(), queued()).when(retry, able()).nothing()
    lead = given(created(), queued(), failed).when(retry, able()).then(
        LeadMessageRequeued(ID, "sms", "mail-refused")
    )  # fmt: skip
    assert (lead.outbox[ID].state, lead.outbox[ID].code) == ("queued", "")
    given(created(), queued(), failed).when(retry, facts(ANA)).refused("sms-not-set-up")
    for command in (cancel, retry):
        given(created()).when(command, able()).refused("unknown-message")
        given(created(), queued()).when(command, able(AUD)).refused("role-not-allowed")


def test_sent_once_and_late_notes_are_facts() -> None:
    note = NoteMessageSent(message_id=ID, attempts=2, reference="r1")
    sent = LeadMessageSent(ID, 2, "r1")
    assert given(created(), queued()).when(note, able()).then(sent).outbox[ID].state == "sent"
    given(created(), queued(), sent).when(note, able()).nothing()
    given(created(), queued(), LeadMessageCancelled(ID)).when(note, able()).then(sent)
    given(created(), queued(), LeadDeleted()).when(note, able()).then(LeadMessageSent(ID, 2))
    wrong = NoteMessageFailed(message_id=ID, code="mail-refused", attempts=1, detail="550 no")
    failed = LeadMessageFailed(ID, "mail-refused", AT, 1, "550 no")
    given(created(), queued()).when(wrong, able()).then(failed)
    given(created(), queued(), failed).when(wrong, able()).nothing()
    given(created(), queued(), sent).when(wrong, able()).nothing()


def test_reports_come_in_any_order_and_what_arrived_has_not_failed() -> None:
    arrived = ReportMessage(message_id=ID, state="delivered", at=NOW)
    lost = ReportMessage(message_id=ID, state="failed", at=NOW, reason="unknown number")
    delivered = LeadMessageDelivered(ID, AT)
    undelivered = LeadMessageFailed(ID, "undelivered", AT, detail="unknown number")
    story = given(created(), queued(), LeadMessageSent(ID))
    assert story.when(arrived, able(DIA)).then(delivered).outbox[ID].state == "delivered"
    story.when(lost, able(DIA)).then(undelivered)
    given(created(), queued(), delivered).when(arrived, able(DIA)).nothing()
    given(created(), queued(), delivered).when(lost, able(DIA)).nothing()
    given(created(), queued(), undelivered).when(arrived, able(DIA)).then(delivered)
    early = given(created(), queued(), delivered)
    lead = early.when(NoteMessageSent(message_id=ID, attempts=1), able()).then(LeadMessageSent(ID))
    assert lead.outbox[ID].state == "delivered"
    given(created(), queued()).when(arrived, able(AUD)).refused("role-not-allowed")
    given(created()).when(arrived, able(DIA)).refused("unknown-message")
    erased = given(created(), queued(), LeadMessageSent(ID), LeadDeleted())
    erased.when(lost, able(DIA)).then(LeadMessageFailed(ID, "undelivered", AT))


def test_erasing_takes_back_what_waits() -> None:
    story = given(created(), queued(), LeadAnonymised())
    assert story.state.outbox[ID].state == "cancelled"
    assert story.state.contract_messages == {}


def test_a_contract_takes_its_next_step_when_its_message_was_sent() -> None:
    note = NoteMessageSent(message_id=f"{STREAM}.3", attempts=1)
    sent = LeadMessageSent(f"{STREAM}.3")
    steps = ["updated", "confirmation_sent", "reminder_1", "reminder_2", "reminder_3"]
    for before, after in pairwise(steps):
        story = given(
            created(), LeadContractRecorded("k1", before, AT), queued(number=3, contract="k1")
        )
        story.when(note, able()).then(sent, LeadContractRecorded("k1", after, AT, before))
    for last in ("reminder_3", "help", "accepted"):
        story = given(
            created(), LeadContractRecorded("k1", last, AT), queued(number=3, contract="k1")
        )
        story.when(note, able()).then(sent)


def test_a_contract_is_sent_again_in_the_words_of_before_or_in_new_ones() -> None:
    begun = (
        created(**PERSON), LeadContractRecorded("k1", "updated", AT),
        queued("email", 3, "k1"), LeadMessageSent(f"{STREAM}.3"),
    )  # fmt: skip
    again = ResendContract(contract_id="k1", channel="email")
    asked = LeadContractResendRequested("k1", "email")
    given(*begun).when(again, able()).then(asked, queued("email", 6, "k1"))
    new = ResendContract(contract_id="k1", channel="sms", body="Hello")
    given(*begun).when(new, able()).then(
        LeadContractResendRequested("k1", "sms"), queued("sms", 6, "k1")
    )
    bare = ResendContract(contract_id="k1", channel="sms")
    given(*begun).when(bare, able()).refused("no-message-yet")
    long = ResendContract(contract_id="k1", channel="sms", body="x" * 1_601)
    given(*begun).when(long, able()).refused("too-long")
    unnamed = ResendContract(contract_id="k1", channel="email", body="x")
    given(*begun[:2]).when(unnamed, able()).refused("no-subject")
    given(*begun).when(again, facts(ANA)).refused("email-not-set-up")
    blocked = able(dnc=listed())
    given(*begun).when(new, blocked).refused("do-not-call-global")
