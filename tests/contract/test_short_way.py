"""Operations that are answered past the framework: over a real socket they are HTTP like any."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from starlette.types import Receive, Scope

from services.kit import errors
from services.kit.direct import Answering, Reply
from services.kit.http import create_app, read_body
from services.kit.serving import serve

JSON = b"content-type: application/json\r\n"


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = create_app("test")

    async def length(scope: Scope, receive: Receive) -> Reply:
        raw = await read_body(scope, receive, 200_000)
        if raw == b'"broken"':
            raise ValueError("a secret")
        if raw == b'"refused"':
            raise errors.TooMany("Not now.", retry_after_seconds=3)
        body = b"%d" % len(raw)
        return Reply(200, [(b"content-length", b"%d" % len(body))], body)

    def find(scope: Scope) -> Answering | None:
        return length if scope["path"] == "/length" else None

    app.state.direct.append(find)
    found: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(app, 0, ready=found.set_result))
    yield await found
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


@asynccontextmanager
async def line(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


def post(
    body: bytes, more: bytes = b"", version: bytes = b"1.1", path: bytes = b"/length"
) -> bytes:
    head = b"POST %b HTTP/%b\r\nhost: x\r\n%b%b" % (path, version, JSON, more)
    return head + b"content-length: %d\r\n\r\n%b" % (len(body), body)


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    async with asyncio.timeout(60):
        status = int((await reader.readline()).split()[1])
        headers = {}
        while (row := (await reader.readline()).strip()) != b"":
            name, _, value = row.decode().partition(": ")
            headers[name] = value
        return status, headers, await reader.readexactly(int(headers["content-length"]))


async def test_answers_on_one_connection_carry_what_every_answer_does(port: int) -> None:
    async with line(port) as (reader, writer):
        traces = set()
        for body in (b"{}", b"[1, 2]"):
            writer.write(post(body))
            status, headers, said = await answer(reader)
            assert (status, said) == (200, b"%d" % len(body))
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "date" in headers
            traces.add(headers["x-trace-id"])
        assert len(traces) == 2


async def test_requests_sent_without_waiting_are_answered_in_their_order(port: int) -> None:
    bodies = [b" " * size for size in (1, 70_000, 3, 140_000, 5)]
    async with line(port) as (reader, writer):
        writer.write(b"".join(post(body) for body in bodies) + post(b"{}", path=b"/nowhere"))
        for body in bodies:
            assert (await answer(reader))[2] == b"%d" % len(body)
        assert (await answer(reader))[0] == 404


async def test_a_body_that_comes_late_is_waited_for(port: int) -> None:
    async with line(port) as (reader, writer):
        request = post(b"[1, 2, 3]")
        writer.write(request[:-5])
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.write(request[-5:])
        assert (await answer(reader))[2] == b"9"


async def test_a_client_that_asks_first_is_told_to_go_on(port: int) -> None:
    async with line(port) as (reader, writer):
        request = post(b"{}", b"expect: 100-continue\r\n")
        writer.write(request[:-2])
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(request[-2:])
        assert (await answer(reader))[2] == b"2"


async def test_a_body_over_the_cap_is_refused_whether_it_came_at_once_or_not(port: int) -> None:
    async with line(port) as (reader, writer):
        writer.write(post(b" " * 200_001))
        assert (await answer(reader))[0] == 413


@pytest.mark.parametrize(("more", "version"), [(b"connection: close\r\n", b"1.1"), (b"", b"1.0")])
async def test_a_connection_that_ends_with_the_answer_is_closed(
    port: int, more: bytes, version: bytes
) -> None:
    async with line(port) as (reader, writer):
        writer.write(post(b"{}", more, version))
        _, headers, said = await answer(reader)
        assert (headers["connection"], said) == ("close", b"2")
        assert await reader.read() == b""


@pytest.mark.parametrize(
    ("sent", "code", "status"),
    [
        (b"GET /length?q=%b HTTP/1.1\r\nhost: x\r\n\r\n" % (b"x" * 65_600), "too-large", 413),
        (b"GET /length HTTP/1.1\r\nno header\r\n\r\n", "malformed", 400),
        (b"\x16\x03\x01 a greeting in TLS", "malformed", 400),
    ],
)
async def test_what_is_no_request_is_answered_with_a_problem_too(
    port: int, sent: bytes, code: str, status: int
) -> None:
    async with line(port) as (reader, writer):
        writer.write(sent)
        got, headers, said = await answer(reader)
        assert (got, headers["content-type"]) == (status, "application/problem+json")
        assert (headers["connection"], headers["x-content-type-options"]) == ("close", "nosniff")
        problem = orjson.loads(said)
        assert (problem["code"], problem["trace_id"]) == (code, headers["x-trace-id"])
        assert await reader.read() == b""


async def test_a_refusal_and_a_mistake_of_ours_are_problems(port: int) -> None:
    async with line(port) as (reader, writer):
        writer.write(post(b'"refused"') + post(b'"broken"'))
        status, headers, _ = await answer(reader)
        assert (status, headers["retry-after"]) == (429, "3")
        status, headers, said = await answer(reader)
        assert (status, headers["content-type"]) == (500, "application/problem+json")
        assert b"secret" not in said
