"""A deadline cancels what is late and nothing else, however many are open at once."""

import asyncio

import pytest

from services.kit.deadline import Deadlines


async def test_what_is_late_ends_with_a_timeout_and_what_is_not_goes_on() -> None:
    deadlines = Deadlines(0.5)  # a busy machine stops for a while where it likes

    async def late() -> str:
        try:
            with deadlines.begin():
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "in time"

    async def quick() -> str:
        with deadlines.begin():
            await asyncio.sleep(0)
        return "in time"

    found = tuple(await asyncio.gather(late(), quick(), late(), quick(), late()))
    assert found == ("late", "in time", "late", "in time", "late")


async def test_a_deadline_that_begins_while_others_are_open_has_its_whole_time() -> None:
    deadlines = Deadlines(0.05)
    loop = asyncio.get_running_loop()
    with pytest.raises(TimeoutError), deadlines.begin():
        await asyncio.Event().wait()
    began = loop.time()
    with deadlines.begin():
        pass
    with pytest.raises(TimeoutError), deadlines.begin():
        await asyncio.Event().wait()
    assert 0.045 <= loop.time() - began < 5


async def test_a_task_that_is_over_is_left_alone() -> None:
    deadlines = Deadlines(0.01)
    with deadlines.begin():
        pass
    with pytest.raises(TimeoutError), deadlines.begin():
        await asyncio.Event().wait()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_cancelling_by_others_stays_a_cancelling() -> None:
    deadlines = Deadlines(10)
    inside = asyncio.Event()

    async def work() -> None:
        with deadlines.begin():
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_the_next_loop_begins_afresh() -> None:
    deadlines = Deadlines(0.01)

    async def late() -> None:
        with deadlines.begin():
            await asyncio.Event().wait()

    for _ in range(2):
        with pytest.raises(TimeoutError):
            asyncio.run(late())


async def test_deadlines_that_are_over_are_forgotten() -> None:
    deadlines = Deadlines(10)
    for _ in range(100):
        with deadlines.begin():
            pass
    assert len(deadlines._open) == 1
