"""HTTP as all our services speak it: problems instead of tracebacks, bodies read as bytes with a
cap, a trace id on everything.

`create_app` gives an app that has this; routes read bodies with `read_json`, never with the
framework's own parser, which lets lone surrogates and NaN through. `serving.serve` runs it.
"""

import asyncio
import re
import traceback
from collections.abc import Iterator, Sequence, Set
from time import perf_counter
from typing import Any, TypeVar

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas.fault_texts import fault_text
from services.kit import errors
from services.kit.auth import Authenticator
from services.kit.deadline import Deadlines
from services.kit.direct import BODY, SHORT, Answering, Direct, Reply, ShortWay
from services.kit.errors import Detail, Problem
from services.kit.health import readiness
from services.kit.ids import new_id
from services.kit.methods import Methods
from services.kit.openapi import openapi
from services.kit.outage import problem_of
from services.kit.pointers import pointer
from services.kit.telemetry import (
    METRICS_TYPE,
    http_in_flight,
    http_seconds,
    log_request,
    logger,
    metrics,
)

BODY_BYTES_MAX = 1 << 20
BODY_SECONDS_MAX = 10.0
ERRORS_SHOWN_MAX = 100
QUIET = frozenset({"/livez", "/readyz", "/metrics"})


Model = TypeVar("Model", bound=BaseModel)

_SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000"),
    (b"cache-control", b"no-store"),
)
_body_deadlines = Deadlines(BODY_SECONDS_MAX)
_SECURED = frozenset(name for name, _ in _SECURITY_HEADERS)
_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def create_app(title: str, version: str = "1") -> FastAPI:
    """Return an empty app with everything around the routes.

    `app.state.direct` holds `Direct` finders, for operations that must be quick.
    `app.state.checks` maps a name to a `Check`; /readyz asks all of them. What one of
    `app.state.warnings` answers is shown there too, and does not make the process unready.
    `app.state.openapi_parts` are functions that add to the OpenAPI document what is not a FastAPI
    route. `app.state.authenticator`, where set, hears of callers before they hear of bad
    parameters. `app.state.draining` is set when the process was told to stop: long answers
    (streams) end then.
    """
    app = _App(
        title=title,
        version=version,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.direct = []
    app.state.checks = {}
    app.state.warnings = {}
    app.state.openapi_parts = []
    app.state.methods = None
    app.state.authenticator = None
    app.state.draining = asyncio.Event()
    app.add_exception_handler(Problem, _answer_problem)
    app.add_exception_handler(HTTPException, _answer_http_exception)
    app.add_exception_handler(RequestValidationError, _answer_invalid_parameters)
    app.add_exception_handler(Exception, _answer_unexpected)
    for path, endpoint in (
        ("/livez", _livez),
        ("/readyz", _readyz),
        ("/metrics", _metrics),
        ("/v1/openapi.json", _openapi),
    ):
        app.add_api_route(path, endpoint, include_in_schema=False, methods=["GET"])
    return app


class _App(FastAPI):
    """FastAPI with our edge around all of its layers, not between them."""

    _edge: "Edge | None" = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if self._edge is None:
            self._edge = Edge(super().__call__, self.state.direct)
        scope["app"] = self
        await self._edge(scope, receive, send)


class Edge:
    """The outermost layer: trace id, security headers, metrics, access log, and the answer when all
    else failed.
    """

    def __init__(self, app: ASGIApp, direct: Sequence[Direct]) -> None:
        """Wrap `app`, asking the `direct` finders first."""
        self._app = app
        self._direct = direct
        self._in_flight = 0
        self._timers: dict[tuple[str, str, int], Any] = {}
        self._log = logger()
        http_in_flight.set_function(lambda: self._in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; never raises for a broken route, only for a cancelled task."""
        started = perf_counter()
        scope["trace_id"] = trace_id = _trace_id(scope)
        # Taken out, for it refers to the scope: left there, only a look for cycles would free both.
        short: ShortWay | None = scope.pop(SHORT, None)
        answering = self._answering_of(scope)
        status = 0
        self._in_flight += 1
        try:
            if answering is None:
                status = await self._by_framework(scope, receive, send, trace_id)
            else:
                if short is not None:
                    scope[BODY] = short.body()
                reply = await self._directly(answering, scope, receive, trace_id)
                status = reply.status
                await _send_reply(reply, short, send, trace_id)
        finally:
            self._in_flight -= 1
            self._account(scope, status, perf_counter() - started, trace_id)

    def _answering_of(self, scope: Scope) -> Answering | None:
        for find in self._direct:
            answering = find(scope)
            if answering is not None:
                return answering
        return None

    async def _directly(
        self, answering: Answering, scope: Scope, receive: Receive, trace_id: str
    ) -> Reply:
        try:
            return await answering(scope, receive)
        except Problem as problem:
            return _problem_reply(problem, trace_id)
        except Exception as error:  # noqa: BLE001 - the last resort: a problem, whatever it was
            return _problem_reply(self._unexpected(error, trace_id), trace_id)

    async def _by_framework(self, scope: Scope, receive: Receive, send: Send, trace_id: str) -> int:
        """Return the status of the answer that the framework gave."""
        status = 0

        async def sender(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, trace_id)
            await send(message)

        try:
            await self._app(scope, receive, sender)
        except Problem as problem:
            await problem_response(problem, trace_id)(scope, receive, sender)
        except Exception as error:  # noqa: BLE001 - the last resort: a problem, whatever it was
            unexpected = self._unexpected(error, trace_id)
            if status == 0:
                await problem_response(unexpected, trace_id)(scope, receive, sender)
        return status

    def _unexpected(self, error: Exception, trace_id: str) -> Problem:
        """Write an error down, as ours or the database's, and return what it is answered with."""
        outage = problem_of(error)
        tell = self._log.error if outage is None else self._log.warning
        tell("request-failed", trace=trace_id, **failure(error))
        return outage or errors.Internal()

    def _account(self, scope: Scope, status: int, seconds: float, trace_id: str) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        labels = (scope["method"] if route != "unmatched" else "ANY", route, status)
        timer = self._timers.get(labels)
        if timer is None:
            timer = self._timers[labels] = http_seconds.labels(*labels)
        timer.observe(seconds)
        if route not in QUIET:
            log_request(
                {
                    "method": labels[0],
                    "route": route,
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "trace": trace_id,
                    "key": scope.get("key_id", ""),
                }
            )


def failure(error: BaseException) -> dict[str, Any]:
    """Describe an unexpected error for the log by kind and place, without its message: that may
    hold personal data.
    """
    frames = traceback.extract_tb(error.__traceback__)[-12:]
    return {
        "error": type(error).__qualname__,
        "where": [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames
        ],
    }


def trace_of(request: Request) -> str:
    """Return the W3C trace id of a request: the caller's, or the one given to it here."""
    trace: str = request.scope["trace_id"]
    return trace


async def read_json(request: Request, model: type[Model], limit: int = BODY_BYTES_MAX) -> Model:
    """Return the body as `model`; raises the problems of `read_body` and `parse`."""
    return parse(model, await read_body(request.scope, request.receive, limit))


async def read_body(scope: Scope, receive: Receive, limit: int = BODY_BYTES_MAX) -> bytes:
    """Return the body, which must be JSON by its Content-Type and in UTF-8 without a byte order
    mark.

    No body at all reads as `{}`. Raises WrongMediaType, TooLarge (at once when Content-Length says
    so, else while reading), TooSlow after 10 s, Malformed.
    """
    media = length = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media = value
        elif name == b"content-length":
            length = value
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise errors.WrongMediaType("Send the body without a Content-Encoding.")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)
    raw = scope.get(BODY)
    if raw is None or len(raw) > limit:
        raw = await _collect(receive, limit)
    if not raw and not media:
        return b"{}"
    if media != b"application/json" and not _is_json(media):
        raise errors.WrongMediaType
    if not raw.isascii():
        _check_utf8(raw)
    return raw


async def _collect(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    more = True
    try:
        with _body_deadlines.begin():
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise errors.Malformed("The body ended early.")
                chunks.append(message.get("body", b""))
                size += len(chunks[-1])
                if size > limit:
                    raise _too_large(limit)
                more = message.get("more_body", False)
    except TimeoutError:
        raise errors.TooSlow(f"The body did not arrive within {BODY_SECONDS_MAX:.0f} s.") from None
    return b"".join(chunks)


def _too_large(limit: int) -> errors.TooLarge:
    return errors.TooLarge(f"This operation takes bodies up to {limit} bytes.")


def _is_json(media: bytes) -> bool:
    kind, _, parameters = media.partition(b";")
    charset = parameters.strip().lower().replace(b'"', b"")
    return kind.strip().lower() == b"application/json" and charset in (b"", b"charset=utf-8")


def _check_utf8(raw: bytes) -> None:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise errors.Malformed("The body starts with a byte order mark; send JSON without one.")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.Malformed(f"The body is not UTF-8 (byte {error.start}).") from None


def parse(model: type[Model], raw: bytes) -> Model:
    """Return `raw` as `model`, strictly; raises Invalid with a pointer to every fault. Of a
    repeated key the last counts.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(error, body=_decoded(raw)) from None


def _decoded(raw: bytes) -> Any:
    """Return what the bytes say, None when they are no JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def invalid(
    error: ValidationError | RequestValidationError, root: str = "", body: Any = None
) -> errors.Invalid:
    """Turn pydantic's faults into a problem; the refused values themselves are not repeated.
    Pointers lead through `body` where it is given.
    """
    faults = error.errors() if isinstance(error, RequestValidationError) else _faults(error)
    details = [
        Detail(
            str(fault["type"]).replace("_", "-"),
            fault_text(fault),
            root + pointer(fault["loc"], body, missing=fault["type"] == "missing"),
        )
        for fault in faults[:ERRORS_SHOWN_MAX]
    ]
    count = "One thing is" if len(faults) == 1 else f"{len(faults)} things are"
    return errors.Invalid(f"{count} not valid; see errors.", details)


def _faults(error: ValidationError) -> Sequence[Any]:
    return error.errors(include_url=False, include_input=False)


def problem_response(problem: Problem, trace_id: str) -> Response:
    """Return a problem as its HTTP answer."""
    return Response(
        orjson.dumps(problem.body(trace_id)),
        status_code=problem.status,
        media_type="application/problem+json",
        headers=problem.headers,
    )


def unread_reply(problem: Problem) -> Reply:
    """Return the whole answer to bytes that are no request, with a trace id of its own."""
    trace_id = new_id().hex
    status, headers, body = _problem_reply(problem, trace_id)
    trace = (b"x-trace-id", trace_id.encode("ascii"))
    return Reply(status, [*headers, *_SECURITY_HEADERS, trace], body)


def _problem_reply(problem: Problem, trace_id: str) -> Reply:
    raw = orjson.dumps(problem.body(trace_id))
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", b"%d" % len(raw)),
    ]
    headers += [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in problem.headers.items()
    ]
    return Reply(problem.status, headers, raw)


async def _send_reply(reply: Reply, short: ShortWay | None, send: Send, trace_id: str) -> None:
    headers = [*reply.headers, *_SECURITY_HEADERS, (b"x-trace-id", trace_id.encode("ascii"))]
    if short is not None and short.write(Reply(reply.status, headers, reply.body)):
        return
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Return `content`, or ready bytes, as a JSON answer."""
    raw = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(raw, status_code=status, media_type="application/json", headers=headers)


async def _answer_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem_response(error, trace_of(request))


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kinds = {kind.status: kind for kind in reversed(errors.leaves())}
    kind = kinds.get(error.status_code, errors.Malformed)
    problem = kind() if kind is not errors.Malformed else errors.Malformed(str(error.detail))
    problem.headers.update(error.headers or {})
    if kind is errors.MethodNotAllowed:
        _name_methods(problem, request)
    return problem_response(problem, trace_of(request))


async def _answer_invalid_parameters(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem: Problem = invalid(error)
    authenticator: Authenticator | None = request.app.state.authenticator
    if _methods_of(request).refuses(request.method, request.url.path):
        problem = errors.MethodNotAllowed()
        _name_methods(problem, request)
    elif authenticator is not None:
        try:
            await authenticator.principal_of(request.scope)
        except Problem as stranger:
            problem = stranger
    return problem_response(problem, trace_of(request))


def _name_methods(problem: Problem, request: Request) -> None:
    taken = _methods_of(request).of(request.url.path)
    if taken:
        problem.headers["Allow"] = ", ".join(taken)
        problem.detail = f"This path takes {', '.join(taken)}."


def _methods_of(request: Request) -> Methods:
    state = request.app.state
    if state.methods is None:
        state.methods = Methods(_taken(request.app.router.routes))
    methods: Methods = state.methods
    return methods


def _taken(routes: Sequence[BaseRoute]) -> Iterator[tuple[str, Set[str]]]:
    """Yield every path with its methods; a route that stands for many tells them in `taken`."""
    for route in routes:
        if isinstance(route, APIRoute):
            yield route.path_format, route.methods or set()
        else:
            yield from getattr(route, "taken", ())


async def _answer_unexpected(request: Request, error: Exception) -> Response:
    """Answer; the framework raises the error again, and the edge writes it down."""
    return problem_response(problem_of(error) or errors.Internal(), trace_of(request))


def _trace_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"traceparent":
            found = _TRACEPARENT.fullmatch(value)
            if found and found[1] != b"0" * 32:
                return str(found[1], "ascii")
    return new_id().hex


def _add_headers(message: Message, trace_id: str) -> None:
    given = message.get("headers", ())
    trace = (b"x-trace-id", trace_id.encode("ascii"))
    if any(name in _SECURED for name, _ in given):
        present = {name for name, _ in given}
        kept = [header for header in _SECURITY_HEADERS if header[0] not in present]
        message["headers"] = [*given, *kept, trace]
    else:
        message["headers"] = [*given, *_SECURITY_HEADERS, trace]


async def _livez() -> Response:
    return json_response({"status": "live"})


async def _readyz(request: Request) -> Response:
    state = request.app.state
    body, status = await readiness(state.checks, state.warnings, stopping=state.draining.is_set())
    return json_response(body, status)


async def _metrics() -> Response:
    return Response(metrics(), media_type=METRICS_TYPE)


async def _openapi(request: Request) -> Response:
    return json_response(openapi(request.app))
