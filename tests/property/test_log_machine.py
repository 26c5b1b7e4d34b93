"""The event log does what a dictionary would do, whatever is asked of it in whatever order.

Hypothesis has no asynchronous rules, so the rules drive a loop; all examples share one database,
each with streams of its own.
"""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    multiple,
    rule,
    run_state_machine_as_test,
)

from schemas.event import Event
from schemas.lead import LeadDeleted
from services.kit.append import (
    Append,
    Appended,
    AppendError,
    ClaimTaken,
    Commanded,
    CommandRepeated,
    KeyDestroyed,
    StaleRead,
    VersionConflict,
)
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.keys import HASH_BYTES
from tests.kit.event_logs import append, command, note, opened, priority, stream, verdict_on

Result = TypeVar("Result")
KEYS = 3


class Running:
    """A loop and, in it, two processes' views of one log."""

    runner: asyncio.Runner
    logs: tuple[EventLog, EventLog]

    def do(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.runner.run(work)


@dataclass
class Model:
    """What the log should hold."""

    placed: list[tuple[int, UUID, Event]] = field(default_factory=list)
    versions: dict[UUID, int] = field(default_factory=dict)
    claims: dict[bytes, UUID] = field(default_factory=dict)
    commands: dict[UUID, Commanded] = field(default_factory=dict)
    erased: set[UUID] = field(default_factory=set)

    def expect(self, asked: Append) -> type[Appended] | type[AppendError]:
        """Carry `asked` out, if it can be, and say what its outcome should be."""
        if any(one.command_id in self.commands for one in asked.commands):
            return CommandRepeated
        if any(self.versions.get(s.stream_id, 0) != s.expected_version for s in asked.streams):
            return VersionConflict
        if any(self.versions.get(read, 0) != version for read, version in asked.reads.items()):
            return StaleRead
        freed = set(asked.freed)
        for key, taker in asked.taken:
            holder = self.claims.get(key, taker)
            if holder != taker and (key, holder) not in freed:
                return ClaimTaken
        self.commands.update({one.command_id: one for one in asked.commands})
        for key, holder in asked.freed:
            if self.claims.get(key) == holder:
                del self.claims[key]
        self.claims.update(asked.taken)
        for one in asked.streams:
            self.versions[one.stream_id] = one.expected_version + len(one.events)
        self.erased.update(asked.destroyed_keys)
        return Appended

    def place(self, asked: Append, appended: Appended) -> None:
        """Note where the log put the events: independent appends may pass one another."""
        new = ((one.stream_id, each.event) for one in asked.streams for each in one.events)
        positions = range(appended.first_position, appended.position + 1)
        self.placed.extend((at, *one) for at, one in zip(positions, new, strict=True))
        self.placed.sort(key=lambda one: one[0])

    @property
    def order(self) -> list[tuple[UUID, Event]]:
        """The events in log order."""
        return [(stream_id, event) for _, stream_id, event in self.placed]

    def reads(self, stream_id: UUID, event: Event) -> Event:
        """The event as it reads now."""
        return note("") if stream_id in self.erased and event.PERSONAL else event


events = st.lists(
    st.one_of(st.integers(1, 10).map(priority), st.text("aé\n", max_size=3).map(note)),
    min_size=1,
    max_size=3,
)
offsets = st.sampled_from([0, 0, 0, 0, -1, 1])
keys = st.integers(0, KEYS - 1)


class LogMachine(RuleBasedStateMachine):
    """Rules over the log and the model; `running` and `salt` come from the test."""

    running: Running
    streams: Bundle[UUID] = Bundle("streams")
    commands: Bundle[Commanded] = Bundle("commands")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.salt = new_id().bytes[:15]
        self.base = self.running.do(self.running.logs[0].head())

    def key(self, number: int) -> bytes:
        return (self.salt + bytes([number]))[:HASH_BYTES]

    def may_write(self, stream_id: UUID, events: Sequence[Event]) -> list[Event]:
        """No decision writes personal texts to an erased lead; the log refuses them, see below."""
        return [priority(1)] if stream_id in self.model.erased else list(events)

    def ask(self, asked: Append, process: int = 0) -> None:
        self.ask_all([asked], process)

    def ask_all(self, asked: Sequence[Append], process: int = 0) -> None:
        expected = [self.model.expect(one) for one in asked]
        outcomes = self.running.do(self.running.logs[process].append_many(asked))
        assert [type(one) for one in outcomes] == expected
        for one, outcome in zip(asked, outcomes, strict=True):
            if isinstance(outcome, Appended):
                self.model.place(one, outcome)

    @rule(target=streams, events=events, process=st.integers(0, 1))
    def create(self, events: list[Event], process: int) -> UUID:
        lead_id = new_id()
        self.ask(append(lead_id, 0, *events), process)
        return lead_id

    @rule(
        target=commands, lead_id=streams, events=events, offset=offsets, process=st.integers(0, 1)
    )
    def change(self, lead_id: UUID, events: list[Event], offset: int, process: int) -> Commanded:
        """At the right version or beside it, from either process."""
        asked = command(answer=b"done")
        version = max(self.model.versions[lead_id] + offset, 0)
        events = self.may_write(lead_id, events)
        self.ask(append(lead_id, version, *events, commands=[asked]), process)
        return asked

    @rule(asked=commands, lead_id=streams)
    def repeat(self, asked: Commanded, lead_id: UUID) -> None:
        """The same command again, whether it went through the first time or not."""
        version = self.model.versions[lead_id]
        self.ask(append(lead_id, version, priority(7), commands=[asked]))

    @rule(first=streams, second=streams, offset=offsets)
    def change_two(self, first: UUID, second: UUID, offset: int) -> None:
        if first != second:
            versions = self.model.versions
            at = max(versions[second] + offset, 0)
            both = [stream(first, versions[first], priority(1)), stream(second, at, priority(2))]
            self.ask(Append([command()], both))

    @rule(lead_id=streams, other=streams, offset=offsets)
    def change_resting_on(self, lead_id: UUID, other: UUID, offset: int) -> None:
        if lead_id != other:
            versions = self.model.versions
            reads = {other: max(versions[other] + offset, 0)}
            self.ask(append(lead_id, versions[lead_id], priority(4), reads=reads))

    @rule(lead_id=streams, taken=st.sets(keys, max_size=2), freed=st.sets(keys, max_size=2))
    def claim(self, lead_id: UUID, taken: set[int], freed: set[int]) -> None:
        asked = append(
            lead_id,
            self.model.versions[lead_id],
            priority(5),
            taken=[(self.key(number), lead_id) for number in taken],
            freed=[(self.key(number), lead_id) for number in freed - taken],
        )
        self.ask(asked)

    @rule(
        chosen=st.lists(st.tuples(streams, events, offsets), min_size=2, max_size=6),
        fresh=st.lists(events, max_size=3),
        number=keys,
    )
    def many_at_once(
        self,
        chosen: list[tuple[UUID, list[Event], int]],
        fresh: list[list[Event]],
        number: int,
    ) -> None:
        """In one group or several: each has the outcome it would have in turn."""
        versions = dict(self.model.versions)
        asked = []
        for one in fresh:
            lead_id = new_id()
            asked.append(append(lead_id, 0, *one, taken=[(self.key(number), lead_id)]))
        for lead_id, one, offset in chosen:
            version = max(versions[lead_id] + offset, 0)
            asked.append(append(lead_id, version, *self.may_write(lead_id, one)))
            versions[lead_id] = version + len(asked[-1].streams[0].events)
        self.ask_all(asked)

    @rule(target=streams, lead_id=consumes(streams))
    def erase(self, lead_id: UUID) -> Any:
        version = self.model.versions[lead_id]
        self.ask(append(lead_id, version, LeadDeleted(), destroyed_keys=[lead_id]))
        late = append(lead_id, version + 1, note("late"))
        (outcome,) = self.running.do(self.running.logs[0].append_many([late]))
        assert isinstance(outcome, KeyDestroyed)
        return multiple(lead_id)

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        """Streams and log, from anywhere on."""
        log, model = self.running.logs[0], self.model
        after = {one: data.draw(st.integers(0, n)) for one, n in model.versions.items()}
        found = self.running.do(log.load(model.versions, after))
        for lead_id, known in after.items():
            own = [event for one, event in model.order if one == lead_id]
            expected = [model.reads(lead_id, event) for event in own[known:]]
            assert [one.event for one in found[lead_id]] == expected
        start = data.draw(st.integers(0, len(model.order)))
        recorded = self.running.do(log.read(self.base + start, 50))
        expected = [model.reads(one, event) for one, event in model.order[start : start + 50]]
        assert [one.event for one in recorded] == expected

    def teardown(self) -> None:
        """Positions without a gap, claims and answers as the model has them."""
        log, model = self.running.logs[0], self.model
        rows = self.running.do(log.read_raw(self.base, 100_000))
        assert [one.position for one in rows] == [
            self.base + place for place in range(1, len(model.order) + 1)
        ]
        assert [one.stream_id for one in rows] == [one for one, _ in model.order]
        asked = [self.key(number) for number in range(KEYS)]
        assert self.running.do(log.holders(asked)) == model.claims
        answers = self.running.do(log.earlier_answers(model.commands))
        assert answers.keys() == model.commands.keys()


@pytest.fixture
def running(database_url: str) -> Iterator[Running]:
    running = Running()
    with asyncio.Runner() as running.runner:
        views = opened(database_url), opened(database_url)
        running.logs = (
            running.do(views[0].__aenter__()),
            running.do(views[1].__aenter__()),
        )
        yield running
        for view in views:
            running.do(view.__aexit__(None, None, None))


@pytest.mark.timeout(600)
def test_the_log_does_what_a_dictionary_would(running: Running, owner_url: str) -> None:
    machine = type("RunningLogMachine", (LogMachine,), {"running": running})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=30,
            suppress_health_check=list(HealthCheck),
        ),
    )
    verdict = running.do(verdict_on(owner_url))
    assert verdict.ok, verdict.fault
