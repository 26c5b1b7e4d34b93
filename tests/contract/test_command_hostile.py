"""Hostile input on every command: it is refused, and never a server error."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from schemas.organisation import ORGANISATION_ID
from services.command.catalogue import offered_commands
from services.command.routes import CommandRoute, route_of
from services.kit.ids import new_id
from tests.contract.command_service import KEYS, Service, running

ROUTES = [route_of(command) for command in offered_commands()]

HOSTILE: list[Any] = [
    "\x00",
    "a\x1b[31m",
    "\u202e" * 50,
    "x" * 100_000,
    "é" * 5_000,
    "1_000",
    " 12 ",
    "on",
    "",
    "'; drop table log.events; --",
    "{{7*7}}",
    "../../etc/passwd",
    "=1+1",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-03-01T09:00:00",
    "+" + "9" * 40,
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63,
    2**64,
    10**300,
    1.5,
    1e308,
    True,
    None,
    [],
    [[]] * 100,
    {},
    {"a": {"b": {"c": 1}}},
    {"\x00": 1},
    {"x" * 1000: "y"},
]
RAW = [
    b"",
    b"null",
    b"[]",
    b"1",
    b'"x"',
    b"{",
    b'{"a":NaN}',
    b'{"a":1e999}',
    b'{"a":"\\ud800"}',
    b'{"a":' + b"9" * 5_000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 2_000 + b"1" + b"}" * 2_000,
    b'{"a":1,"a":2}',
    b"\xef\xbb\xbf{}",
    b"\xff\xfe{\x00}\x00",
    b'{"a":"\xc0\x80"}',
    b" " * (1 << 20),
    b"x" * (2 << 20),
]

GOOD: dict[str, Any] = {
    "phone": "+14155550177",
    "number": "+14155550177",
    "scope": "global",
    "call_id": "c",
    "started_at": "2026-03-02T10:00:00Z",
    "name": "Name",
    "text": "Text",
    "reason": "Reason",
}


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


async def _path(service: Service, route: CommandRoute, ids: dict[str, str]) -> str:
    return route.path.replace("{id}", ids.get(route.command.aggregate, str(ORGANISATION_ID)))


async def _send(service: Service, path: str, raw: bytes, media: str = "application/json") -> int:
    headers = {"authorization": f"Bearer {KEYS['admin']}", "content-type": media}
    answer = await service.client.post(path, content=raw, headers=headers)
    assert answer.status_code < 500, (path, raw[:200], answer.text)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code


async def _ids(service: Service) -> dict[str, str]:
    campaign = await service.campaign()
    return {
        "campaign": campaign,
        "lead": await service.lead(campaign),
        "quarantine": str(new_id()),
    }


async def test_no_raw_body_is_a_server_error(service: Service) -> None:
    ids = await _ids(service)
    for route in ROUTES:
        path = await _path(service, route, ids)
        for raw in RAW:
            await _send(service, path, raw)
        assert await _send(service, path, b"{}", "text/plain") == 415


async def test_no_value_of_any_field_is_a_server_error(service: Service) -> None:
    ids = await _ids(service)
    good = GOOD | {"campaign_id": ids["campaign"]}
    for route in ROUTES:
        path = await _path(service, route, ids)
        fields = route.command.model_fields
        base = {name: value for name, value in good.items() if name in fields}
        for name in (*fields, "unheard_of"):
            for value in HOSTILE:
                await _send(service, path, json.dumps({**base, name: value}).encode())


async def test_hostile_values_inside_fields_of_a_lead(service: Service) -> None:
    ids = await _ids(service)
    path = f"/v1/leads/{ids['lead']}/update-fields"
    for value in HOSTILE:
        for name in ("age", "name", "email"):
            await _send(service, path, json.dumps({"set": {name: value}}).encode())
        await _send(service, path, json.dumps({"set": {str(value)[:500]: 1}}).encode())


async def test_what_was_refused_left_nothing_behind(service: Service) -> None:
    campaign = await service.campaign()
    before = await service.commanding.log.head()
    for raw in RAW:
        await _send(service, "/v1/leads", raw)
    body = {"campaign_id": campaign, "phone": "+14155550100", "fields": {"age": "x"}}
    await _send(service, "/v1/leads", json.dumps(body).encode())
    assert await service.commanding.log.head() == before


async def test_an_id_of_something_else_is_not_found_and_changes_nothing(service: Service) -> None:
    """A lead's id in a pool's path, the organisation's as a campaign, and so on."""
    campaign = await service.campaign()
    ids = {
        "campaign": campaign,
        "lead": await service.lead(campaign),
        "pool": (await service.done("/v1/pools", {"name": "P", "campaign_id": campaign}))["id"],
        "segment": (await service.done("/v1/segments", {"name": "S"}))["id"],
        "organisation": str(ORGANISATION_ID),
    }
    before = await service.commanding.log.head()
    for route in (one for one in ROUTES if one.has_id):
        fields = route.command.model_fields
        named = {name: GOOD[name] for name in fields if name in GOOD}
        for kind, stream in ids.items():
            if kind == route.command.aggregate:
                continue
            body = named | {name: stream for name in fields if name.endswith("_id")}
            path = route.path.replace("{id}", stream)
            assert await _send(service, path, json.dumps(body).encode()) >= 400, (path, body)
    for name, stream in ids.items():
        if name != "campaign":
            body = {"campaign_id": stream, "phone": "+14155550199"}
            assert await _send(service, "/v1/leads", json.dumps(body).encode()) >= 400
    assert await service.commanding.log.head() == before


