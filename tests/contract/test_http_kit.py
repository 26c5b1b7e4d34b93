"""What every service promises over HTTP, whatever its routes: problems, caps, traces, drained
stops.
"""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from services.kit import auth, errors
from services.kit.auth import Authenticator, Principal, StoredKey, make_key, split_key
from services.kit.clock import FixedClock
from services.kit.http import create_app, failure, json_response, read_json
from services.kit.openapi import openapi
from services.kit.serving import serve
from services.kit.settings import SettingsError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Order(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=20)
    count: int = Field(ge=0, le=1000)
    weight: float = 1.0


def an_app() -> FastAPI:
    app = create_app("test")

    @app.post("/orders")
    async def order(request: Request) -> Response:
        taken = await read_json(request, Order, limit=2_000)
        return json_response(taken.model_dump())

    @app.get("/broken")
    async def broken() -> Response:
        raise ValueError("call +31612345678 now")

    @app.get("/number/{number}")
    async def number(number: int) -> Response:
        return json_response({"number": number})

    @app.get("/refused")
    async def refused() -> Response:
        raise errors.Conflict(
            "No.", [errors.Detail("one", "First."), errors.Detail("two", "Second.", "/name")]
        )

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
        yield client


async def send(
    client: httpx.AsyncClient, body: bytes, media: str = "application/json"
) -> httpx.Response:
    return await client.post("/orders", content=body, headers={"content-type": media})


