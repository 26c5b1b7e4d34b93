"""Live activity: nothing is missed, nothing is heard twice, slow clients are sent away."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from schemas import lead as events
from services.query import activity, tail
from services.query.activity import ActivityParameters, EventStream, Follower
from services.query.tail import Tail
from tests.contract.query_service import AUTUMN, KEYS, World, running, team, user


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
        yield world


class Listener:
    """A client of the stream that keeps what it hears."""

    def __init__(self, chunks: AsyncGenerator[bytes, None]) -> None:
        self._chunks = chunks
        self.heard: list[dict[str, Any]] = []
        self.errors: list[dict[str, Any]] = []

    async def listen(self, count: int) -> list[int]:
        """Listen until `count` events were heard in all; return their positions."""
        async with asyncio.timeout(60):
            while len(self.heard) < count and not self.errors:
                self._take(await anext(self._chunks))
        return [one["position"] for one in self.heard]

    def _take(self, chunk: bytes) -> None:
        for block in chunk.decode().split("\n\n"):
            lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if lines.get("event") == "activity":
                self.heard.append(orjson.loads(lines["data"]))
                assert lines["id"] == str(self.heard[-1]["position"])
            elif lines.get("event") == "error":
                self.errors.append(orjson.loads(lines["data"]))


@asynccontextmanager
async def following(
    world: World, follow: Tail, after: int | None = None, by: str = "admin", **given: Any
) -> AsyncIterator[Listener]:
    principal = await world.reading.authenticator.principal(f"Bearer {KEYS[by]}")
    follower = Follower(world.reading, follow, principal, ActivityParameters(**given))
    chunks = follower.chunks(after)
    await anext(chunks)
    try:
        yield Listener(chunks)
    finally:
        await chunks.aclose()


async def test_what_happens_is_heard_once_it_is_visible(world: World) -> None:
    lead = await world.lead("lead")
    follow = Tail(world.reading.log)
    async with following(world, follow) as first, following(world, follow) as second:
        position = await world.happen(lead, events.LeadPriorityChanged(7))
        assert await first.listen(1) == await second.listen(1) == [position]
    heard = first.heard[0]
    assert (heard["kind"], heard["lead_id"], heard["version"]) == ("lead.priority_changed", lead, 2)
    assert heard["data"] == {"priority": 7}
    assert heard["actor"] == user("admin")


async def test_many_who_come_at_once_share_one_reader_and_hear_all_once(world: World) -> None:
    lead = await world.lead("lead")
    follow = Tail(world.reading.log)
    async with contextlib.AsyncExitStack() as stack:
        crowd = [stack.enter_async_context(following(world, follow)) for _ in range(30)]
        listeners = await asyncio.gather(*crowd)
        readers = [one for one in asyncio.all_tasks() if one.get_name() == "tail of the log"]
        assert len(readers) == 1
        told = [await world.happen(lead, events.LeadPriorityChanged(7)) for _ in range(3)]
        for listener in listeners:
            assert await listener.listen(3) == told
            assert not listener.errors


async def test_a_client_that_comes_back_misses_nothing_and_hears_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "BATCH_MAX", 3)
    lead = await world.lead("lead")
    start = await world.log.head()
    for priority in range(1, 9):
        await world.happen(lead, events.LeadPriorityChanged(priority))
    follow = Tail(world.reading.log)
    async with following(world, follow, after=start + 2) as listener:
        await listener.listen(6)
        await world.happen(lead, events.LeadPriorityChanged(9))
        assert await listener.listen(7) == list(range(start + 3, start + 10))


async def test_only_what_was_asked_for_is_heard(world: World) -> None:
    spring = await world.lead("spring lead")
    autumn = await world.lead("autumn lead", campaign_id=AUTUMN)
    start = await world.log.head()
    for lead in (spring, autumn):
        await world.happen(lead, events.LeadPriorityChanged(1), by="leader")
        await world.happen(lead, events.LeadNoteAdded(1, "secret"))
    follow = Tail(world.reading.log)
    cases: Any = (
        ({"campaign": [AUTUMN]}, [start + 3, start + 4]),
        ({"lead": [spring]}, [start + 1, start + 2]),
        ({"kind": ["note_added"]}, [start + 2, start + 4]),
        ({"actor": [user("leader")]}, [start + 1, start + 3]),
    )
    for given, expected in cases:
        async with following(world, follow, after=start, **given) as listener:
            assert await listener.listen(2) == expected
            assert "secret" not in str(listener.heard)


async def test_a_lead_that_leaves_sight_falls_silent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity, "SIGHT_SECONDS_MAX", 0.0)
    lead = await world.lead("lead", owner=team("south"))
    other = await world.lead("other", owner=team("south"))
    follow = Tail(world.reading.log)
    async with following(world, follow, by="agent_south") as listener:
        await world.happen(lead, events.LeadOwnerChanged(team("north"), team("south")))
        await world.happen(lead, events.LeadPriorityChanged(2))
        last = await world.happen(other, events.LeadPriorityChanged(2))
        assert await listener.listen(1) == [last]


async def test_a_client_that_cannot_keep_up_is_told_where_to_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tail, "KEPT_MAX", 3)
    lead = await world.lead("lead")
    follow = Tail(world.reading.log)
    async with following(world, follow) as slow:
        start = follow.position
        for priority in range(1, 9):
            await world.happen(lead, events.LeadPriorityChanged(priority))
        async with asyncio.timeout(30):
            while follow.position < start + 8:
                await follow.wait_beyond(follow.position, 1.0)
        await slow.listen(1)
        assert slow.errors[0]["code"] == "too-slow"
        assert slow.errors[0]["position"] == start
    async with following(world, follow, after=start) as again:
        assert await again.listen(8) == list(range(start + 1, start + 9))


async def test_the_log_is_read_only_while_somebody_follows(world: World) -> None:
    follow = Tail(world.reading.log)
    async with following(world, follow):
        assert follow._task is not None
    assert follow._task is None


async def test_a_stream_ends_when_the_client_leaves_or_the_process_is_stopped() -> None:
    closed = []

    async def endless() -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield b": hello\n\n"
                await asyncio.sleep(0.01)
        finally:
            closed.append(True)

    async def leaves() -> Any:
        await asyncio.sleep(0.05)
        return {"type": "http.disconnect"}

    async def stays() -> Any:
        await asyncio.Event().wait()

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def stuck(message: Any) -> None:
        if message.get("more_body"):
            await asyncio.Event().wait()

    draining = asyncio.Event()
    async with asyncio.timeout(30):
        await EventStream(endless(), draining)({}, leaves, send)
        asyncio.get_running_loop().call_later(0.05, draining.set)
        await EventStream(endless(), draining)({}, stays, stuck)
    assert closed == [True, True]
    assert sent[0]["status"] == 200
    assert sent[-1]["more_body"] is False


async def test_who_takes_nothing_is_told_where_to_go_on_or_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(activity, "SEND_SECONDS_MAX", 0.05)
    stuck, sent = asyncio.Event(), list[bytes]()

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield b": following from 6\n\n"
        for position in (7, 8, 9):
            yield b"id: %d\nevent: activity\ndata: {}\n\n" % position

    async def stays() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        body = message.get("body", b"")
        if body.startswith(b"id: 9"):
            await stuck.wait()
        if cut and sent and sent[-1].startswith(b"id: 8"):
            await stuck.wait()
        sent.append(body)

    for cut in (False, True):
        sent.clear()
        async with asyncio.timeout(30):
            await activity.EventStream(chunks(), asyncio.Event())({}, stays, send)
        taken = [one for one in sent if one.startswith(b"id:")]
        assert [one[:5] for one in taken] == [b"id: 7", b"id: 8"]
        if cut:
            assert sent[-1] == taken[-1]  # neither the error nor an end: the server hangs up
            continue
        error, end = sent[-2:]
        assert error.startswith(b"event: error\n")
        assert orjson.loads(error.partition(b"data: ")[2])["position"] == 8
        assert end == b""


async def test_a_last_event_id_that_is_none_is_refused(world: World) -> None:
    for text in ("x", "-1", "9" * 40, "999999"):
        answer = await world.client.get(
            "/v1/activity",
            headers={"authorization": f"Bearer {KEYS['admin']}", "last-event-id": text},
        )
        assert answer.status_code == 422, text
        assert answer.json()["errors"][0]["pointer"] == "/header/Last-Event-ID"
    answer = await world.get("/v1/activity", after="999999")
    assert answer.json()["errors"][0]["pointer"] == "/query/after"
