"""POST /v1/calls, POST /v1/quarantine/reprocess: every item has its outcome, in its place."""

import base64
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import orjson
import pytest

from schemas.quarantine import PayloadHeld, PayloadReprocessed
from services.command.calls_routes import items_of
from services.command.intake_batch import CALLS_MAX
from services.kit.errors import Malformed, Problem
from tests.contract.command_service import KEYS, NORTH, Service, running
from tests.contract.intake_calls import Desk, call


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as one:
        yield one


async def post_raw(service: Service, body: bytes, by: str = "dialer") -> httpx.Response:
    headers = {"authorization": f"Bearer {KEYS[by]}", "content-type": "application/json"}
    return await service.client.post("/v1/calls", content=body, headers=headers)


async def test_each_item_has_its_outcome_in_its_place(service: Service) -> None:
    lead = await service.lead(await service.campaign(), owner=NORTH)
    told = [call("c-1", lead), {"call_id": "c-2"}, call("c-1", lead), "text", call("c-3", lead, 9)]
    answer = await service.done("/v1/calls", told, by="dialer")
    assert {name: answer[name] for name in ("recorded", "duplicate", "quarantined")} == {
        "recorded": 2,
        "duplicate": 1,
        "quarantined": 2,
    }
    first, second, third, fourth, fifth = answer["items"]
    assert (first["outcome"], first["lead_id"], first["call_id"]) == ("recorded", lead, "c-1")
    assert (second["outcome"], second["code"], second["call_id"]) == (
        "quarantined",
        "call-invalid",
        "c-2",
    )
    assert third["outcome"] == "duplicate"
    assert fourth["code"] == "not-json"
    head = await service.commanding.log.head()
    assert fifth["position"] == head - 2
    assert answer["position"] == head
    again = await service.done("/v1/calls", told, by="dialer")
    assert (again["recorded"], again["duplicate"], again["quarantined"]) == (0, 3, 2)
    assert await service.commanding.log.head() == answer["position"]


async def test_the_actor_is_who_sent_it(service: Service) -> None:
    lead = await service.lead(await service.campaign(), owner=NORTH)
    await service.done("/v1/calls", [call("c-1", lead)], by="dialer")
    stored = (await service.commanding.log.load([UUID(lead)]))[UUID(lead)][-1]
    assert stored.origin.actor.startswith("user:")
    assert stored.origin.cause == "call:http/c-1"
    assert stored.origin.trace


