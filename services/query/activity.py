"""Live activity: every event of the leads in sight, as it becomes visible (server-sent events).

An event's id is its position, so a client that lost the line goes on with Last-Event-ID and misses
nothing. A client that cannot keep up is told so and sent away; it comes back the same way.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from typing import Annotated, Any

import orjson
from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from schemas.envelope import decode_origin
from schemas.filters import Kind as FieldKind
from schemas.rights import sees
from services.kit import errors
from services.kit.auth import Principal
from services.query.lead_log import Kind
from services.query.masking import mask_event
from services.query.parameters import Actor, Current, Id, Position
from services.query.reading import Reading
from services.query.rows import dumps
from services.query.sight import shows_phones, sight_for
from services.query.tail import Happening, Tail

KEEP_ALIVE_SECONDS = 15.0
SEND_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 1.0
CHUNK_MAX = 500
SIGHT_SECONDS_MAX = 3.0
CLIENTS_MAX = 1_000
_STOOD = re.compile(rb"(?:^|\n)(?:id|: following from):? (\d+)\n")
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class ActivityParameters(Current):
    """Which events: of these kinds, by these actors, of leads in these campaigns, of these leads.

    `after` goes on after a position, as the header Last-Event-ID does; without both it starts now.
    """

    kind: list[Kind] = Field(default=[], max_length=50)
    actor: list[Actor] = Field(default=[], max_length=50)
    campaign: list[Id] = Field(default=[], max_length=200)
    lead: list[Id] = Field(default=[], max_length=200)
    after: Position | None = None


class Follower:
    """One client: where it stands and what it wants to hear."""

    def __init__(
        self,
        reading: Reading,
        tail: Tail,
        principal: Principal,
        given: ActivityParameters,
        scope: Scope | None = None,
    ) -> None:
        """Follow `tail` as `principal`; with the request's `scope` their key is looked at again."""
        self._reading = reading
        self._tail = tail
        self._principal = principal
        self._kinds = frozenset("lead." + kind.removeprefix("lead.") for kind in given.kind)
        self._actors = frozenset(given.actor)
        self._campaigns = frozenset(given.campaign)
        self._leads = frozenset(given.lead)
        self._scope = scope
        self._sight: Any = None
        self._phones = False
        self._kinds_of_fields: Mapping[str, FieldKind] = {}
        self._sight_until = 0.0

    async def chunks(self, after: int | None) -> AsyncGenerator[bytes, None]:
        """Yield pieces of the stream: first what was missed since `after`, then what happens."""
        position = await self._tail.join()
        try:
            yield b": following from %d\n\n" % (position if after is None else after)
            if after is not None and after < position:
                position = after
                while not self._tail.holds(position):
                    missed, position = await self._tail.read(position, self._tail.position)
                    yield await self._text(missed) or b": catching up\n\n"
            elif after is not None:
                position = after
            async for chunk in self._live(position):
                yield chunk
        except errors.Unauthenticated:
            yield _refused()
        finally:
            await self._tail.leave()

    async def _live(self, position: int) -> AsyncGenerator[bytes, None]:
        while True:
            if not self._tail.holds(position):
                yield _slow(position)
                return
            found = self._tail.after(position)[:CHUNK_MAX]
            position = found[-1].position if found else max(position, self._tail.position)
            text = await self._text(found)
            if text:
                yield text
            elif position >= self._tail.position:
                before = self._tail.position
                await self._tail.wait_beyond(max(before, position), KEEP_ALIVE_SECONDS)
                if self._tail.position == before:
                    yield b": still here\n\n"

    async def _text(self, found: Any) -> bytes:
        if not found:
            return b""
        await self._look()
        phones, kinds = self._phones, self._kinds_of_fields
        return b"".join(_event(one, phones, kinds) for one in found if self._wants(one))

    async def _look(self) -> None:
        """Take the caller's sight anew now and then: rights change while a stream is open.

        Raises Unauthenticated when the key is good no more.
        """
        now = asyncio.get_running_loop().time()
        if now < self._sight_until:
            return
        if self._scope is not None:
            self._principal = await self._reading.authenticator.principal_of(self._scope)
        directory = await self._reading.recent_directory()
        self._sight = sight_for(self._principal, directory)
        self._phones = shows_phones(self._principal)
        self._kinds_of_fields = directory.kinds
        self._sight_until = now + SIGHT_SECONDS_MAX

    def _wants(self, one: Happening) -> bool:
        stored = one.stored
        return (
            sees(self._sight, one.owner, one.active, one.processed_by)
            and (not self._kinds or stored.type in self._kinds)
            and (not self._campaigns or one.campaign_id in self._campaigns)
            and (not self._leads or str(stored.stream_id) in self._leads)
            and (not self._actors or decode_origin(stored.meta).actor in self._actors)
        )


