"""From append over relay and broker to the rows: whatever happens on the way, and whatever is sent
twice or begun anew, the rows are what a plain fold says.

Rules drive a loop that goes on between them, so the relay and the workers run meanwhile.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule, run_state_machine_as_test

from schemas.event import Event
from schemas.lead import (
    LeadActivated,
    LeadDeactivated,
    LeadDeleted,
    LeadOwnerChanged,
    LeadPriorityChanged,
)
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.kit.event_logs import opened
from tests.read_models.working import (
    Story,
    a_call,
    a_lead,
    assert_equal_to_log,
    kafka_feed,
    relaying,
    rows,
    settled,
    working,
)

EXAMPLES, STEPS = 8, 25
SHOWN = (
    "select lead_id, version, owner, priority, active, call_attempts, phone from read.lead"
    " where lead_id = any($1)"
)


@dataclass
class Seen:
    """What the grid should show of a lead: folded by hand, without the code under test."""

    phone: str | None
    version: int = 1
    owner: str = "team:top"
    priority: int = 5
    active: bool = True
    calls: int = 0
    deleted: bool = False

    def apply(self, event: Event) -> None:
        """Count the event in."""
        self.version += 1
        fact: Any = event
        match type(event).__name__:
            case "LeadOwnerChanged":
                self.owner = fact.owner
            case "LeadPriorityChanged":
                self.priority = fact.priority
            case "LeadActivated" | "LeadDeactivated":
                self.active = isinstance(event, LeadActivated)
            case "LeadCallRecorded":
                self.calls += 1
            case "LeadDeleted":
                self.phone, self.active, self.deleted = None, False, True

    def row(self, lead_id: UUID) -> tuple[Any, ...]:
        """The row of SHOWN."""
        own = (self.owner, self.priority, self.active, self.calls, self.phone)
        return (lead_id, self.version, *own)


@dataclass
class Pipeline:
    """Log, relay and two workers over a topic of their own, in one loop; parts begin anew."""

    runner: asyncio.Runner
    url: str
    owner_url: str
    kafka: str
    prefix: str
    parts: dict[str, AsyncExitStack] = field(default_factory=dict)
    log: EventLog = field(init=False)

    async def begin(self, part: str) -> None:
        """Start a part; one that runs is stopped first."""
        await self.end(part)
        stack = self.parts[part] = AsyncExitStack()
        if part == "log":
            self.log = await stack.enter_async_context(opened(self.url))
        elif part == "relay":
            await stack.enter_async_context(relaying(self.url, self.kafka, self.prefix))
        else:
            feed = kafka_feed(self.kafka, self.prefix)
            await stack.enter_async_context(working(self.url, feed))

    async def end(self, part: str) -> None:
        """Stop a part if it runs."""
        if part in self.parts:
            await self.parts.pop(part).aclose()


facts = st.one_of(
    st.sampled_from(["team:north", "team:south"]).map(LeadOwnerChanged),
    st.integers(1, 10).map(LeadPriorityChanged),
    st.sampled_from([LeadActivated(), LeadDeactivated()]),
    st.integers(0, 59).map(a_call),
)


class PipelineMachine(RuleBasedStateMachine):
    """`pipeline` comes from the test; each example has leads of its own."""

    pipeline: Pipeline
    leads: Bundle[UUID] = Bundle("leads")

    def __init__(self) -> None:
        super().__init__()
        self.story = Story(self.pipeline.log)
        self.known: dict[UUID, Seen] = {}

    def do(self, work: Any) -> Any:
        return self.pipeline.runner.run(work)

    @rule(target=leads)
    def create(self) -> UUID:
        lead_id, event = new_id(), a_lead(len(self.known))
        self.do(self.story.tell((lead_id, event)))
        self.known[lead_id] = Seen(event.phone)
        return lead_id

    @rule(told=st.lists(st.tuples(leads, facts), min_size=1, max_size=12))
    def change(self, told: list[tuple[UUID, Event]]) -> None:
        living = [(one, fact) for one, fact in told if not self.known[one].deleted]
        self.do(self.story.tell(*living))
        for one, fact in living:
            self.known[one].apply(fact)

    @rule(lead_id=leads)
    def erase(self, lead_id: UUID) -> None:
        if not self.known[lead_id].deleted:
            self.do(self.story.tell((lead_id, LeadDeleted("asked"))))
            self.known[lead_id].apply(LeadDeleted())

    @rule(part=st.sampled_from(["relay", "worker", "second worker"]))
    def begin_anew(self, part: str) -> None:
        self.do(self.pipeline.begin(part))

    @rule(share=st.floats(0, 1))
    def send_again(self, share: float) -> None:
        """The relay died before it could move its cursor: all after it is sent once more."""
        back = "update log.relay set position = floor(position * $1)::bigint"
        self.do(self.pipeline.end("relay"))
        self.do(rows(self.pipeline.owner_url, back, share))
        self.do(self.pipeline.begin("relay"))

    @rule(seconds=st.sampled_from([0.0, 0.02, 0.1]))
    def wait(self, seconds: float) -> None:
        self.do(asyncio.sleep(seconds))

    @rule()
    def look(self) -> None:
        """Once all is visible, every row is as it should be."""
        self.do(settled(self.pipeline.log))
        found = self.do(rows(self.pipeline.url, SHOWN, list(self.known)))
        shown = {row[0]: row for row in found}
        assert shown == {one: seen.row(one) for one, seen in self.known.items()}

    def teardown(self) -> None:
        self.look()


@pytest.fixture
def pipeline(
    database_url: str, owner_url: str, kafka: str, topic_prefix: str
) -> Iterator[Pipeline]:
    with asyncio.Runner() as runner:
        pipeline = Pipeline(runner, database_url, owner_url, kafka, topic_prefix)
        for part in ("log", "relay", "worker", "second worker"):
            runner.run(pipeline.begin(part))
        yield pipeline
        for part in ("second worker", "worker", "relay", "log"):
            runner.run(pipeline.end(part))


@pytest.mark.timeout(600)
def test_the_rows_are_what_a_plain_fold_says(pipeline: Pipeline) -> None:
    machine = type("RunningPipeline", (PipelineMachine,), {"pipeline": pipeline})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            suppress_health_check=list(HealthCheck),
        ),
    )
    pipeline.runner.run(assert_equal_to_log(pipeline.url))
