"""Any sequence of starred commands, in bulk or singly, gives the same leads; a plan leaves no trace
and says what its execution then does; undo brings every lead back that nobody touched since.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from services.command.bulk.offered import offered_in_bulk
from services.command.domain.changes import changed_parts
from services.command.domain.lead.evolving import replay
from services.command.domain.lead.undoing import FOR_GOOD
from tests.contract.bulk_service import Bulk, bulk_running
from tests.property.starred import STARRED_STEPS, Step, filled
from tests.property.test_command_repeats import a_lead, ask, history

Own = tuple[str, dict[str, str]]


@pytest.fixture
async def bulk(database_url: str) -> AsyncIterator[Bulk]:
    async with bulk_running(database_url) as bulk:
        yield bulk


@settings(
    max_examples=6,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a step takes long: no shrinking
)
@given(steps=st.lists(STARRED_STEPS, min_size=1, max_size=4))
async def test_in_bulk_or_singly_planned_or_undone(bulk: Bulk, steps: list[Step]) -> None:
    service = bulk.service
    singly, together = await a_lead(service), await a_lead(service)
    last: tuple[Any, Any, str] | None = None
    for step in steps:
        before = await lead_of(bulk, together[0])
        answer = await ask(service, *singly, step)
        job = await in_bulk(bulk, together, step)
        if job is None:
            assert answer.status_code == 403
            continue
        changed = not answer.is_error and answer.json()["changed"]
        assert (job["result"]["applied"] == 1) == changed
        last = (job, before, step[2]) if changed else last and (*last[:1], None, step[2])
        assert await history(service, *singly) == await history(service, *together)
    if last is not None and last[1] is not None:
        await taken_back(bulk, together[0], *last)


async def in_bulk(bulk: Bulk, lead: Any, step: Step) -> Any:
    """Plan and execute one step; the plan appended nothing and said what happened then."""
    (name, fields, by), (stream, own) = step, lead
    asked = await bulk.ask([stream], name, by, **filled(fields, own))
    if asked.status_code == 403:
        return None
    assert asked.status_code == 202, asked.text
    seen = await happened(bulk)
    await bulk.work()
    planned = await bulk.job(asked.json()["id"], by)
    assert await happened(bulk) == seen, "a plan appends nothing but what the job is"
    foretold = await bulk.outcomes(planned, by)
    done = await bulk.execute(planned, by)
    outcomes = await bulk.outcomes(done, by)
    for one, two in zip(foretold.values(), outcomes.values(), strict=True):
        told = ("lead_id", "outcome", "version", "reasons", "changes")
        assert [one[part] for part in told] == [two[part] for part in told]
        assert two["moved"] is False
    return done


async def taken_back(bulk: Bulk, stream: str, job: Any, before: Any, by: str) -> None:
    """Undo the last job: the lead is what it was, or what was done is done for good."""
    command = offered_in_bulk()[job["command"]]
    if by not in command.roles:
        return
    own = [type(one.event) for one in await bulk.events_of(job)]
    undo = await bulk.undone(job, "admin")
    after = await lead_of(bulk, stream)
    if any(kind in FOR_GOOD for kind in own):
        assert undo["result"]["refused"] == 1
        return
    assert undo["result"]["reversed"] == 1
    assert changed_parts(before, after) == frozenset()


async def lead_of(bulk: Bulk, stream: str) -> Any:
    """Return the lead as the log has it."""
    return replay((await bulk.service.commanding.log.load([UUID(stream)]))[UUID(stream)])


async def happened(bulk: Bulk) -> int:
    """Count what happened to anything but jobs, ever."""
    events: Sequence[Any] = await bulk.service.commanding.log.read(0, 1_000_000)
    return sum(not type(one.event).TOPIC.startswith("bulk.") for one in events)
