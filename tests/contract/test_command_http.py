"""What the command service promises over HTTP: answers, refusals, repeats, versions."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.command.domain.facts import Actor
from services.command.domain.organisation.commands import SetUpOrganisation
from services.command.facts_loader import Order
from services.command.first_start import is_set_up, set_up
from services.command.handler import Commanding
from services.kit.append import Append, Appended, OutcomeUnknown
from services.kit.auth import Principal
from services.kit.clock import FixedClock
from services.kit.deadline import Deadlines
from services.kit.ids import new_id
from tests.contract.command_service import (
    KEYS,
    NOON,
    NORTH,
    SOUTH,
    TOP,
    USER_IDS,
    Service,
    running,
)
from tests.kit.event_logs import opened


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def test_a_created_lead_is_answered_with_its_place(service: Service) -> None:
    campaign = await service.campaign()
    body = {"campaign_id": campaign, "phone": "+14155550100", "fields": {"age": 41}}
    answer = await service.post("/v1/leads", body)
    assert answer.status_code == 201
    said = answer.json()
    assert answer.headers["location"] == f"/v1/leads/{said['id']}"
    assert answer.headers["etag"] == '"1"'
    assert said["changed"] is True
    assert said["version"] == 1
    assert said["events"] == ["lead.created"]
    assert said["position"] == await service.commanding.log.head()


async def test_a_command_on_a_lead_tells_version_and_position(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    said = await service.done(f"/v1/leads/{lead}/change-owner", {"owner": SOUTH})
    assert (said["id"], said["version"], said["events"]) == (lead, 2, ["lead.owner_changed"])
    (created, changed) = await service.events(lead)
    assert getattr(changed, "owner", "") == SOUTH
    assert created.originator_version == 1


async def test_no_change_succeeds_without_an_event(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    said = await service.done(f"/v1/leads/{lead}/change-owner", {"owner": NORTH})
    assert (said["changed"], said["version"], said["events"]) == (False, 1, [])
    assert len(await service.events(lead)) == 1


async def test_every_event_names_actor_cause_and_trace(service: Service) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    lead = await service.lead(await service.campaign())
    await service.done(
        f"/v1/leads/{lead}/add-note",
        {"text": "Hello"},
        by="agent",
        traceparent=f"00-{trace}-00f067aa0ba902b7-01",
    )
    last = (await service.commanding.log.read(0, 1000))[-1]
    assert last.origin.actor == f"user:{USER_IDS['agent']}"
    assert last.origin.cause.startswith("command:")
    assert last.origin.trace == trace


async def test_a_refusal_lists_every_reason(service: Service) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign)
    await service.done(f"/v1/leads/{lead}/suppress", {"reason": "asked"})
    await service.done(f"/v1/campaigns/{campaign}/deactivate")
    answer = await service.post(f"/v1/leads/{lead}/start-call", {"call_id": "c1"}, by="agent")
    assert answer.status_code == 409
    assert {error["code"] for error in answer.json()["errors"]} >= {
        "suppressed",
        "campaign-inactive",
    }


async def test_what_does_not_fit_is_pointed_at_with_422(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    body = {"set": {"age": "old", "shoe": 44}}
    answer = await service.post(f"/v1/leads/{lead}/update-fields", body)
    assert answer.status_code == 422
    assert {one["pointer"] for one in answer.json()["errors"]} == {"/set/age", "/set/shoe"}


async def test_do_not_call_holds_a_dial_back(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    await service.done(f"/v1/leads/{lead}/start-call", {"call_id": "c0"}, by="agent")
    entry = {"number": "+14155550100", "scope": "global", "reason": "asked"}
    added = await service.done("/v1/do-not-call/add", entry, by="agent")
    assert added["events"] == ["dnc.added"]
    answer = await service.post(f"/v1/leads/{lead}/start-call", {"call_id": "c1"}, by="agent")
    assert "do-not-call-global" in {error["code"] for error in answer.json()["errors"]}


async def test_unknown_and_unseen_leads_look_the_same(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    body = {"text": "Hello"}
    unseen = await service.post(f"/v1/leads/{lead}/add-note", body, by="agent_south")
    unknown = await service.post(f"/v1/leads/{new_id()}/add-note", body, by="agent_south")
    assert unseen.status_code == unknown.status_code == 404
    first, second = unseen.json(), unknown.json()
    first.pop("trace_id"), second.pop("trace_id")
    assert first == second


@pytest.mark.parametrize("nonsense", ["x", "{01920000-0000-7000-8000-6f7267616e69}", "%00", "1"])
async def test_a_nonsense_id_is_not_found(service: Service, nonsense: str) -> None:
    answer = await service.post(f"/v1/leads/{nonsense}/add-note", {"text": "Hello"})
    assert answer.status_code == 404


async def test_other_methods_are_named(service: Service) -> None:
    answer = await service.client.put("/v1/leads")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


async def test_without_a_key_nothing_is_said(service: Service) -> None:
    answer = await service.client.post("/v1/leads", json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_deactivated_user_stops_at_once(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    note = f"/v1/leads/{lead}/add-note"
    await service.done(note, {"text": "Hello"}, by="agent")
    await service.done("/v1/organisation/deactivate-user", {"user": USER_IDS["agent"]})
    assert (await service.post(note, {"text": "Again"}, by="agent")).status_code == 401


async def test_a_repeat_hears_the_first_answer(service: Service) -> None:
    campaign = await service.campaign()
    body = {"campaign_id": campaign, "phone": "+14155550100"}
    first = await service.post("/v1/leads", body, idempotency_key="k1")
    await service.lead(campaign, phone="+14155550101")
    again = await service.post("/v1/leads", body, idempotency_key="k1")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_repeat_is_known_to_another_process(service: Service, database_url: str) -> None:
    lead = await service.lead(await service.campaign())
    path, body = f"/v1/leads/{lead}/add-note", {"text": "Hello"}
    first = await service.post(path, body, idempotency_key="k1")
    async with running(database_url) as other:
        again = await other.post(path, body, idempotency_key="k1")
    assert again.json() == first.json()
    assert len(await service.events(lead)) == 2


async def test_a_repeat_counts_after_the_world_moved_on(service: Service) -> None:
    """The lead is out of sight by its own first effect; the repeat must not say so."""
    lead = await service.lead(await service.campaign())
    path, body = f"/v1/leads/{lead}/change-owner", {"owner": TOP}
    first = await service.post(path, body, by="admin", idempotency_key="k1", if_match='"1"')
    again = await service.post(path, body, by="admin", idempotency_key="k1", if_match='"1"')
    assert first.json() == again.json()
    await service.done(f"/v1/leads/{lead}/delete", {"reason": "asked"}, idempotency_key="k2")
    again = await service.post(
        f"/v1/leads/{lead}/delete", {"reason": "asked"}, idempotency_key="k2"
    )
    assert again.status_code == 200
    assert again.json()["changed"] is True


async def test_an_unchanged_answer_is_repeated_too(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path, body = f"/v1/leads/{lead}/change-owner", {"owner": NORTH}
    first = await service.post(path, body, idempotency_key="k1")
    await service.done(path, {"owner": SOUTH})
    again = await service.post(path, body, idempotency_key="k1")
    assert first.json()["changed"] is False
    assert again.json() == first.json()


async def test_a_refusal_is_repeated_when_a_key_was_given(service: Service) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign)
    await service.done(f"/v1/leads/{lead}/suppress")
    path = f"/v1/leads/{lead}/start-call"
    first = await service.post(path, {"call_id": "c1"}, by="agent", idempotency_key="k1")
    await service.done(f"/v1/leads/{lead}/unsuppress")
    again = await service.post(path, {"call_id": "c1"}, by="agent", idempotency_key="k1")
    assert first.status_code == again.status_code == 409
    assert first.json() == again.json()
    assert again.headers["content-type"] == "application/problem+json"
    await service.done(path, {"call_id": "c1"}, by="agent", idempotency_key="k2")


async def test_the_same_key_with_another_body_is_refused(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/add-note"
    await service.done(path, {"text": "One"}, idempotency_key="k1")
    answer = await service.post(path, {"text": "Two"}, idempotency_key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "key-reused")
    other = await service.lead(await service.campaign())
    answer = await service.post(
        f"/v1/leads/{other}/add-note", {"text": "One"}, idempotency_key="k1"
    )
    assert answer.status_code == 422


async def test_the_same_key_of_another_user_is_another_command(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/add-note"
    await service.done(path, {"text": "One"}, idempotency_key="k1")
    await service.done(path, {"text": "Two"}, by="agent", idempotency_key="k1")
    assert len(await service.events(lead)) == 3


async def test_the_same_key_at_once_is_done_once(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path, body = f"/v1/leads/{lead}/add-note", {"text": "One"}
    answers = await asyncio.gather(
        *(service.post(path, body, idempotency_key="k1") for _ in range(10))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len(await service.events(lead)) == 2
    in_flight = [answer for answer in answers if answer.status_code == 409]
    assert all(answer.json()["code"] == "in-flight" for answer in in_flight)
    assert all(answer.headers["retry-after"] == "1" for answer in in_flight)


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "é"])
async def test_a_bad_idempotency_key_is_malformed(service: Service, key: str) -> None:
    headers = [
        (b"idempotency-key", key.encode("latin-1")),
        (b"authorization", f"Bearer {KEYS['admin']}".encode()),
    ]
    answer = await service.client.post("/v1/leads", json={}, headers=headers)
    assert answer.status_code == 400


async def test_an_edit_on_the_version_seen_passes(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}/change-owner"
    said = await service.post(path, {"owner": SOUTH}, if_match='"1"')
    assert (said.status_code, said.headers["etag"]) == (200, '"2"')


async def test_edits_of_different_things_merge(service: Service) -> None:
    fields = [{"import_name": "age", "type": "number"}, {"import_name": "city"}]
    lead = await service.lead(await service.campaign(fields=fields))
    update = f"/v1/leads/{lead}/update-fields"
    await service.done(update, {"set": {"age": 41}})
    await service.done(f"/v1/leads/{lead}/change-owner", {"owner": SOUTH})
    said = await service.done(update, {"set": {"city": "Porto"}}, if_match='"1"')
    assert said["version"] == 4


async def test_edits_of_the_same_thing_do_not_overwrite(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    update = f"/v1/leads/{lead}/update-fields"
    await service.done(update, {"set": {"age": 41}})
    answer = await service.post(update, {"set": {"age": 42}}, if_match='"1"')
    assert answer.status_code == 412
    assert answer.headers["etag"] == '"2"'
    assert (answer.json()["version"], answer.json()["changed"]) == (2, ["fields.age"])
    assert len(await service.events(lead)) == 2


async def test_a_version_that_never_was_does_not_match(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    answer = await service.post(f"/v1/leads/{lead}/deactivate", if_match='"9"')
    assert answer.status_code == 412


@pytest.mark.parametrize("version", ["1", '"x"', '"0"', '"1", "2"', '"9999999999"'])
async def test_a_bad_if_match_is_malformed(service: Service, version: str) -> None:
    lead = await service.lead(await service.campaign())
    answer = await service.post(f"/v1/leads/{lead}/deactivate", if_match=version)
    assert answer.status_code == 400


async def test_a_call_is_a_fact_whatever_version_was_seen(service: Service) -> None:
    lead = await service.lead(await service.campaign())
    call = {"call_id": "c1", "number": "+14155550100", "started_at": "2026-03-02T10:00:00Z"}
    path = f"/v1/leads/{lead}/record-call"
    said = await service.done(path, call, by="dialer", if_match='"9"')
    assert said["events"][0] == "lead.call_recorded"
    assert (await service.done(path, call, by="dialer"))["changed"] is False
    (recorded,) = [
        one
        for one in await service.commanding.log.read(0, 1000)
        if type(one.event).TOPIC == "lead.call_recorded"
    ]
    assert recorded.happened_at.isoformat() == "2026-03-02T10:00:00+00:00"


async def test_deleting_destroys_the_key_and_frees_the_number(service: Service) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign, fields={"name": "Ines"})
    await service.done(f"/v1/leads/{lead}/delete", {"reason": "asked"})
    async with service.commanding.log.pool.acquire() as connection:
        wrapped = await connection.fetchval(
            "select wrapped from log.lead_keys where stream_id = $1", lead
        )
        numbers = await connection.fetchval("select count(*) from log.numbers")
    assert (wrapped, numbers) == (None, 0)
    again = await service.lead(campaign)
    assert again != lead


async def test_a_changed_phone_moves_the_claim(service: Service) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign)
    other = await service.lead(campaign, phone="+14155550101")
    path = f"/v1/leads/{lead}/change-phone"
    answer = await service.post(path, {"phone": "+14155550101"})
    assert answer.status_code == 409
    (error,) = answer.json()["errors"]
    assert error["code"] == "duplicate"
    assert other in error["detail"]
    await service.done(path, {"phone": "+14155550102"})
    await service.done(f"/v1/leads/{other}/change-phone", {"phone": "+14155550100"})


async def test_clone_reports_both_leads(service: Service) -> None:
    source, target = await service.campaign(), await service.campaign(name="Autumn")
    lead = await service.lead(source)
    said = await service.done(f"/v1/leads/{lead}/clone", {"target_campaign_id": target})
    (clone,) = said["others"]
    (created,) = await service.events(clone["id"])
    assert getattr(created, "cloned_from", "") == lead
    again = await service.done(f"/v1/leads/{lead}/clone", {"target_campaign_id": target})
    assert again["changed"] is False


async def test_clone_finds_duplicates_everywhere(service: Service) -> None:
    source, target = await service.campaign(), await service.campaign(name="Autumn")
    third = await service.campaign(name="Winter")
    lead = await service.lead(source)
    await service.lead(third)
    body = {"target_campaign_id": target, "duplicate_search": "everywhere"}
    said = await service.done(f"/v1/leads/{lead}/clone", body)
    assert said["changed"] is False
    moving = {**body, "duplicate_action": "move"}
    said = await service.done(f"/v1/leads/{lead}/clone", moving)
    assert said["others"][0]["version"] == 2


async def test_an_unclear_outcome_says_so(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await service.lead(await service.campaign())
    log = service.commanding.log
    append = log.append

    async def lost(*_: object) -> None:
        raise OutcomeUnknown("cut")

    path, body = f"/v1/leads/{lead}/add-note", {"text": "Hello"}
    monkeypatch.setattr(log, "append", lost)
    answer = await service.post(path, body, idempotency_key="k1")
    assert (answer.status_code, answer.json()["code"]) == (503, "outcome-unclear")
    assert answer.headers["retry-after"] == "1"
    monkeypatch.setattr(log, "append", append)
    await service.done(path, body, idempotency_key="k1")
    assert len(await service.events(lead)) == 2


async def test_a_reply_lost_on_the_way_is_no_second_try(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await service.lead(await service.campaign())
    log = service.commanding.log
    append = log.append
    lost = 0

    async def unheard(wanted: Append) -> Appended:
        nonlocal lost
        appended = await append(wanted)
        if lost == 0:
            lost += 1
            raise ConnectionResetError
        return appended

    monkeypatch.setattr(log, "append", unheard)
    said = await service.done(f"/v1/leads/{lead}/add-note", {"text": "Hello"})
    assert (lost, said["version"], said["position"]) == (1, 2, await log.head())
    assert len(await service.events(lead)) == 2
    await service.done(f"/v1/leads/{lead}/add-note", {"text": "Again"})


async def test_a_silent_database_is_answered_within_the_deadline(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await service.lead(await service.campaign())
    monkeypatch.setattr(service.commanding, "_deadlines", Deadlines(0.2))

    async def silent(*_: object) -> None:
        await asyncio.Event().wait()

    path, body = f"/v1/leads/{lead}/add-note", {"text": "Hello"}
    monkeypatch.setattr(service.commanding.log, "append", silent)
    assert (await service.post(path, body)).json()["code"] == "outcome-unclear"
    monkeypatch.setattr(service.commanding.log, "load", silent)
    assert (await service.post(path, body)).json()["code"] == "unavailable"


async def test_the_first_start_can_be_repeated(service: Service) -> None:
    assert await is_set_up(service.commanding)
    before = await service.commanding.log.head()
    await set_up(service.commanding, KEYS)
    assert await service.commanding.log.head() == before


async def test_the_first_start_leaves_another_organisation_alone(database_url: str) -> None:
    async with opened(database_url) as log:
        commanding = Commanding(log, FixedClock(NOON))
        begin = SetUpOrganisation(name="Ours")
        await commanding.handle(Order(begin, Principal("", "admin"), actor=Actor("service:x", "")))
        await set_up(commanding, KEYS)
        assert await log.head() == 1


async def test_a_stale_memory_never_refuses(service: Service, database_url: str) -> None:
    """Another process lifts what this one remembers as the reason to refuse."""
    lead = await service.lead(await service.campaign())
    await service.done(f"/v1/leads/{lead}/suppress")
    start = f"/v1/leads/{lead}/start-call"
    assert (await service.post(start, {"call_id": "c1"}, by="agent")).status_code == 409
    async with running(database_url) as other:
        await other.done(f"/v1/leads/{lead}/unsuppress")
    await service.done(start, {"call_id": "c1"}, by="agent")


async def test_a_stale_memory_never_overwrites(service: Service, database_url: str) -> None:
    lead = await service.lead(await service.campaign())
    async with running(database_url) as other:
        await other.done(f"/v1/leads/{lead}/change-owner", {"owner": SOUTH})
    said = await service.done(f"/v1/leads/{lead}/change-owner", {"owner": SOUTH})
    assert (said["changed"], said["version"]) == (False, 2)
