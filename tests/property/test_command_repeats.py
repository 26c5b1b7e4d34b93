"""Whatever is sent, in whatever order, and however often again: each command counts once.

The same list of commands is given to two leads, once each to the first, with repeats to the second.
Both must end the same, event by event, and each repeat must hear the first answer. Only "there is
no such lead" is not kept: nothing was decided, and what is kept must not tell an unseen lead from
an unknown one.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.command.catalogue import offered_commands
from services.command.routes import route_of
from tests.contract.command_service import Service, running
from tests.property.starred import STARRED, STARRED_STEPS, Step, filled

PATHS = {command.__name__: route_of(command).path for command in offered_commands()}
OTHERS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(
        st.just("AddNote"),
        st.fixed_dictionaries({"text": st.sampled_from(["a", "b"])}),
        st.sampled_from(["admin", "agent"]),
    ),
    st.tuples(
        st.just("AddContact"),
        st.fixed_dictionaries({"phone": st.sampled_from(["+14155550101", "+14155550102"])}),
        st.just("agent"),
    ),
    st.tuples(st.just("LockLead"), st.just(dict[str, Any]()), st.sampled_from(["admin", "agent"])),
    st.tuples(
        st.just("RecordResult"),
        st.fixed_dictionaries({"result": st.sampled_from(["success", "no_answer"])}),
        st.just("agent"),
    ),
    st.tuples(
        st.just("StartCall"),
        st.fixed_dictionaries({"call_id": st.sampled_from(["c1", "c2"])}),
        st.sampled_from(["agent", "dialer"]),
    ),
    st.tuples(
        st.just("RecordCall"),
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
STEPS = st.one_of(STARRED_STEPS, STARRED_STEPS, OTHERS)


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


def test_every_starred_command_is_drawn() -> None:
    assert set(STARRED) == {one.__name__ for one in offered_commands() if one.bulk}


@settings(max_examples=20)
@given(steps=st.lists(STEPS, min_size=1, max_size=9), again=st.lists(st.integers(0, 8), max_size=8))
async def test_a_repeated_command_has_one_effect_and_one_answer(
    service: Service, steps: list[Step], again: list[int]
) -> None:
    once, own_once = await a_lead(service)
    twice, own_twice = await a_lead(service)
    answers = []
    for number, step in enumerate(steps):
        plain = await ask(service, once, own_once, step)
        first = await ask(service, twice, own_twice, step, idempotency_key=f"{twice}-{number}")
        assert plain.status_code == first.status_code
        answers.append(first)
        for earlier in again:
            if earlier <= number and answers[earlier].status_code != 404:
                repeat = await ask(
                    service, twice, own_twice, steps[earlier], idempotency_key=f"{twice}-{earlier}"
                )
                _assert_same(answers[earlier], repeat)
    assert await history(service, once, own_once) == await history(service, twice, own_twice)


async def a_lead(service: Service) -> tuple[str, Mapping[str, str]]:
    """Make a lead in a campaign of its own, and what commands about it may name."""
    campaign = await service.campaign()
    pool = await service.done("/v1/pools", {"name": "P", "campaign_id": campaign})
    segment = await service.done("/v1/segments", {"name": "S"})
    own = {
        "HERE": campaign,
        "TARGET": await service.campaign(name="Autumn"),
        "POOL": pool["id"],
        "SEGMENT": segment["id"],
    }
    return await service.lead(campaign, pool_id=pool["id"]), own


async def ask(
    service: Service, lead: str, own: Mapping[str, str], step: Step, **headers: str
) -> Any:
    """Give a command."""
    name, fields, by = step
    path = PATHS[name].replace("{id}", lead)
    return await service.post(path, filled(fields, own), by, **headers)


async def history(service: Service, lead: str, own: Mapping[str, str]) -> str:
    """Return what happened to a lead, with its own names taken out; the clock stands still."""
    told = [
        {
            "type": one.TOPIC,
            **{name: value for name, value in vars(one).items() if name != "lead_id"},
        }
        for one in await service.events(lead)
    ]
    text = orjson.dumps(told, default=str).decode()
    for name, value in {**own, "LEAD": lead}.items():
        text = text.replace(value, name)
    return text


def _assert_same(first: Any, repeat: Any) -> None:
    """A command that was done or refused by its rules is answered word for word."""
    assert repeat.status_code == first.status_code
    assert repeat.content == first.content
    assert repeat.headers["idempotency-replayed"] == "true"
