"""How close upon each other a worker writes."""

import asyncio

import pytest

from services.kit.background import pause
from services.kit.postgres import connect_pool
from services.projections import runner
from services.projections.rebuild import _alone
from tests.kit.event_logs import opened
from tests.read_models.working import Story, settled, until, working


async def test_small_batches_keep_a_distance_and_large_ones_do_not(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, events cost many times what they cost together."""
    rests: list[float] = []

    async def rest(stop: asyncio.Event, seconds: float) -> None:
        rests.append(seconds)
        await pause(stop, seconds)

    monkeypatch.setattr(runner, "pause", rest)
    monkeypatch.setattr(runner, "PACE", runner.Pace(1e9, 0.05))  # the longest rest, if any
    monkeypatch.setattr(runner, "FEW_EVENTS", 0)
    async with opened(database_url) as log:
        story = Story(log)

        async def one_by_one() -> None:
            for _ in range(3):
                await story.leads(1)
                await settled(log)

        async with working(database_url):
            await one_by_one()
            assert not rests, "whatever comes is much"
            monkeypatch.setattr(runner, "FEW_EVENTS", 200)
            await one_by_one()
    assert rests
    assert max(rests) <= 0.05


async def test_a_worker_leaves_more_of_the_machine_to_a_rebuild(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "HEARTBEAT_SECONDS", 0.0)
    pool = await connect_pool(database_url, "leads_projections", largest=1)
    try:
        async with opened(database_url), working(database_url) as run:

            async def beside_rebuild() -> bool:
                return run.worker._pace is runner.PACE_BESIDE_REBUILD

            async def as_always() -> bool:
                return run.worker._pace is runner.PACE

            await until(as_always, "nothing is rebuilt")
            async with _alone(pool, "campaign"):
                await until(beside_rebuild, "a read model is rebuilt")
            await until(as_always, "it is done")
    finally:
        await pool.close()
