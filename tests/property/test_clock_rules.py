"""Rules set off by the clock, whatever happened: none is missed, late is like on time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import Event
from schemas.instants import format_instant, parse_instant
from schemas.lead import LeadCallRecorded
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command, Refused, decide
from services.command.domain.lead.clock import ApplyClockRule, LeadRule, due_times
from services.command.domain.lead.creating import CreateLead
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.state import Lead
from services.command.scheduler.firing import command_id
from services.command.scheduler.tables import Changes, Due
from services.command.scheduler.timers import FORGETS, LEAD_RULES, timers_of
from tests.domain.given_when_then import STREAM
from tests.domain.test_lead_any_order import steps
from tests.domain.world import ADA, CAMPAIGN, NORTH, NOW, PHONE, SELLING, facts

END = NOW + timedelta(days=40)
ENDING = replace(SELLING, active_until=format_instant(NOW + timedelta(days=3)))
CREATE = CreateLead(
    campaign_id=CAMPAIGN,
    phone=PHONE,
    owner=f"team:{NORTH}",
    active_until=NOW + timedelta(days=5),
)
Told = list[tuple[Event, str]]


def lived(asked: Sequence[tuple[Command, str, int]], campaign: Campaign) -> Told:
    """Return what happens to a lead by these commands, minutes apart."""
    happened: Told = []
    lead, now = Lead(), NOW
    for command, by, minutes in [(CREATE, ADA, 0), *asked]:
        now += timedelta(minutes=minutes)
        try:
            outcomes = decide(lead, command, facts(by, now=now, campaign=campaign))
        except Refused:
            continue
        for outcome in cast(list[Event], outcomes):
            happened.append((outcome.placed(STREAM, lead.version + 1, now), f"user:{by}"))
            lead = fold(happened[-1:], lead)
    return happened


@dataclass
class Clockwork:
    """A scheduler in memory over one lead: its table, and a log that knows its commands."""

    happened: Told
    campaign: Campaign
    table: dict[tuple[str, str], datetime] = field(default_factory=dict)
    known: set[UUID] = field(default_factory=set)

    def follow(self, events: Iterable[Event]) -> None:
        """Take the due times of a stretch of the log over, as the tables do."""
        changes = Changes()
        for event in events:
            if type(event) in FORGETS:
                changes.forget(STREAM)
            changes.note(STREAM, timers_of(event, event.timestamp))
        if changes.gone:
            self.table.clear()
        for (_, rule, about), timer in changes.timers.items():
            if timer.at is None:
                self.table.pop((rule, about), None)
            elif not (timer.first and (rule, about) in self.table):
                self.table[rule, about] = timer.at

    def restart(self) -> None:
        """Lose the table and make it anew, with the end of the campaign."""
        self.table.clear()
        self.follow(event for event, _ in self.happened)
        assert self.campaign.active_until is not None
        end = datetime.fromisoformat(self.campaign.active_until)
        self.table["expire", ""] = min(end, self.table.get(("expire", ""), end))

    def poll(self, now: datetime, times: int = 1) -> None:
        """Apply what is due, in the order of its times, each so many times."""
        table = self.table.items()
        due = [Due(STREAM, rule, about, at) for (rule, about), at in table if at <= now]
        due.sort(key=lambda one: (one.at, LEAD_RULES.index(one.rule), one.about))
        for one in (one for one in due for _ in range(times)):
            self.apply(one, now)
            self.table.pop((one.rule, one.about), None)
            lead = fold(self.happened)
            then = due_times(lead, self.campaign).get(cast(LeadRule, one.rule))
            if then is not None and then > now:
                self.table[one.rule, one.about] = then

    def apply(self, due: Due, now: datetime) -> None:
        """Do what one due time asks for, unless its command is known."""
        command = ApplyClockRule(rule=cast(LeadRule, due.rule), at=due.at)
        lead = fold(self.happened)
        outcomes = decide(lead, command, facts(ADA, now=now, campaign=self.campaign))
        if not outcomes or command_id(due) in self.known:
            return
        self.known.add(command_id(due))
        for version, outcome in enumerate(cast(list[Event], outcomes), lead.version + 1):
            event = outcome.placed(STREAM, version, due.at)
            self.happened.append((event, "service:scheduler"))
            self.follow([event])


def on_time(happened: Told) -> Clockwork:
    """Run a scheduler that looks at every instant at which something falls due."""
    clockwork = Clockwork(list(happened), ENDING)
    clockwork.restart()
    while due := [at for at in clockwork.table.values() if at <= END]:
        clockwork.poll(min(due))
    return clockwork


def told_late(happened: Told) -> set[datetime | None]:
    """Return the retries that were past already when their call was told."""
    calls = [event for event, _ in happened if isinstance(event, LeadCallRecorded)]
    retries = [(parse_instant(one.next_dial_at), one) for one in calls if one.next_dial_at]
    return {at for at, call in retries if at <= call.timestamp}


@settings(max_examples=150)
@given(steps, st.integers(1, 5))
def test_no_due_time_of_a_lead_is_missed(
    asked: list[tuple[Command, str, int]], stretch: int
) -> None:
    happened = lived(asked, SELLING)
    clockwork = Clockwork([], SELLING)
    for start in range(0, len(happened), stretch):
        clockwork.follow(event for event, _ in happened[start : start + stretch])
        lead = fold(happened[: start + stretch])
        kept = {(rule, at) for (rule, _), at in clockwork.table.items()}
        due = due_times(lead, None)
        if due.get("dial-due") in told_late(happened[: start + stretch]):
            del due["dial-due"]
        assert set(due.items()) <= kept
        if not lead.exists:
            assert not clockwork.table


@settings(max_examples=100)
@given(
    steps,
    st.lists(st.tuples(st.integers(0, 40 * 24), st.booleans()), max_size=5),
    st.booleans(),
)
def test_late_twice_or_begun_anew_makes_the_same_events(
    asked: list[tuple[Command, str, int]], polls: list[tuple[int, bool]], doubled: bool
) -> None:
    happened = lived(asked, ENDING)
    expected = on_time(happened)
    clockwork = Clockwork(list(happened), ENDING)
    clockwork.restart()
    for hours, restarts in [*sorted(polls), (40 * 24, True), (40 * 24, False)]:
        if restarts:
            clockwork.restart()
        clockwork.poll(NOW + timedelta(hours=hours), times=1 + doubled)
    assert clockwork.happened == expected.happened
    times = [(one.timestamp, one) for one, _ in clockwork.happened]
    assert times == [(one.timestamp, one) for one, _ in expected.happened]