def _event(one: Happening, phones: bool, kinds: Mapping[str, FieldKind]) -> bytes:
    """Return an event as SSE. What is personal stays in the log; a client reads the lead for
    that.
    """
    text = one.texts.get(phones)
    if text is not None:
        return text
    stored = one.stored
    origin = decode_origin(stored.meta)
    data: Any = orjson.Fragment(stored.data)
    if not phones:
        data = mask_event(stored.type, orjson.loads(stored.data), kinds, personal=False)
    content = {
        "position": stored.position,
        "lead_id": stored.stream_id,
        "version": stored.version,
        "kind": stored.type,
        "happened_at": stored.happened_at,
        "recorded_at": stored.recorded_at,
        "actor": origin.actor,
        "cause": origin.cause,
        "campaign_id": one.campaign_id,
        "owner": one.owner,
        "status": one.status,
        "data": data,
    }
    text = b"id: %d\nevent: activity\ndata: %b\n\n" % (stored.position, dumps(content))
    one.texts[phones] = text
    return text


def _slow(position: int) -> bytes:
    fault = {
        "code": "too-slow",
        "detail": "You did not keep up. Connect again with Last-Event-ID to go on.",
        "retryable": True,
        "position": position,
    }
    return b"event: error\ndata: %b\n\n" % dumps(fault)


def _refused() -> bytes:
    fault = {
        "code": "unauthenticated",
        "detail": "The key is not good any more.",
        "retryable": False,
    }
    return b"event: error\ndata: %b\n\n" % dumps(fault)


class EventStream(Response):
    """Sends chunks until the client leaves, cannot take them for 30 s, or the process is stopped.

    Who could not take them is told so, if they do within another 30 s; else the line is cut.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], draining: asyncio.Event) -> None:
        """Send `chunks`; end when `draining` is set."""
        self._chunks = chunks
        self._draining = draining
        self._position = 0
        self.background = None
        self.status_code = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send headers and chunks; whichever ends first ends the stream."""
        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        work = [
            asyncio.create_task(self._send(send)),
            asyncio.create_task(_left(receive)),
            asyncio.create_task(self._draining.wait()),
        ]
        try:
            await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in work:
                task.cancel()
            ends = await asyncio.gather(*work, return_exceptions=True)
        body = _slow(self._position) if ends[0] is True else b""
        most = STOP_SECONDS_MAX if self._draining.is_set() else SEND_SECONDS_MAX
        try:
            async with asyncio.timeout(most):
                if body:
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        except TimeoutError:
            return  # an answer without its end: the server hangs up

    async def _send(self, send: Send) -> bool:
        """Send all chunks; return whether the client did not take one of them."""
        try:
            async for chunk in self._chunks:
                message = {"type": "http.response.body", "body": chunk, "more_body": True}
                # Not wait_for: before Python 3.12 it may swallow that we are cancelled.
                async with asyncio.timeout(SEND_SECONDS_MAX):
                    await send(message)
                if stood := _STOOD.findall(chunk):
                    self._position = int(stood[-1])
        except TimeoutError:
            return True
        finally:
            await self._chunks.aclose()
        return False


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start_of(request: Request, given: ActivityParameters) -> int | None:
    text = request.headers.get("last-event-id", "")
    if not text:
        return given.after
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        detail = errors.Detail("wrong-value", "give the id of an event", "/header/Last-Event-ID")
        raise errors.Invalid("Last-Event-ID is not valid.", [detail])
    return int(text)


def install(app: FastAPI, reading: Reading) -> None:
    """Add the live stream."""
    tail = Tail(reading.log)
    clients = 0

    @app.get(
        "/v1/activity",
        tags=["activity"],
        responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def follow_activity(
        request: Request, given: Annotated[ActivityParameters, Query()]
    ) -> Response:
        """Follow what happens to the leads in sight."""
        after = _start_of(request, given)
        async with reading.asked(request, given.min_position) as asked:
            principal, head = asked.principal, asked.head
        if after is not None and after > head:
            told = "/header/Last-Event-ID" if "last-event-id" in request.headers else "/query/after"
            text = f"the log ends at {head}; without a position it starts now"
            detail = errors.Detail("no-such-position", text, told)
            raise errors.Invalid(f"There is no position {after} yet.", [detail])
        if clients >= CLIENTS_MAX:
            raise errors.Unavailable("Too many are following already.", retry_after_seconds=5)
        follower = Follower(reading, tail, principal, given, request.scope)
        return EventStream(counted(follower.chunks(after)), app.state.draining)

    async def counted(chunks: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        nonlocal clients
        clients += 1
        try:
            async for chunk in chunks:
                yield chunk
        finally:
            clients -= 1
            await chunks.aclose()
