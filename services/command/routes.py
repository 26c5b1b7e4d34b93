"""One POST for every command class: path, body, documentation and permission row derive from the
class alone.

`CreateLead` is POST /v1/leads, `ChangeOwner` is POST /v1/leads/{id}/change-owner. Paths are found
in a table, not by trying one pattern after another, and the body goes straight into the command
class.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from prometheus_client import Counter
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from services.command.aggregates import PLACES
from services.command.answers import Answer, refusal
from services.command.catalogue import offered_commands
from services.command.domain.decider import Command, Refused
from services.command.facts_loader import Order
from services.command.handler import Commanding, require_role
from services.kit import errors
from services.kit.auth import Authenticator
from services.kit.direct import Answering, Reply
from services.kit.http import BODY_BYTES_MAX, parse, read_body
from services.kit.path_ids import id_in_path
from services.kit.telemetry import commands_total

IN_FLIGHT_MAX = 1024
KEY_CHARS_MAX = 64

SINGLE_PLACES = {
    "organisation": "/v1/organisation",
    "dnc": "/v1/do-not-call",
    "favourite": "/v1/favourite-view",
}
"""Where commands go whose stream follows from the command itself."""

_BODY_BYTES_MAX = {"MendPayload": 1_600_000}
"""Commands that carry a whole Kafka message; the rest make do with the usual cap."""

_PHRASES: Mapping[str, tuple[str, ...]] = {
    "dnc": ("ToDoNotCall", "FromDoNotCall", "DoNotCall"),
    "lead": ("Leads", "Lead"),
    "campaign": ("Campaign",),
    "organisation": ("Organisation",),
    "quarantine": ("Payload",),
    "pool": ("Pool",),
    "segment": ("Segment",),
    "view": ("View",),
    "export": ("Export",),
    "mailing": ("ViewMail",),
    "favourite": ("Favourite",),
}
"""What the path of an aggregate says already and its verbs leave out."""

_WORDS = re.compile(r"[A-Z][a-z0-9]*")
_KEY = re.compile(f"[!-~]{{1,{KEY_CHARS_MAX}}}")
_VERSION = re.compile(r'"([1-9][0-9]{0,8})"')


@dataclass(frozen=True)
class CommandRoute:
    """One command and its path; `has_id` says that the path names the stream."""

    command: type[Command]
    path: str
    has_id: bool

    @cached_property
    def done(self) -> Counter:
        """Counts commands that were done."""
        return commands_total.labels(self.command.__name__, "done")

    @cached_property
    def refused(self) -> Counter:
        """Counts refusals whose answer was kept for repeats."""
        return commands_total.labels(self.command.__name__, "refused")


def route_of(command: type[Command]) -> CommandRoute:
    """Return the path of a command, by its name and aggregate."""
    name = command.__name__
    for phrase in _PHRASES.get(command.aggregate, ()):
        name = name.replace(phrase, "") or name
    verb = "-".join(word.lower() for word in _WORDS.findall(name))
    if command.aggregate in SINGLE_PLACES:
        return CommandRoute(command, f"{SINGLE_PLACES[command.aggregate]}/{verb}", False)
    place = PLACES[command.aggregate]
    if command.creates:
        return CommandRoute(command, place if verb == "create" else f"{place}/{verb}", False)
    return CommandRoute(command, f"{place}/{{id}}/{verb}", True)


def permissions() -> list[dict[str, Any]]:
    """Return a row per command: who may give it, and whether in bulk."""
    return [
        {
            "command": command.__name__,
            "path": route_of(command).path,
            "roles": sorted(command.roles),
            "bulk": command.bulk,
        }
        for command in offered_commands()
    ]


class CommandRoutes(BaseRoute):
    """All commands as one route: a look into a table by the parts of the path."""

    def __init__(self, commanding: Commanding, authenticator: Authenticator) -> None:
        """Answer with `commanding` to whom `authenticator` knows."""
        self._commanding = commanding
        self._authenticator = authenticator
        self._in_flight = 0
        self.routes = [route_of(command) for command in offered_commands()]
        self.taken = [(route.path, {"POST"}) for route in self.routes]
        self._by_path = {tuple(route.path.split("/")): route for route in self.routes}
        assert len(self._by_path) == len(self.routes), "two commands have one path"

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell the framework that a path of ours takes POST only; `find` answers those."""
        if scope["type"] != "http" or self._route_at(scope["path"]) is None:
            return Match.NONE, {}
        return Match.PARTIAL, {"endpoint": self}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse other methods."""
        raise HTTPException(405, headers={"Allow": "POST"})

    def find(self, scope: Scope) -> Answering | None:
        """Find who answers a command (a `Direct` of the HTTP kit)."""
        if scope["method"] != "POST":
            return None
        route = self._route_at(scope["path"])
        if route is None:
            return None
        scope["route"] = route
        return self._answer

    def _route_at(self, path: str) -> CommandRoute | None:
        parts = path.split("/")
        if len(parts) == 5:
            parts[3] = "{id}"
        return self._by_path.get(tuple(parts))

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        if self._in_flight >= IN_FLIGHT_MAX:
            raise errors.Unavailable("Too many commands are waiting.")
        route: CommandRoute = scope["route"]
        self._in_flight += 1
        try:
            answer = await self._carry_out(route, scope, receive)
        except errors.Problem as problem:
            commands_total.labels(route.command.__name__, problem.code).inc()
            raise
        finally:
            self._in_flight -= 1
        (route.refused if answer.is_problem else route.done).inc()
        return _reply(answer)

    async def _carry_out(self, route: CommandRoute, scope: Scope, receive: Receive) -> Answer:
        """Who may not give the command at all hears that first, and nothing about the body."""
        principal = await self._authenticator.principal_of(scope)
        try:
            require_role(route.command, principal)
            key, if_match = request_headers(scope)
            limit = _BODY_BYTES_MAX.get(route.command.__name__, BODY_BYTES_MAX)
            command = parse(route.command, await read_body(scope, receive, limit))
            stream = id_in_path(scope["path"].split("/")[3]) if route.has_id else None
            order = Order(command, principal, stream, None, key, if_match, scope["trace_id"])
            return await self._commanding.handle(order)
        except Refused as refused:
            raise refusal(refused) from None

    def add_to_openapi(self, document: dict[str, Any]) -> None:
        """Add the operation of every command to an OpenAPI document."""
        schemas = document["components"]["schemas"]
        schemas["CommandAnswer"] = ANSWER_SCHEMA
        for route in self.routes:
            schema = route.command.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schema.pop("description", None)
            schemas[route.command.__name__] = schema
            document["paths"].setdefault(route.path, {})["post"] = _operation(route)


def request_headers(scope: Scope) -> tuple[str, int | None]:
    """Return the Idempotency-Key and the version of If-Match."""
    key, if_match = "", None
    for name, value in scope["headers"]:
        if name == b"idempotency-key":
            key = value.decode("latin-1")
            if not _KEY.fullmatch(key):
                raise errors.Malformed("An Idempotency-Key is 1 to 64 visible ASCII characters.")
        elif name == b"if-match" and value != b"*":
            found = _VERSION.fullmatch(value.decode("latin-1"))
            if found is None:
                raise errors.Malformed('If-Match takes one version, as "7", or *.')
            if_match = int(found[1])
    return key, if_match


def _reply(answer: Answer) -> Reply:
    raw = orjson.dumps(answer.body)
    media = b"application/problem+json" if answer.is_problem else b"application/json"
    headers = [(b"content-type", media), (b"content-length", b"%d" % len(raw))]
    headers += [
        (name.lower().encode("ascii"), value.encode("ascii"))
        for name, value in answer.headers().items()
    ]
    return Reply(answer.status, headers, raw)


def _operation(route: CommandRoute) -> dict[str, Any]:
    command = route.command
    text = inspect.getdoc(command) or command.__name__
    summary, _, more = text.partition("\n\n")
    parameters: list[dict[str, Any]] = [_IDEMPOTENCY_KEY]
    if route.has_id:
        parameters += [_ID, _IF_MATCH]
    answer = {
        "description": "Done, or unchanged because it was so already",
        "headers": {"ETag": {"schema": {"type": "string"}, "description": "The version now"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/CommandAnswer"}}},
    }
    return {
        "operationId": command.__name__,
        "tags": [command.aggregate],
        "summary": " ".join(summary.split()),
        "description": more,
        "parameters": parameters,
        "requestBody": {
            "required": any(field.is_required() for field in command.model_fields.values()),
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{command.__name__}"}}
            },
        },
        "responses": {"201" if command.creates else "200": answer},
        "x-roles": sorted(command.roles),
        "x-bulk": command.bulk,
    }


_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Who sends the same command with the same key again hears the first answer.",
    "schema": {"type": "string", "pattern": f"^[!-~]{{1,{KEY_CHARS_MAX}}}$"},
}
_IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The version you saw. Passes when nothing this command touches changed since.",
    "schema": {"type": "string", "pattern": '^"[1-9][0-9]{0,8}"$|^\\*$'},
}
ANSWER_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "version", "position", "changed", "events"],
    "properties": {
        "id": {"type": "string", "format": "uuid", "description": "The stream that was addressed"},
        "version": {"type": "integer", "description": "Its version now"},
        "position": {
            "type": "integer",
            "description": "Position in the log; give it to reads as min_position",
        },
        "changed": {"type": "boolean", "description": "False when it was so already"},
        "events": {"type": "array", "items": {"type": "string"}},
        "dropped": {
            "type": "array",
            "description": "Fields a clone or a move left behind: the new template lacks them",
            "items": {"type": "string"},
        },
        "others": {
            "type": "array",
            "description": "Other streams that were changed with it, such as a clone",
            "items": {
                "type": "object",
                "required": ["id", "version"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "version": {"type": "integer"},
                },
            },
        },
    },
}
