"""Contracts: steps, icons, lateness, reminders, cancelling; the row's timeline says the same."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from schemas.contracts import SETTLED, STEPS, Icon
from schemas.envelope import Origin, Recorded
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import (
    LeadContractRecorded,
    LeadContractRejected,
    LeadContractResendRequested,
    LeadDeleted,
    LeadMessageQueued,
)
from services.command.domain.lead.contracts import (
    RecordContract,
    RejectContract,
    ResendContract,
)
from services.projections.lead import fold
from tests.domain.given_when_then import STREAM, given, placed
from tests.domain.world import ADA, ANA, AUD, DIA, LEE, NOW, PHONE, created, facts

AT = format_instant(NOW)


def at(minutes: int) -> str:
    return format_instant(NOW + timedelta(minutes=minutes))


def step(name: str, minutes: int = 0, contract: str = "k1", **more: Any) -> LeadContractRecorded:
    return LeadContractRecorded(contract, name, at(minutes), **more)


def row_of(*happened: Event) -> dict[str, Any]:
    """Return the grid's row after these events."""
    row = None
    for event in placed((created(), *happened)):
        origin = Origin(f"user:{ADA}", "command:1")
        recorded = Recorded(
            event.originator_version, UUID(str(STREAM)), event.originator_version,
            event.timestamp, datetime(2026, 3, 3, tzinfo=UTC), origin, event, False,
        )  # fmt: skip
        row = fold(row, recorded)
    assert row is not None
    return row


def test_every_step_has_its_icon_and_can_be_recorded() -> None:
    assert set(get_args(RecordContract.model_fields["step"].annotation)) == set(STEPS)
    assert set(get_args(Icon)) == set(STEPS.values())
    assert STEPS == {
        "updated": "white", "accepted": "green", "help": "blue", "confirmation_sent": "yellow_1",
        "reminder_1": "yellow_2", "reminder_2": "yellow_3", "reminder_3": "yellow_4",
        "cancelled": "red", "expired": "grey",
    }  # fmt: skip
    assert set(STEPS) > SETTLED
    for name, icon in STEPS.items():
        assert row_of(step(name))["contract_icon"] == icon


def test_steps_are_recorded_once_and_in_order_of_their_own_time() -> None:
    now = RecordContract(contract_id="k1", step="updated")
    lead = given(created()).when(now, facts(ANA)).then(step("updated"))
    assert lead.contracts["k1"].step == "updated"
    given(created(), step("updated")).when(now, facts(ANA)).nothing()
    sent = RecordContract(contract_id="k1", step="confirmation_sent", at=NOW + timedelta(hours=1))
    begun = given(created(), step("updated"))
    begun.when(sent, facts(DIA)).then(step("confirmation_sent", 60, previous="updated"))
    first = RecordContract(contract_id="k1", step="help", at=NOW - timedelta(hours=1))
    begun.when(first, facts(DIA)).then(step("help", -60, previous=None))
    accepted = (step("updated"), step("accepted", 90))
    late = given(created(), *accepted).when(sent, facts(DIA))
    lead = late.then(step("confirmation_sent", 60, previous="updated"))
    assert lead.contracts["k1"].step == "accepted"
    told = (*accepted, step("confirmation_sent", 60))
    given(created(), *told).when(sent, facts(DIA)).nothing()


def test_the_row_shows_timeline_and_the_icon_of_what_moved_last() -> None:
    row = row_of(
        step("updated"), step("accepted", 90), step("confirmation_sent", 60),
        step("updated", 30, "k2"),
    )  # fmt: skip
    first, second = row["contracts"]
    assert [one["step"] for one in first["timeline"]] == [
        "updated", "confirmation_sent", "accepted",
    ]  # fmt: skip
    assert (first["id"], first["step"], first["icon"], first["at"]) == (
        "k1", "accepted", "green", at(90),
    )  # fmt: skip
    assert (second["id"], second["icon"]) == ("k2", "white")
    assert row["contract_icon"] == "green"
    assert row_of(step("updated"), step("help", 99, "k2"))["contract_icon"] == "blue"
    erased = row_of(step("updated"), LeadDeleted())
    assert (erased["contracts"], erased["contract_icon"]) == ([], None)


def test_a_reminder_is_sent_while_the_contract_is_open() -> None:
    resend = ResendContract(contract_id="k1", channel="sms", body="Hello")
    able = facts(ANA, channels=frozenset({"sms"}))
    story = given(created(), step("confirmation_sent"))
    lead = story.when(resend, able).then(
        LeadContractResendRequested("k1", "sms"),
        LeadMessageQueued(f"{STREAM}.4", "sms", ANA, "k1", PHONE, None, "Hello"),
    )
    assert lead.contracts["k1"].step == "confirmation_sent"
    asked = LeadContractResendRequested("k1", "sms")
    assert row_of(step("confirmation_sent"), asked)["contract_icon"] == "yellow_1"
    for name in SETTLED:
        given(created(), step(name)).when(resend, able).refused("contract-settled")
    given(created()).when(resend, able).refused("unknown-contract")


def test_a_contract_is_cancelled_once() -> None:
    reject = RejectContract(contract_id="k1", reason="changed their mind")
    rejected = LeadContractRejected("k1", "changed their mind", "accepted")
    story = given(created(), step("accepted", -600))
    assert story.when(reject, facts(LEE)).then(rejected).contracts["k1"].step == "cancelled"
    given(created(), step("accepted", -600), rejected).when(reject, facts(LEE)).nothing()
    given(created(), step("expired")).when(reject, facts(LEE)).refused("contract-settled")
    given(created()).when(reject, facts(LEE)).refused("unknown-contract")
    assert row_of(step("accepted", -600), rejected)["contract_icon"] == "red"


def test_who_may() -> None:
    for command in (
        RecordContract(contract_id="k1", step="updated"),
        ResendContract(contract_id="k1", channel="email"),
        RejectContract(contract_id="k1"),
    ):
        given(created()).when(command, facts(AUD)).refused("role-not-allowed")
    given(created(), step("updated")).when(RejectContract(contract_id="k1"), facts(ANA)).refused(
        "role-not-allowed"
    )


def test_a_runaway_source_is_stopped() -> None:
    many = [step("updated", contract=f"k{number}") for number in range(100)]
    another = RecordContract(contract_id="onemore", step="updated")
    given(created(), *many).when(another, facts(DIA)).refused("too-many-contracts")
    steps = [step("updated", number) for number in range(200)]
    more = RecordContract(contract_id="k1", step="accepted")
    given(created(), *steps).when(more, facts(DIA)).refused("too-many-steps")
