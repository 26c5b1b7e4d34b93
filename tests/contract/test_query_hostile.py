"""Whatever comes in, a read answers with a problem that says what is wrong, never with a 5xx."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from fastapi.routing import APIRoute

from schemas.filters import CHILDREN_MAX, VALUES_MAX
from services.kit.openapi import openapi
from tests.contract.query_service import KEYS, World, named, running

NASTY_TEXTS = (
    "%00",
    "%ED%A0%80",
    "%FF",
    "'; drop table read.lead; --",
    "1e999",
    "-1",
    "9223372036854775808",
    "0x10",
    "true",
    "%F0%9D%9F%99",
    "9" * 5000,
    "(" * 3000,
    "not " * 1000,
    "..%2F..%2Fetc",
)
PARAMETERS = (
    *("limit", "cursor", "sort", "columns", "filter", "q", "status", "campaign", "owner"),
    *("as_of", "from", "to", "kind", "actor", "min_position", "min_version", "after", "state"),
    *("code", "active", "number", "standing", "project", "team", "team_of", "date", "since"),
    *("until", "latest_call_by", "campaign_active"),
)
NASTY_BODIES: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b"{",
    b'{"filter": "x"}',
    b'{"filter": {"op": "equals", "field": "name", "value": "\\ud800"}}',
    b'{"filter": {"op": "equals", "field": "name", "value": "a\\u0000b"}}',
    b'{"filter": {"op": "equals", "field": "priority", "value": NaN}}',
    b'{"filter": {"op": "equals", "field": "priority", "value": 1e999}}',
    b'{"filter": {"op": "equals", "field": "fields.age", "value": ' + b"9" * 5000 + b"}}",
    b'{"filter": ' + b'{"op": "not", "of": ' * 150 + b"1" + b"}" * 150 + b"}",
    b'{"filter": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"limit": 1001}',
    b'{"limit": true}',
    b'{"cursor": "AAAA"}',
    b'{"sort": [{"field": "lead_id; drop table x"}]}',
    b'{"sort": [{"field": "contacts"}]}',
    b'{"columns": ["lead_id\\u0022, (select 1)"]}',
    b'{"field": "fields.\\u0027 || 1 || \\u0027", "filter": null}',
    b'{"field": "notes"}',
    b'{"field": "contacts.phone"}',
    b'{"sort": [{"field": "contacts.\\u0027 || 1"}]}',
    b"\xff\xfe{}",
    b'\xef\xbb\xbf{"limit": 3}',
)
WELL_FORMED: tuple[Any, ...] = (
    {"op": "contains", "field": "name", "value": "%_\\'\";--"},
    {"op": "equals", "field": "priority", "value": 2**53},
    {"op": "equals", "field": "priority", "value": 2**64},
    {"op": "range", "field": "call_attempts", "gt": -1e300, "lt": 1e300},
    {"op": "in", "field": "priority", "values": [0.5, 1e20, -3]},
    {"op": "equals", "field": "fields.age", "value": 1e300},
    {"op": "equals", "field": "fields.city", "value": "a" * 500},
    {"op": "starts", "field": "phone", "value": "no digits"},
    {"op": "contains", "field": "fields.second phone", "value": "()"},
    {"op": "search", "value": "\\"},
    {"op": "search", "value": "𝟙 ١٢٣"},
    {"op": "range", "field": "next_dial_at", "gte": "1900-01-01T00:00:00Z", "lt": "year+150y"},
    {"op": "equals", "field": "fields.born", "value": "2199-12-31"},
    {"op": "in", "field": "source", "values": ["x"] * VALUES_MAX},
    {"op": "or", "of": [{"op": "is_empty", "field": "fields.vip"}] * CHILDREN_MAX},
    {"op": "log", "at_least": 1000, "actors": ["'"], "since": "now-9999d"},
)


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        await world.lead("lead", fields={"age": 3, "city": "Ulm"}, personal_fields={"name": "Ada"})
        yield world


def places(world: World, method: str) -> list[str]:
    """The path of every operation with this method."""
    found = []
    for route in world.app.routes:
        if isinstance(route, APIRoute) and method in (route.methods or ()):
            if route.path == "/v1/activity" or not route.include_in_schema:
                continue
            path = route.path.replace("{lead_id}", named("lead"))
            path = path.replace("{campaign_id}", named("spring"))
            found.append(path.replace("{quarantine_id}", named("nothing")))
    return found


def check(response: Any, what: Any) -> None:
    assert response.status_code < 500, (what, response.text)
    if response.status_code >= 400:
        assert response.headers["content-type"] == "application/problem+json", what
        body = response.json()
        assert body["status"] == response.status_code
        assert body["type"].startswith("urn:leads:problem:")


@pytest.mark.parametrize("by", ["admin", "agent"])
async def test_nasty_addresses(world: World, by: str) -> None:
    headers = {"authorization": f"Bearer {KEYS[by]}"}
    for path in places(world, "GET"):
        for name in PARAMETERS:
            for text in NASTY_TEXTS:
                response = await world.client.get(f"{path}?{name}={text}", headers=headers)
                check(response, (path, name, text[:40]))


async def test_nasty_ids_in_paths(world: World) -> None:
    headers = {"authorization": f"Bearer {KEYS['admin']}"}
    for text in (*NASTY_TEXTS[:11], "00000000-0000-0000-0000-00000000000", "%7Bx%7D"):
        for path in ("/v1/leads/{}", "/v1/leads/{}/log", "/v1/campaigns/{}", "/v1/quarantine/{}"):
            check(await world.client.get(path.format(text), headers=headers), (path, text[:40]))


async def test_nasty_bodies(world: World) -> None:
    headers = {"authorization": f"Bearer {KEYS['admin']}", "content-type": "application/json"}
    for path in places(world, "POST"):
        for body in NASTY_BODIES:
            response = await world.client.post(path, content=body, headers=headers)
            check(response, (path, body[:80]))
            if body:
                assert response.status_code in (400, 422), (path, body[:80])


async def test_odd_but_well_formed_filters_are_answered(world: World) -> None:
    for tree in WELL_FORMED:
        for path, more in (
            ("/v1/leads/search", {"sort": [{"field": "fields.age"}, {"field": "next_dial_at"}]}),
            ("/v1/leads/search", {"sort": [{"field": "next_dial_at", "descending": True}]}),
            ("/v1/leads/count", {"exact": True}),
            ("/v1/leads/breakdown", {"field": "fields.age"}),
            ("/v1/leads/breakdown", {"field": "fields.city", "top": 1}),
        ):
            response = await world.post(path, {"filter": tree, **more})
            assert response.status_code == 200, (path, tree, response.text)


async def test_nothing_is_read_by_who_has_no_good_key(world: World) -> None:
    good = KEYS["admin"]
    for key in (
        "",
        "Bearer",
        "Bearer x",
        "Basic YTpi",
        f"Bearer {good[:-1]}{'b' if good.endswith('a') else 'a'}",
        "Bearer é",
    ):
        headers = {b"authorization": key.encode("latin-1")}
        response = await world.client.get("/v1/leads", headers=headers)
        assert response.status_code == 401, key
        check(response, key)


async def test_the_contract_names_every_read_and_its_shapes(world: World) -> None:
    document = openapi(world.app)
    schemas = document["components"]["schemas"]
    for path in ("/v1/leads", "/v1/leads/search", "/v1/leads/{lead_id}/log", "/v1/stats"):
        for operation in document["paths"][path].values():
            reference = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert reference["$ref"].rpartition("/")[2] in schemas
    assert "Logged" in schemas
    assert orjson.dumps(document)
