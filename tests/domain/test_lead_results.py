"""RecordResult and CreateManualPass."""

from dataclasses import replace

from schemas.lead import (
    LeadCallbackSet,
    LeadFieldsChanged,
    LeadManualPassRecorded,
    LeadOwnerChanged,
    LeadResultRecorded,
)
from services.command.domain.facts import Actor
from services.command.domain.lead.calls import StartCall
from services.command.domain.lead.results import CreateManualPass, RecordResult
from tests.domain.given_when_then import given
from tests.domain.world import ANA, BEN, LEE, SALES, an_id, created, facts, limited

DONE = LeadResultRecorded(result="success", processed_by=ANA, previous="created")


def test_a_result_says_who_processed_the_lead() -> None:
    changed = LeadFieldsChanged(set={"age": 41})
    command = RecordResult(result="success", fields={"age": 41})
    lead = given(created()).when(command, facts(ANA)).then(changed, DONE)
    assert (lead.status, lead.result, lead.processed_by) == ("success", "success", ANA)
    assert lead.processed_at is not None
    given(created(), changed, DONE).when(command, facts(ANA)).nothing()
    given(created(), DONE).when(RecordResult(result="success"), facts(BEN)).then(
        replace(DONE, processed_by=BEN, previous="success")
    )


def test_a_private_redial_as_result_makes_the_agent_the_owner() -> None:
    result = LeadResultRecorded(
        result="manual_redial_private", processed_by=ANA, previous="created"
    )
    mine = LeadOwnerChanged(owner=f"user:{ANA}", previous=f"team:{SALES}")
    command = RecordResult(result="manual_redial_private")
    given(created()).when(command, facts(ANA)).then(result, mine)


def test_a_result_that_closes_the_lead_ends_what_waits() -> None:
    story = given(created(), LeadCallbackSet(at="2026-03-03T09:00:00Z", agent=ANA))
    closed = replace(DONE, previous="callback", ends_waiting=True)
    lead = story.when(RecordResult(result="success"), facts(ANA)).then(closed)
    assert (lead.callback_at, lead.next_dial_at, lead.reserved_for) == (None, None, None)
    again = LeadResultRecorded(result="no_answer", processed_by=ANA, previous="callback")
    lead = story.when(RecordResult(result="no_answer"), facts(ANA)).then(again)
    assert lead.callback_at == "2026-03-03T09:00:00Z"


def test_a_private_manual_pass_makes_its_agent_the_owner() -> None:
    command = CreateManualPass(disposition="mine", agent=ANA)
    lead = given(created()).when(command, facts(LEE)).after()
    assert (lead.status, lead.owner) == ("manual_redial_private", f"user:{ANA}")
    lead = given(created()).when(CreateManualPass(disposition="mine"), facts(LEE)).after()
    assert lead.owner == f"user:{LEE}"


def test_results_that_are_refused() -> None:
    command = RecordResult(result="asleep", fields={"shoe": 44})
    given(created()).when(command, facts(ANA)).refused("unknown-status", "unknown-field")
    given(created()).when(command, facts(ANA, campaign=None)).refused(
        "unknown-status", "unknown-campaign"
    )
    service = Actor("service:scheduler", "admin")
    done = RecordResult(result="success")
    given(created()).when(done, facts(actor=service)).refused("not-a-person")
    given().when(done, facts()).refused("unknown-lead")


def test_a_manual_pass_counts_like_a_call() -> None:
    passed = LeadManualPassRecorded(
        agent=ANA, disposition="sold", rule="campaign:sold", status_after="success",
        status_before="created",
    )  # fmt: skip
    command = CreateManualPass(disposition="sold", agent=ANA)
    lead = given(created()).when(command, facts(LEE)).then(passed)
    assert (lead.attempts, lead.call_attempts, lead.contact_attempts) == (1, 1, 1)
    assert lead.status == "success"
    given(created()).when(CreateManualPass(disposition="x", agent=an_id(99)), facts()).refused(
        "unknown-agent"
    )
    given(created()).when(command, facts(ANA)).refused("role-not-allowed")


def test_a_manual_pass_counts_towards_the_limits() -> None:
    left = LeadManualPassRecorded(disposition="x", rule="built-in:NotApplicable")
    once = given(created()).when(CreateManualPass(disposition="x"), facts())
    assert once.then(left).status == "created"
    for limit in ("per_lead", "per_day"):
        known = facts(ANA, campaign=limited(**{limit: 1}))
        given(created(), left).when(StartCall(call_id="c1"), known).refused(
            f"attempts-{limit.replace('_', '-')}"
        )