async def test_an_id_of_something_else_in_a_field_is_said_of_that_field(service: Service) -> None:
    """The lead's own id, its campaign's, the organisation's or nobody's, where a pool, a segment,
    a campaign or another lead is to be named.
    """
    campaign = await service.campaign()
    lead = f"/v1/leads/{await service.lead(campaign)}"
    pool = (await service.done("/v1/pools", {"name": "P", "campaign_id": campaign}))["id"]
    ids = {lead.rpartition("/")[2], campaign, pool, str(ORGANISATION_ID), str(new_id())}
    asked: list[tuple[str, str, dict[str, Any]]] = [
        (f"{lead}/add-to-segment", "segment_id", {}),
        (f"{lead}/remove-from-segment", "segment_id", {}),
        (f"{lead}/start-call", "segment_id", {"call_id": "c"}),
        (f"{lead}/move", "pool_id", {}),
        (f"{lead}/move", "target_campaign_id", {}),
        (f"{lead}/clone", "target_campaign_id", {}),
        (f"{lead}/merge", "other_lead_id", {}),
        (f"{lead}/unmerge", "other_lead_id", {}),
        ("/v1/leads", "pool_id", {"campaign_id": campaign, "phone": "+14155550199"}),
    ]
    before = await service.commanding.log.head()
    for path, field, more in asked:
        fits = {"target_campaign_id": campaign, "pool_id": pool}.get(field)
        for given in ids - {fits}:
            refused = await service.post(path, {**more, field: given})
            pointers = [one["pointer"] for one in refused.json()["errors"]]
            assert f"/{field}" in pointers, (path, field, given, refused.text)
            assert refused.status_code in (409, 422), (path, refused.text)
    assert await service.commanding.log.head() == before


@pytest.mark.parametrize("wrong", ["nope", "01920000-5A00-7000-8000-00000000B09B", "7" * 32])
async def test_what_is_no_id_is_told_from_what_is_not_there(service: Service, wrong: str) -> None:
    async def told(path: str, of: str, method: str = "GET") -> str:
        headers = {"authorization": f"Bearer {KEYS['agent']}"}
        path = path.replace("ID", of)
        answer = await service.client.request(method, path, headers=headers, content=b"")
        assert answer.status_code == 404, answer.text
        return str(answer.json()["detail"])

    asked = (
        ("POST", "/v1/leads/ID/cancel-callback"),
        ("POST", "/v1/bulk-jobs/ID/cancel"),
        ("GET", "/v1/bulk-jobs/ID"),
        ("GET", "/v1/imports/ID"),
        ("GET", "/v1/do-not-call-files/ID"),
    )
    for method, path in asked:
        assert "no id: an id is a UUID" in await told(path, wrong, method), path
        assert "no id" not in await told(path, str(new_id()), method), path
