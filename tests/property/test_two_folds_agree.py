"""What commands are decided on and what people read are two folds of one log: they agree.

Each side folds in its own way, so a rule that one of them has wrong shows as a difference.
"""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.envelope import Origin, Recorded
from schemas.event import Event
from schemas.instants import format_instant
from schemas.lead import LeadCreated
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.lead.callbacks import Reserve, SetCallback
from services.command.domain.lead.evolving import evolve
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import ChangeStatus
from services.projections.lead import fold as fold_row
from tests.domain.given_when_then import STREAM, stored
from tests.domain.test_lead_any_order import COMMANDS
from tests.domain.world import ADA, ANA, CAMPAIGN, DIA, LEE, NORTH, NOW, OTHER_PHONE, PHONE, facts

SAME_NAME = (
    "owner", "original_owner", "status", "active", "active_from", "active_until", "suppressed",
    "suppressed_until", "priority", "campaign_id", "pool_id", "segment_id", "call_attempts",
    "contact_attempts", "talk_seconds", "next_dial_at", "callback_at", "callback_agent",
    "reserved_for", "locked_by", "locked_until", "latest_call_id", "latest_call_at",
    "latest_call_by", "latest_end_cause", "latest_disposition", "result", "phone", "anonymised",
    "deleted",
)  # fmt: skip
OTHER_NAME = {
    "attempts": "passes",
    "processed_by": "user_processed_by",
    "processed_at": "user_processed_at",
    "modified_at": "last_modified_at",
}
CREATED = LeadCreated(
    CAMPAIGN,
    f"team:{NORTH}",
    phone=PHONE,
    contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE, "fields": {}},),
)


def told(value: Any) -> Any:
    """A value in the spelling both sides have: instants as text."""
    return format_instant(value) if isinstance(value, datetime) else value


def same(lead: Lead, row: dict[str, Any]) -> None:
    names = dict.fromkeys(SAME_NAME) | OTHER_NAME
    decided = {name: told(getattr(lead, name)) for name in names}
    read = {name: told(row[column or name]) for name, column in names.items()}
    assert decided == read
    assert [one.id for one in lead.contacts] == [one["id"] for one in row["contacts"]]
    assert {str(note) for note in lead.notes} == {str(note) for note in row["notes"]}


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(COMMANDS, st.sampled_from([ADA, ADA, LEE, ANA, DIA])), min_size=6, max_size=24
    )
)
@example([(Reserve(agent=ANA), ADA), (SetCallback(at=NOW + timedelta(days=1)), ADA)])
@example([(SetCallback(at=NOW + timedelta(days=1)), ADA), (ChangeStatus(status="completed"), ADA)])
def test_the_row_people_read_is_the_lead_that_is_decided_on(
    asked: list[tuple[Command, str]],
) -> None:
    lead, row, now = Lead(), None, NOW

    def append(event: Event, by: str) -> None:
        nonlocal lead, row, now
        now += timedelta(seconds=1)
        placed = stored(event).placed(STREAM, lead.version + 1, now)
        lead = evolve(lead, placed, f"user:{by}")
        origin = Origin(f"user:{by}", "command:x")
        recorded = Recorded(lead.version, STREAM, lead.version, now, now, origin, placed)
        row = fold_row(row, recorded)

    append(CREATED, ADA)
    for command, by in asked:
        try:
            outcomes = decide(lead, command, facts(by, now=now))
        except Refused:
            continue
        for outcome in outcomes:
            if isinstance(outcome, Event):
                append(outcome, by)
        assert row is not None
        same(lead, row)
