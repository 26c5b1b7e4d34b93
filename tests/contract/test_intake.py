"""Calls from dialers are facts: recorded once, in any order, or put aside with why (rule 9)."""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable
from uuid import UUID

import orjson
import pytest

from schemas.dialer_call import DialerCall
from schemas.quarantine import PayloadHeld
from services.command import intake_batch
from services.command.domain.decider import Outcome
from services.command.domain.facts import Facts
from services.command.domain.lead.calls import RecordCall, record_call
from services.command.domain.lead.state import Lead
from services.command.intake_batch import Intake
from services.command.intake_payload import RAW_BYTES_MAX, Arrival
from services.command.state_cache import StateCache
from services.kit.clock import FixedClock
from tests.contract.command_service import NOON, NORTH, USER_IDS, Service, running
from tests.contract.intake_calls import DIALER, Desk, call
from tests.kit.event_logs import opened


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as one:
        yield one


@pytest.fixture
def desk(service: Service) -> Desk:
    return Desk(service)


@pytest.fixture(autouse=True)
def no_second_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours fails the test, instead of being searched for call by call."""
    monkeypatch.setattr(intake_batch, "FAILED_MAX", -1)


async def leads_of(service: Service, count: int = 1, **campaign: object) -> list[str]:
    """Leads of one new campaign, with numbers +14155550100, …101, and so on."""
    made = await service.campaign(**campaign)
    return [
        await service.lead(made, phone=f"+141555501{place:02d}", owner=NORTH)
        for place in range(count)
    ]


async def test_a_call_is_recorded_with_its_own_time_and_cause(service: Service, desk: Desk) -> None:
    (lead,) = await leads_of(service)
    told = call("c-1", lead, agent=USER_IDS["agent"], number="+14155550100", source="dialer-7")
    (outcome,) = await desk.take_in(told)
    assert (outcome.kind, outcome.lead, outcome.version) == ("recorded", UUID(lead), 2)
    stored = (await service.commanding.log.load([UUID(lead)]))[UUID(lead)][-1]
    assert stored.origin.cause == "call:dialer-7/c-1"
    assert stored.origin.actor == "service:intake"
    assert stored.happened_at.isoformat() == "2026-03-02T11:59:30+00:00"
    assert stored.position == outcome.position
    recorded = await desk.last_call(lead)
    assert (recorded.agent, recorded.status_after) == (USER_IDS["agent"], "no_answer")


async def test_the_same_call_counts_once_within_a_batch_and_across(
    service: Service, desk: Desk
) -> None:
    first, second = await leads_of(service, 2)
    told = call("c-1", first)
    assert await desk.kinds(told, told, call("c-2", second)) == [
        "recorded",
        "duplicate",
        "recorded",
    ]
    assert await desk.kinds(told, call("c-3", first)) == ["duplicate", "recorded"]
    assert await desk.calls_of(first) == ["c-1", "c-3"]


async def test_a_repeat_is_known_without_any_memory(database_url: str, service: Service) -> None:
    """Another process, whose cached states are older, finds the call by its command id."""
    (lead,) = await leads_of(service)
    async with opened(database_url) as log:
        other = Intake(log, StateCache(log), FixedClock(NOON))
        arrivals = [Arrival(orjson.dumps(call("c-0", lead)), "other")]
        assert [one.kind for one in await other.take_in(arrivals, DIALER)] == ["recorded"]
        told = [call(f"c-{n}", lead, 10 - n) for n in range(1, 4)]
        assert await Desk(service).kinds(*told) == ["recorded"] * 3
        arrivals = [Arrival(orjson.dumps(one), "other") for one in [*told, call("c-9", lead)]]
        kinds = [one.kind for one in await other.take_in(arrivals, DIALER)]
    assert kinds == ["duplicate"] * 3 + ["recorded"]
    assert await Desk(service).calls_of(lead) == ["c-0", "c-1", "c-2", "c-3", "c-9"]


async def test_late_calls_are_kept_and_do_not_move_the_lead(service: Service, desk: Desk) -> None:
    (lead,) = await leads_of(service)
    latest = call("c-2", lead, 0, end_cause="NormalDisconnect", talk_seconds=20)
    assert await desk.kinds(latest, call("c-1", lead, 60)) == ["recorded", "recorded"]
    late = await desk.last_call(lead)
    assert (late.call_id, late.rule) == ("c-1", None)
    states, _ = await service.commanding.states.get({UUID(lead): "lead"})
    assert (states[UUID(lead)].status, states[UUID(lead)].call_attempts) == ("contacted", 2)


async def test_one_call_id_names_one_call_for_ever(service: Service, desk: Desk) -> None:
    first, second = await leads_of(service, 2)
    assert await desk.kinds(call("c-1", first), call("c-1", second)) == [
        "recorded",
        "call-id-reused",
    ]
    assert await desk.kinds(call("c-1", second)) == ["call-id-reused"]
    assert await desk.calls_of(second) == []


async def test_leads_are_found_by_number_and_campaign(service: Service, desk: Desk) -> None:
    (spring,) = await leads_of(service, code="spring")
    by_number = call("c-1", number="+14155550100")
    assert await desk.kinds(by_number) == ["recorded"]
    (summer,) = await leads_of(service, code="summer")
    told = [
        call("c-2", number="+14155550100"),
        call("c-3", number="+14155550100", campaign="summer"),
        call("c-4", number="+14155550199", campaign="summer"),
        call("c-5", number="+14155550100", campaign="winter"),
        call("c-6", number="0415 555"),
        by_number,
    ]
    assert await desk.kinds(*told) == [
        "number-ambiguous",
        "recorded",
        "number-unknown",
        "campaign-unknown",
        "number-not-e164",
        "number-ambiguous",
    ]
    assert await desk.calls_of(spring) == ["c-1"]
    assert await desk.calls_of(summer) == ["c-3"]


async def test_agents_are_found_by_id_or_code(service: Service, desk: Desk) -> None:
    (lead,) = await leads_of(service)
    code = {"owner": f"user:{USER_IDS['agent']}", "ownership_code": "nils"}
    await service.done("/v1/organisation/set-ownership-code", code)
    told = [call("c-1", lead, 2, agent="nils"), call("c-2", lead, 1, agent="nobody")]
    assert await desk.kinds(*told) == ["recorded", "agent-unknown"]
    assert (await desk.last_call(lead)).agent == USER_IDS["agent"]


GARBAGE: dict[str, tuple[object, str]] = {
    "nothing": (b"", "not-json"),
    "half": (b'{"call_id": "c-1"', "not-json"),
    "binary": (b"\xff\xfe\x00", "not-json"),
    "BOM": (b"\xef\xbb\xbf{}", "not-json"),
    "UTF-16": ('{"call_id":"c"}'.encode("utf-16"), "not-json"),
    "a list": ([1, 2], "not-json"),
    "a number": (7, "not-json"),
    "empty": ({}, "call-invalid"),
    "deep": (b"[" * 100_000, "not-json"),
    "no lead": (call("c-1"), "call-invalid"),
    "unknown lead": (call("c-1", "01920000-0000-7000-8000-00000000dead"), "lead-unknown"),
    "odd end": (call("c-1", "LEAD", end_cause="Exploded"), "end-cause-unknown"),
    "NUL": (call("c-1", "LEAD", disposition="a\0b"), "call-invalid"),
    "NUL in the id": (call("a\0b", "LEAD"), "call-invalid"),
    "lone surrogate": (b'{"call_id": "\\ud800"}', "not-json"),
    "text for a number": (call("c-1", "LEAD", talk_seconds="12"), "call-invalid"),
    "negative": (call("c-1", "LEAD", talk_seconds=-1), "call-invalid"),
    "2**64": (call("c-1", "LEAD", talk_seconds=2**64 - 1), "call-invalid"),
    "true for a number": (call("c-1", "LEAD", talk_seconds=True), "call-invalid"),
    "no zone": (call("c-1", "LEAD", started_at="2026-03-02T11:00:00"), "call-invalid"),
    "year 9999": (call("c-1", "LEAD", started_at="9999-12-31T23:00:00-14:00"), "call-invalid"),
    "epoch": (call("c-1", "LEAD", started_at=1_700_000_000), "call-invalid"),
    "tomorrow": (call("c-1", "LEAD", started_at="2026-03-04T11:00:00Z"), "call-in-future"),
    "nested": (call("c-1", "LEAD", extracted={"a": {"b": 1}}), "call-invalid"),
    "infinite": (b'{"call_id":"c","extracted":{"a":1e999}}', "call-invalid"),
    "long": (call("c-1", "LEAD", transcript="x" * 10_001), "call-invalid"),
    "huge": (b'"' + b"x" * RAW_BYTES_MAX + b'"', "payload-too-large"),
}


async def test_garbage_is_kept_with_its_reason_and_the_rest_goes_on(
    service: Service, desk: Desk
) -> None:
    (lead,) = await leads_of(service)
    raws = [
        one if isinstance(one, bytes) else orjson.dumps(one).replace(b"LEAD", lead.encode())
        for one, _ in GARBAGE.values()
    ]
    outcomes = await desk.take_in(*raws, call("c-1", lead))
    found = dict(zip(GARBAGE, (one.code for one in outcomes), strict=False))
    assert found == {name: code for name, (_, code) in GARBAGE.items()}
    assert outcomes[-1].kind == "recorded"
    for raw, outcome in zip(raws, outcomes, strict=False):
        (held,) = await desk.held(outcome.held)
        assert isinstance(held, PayloadHeld)
        assert base64.b64decode(held.raw) == raw[:RAW_BYTES_MAX]
        assert held.code == outcome.code
        assert held.text.endswith(".")


async def test_the_same_garbage_is_one_entry(service: Service, desk: Desk) -> None:
    first, again, other = await desk.take_in(b"{", b"{", b"[")
    (later,) = await desk.take_in(b"{")
    assert first.held == again.held == later.held != other.held
    assert len(await desk.held(first.held)) == 1
    assert len(await service.commanding.log.streams_of("quarantine")) == 2


async def test_a_mistake_of_ours_holds_up_one_call_not_the_rest(
    service: Service, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lead,) = await leads_of(service)
    told = [call(f"c-{n:02d}", lead, 90 - n) for n in range(40)]
    _fails_on(monkeypatch, "c-07", "c-30")
    kinds = await desk.kinds(*told)
    assert [n for n, kind in enumerate(kinds) if kind == "intake-failed"] == [7, 30]
    assert sorted(await desk.calls_of(lead)) == [
        one["call_id"] for n, one in enumerate(told) if n not in (7, 30)
    ]


async def test_a_mistake_with_everything_stops_instead_of_filling_the_quarantine(
    service: Service, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (lead,) = await leads_of(service)
    told = [call(f"c-{n:02d}", lead, 90 - n) for n in range(40)]
    _fails_on(monkeypatch, *(one["call_id"] for one in told))
    with pytest.raises(ZeroDivisionError):
        await desk.take_in(*told)
    assert len(await service.commanding.log.streams_of("quarantine")) <= 10
    monkeypatch.undo()
    assert set(await desk.kinds(*told)) == {"recorded"}


def _fails_on(monkeypatch: pytest.MonkeyPatch, *call_ids: str) -> None:
    monkeypatch.setattr(intake_batch, "FAILED_MAX", 10)

    def faulty(lead: Lead, command: RecordCall, facts: Facts) -> Iterable[Outcome]:
        if command.call_id in call_ids:
            raise ZeroDivisionError
        return record_call(lead, command, facts)

    monkeypatch.setattr(intake_batch, "record_call", faulty)


async def test_a_field_nobody_knows_is_left_aside_and_named(service: Service, desk: Desk) -> None:
    (lead,) = await leads_of(service)
    (outcome,) = await desk.take_in(call("c-1", lead, mood="good"))
    assert (outcome.kind, outcome.unknown_fields) == ("recorded", ("mood",))


async def test_calls_of_an_erased_lead_are_kept_without_the_number(
    service: Service, desk: Desk
) -> None:
    (lead,) = await leads_of(service)
    await desk.take_in(call("c-1", lead, 5, number="+14155550100"))
    await service.done(f"/v1/leads/{lead}/delete", {"reason": "asked"})
    assert await desk.kinds(call("c-2", lead, number="+14155550100")) == ["recorded"]
    last = await desk.last_call(lead)
    assert (last.call_id, last.number) == ("c-2", None)


async def test_facts_and_commands_on_one_lead_do_not_get_in_each_others_way(
    service: Service, desk: Desk
) -> None:
    (lead,) = await leads_of(service)
    notes = [service.done(f"/v1/leads/{lead}/add-note", {"text": f"note {n}"}) for n in range(5)]
    batches = [desk.kinds(*(call(f"c-{b}-{n}", lead, n) for n in range(20))) for b in range(5)]
    results = await asyncio.gather(*notes, *batches)
    assert results[5:] == [["recorded"] * 20] * 5
    assert len(await desk.calls_of(lead)) == 100


def test_the_contract_takes_nothing_the_command_would_not() -> None:
    """The dialer's contract and the command are two classes: their bounds must be the same."""
    told, command = DialerCall.model_json_schema(), RecordCall.model_json_schema()
    apart = {"agent", "number"}  # a name here, resolved before it becomes the command's
    for name, schema in command["properties"].items():
        if name not in apart:
            mine, own = orjson.dumps(told["properties"][name]), orjson.dumps(schema)
            assert _bounds(orjson.loads(mine)) == _bounds(orjson.loads(own)), name


def _bounds(schema: object) -> object:
    """A schema without words, and with map keys left out: those are one line in both."""
    if isinstance(schema, dict):
        dropped = {"title", "description", "propertyNames"}
        return {name: _bounds(one) for name, one in schema.items() if name not in dropped}
    return [_bounds(one) for one in schema] if isinstance(schema, list) else schema
