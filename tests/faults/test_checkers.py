"""The checks see what they are there for: each fails on a run in which that very thing is wrong."""

from typing import Any
from uuid import UUID

import pytest

from schemas.envelope import Origin, Recorded
from schemas.lead import LeadPriorityChanged
from services.kit.ids import new_id
from tests.faults.checkers import answered_once, calls_once, nothing_lost, without_gaps
from tests.faults.workload import Answered
from tests.kit.event_logs import WHEN
from tests.read_models.working import a_call

LEAD, COMMAND = new_id(), new_id()


def recorded(position: int, version: int, event: Any = None, cause: UUID = COMMAND) -> Recorded:
    origin = Origin("user:x", f"command:{cause}")
    event = event or LeadPriorityChanged(1)
    return Recorded(position, LEAD, version, WHEN, WHEN, origin, event)


def answer(status: int = 200, **body: Any) -> Answered:
    told = {"id": str(LEAD), "version": 1, "events": ["lead.priority_changed"], "position": 1}
    return Answered(COMMAND, "/", status, told | body, 1)


def test_a_run_as_it_should_be() -> None:
    answered_once([recorded(1, 1)], [answer()])
    answered_once([], [answer(409)])
    calls_once([recorded(1, 1, a_call(1))], {"call-1": str(LEAD)})
    without_gaps([recorded(1, 1), recorded(2, 2)])
    nothing_lost({"api": '{"event":"Traceback is only a word here"}'})


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ([], answer()),
        ([recorded(1, 1), recorded(2, 2)], answer()),
        ([recorded(1, 1)], answer(409)),
        ([recorded(1, 2)], answer()),
        ([recorded(2, 1)], answer()),
        ([recorded(1, 1)], answer(events=["lead.created"])),
    ],
    ids=["lost", "doubled", "refused but done", "version", "position", "another event"],
)
def test_an_answer_that_is_not_so_is_seen(log: list[Recorded], told: Answered) -> None:
    with pytest.raises(AssertionError):
        answered_once(log, [told])


@pytest.mark.parametrize("times", [0, 2])
def test_a_call_lost_or_counted_twice_is_seen(times: int) -> None:
    log = [recorded(n, n, a_call(1)) for n in range(1, times + 1)]
    with pytest.raises(AssertionError):
        calls_once(log, {"call-1": str(LEAD)})


@pytest.mark.parametrize(
    "log",
    [
        [recorded(1, 1), recorded(3, 2)],
        [recorded(1, 1), recorded(2, 3)],
        [recorded(1, 1), recorded(2, 1)],
        [recorded(1, 2), recorded(2, 1)],
    ],
    ids=["position missing", "version missing", "version twice", "wrong order"],
)
def test_a_gap_is_seen(log: list[Recorded]) -> None:
    with pytest.raises(AssertionError):
        without_gaps(log)


@pytest.mark.parametrize(
    "line",
    ["Traceback (most recent call last):", "Task exception was never retrieved", "Unclosed client"],
)
def test_a_lost_exception_is_seen(line: str) -> None:
    with pytest.raises(AssertionError):
        nothing_lost({"relay": f"leads: ready\n{line}\n"})
