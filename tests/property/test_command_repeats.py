"""Whatever is sent, in whatever order, and however often again: each command counts once.

The same list of commands is given to two leads, once each to the first, with repeats to the second.
Both must end the same, and each repeat must hear the first answer. Only "there is no such lead"
is not kept: nothing was decided, and what is kept must not tell an unseen lead from an unknown one.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.command_service import NORTH, SOUTH, TOP, Service, running

Step = tuple[str, dict[str, Any], str]

STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.just("change-owner"),
        st.fixed_dictionaries({"owner": st.sampled_from([NORTH, SOUTH, TOP])}),
        st.just("admin"),
    ),
    st.tuples(
        st.just("update-fields"),
        st.fixed_dictionaries({"set": st.fixed_dictionaries({"age": st.integers(0, 3)})}),
        st.just("admin"),
    ),
    st.tuples(
        st.just("add-note"),
        st.fixed_dictionaries({"text": st.sampled_from(["a", "b"])}),
        st.sampled_from(["admin", "agent"]),
    ),
    st.tuples(
        st.sampled_from(["activate", "deactivate", "suppress", "unsuppress", "reset", "delete"]),
        st.just({}),
        st.sampled_from(["admin", "team_leader"]),
    ),
    st.tuples(
        st.just("start-call"),
        st.fixed_dictionaries({"call_id": st.sampled_from(["c1", "c2"])}),
        st.sampled_from(["agent", "dialer"]),
    ),
    st.tuples(
        st.just("record-call"),
        st.fixed_dictionaries(
            {
                "call_id": st.sampled_from(["c1", "c2", "c3"]),
                "number": st.just("+14155550100"),
                "started_at": st.sampled_from(["2026-03-02T09:00:00Z", "2026-03-02T10:00:00Z"]),
                "end_cause": st.sampled_from(["Busy", "NoResponse", "NormalDisconnect"]),
            }
        ),
        st.just("dialer"),
    ),
)


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, max_size=8), again=st.lists(st.integers(0, 7), max_size=8))
async def test_a_repeated_command_has_one_effect_and_one_answer(
    service: Service, steps: list[Step], again: list[int]
) -> None:
    once = await service.lead(await service.campaign())
    twice = await service.lead(await service.campaign())
    answers = []
    for number, (verb, body, by) in enumerate(steps):
        key = f"{twice}-{number}"
        plain = await service.post(f"/v1/leads/{once}/{verb}", body, by=by)
        first = await service.post(f"/v1/leads/{twice}/{verb}", body, by=by, idempotency_key=key)
        assert plain.status_code == first.status_code
        answers.append(first)
        for earlier in again:
            if earlier <= number and answers[earlier].status_code != 404:
                verb_again, body_again, by_again = steps[earlier]
                repeat = await service.post(
                    f"/v1/leads/{twice}/{verb_again}",
                    body_again,
                    by=by_again,
                    idempotency_key=f"{twice}-{earlier}",
                )
                _assert_same(answers[earlier], repeat)
    assert [type(one) for one in await service.events(once)] == [
        type(one) for one in await service.events(twice)
    ]


def _assert_same(first: Any, repeat: Any) -> None:
    """A command that was done or refused by its rules is answered word for word."""
    assert repeat.status_code == first.status_code
    assert repeat.content == first.content
    assert repeat.headers["idempotency-replayed"] == "true"