async def test_a_good_body_is_taken(client: httpx.AsyncClient) -> None:
    answer = await send(
        client, b'{"name": "a\\u00e9", "count": 3}', "application/json; charset=UTF-8"
    )
    assert answer.status_code == 200
    assert answer.json() == {"name": "aé", "count": 3, "weight": 1.0}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "\\ud800", "count": 1}', 422),
        (b'{"name": "a", "count": 1, "weight": NaN}', 422),
        (b'{"name": "a", "count": 1, "weight": 1e999}', 422),
        (b'{"name": "a", "count": 18446744073709551616}', 422),
        (b'{"name": "a", "count": ' + b"9" * 1900 + b"}", 422),
        (b'{"name": "a", "count": "1"}', 422),
        (b'{"name": "a", "count": 1, "other": 1}', 422),
        (b'{"name": "a"', 422),
        (b"[" * 1990, 422),
        (b"null", 422),
        (b"", 422),
        (b'\xef\xbb\xbf{"name": "a", "count": 1}', 400),
        (b'{"name": "\xff", "count": 1}', 400),
        ('{"name": "a", "count": 1}'.encode("utf-16"), 400),
        (b" " * 2001, 413),
    ],
)
async def test_a_bad_body_is_a_problem_never_a_server_error(
    client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await send(client, body)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == errors.TYPES + problem["code"]
    assert problem["trace_id"] == answer.headers["x-trace-id"]


async def test_every_fault_of_a_body_is_pointed_at_without_repeating_it(
    client: httpx.AsyncClient,
) -> None:
    answer = await send(
        client, b'{"name": "+31612345678 and more than twenty", "count": -1, "a/b": 1}'
    )
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/name", "/count", "/a~1b"}
    assert "+31612345678" not in answer.text


@pytest.mark.parametrize(
    "media", ["text/plain", "application/json; charset=utf-16", "multipart/form-data"]
)
async def test_other_media_are_refused(client: httpx.AsyncClient, media: str) -> None:
    assert (await send(client, b"{}", media)).status_code == 415


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    answer = await client.post("/orders", content=b"{}", headers=headers)
    assert answer.status_code == 415


async def test_a_streamed_body_is_cut_off_at_the_cap(client: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(1000):
            sent += 1000
            yield b" " * 1000

    headers = {"content-type": "application/json"}
    answer = await client.post("/orders", content=endless(), headers=headers)
    assert answer.status_code == 413
    assert sent <= 4000


async def test_a_mistake_of_ours_shows_nothing_of_the_inside(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert "+316" not in answer.text


def test_what_is_logged_of_a_mistake_holds_no_message() -> None:
    try:
        raise ValueError("+31612345678")
    except ValueError as error:
        logged = failure(error)
    assert logged["error"] == "ValueError"
    assert "+31612345678" not in json.dumps(logged)


async def test_all_reasons_are_listed(client: httpx.AsyncClient) -> None:
    problem = (await client.get("/refused")).json()
    assert [error["code"] for error in problem["errors"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nowhere", 404), ("DELETE", "/orders", 405), ("GET", "/number/x", 422)],
)
async def test_the_frameworks_own_refusals_are_problems_too(
    client: httpx.AsyncClient, method: str, path: str, status: int
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_security_headers_are_on_every_answer(client: httpx.AsyncClient) -> None:
    for path in ("/livez", "/nowhere", "/broken"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_the_callers_trace_is_kept_and_a_nonsense_one_replaced(
    client: httpx.AsyncClient,
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await client.get("/livez", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["x-trace-id"] == trace
    answer = await client.get("/livez", headers={"traceparent": '00-"}{-x-01'})
    assert len(answer.headers["x-trace-id"]) == 32


async def test_readiness_names_the_part_that_is_down() -> None:
    app = an_app()

    async def well() -> str:
        return ""

    async def ill() -> str:
        return "no connection"

    async def broken() -> str:
        raise OSError

    app.state.checks.update(database=well, bus=ill, other=broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as client:
        answer = await client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["parts"] == {
            "database": "ok",
            "bus": "no connection",
            "other": "OSError",
        }
        app.state.checks.clear()
        assert (await client.get("/readyz")).status_code == 200
        app.state.draining.set()
        assert (await client.get("/readyz")).status_code == 503


async def test_metrics_count_requests_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    await client.get("/number/12345")
    text = (await client.get("/metrics")).text
    assert 'route="/number/{number}"' in text
    assert "/number/12345" not in text


def test_the_openapi_document_names_the_problem_of_every_operation() -> None:
    document = openapi(an_app())
    refused = document["paths"]["/number/{number}"]["get"]["responses"]["422"]
    assert list(refused["content"]) == ["application/problem+json"]
    assert document["openapi"].startswith("3.1")


def test_every_problem_has_its_own_code() -> None:
    codes = [kind.code for kind in errors.leaves()]
    assert len(codes) == len(set(codes))


async def test_sigterm_finishes_what_is_in_flight_and_returns() -> None:
    app = an_app()
    reached = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @app.get("/slow")
    async def slow() -> Response:
        reached.set()
        await app.state.draining.wait()
        await asyncio.sleep(0.05)
        return json_response({"done": True})

    serving = asyncio.create_task(serve(app, 0, ready=port.set_result))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await port}") as client:
        answer = asyncio.create_task(client.get("/slow"))
        await reached.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        assert (await answer).json() == {"done": True}
    await asyncio.wait_for(serving, 30)
    with (
        pytest.raises(ConnectionRefusedError),
        socket.create_connection(("127.0.0.1", await port), 1),
    ):
        pass


class Keys:
    def __init__(self) -> None:
        self.stored: dict[str, StoredKey] = {}
        self.looked_up = 0

    async def find(self, key_id: str) -> StoredKey | None:
        self.looked_up += 1
        return self.stored.get(key_id)


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def authenticator(keys: Keys, seconds: Seconds) -> Authenticator:
    return Authenticator(keys, FixedClock(NOON), rate_per_second=2, burst=3, seconds=seconds)


def issue(keys: Keys, expires_at: datetime | None = None) -> str:
    key = make_key()
    principal = Principal(user_id="u1", role="admin", key_id=key.key_id)
    keys.stored[key.key_id] = StoredKey(key.secret_hash, principal, expires_at)
    return key.text


async def test_a_key_tells_who_asks(authenticator: Authenticator, keys: Keys) -> None:
    principal = await authenticator.principal("Bearer " + issue(keys))
    assert (principal.role, principal.actor) == ("admin", "user:u1")


def test_a_key_holds_160_bits_and_its_stored_form_none_of_them() -> None:
    key = make_key()
    assert split_key(key.text) == (key.key_id, key.secret_hash)
    secret = key.text.split("_")[2]
    assert secret not in key.secret_hash
    assert len(secret[:32]) * 5 == 160


def test_one_mistyped_letter_is_seen_without_looking_up() -> None:
    text = make_key().text
    for place in range(3, len(text)):
        wrong = text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        assert split_key(wrong) is None


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic abc", "Bearer lk_a_b", "bearer \x00"]
)
async def test_nonsense_is_not_a_key(authenticator: Authenticator, keys: Keys, header: str) -> None:
    with pytest.raises(errors.Unauthenticated):
        await authenticator.principal(header)
    assert keys.looked_up == 0


async def test_an_unknown_key_a_wrong_secret_and_an_expired_key_answer_the_same(
    authenticator: Authenticator, keys: Keys
) -> None:
    known = issue(keys)
    key_id = known.split("_")[1]
    other_secret = "a" * 32
    texts = [
        make_key().text,
        f"lk_{key_id}_{other_secret}{auth._check(key_id, other_secret)}",
        issue(keys, NOON - timedelta(seconds=1)),
    ]
    bodies = []
    for text in texts:
        with pytest.raises(errors.Unauthenticated) as caught:
            await authenticator.principal("Bearer " + text)
        bodies.append(caught.value.body("t"))
    assert bodies[0] == bodies[1] == bodies[2]


async def test_a_revoked_key_stops_within_five_seconds(
    authenticator: Authenticator, keys: Keys, seconds: Seconds
) -> None:
    text = issue(keys)
    await authenticator.principal("Bearer " + text)
    keys.stored.clear()
    seconds.now += 5
    with pytest.raises(errors.Unauthenticated):
        await authenticator.principal("Bearer " + text)


async def asked_by(authenticator: Authenticator, text: str) -> Principal:
    header = (b"authorization", f"Bearer {text}".encode())
    return await authenticator.principal_of({"type": "http", "headers": [header]})


async def test_a_header_that_was_checked_is_believed_no_longer_than_its_key(
    authenticator: Authenticator, keys: Keys, seconds: Seconds
) -> None:
    text = issue(keys)
    assert (await asked_by(authenticator, text)).role == "admin"
    seconds.now += 2
    assert (await asked_by(authenticator, text)).role == "admin"
    assert keys.looked_up == 1
    [key_id] = keys.stored
    keys.stored[key_id] = replace(keys.stored[key_id], secret_hash="another")
    seconds.now += 3
    for _ in range(2):
        with pytest.raises(errors.Unauthenticated):
            await asked_by(authenticator, text)
    keys.stored.clear()
    seconds.now += 3
    with pytest.raises(errors.Unauthenticated):
        await asked_by(authenticator, text)


async def test_a_header_that_was_checked_still_counts_and_still_expires(
    keys: Keys, seconds: Seconds
) -> None:
    clock = FixedClock(NOON)
    authenticator = Authenticator(keys, clock, rate_per_second=2, burst=3, seconds=seconds)
    text = issue(keys, NOON + timedelta(seconds=1))
    for _ in range(3):
        await asked_by(authenticator, text)
    with pytest.raises(errors.TooMany):
        await asked_by(authenticator, text)
    seconds.now += 1
    clock.at = NOON + timedelta(seconds=1)
    with pytest.raises(errors.Unauthenticated):
        await asked_by(authenticator, text)


async def test_another_header_is_not_taken_for_one_that_was_checked(
    authenticator: Authenticator, keys: Keys
) -> None:
    text = issue(keys)
    await asked_by(authenticator, text)
    key_id = text.split("_")[1]
    with pytest.raises(errors.Unauthenticated):
        await asked_by(authenticator, f"lk_{key_id}_{'a' * 38}")


async def test_a_key_is_looked_up_once_in_a_while_not_each_time(
    authenticator: Authenticator, keys: Keys
) -> None:
    text = issue(keys)
    for _ in range(3):
        await authenticator.principal("Bearer " + text)
    assert keys.looked_up == 1


async def test_a_burst_is_allowed_then_the_rate_holds_for_that_key_alone(
    authenticator: Authenticator, keys: Keys, seconds: Seconds
) -> None:
    busy, calm = issue(keys), issue(keys)
    for _ in range(3):
        await authenticator.principal("Bearer " + busy)
    with pytest.raises(errors.TooMany) as caught:
        await authenticator.principal("Bearer " + busy)
    assert caught.value.headers["Retry-After"] == "1"
    await authenticator.principal("Bearer " + calm)
    seconds.now += 0.5
    await authenticator.principal("Bearer " + busy)
    with pytest.raises(errors.TooMany):
        await authenticator.principal("Bearer " + busy)


async def test_the_memory_of_keys_is_bounded(
    authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "KEYS_REMEMBERED_MAX", 5)
    for _ in range(20):
        with pytest.raises(errors.Unauthenticated):
            await authenticator.principal("Bearer " + make_key().text)
    assert len(authenticator._known) == 5


async def test_a_port_that_is_taken_is_refused_by_name() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} is taken by process {os.getpid()} "):
            await serve(an_app(), port)
