"""Many at once on the same thing: one wins, nobody is lost, nothing is done twice."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from schemas.lead import LeadCreated, LeadFieldsChanged
from services.command import handler
from services.command.domain.decider import Outcome
from services.command.facts_loader import Order, World
from tests.contract.command_service import NORTH, SOUTH, TOP, Service, running


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def test_a_hundred_dials_of_one_lead_reserve_it_once(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/start-call"
    answers = await asyncio.gather(
        *(service.post(path, {"call_id": f"c{i}"}, by="dialer") for i in range(100))
    )
    counted = Counter(answer.status_code for answer in answers)
    assert counted == {200: 1, 409: 99}
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert all("call-in-progress" in {error["code"] for error in one["errors"]} for one in refused)
    assert len(await service.events(lead)) == 2


async def test_who_waited_for_another_looks_first_and_decides_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await service.lead(await service.campaign())
    decided: list[Order] = []
    decide = handler._decide

    def counted(order: Order, world: World) -> list[Outcome]:
        decided.append(order)
        return decide(order, world)

    monkeypatch.setattr(handler, "_decide", counted)
    path = f"/v1/leads/{lead}/start-call"
    answers = await asyncio.gather(
        *(service.post(path, {"call_id": f"c{i}"}, by="dialer") for i in range(2))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert len(decided) == 2


async def test_two_processes_reserve_a_lead_once(service: Service, database_url: str) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/start-call"
    async with running(database_url) as other:
        answers = await asyncio.gather(
            *(
                (service, other)[i % 2].post(path, {"call_id": f"c{i}"}, by="dialer")
                for i in range(40)
            )
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 39}


async def test_equal_keys_created_at_once_give_one_lead(service: Service) -> None:
    campaign = await service.campaign()
    body = {"campaign_id": campaign, "phone": "+14155550100"}
    answers = await asyncio.gather(*(service.post("/v1/leads", body) for _ in range(30)))
    created = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert len(created) == 1
    for answer in answers:
        if answer.status_code != 201:
            assert answer.status_code == 409
            (error,) = answer.json()["errors"]
            assert error["code"] == "duplicate"
            assert created[0] in error["detail"]


async def test_a_lead_cloned_while_it_changes_is_cloned_once_and_whole(service: Service) -> None:
    source, target = await service.campaign(), await service.campaign(name="Autumn")
    lead = await service.lead(source, fields={"age": 1})
    clone, update = f"/v1/leads/{lead}/clone", f"/v1/leads/{lead}/update-fields"
    answers = await asyncio.gather(
        *(
            service.post(clone, {"target_campaign_id": target})
            if i % 4 == 0
            else service.post(update, {"set": {"age": i}})
            for i in range(24)
        )
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    cloned = [one for one in answers if one.status_code == 200 and one.json().get("others")]
    assert len(cloned) == 1
    said = cloned[0].json()
    (created,) = await service.events(said["others"][0]["id"])
    history = await service.events(lead)
    before = [one for one in history if one.originator_version < said["version"]]
    ages = [one.set["age"] for one in before if isinstance(one, LeadFieldsChanged) and one.set]
    assert isinstance(created, LeadCreated)
    assert created.fields == {"age": ages[-1] if ages else 1}


async def test_in_one_process_everybody_gets_a_turn(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/add-note"
    answers = await asyncio.gather(*(service.post(path, {"text": str(i)}) for i in range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert {answer.json()["version"] for answer in answers} == set(range(2, 52))


async def test_losers_between_processes_are_told_never_lost(
    service: Service, database_url: str
) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/add-note"
    async with running(database_url) as second, running(database_url) as third:
        everybody = (service, second, third)
        answers = await asyncio.gather(
            *(everybody[i % 3].post(path, {"text": str(i)}) for i in range(60))
        )
    done = [answer for answer in answers if answer.status_code == 200]
    others = [answer.json() for answer in answers if answer.status_code != 200]
    assert all((one["status"], one["code"]) == (409, "contended") for one in others)
    assert all(one["retryable"] for one in others)
    assert len(await service.events(lead)) == 1 + len(done)
    assert sorted(answer.json()["version"] for answer in done) == list(range(2, 2 + len(done)))


async def test_facts_of_one_lead_are_all_taken_in(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/record-call"
    calls = [
        {"call_id": f"c{i}", "number": "+14155550100", "started_at": f"2026-03-02T10:00:{i:02d}Z"}
        for i in range(40)
    ]
    answers = await asyncio.gather(*(service.post(path, call, by="dialer") for call in calls * 2))
    assert Counter(answer.status_code for answer in answers) == {200: 80}
    recorded = [
        one for one in await service.events(lead) if type(one).TOPIC == "lead.call_recorded"
    ]
    assert len(recorded) == 40


async def test_a_right_taken_away_meanwhile_does_not_count(service: Service) -> None:
    """The organisation moves between decision and append: the decision is made again."""
    lead = await service.lead(await service.campaign())
    commanding = service.commanding
    append = commanding.log.append
    demoted = False

    async def demote_first(wanted: object) -> object:
        nonlocal demoted
        if not demoted:
            demoted = True
            from tests.contract.command_service import USER_IDS

            body = {"user": USER_IDS["team_leader"], "role": "agent"}
            await service.done("/v1/organisation/change-user", body)
        return await append(wanted)  # type: ignore[arg-type]  # passed on as it came

    commanding.log.append = demote_first  # type: ignore[method-assign,assignment]  # the race
    answer = await service.post(
        f"/v1/leads/{lead}/change-owner", {"owner": NORTH}, by="team_leader"
    )
    assert answer.status_code == 403
    assert len(await service.events(lead)) == 1


async def test_two_people_editing_one_version_do_not_overwrite(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/change-owner"
    other = await service.post(path, {"owner": SOUTH}, if_match='"1"')
    assert other.status_code == 200
    answers = await asyncio.gather(
        service.post(path, {"owner": NORTH}, if_match='"2"'),
        service.post(f"/v1/leads/{lead}/update-fields", {"set": {"age": 4}}, if_match='"2"'),
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    late = await service.post(path, {"owner": TOP}, if_match='"2"')
    assert (late.status_code, late.json()["changed"]) == (412, ["owner"])
