"""States asked for at once are read together, as the log has them then, each with its own fault."""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import pytest

from services.command.state_cache import StateCache
from services.kit.codec import UnknownEvent
from services.kit.ids import new_id
from tests.kit.event_logs import append, lead, opened, priority


class Counting:
    """An event log that counts its reads and refuses one stream."""

    def __init__(self, log: Any, broken: UUID | None = None) -> None:
        self._log = log
        self._broken = broken
        self.reads = 0

    async def load(self, ids: Collection[UUID], after: Mapping[UUID, int]) -> Any:
        self.reads += 1
        if self._broken in ids:
            raise UnknownEvent("written by newer code")
        return await self._log.load(ids, after)


async def test_what_is_asked_for_at_once_is_read_together(database_url: str) -> None:
    async with opened(database_url) as log:
        leads = [new_id() for _ in range(50)]
        await log.append_many([append(one, 0, lead()) for one in leads])
        counting = Counting(log)
        states = StateCache(counting)  # type: ignore[arg-type]  # counts what it is asked
        found = await asyncio.gather(*(states.refresh({one: "lead"}) for one in leads))
        assert [state[one].version for state, one in zip(found, leads, strict=True)] == [1] * 50
        assert all(len(state) == 1 for state in found)
        assert counting.reads <= 2


async def test_who_asks_after_an_append_sees_it_though_a_read_is_under_way(
    database_url: str,
) -> None:
    async with opened(database_url) as log:
        one = new_id()
        await log.append(append(one, 0, lead()))
        states = StateCache(log)
        seen = []
        for version in range(1, 20):
            earlier = [asyncio.create_task(states.refresh({one: "lead"})) for _ in range(3)]
            await asyncio.sleep(0)
            await log.append(append(one, version, priority(version % 9 + 1)))
            seen.append((await states.refresh({one: "lead"}))[one].version)
            await asyncio.gather(*earlier)
        assert seen == list(range(2, 21))


async def test_one_streams_fault_is_its_own(database_url: str) -> None:
    async with opened(database_url) as log:
        good, bad = new_id(), new_id()
        await log.append_many([append(one, 0, lead()) for one in (good, bad)])
        states = StateCache(Counting(log, broken=bad))  # type: ignore[arg-type]  # as above
        asked: list[UUID] = [good, bad]
        found = await asyncio.gather(
            *(states.refresh({one: "lead"}) for one in asked), return_exceptions=True
        )
        assert isinstance(found[0], dict)
        assert found[0][good].version == 1
        assert isinstance(found[1], UnknownEvent)


async def test_who_gives_up_waiting_takes_nothing_from_the_others(database_url: str) -> None:
    async with opened(database_url) as log:
        one = new_id()
        await log.append(append(one, 0, lead()))
        states = StateCache(log)
        waiting = [asyncio.create_task(states.refresh({one: "lead"})) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(found[0], asyncio.CancelledError)
        assert [state[one].version for state in found[1:] if isinstance(state, dict)] == [1, 1]


@pytest.mark.parametrize("asked", [1, 3])
async def test_a_database_that_is_away_is_everybodys_fault(asked: int) -> None:
    class Away:
        async def load(self, *_: object) -> Any:
            raise ConnectionResetError

    states = StateCache(Away())  # type: ignore[arg-type]  # never answers
    found = await asyncio.gather(
        *(states.refresh({new_id(): "lead"}) for _ in range(asked)), return_exceptions=True
    )
    assert all(isinstance(one, ConnectionResetError) for one in found)


async def test_the_same_id_asked_for_as_two_things_is_two_states(database_url: str) -> None:
    async with opened(database_url) as log:
        one = new_id()
        await log.append(append(one, 0, lead()))
        states = StateCache(log)
        kinds = ("lead", "pool", "segment", "lead")
        found = await asyncio.gather(*(states.refresh({one: kind}) for kind in kinds))
        assert [state[one].version for state in found] == [1, 0, 0, 1]
        names = [type(state[one]).__name__.lower() for state in found]
        assert names == list(kinds)