async def test_a_broken_item_is_kept_byte_for_byte(service: Service) -> None:
    odd = b'{ "call_id" : "c-1", "big": 99999999999999999999999, "x": 1e999, "u": "\xc3\xa9" }'
    answer = (await post_raw(service, b" [ " + odd + b" ,7 ] ")).json()
    held = await Desk(service).held(UUID(answer["items"][0]["quarantine_id"]))
    assert isinstance(held[0], PayloadHeld)
    assert base64.b64decode(held[0].raw) == odd


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{}", 422),
        (b'"calls"', 422),
        (b"[", 400),
        (b"[1", 400),
        (b"[1,]", 400),
        (b"[1 2]", 400),
        (b"[,1]", 400),
        (b"[1]]", 400),
        (b"[nope]", 400),
        (b"\xff", 400),
        (b"\xef\xbb\xbf[]", 400),
        (b"[" * 50_000, 400),
        (b"[" + b"0," * CALLS_MAX + b"0]", 422),
        (b'["' + b"x" * (1 << 20) + b'"]', 413),
        (b"[" + b" " * (8 << 20) + b"]", 413),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else str(value),
)
async def test_what_is_no_batch_at_all_is_refused(
    service: Service, body: bytes, status: int
) -> None:
    answer = await post_raw(service, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert await service.commanding.log.streams_of("quarantine") == []


@pytest.mark.parametrize(
    "item", [b"NaN", b"-Infinity", b"1" * 5_000, b"1e999", b"[[[]]]", b'"\\ud800"']
)
async def test_odd_json_is_garbage_not_a_fault(service: Service, item: bytes) -> None:
    answer = await post_raw(service, b"[" + item + b"]")
    assert answer.status_code == 200
    assert answer.json()["items"][0]["code"] == "not-json"


async def test_an_empty_batch_is_a_batch(service: Service) -> None:
    answer = await service.done("/v1/calls", [], by="dialer")
    assert answer["items"] == []


async def test_only_dialers_and_admins_may_tell_calls(service: Service) -> None:
    codes = {by: (await service.post("/v1/calls", [], by=by)).status_code for by in KEYS}
    assert {by for by, code in codes.items() if code == 200} == {"admin", "dialer"}
    assert set(codes.values()) == {200, 403}
    tried = {
        by: (await service.post("/v1/quarantine/reprocess", {}, by=by)).status_code for by in KEYS
    }
    assert {by for by, code in tried.items() if code == 200} == {"admin"}
    assert (await service.client.post("/v1/calls", json=[])).status_code == 401


async def test_held_payloads_get_in_once_the_mapping_is_mended(service: Service) -> None:
    campaign = await service.campaign(code="spring")
    told = [call(f"c-{n}", number="+14155550142", campaign="spring", minutes=n) for n in range(3)]
    answer = await service.done("/v1/calls", [*told, {"call_id": "x"}], by="dialer")
    assert [one["code"] for one in answer["items"]] == ["number-unknown"] * 3 + ["call-invalid"]
    assert answer["position"] == await service.commanding.log.head()
    entries = [one["quarantine_id"] for one in answer["items"]]
    lead = await service.lead(campaign, phone="+14155550142", owner=NORTH)

    tried = await service.done("/v1/quarantine/reprocess", {"ids": entries[:1]})
    assert (tried["taken_in"], tried["quarantined"], tried["skipped"]) == (1, 0, [])
    # Who waits for the position sees the calls, and that the entries are done.
    assert tried["position"] == await service.commanding.log.head()
    tried = await service.done("/v1/quarantine/reprocess", {"code": "number-unknown"})
    assert (tried["taken_in"], tried["quarantined"], tried["more"]) == (2, 0, False)
    tried = await service.done("/v1/quarantine/reprocess", {"ids": entries})
    assert (tried["taken_in"], tried["quarantined"]) == (0, 1)
    assert sorted(tried["skipped"]) == sorted(entries[:3])

    assert sorted(await Desk(service).calls_of(lead)) == ["c-0", "c-1", "c-2"]
    stored = (await service.commanding.log.load([UUID(lead)]))[UUID(lead)]
    assert {one.origin.cause for one in stored[1:]} == {f"quarantine:{one}" for one in entries[:3]}
    last = (await Desk(service).held(UUID(entries[0])))[-1]
    assert last == PayloadReprocessed(lead=lead, call="c-0")


async def test_a_mended_payload_gets_in_and_one_mended_badly_waits_on(service: Service) -> None:
    lead = await service.lead(await service.campaign(), owner=NORTH)
    broken = call("c-1", lead, end_cause="Bussy")
    entry = (await service.done("/v1/calls", [broken]))["items"][0]["quarantine_id"]
    mended = {**broken, "end_cause": "Busy", "talk_seconds": -1}
    await _mend(service, entry, mended)
    tried = await service.done("/v1/quarantine/reprocess", {"ids": [entry]})
    assert tried["items"][0]["code"] == "call-invalid"
    assert tried["items"][0]["quarantine_id"] == entry
    await _mend(service, entry, {**mended, "talk_seconds": 0})
    tried = await service.done("/v1/quarantine/reprocess", {})
    assert tried["taken_in"] == 1
    assert await Desk(service).calls_of(lead) == ["c-1"]
    # The very payload that was broken comes once more: what was decided about it stands.
    again = await service.done("/v1/calls", [broken])
    assert again["items"][0]["quarantine_id"] == entry
    assert isinstance((await Desk(service).held(UUID(entry)))[-1], PayloadReprocessed)


async def test_a_try_that_was_cut_off_is_completed_by_the_next(service: Service) -> None:
    """The call was recorded, but the entry was not marked: the next try finds and marks it."""
    campaign = await service.campaign(code="spring")
    told = call("c-1", number="+14155550142", campaign="spring")
    entry = (await service.done("/v1/calls", [told]))["items"][0]["quarantine_id"]
    lead = await service.lead(campaign, phone="+14155550142", owner=NORTH)
    assert (await service.done("/v1/calls", [told]))["recorded"] == 1
    tried = await service.done("/v1/quarantine/reprocess", {"ids": [entry]})
    assert (tried["taken_in"], tried["items"][0]["outcome"]) == (1, "duplicate")
    assert await Desk(service).calls_of(lead) == ["c-1"]


async def _mend(service: Service, entry: str, told: object) -> None:
    raw = base64.b64encode(orjson.dumps(told)).decode()
    await service.done(f"/v1/quarantine/{entry}/mend", {"raw": raw})


def test_items_are_cut_out_exactly() -> None:
    parts = [b'{"a": "],["}', b"[]", b'"\\"x"', b"-1.5e+30", b"null", b"{}"]
    assert items_of(b"\n[" + b" ,\t".join(parts) + b"]\r\n") == parts
    assert items_of(b"[]") == []
    with pytest.raises(Problem):
        items_of(b"[{}")
    with pytest.raises(Malformed):
        items_of(b"[]x")
