"""Undo of whatever a bulk job did: restored exactly, or kept because changed since, or refused."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.lead import LeadCreated
from services.command.domain.changes import changed_parts
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.lead.activity import Suppress
from services.command.domain.lead.callbacks import SetCallback
from services.command.domain.lead.calls import RecordCall
from services.command.domain.lead.evolving import evolve
from services.command.domain.lead.scheduling import CancelScheduledDial
from services.command.domain.lead.state import Lead
from services.command.domain.lead.status import Reset
from services.command.domain.lead.undoing import FOR_GOOD, ChangedSince, undo
from tests.domain.given_when_then import STREAM, stored
from tests.domain.test_lead_any_order import COMMANDS
from tests.domain.world import ADA, ANA, CAMPAIGN, LEE, NORTH, NOW, OTHER_PHONE, PHONE, facts

Acted = list[tuple[Event, str]]
BULK = COMMANDS.filter(lambda command: command.bulk)
by = st.sampled_from([ADA, ADA, LEE, ANA])
histories = st.lists(st.tuples(COMMANDS, by), max_size=12)
created = LeadCreated(
    CAMPAIGN,
    f"team:{NORTH}",
    phone=PHONE,
    contacts=({"id": 1, "phone": OTHER_PHONE, "typed": OTHER_PHONE, "fields": {}},),
)


class Story:
    """A lead to which things happen one after the other."""

    def __init__(self) -> None:
        self.lead = Lead()
        self.now = NOW
        self.append([created], ADA)

    def append(self, events: list[Any], by: str) -> Acted:
        """Let these events happen, as they come back from the log."""
        self.now += timedelta(minutes=1)
        acted: Acted = []
        for event in events:
            placed = stored(event).placed(STREAM, self.lead.version + 1, self.now)
            self.lead = evolve(self.lead, placed, f"user:{by}")
            acted.append((placed, f"user:{by}"))
        return acted

    def ask(self, command: Command, by: str) -> Acted:
        """Give a command; nothing happens when it is refused."""
        try:
            return self.append(decide(self.lead, command, facts(by, now=self.now)), by)
        except Refused:
            return []


def restored(before: Lead, done: Acted, since: Acted, story: Story) -> list[Event] | None:
    """Undo in the story; None when it was refused, which only what is done for good may be."""
    kinds = {type(event) for event, _ in (*done, *since)}
    if kinds & FOR_GOOD.keys():
        try:
            events, then = undo(before, done, since)
        except Refused:
            return None
    else:
        events, then = undo(before, done, since)
    story.append(events, ADA)
    assert changed_parts(then, story.lead) == frozenset()
    return events


@settings(max_examples=400)
@given(histories, BULK, by)
def test_an_untouched_lead_is_restored_exactly(
    earlier: list[tuple[Command, str]], command: Command, actor: str
) -> None:
    story = Story()
    for one, who in earlier:
        story.ask(one, who)
    before = story.lead
    done = story.ask(command, actor)
    if not done:
        return
    events = restored(before, done, [], story)
    if events is not None:
        assert changed_parts(before, story.lead) == frozenset(), events
        if before.status != "processing":  # A call in progress is nothing to go back to.
            assert story.lead.previous_statuses == before.previous_statuses, events


@pytest.mark.parametrize(
    "command",
    [Reset(), CancelScheduledDial(), SetCallback(at=NOW + timedelta(days=1), agent=ANA)],
)
def test_the_number_to_dial_next_comes_back(command: Command) -> None:
    story = Story()
    busy = RecordCall(call_id="c1", number=PHONE, started_at=NOW, end_cause="Busy")
    story.ask(busy, ADA)
    before = story.lead
    assert before.next_contact == 1
    done = story.ask(command, ADA)
    assert story.lead.next_contact is None
    assert restored(before, done, [], story)
    after = story.lead
    assert (after.next_contact, after.next_dial_at) == (1, before.next_dial_at)
    assert changed_parts(before, story.lead) == frozenset()


@settings(max_examples=300)
@given(histories, BULK, histories)
@example([], Suppress(), [(Suppress(until=NOW + timedelta(minutes=3)), LEE)])
def test_what_others_changed_since_stays(
    earlier: list[tuple[Command, str]], command: Command, later: list[tuple[Command, str]]
) -> None:
    story = Story()
    for one, who in earlier:
        story.ask(one, who)
    before = story.lead
    done = story.ask(command, ADA)
    if not done:
        return
    after = story.lead
    since: Acted = []
    for one, who in later:
        since += story.ask(one, who)
    now = story.lead
    parts = changed_parts(before, after)
    kept: tuple[str, ...] = ()
    events: list[Event] | None = None
    try:
        events = restored(before, done, since, story)
    except ChangedSince as changed:
        kept = changed.parts
    assert all(_touches(after, since, part) for part in kept), "kept without a change since"
    if events is None:
        return
    assert not any(_touches(after, since, part) for part in parts), "theirs was overwritten"
    assert not parts & changed_parts(before, story.lead)
    assert changed_parts(now, story.lead) <= parts, "undo touched what the job had not"


def _touches(lead: Lead, since: Acted, part: str) -> bool:
    for event, actor in since:
        moved = evolve(lead, event, actor)
        if part in changed_parts(lead, moved):
            return True
        lead = moved
    return False
