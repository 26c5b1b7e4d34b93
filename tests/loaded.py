"""A whole stack with a small cut of the sample, living on a thread of its own."""

import asyncio
import os
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from services.local.demo_keys import demo_keys
from services.local.ports import choose_port
from services.local.sample import Summary, run_sample
from services.local.stack import Stack, running_stack

LIMIT = 400
START_SECONDS = 600
Result = TypeVar("Result")


@dataclass
class Loaded:
    """A running stack over `folder`, living on a loop of its own."""

    folder: Path
    stack: Stack
    summary: Summary
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine where the stack lives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)

    def key(self, user: str) -> str:
        """The key of a demo user."""
        return demo_keys(self.folder)[user]

    def catch_up(self) -> None:
        """Wait until the read models show all that was done before."""
        headers = {"authorization": f"Bearer {self.key('admin')}"}
        address = f"{self.stack.address}/v1/leads"
        with httpx.Client(headers=headers, trust_env=False, timeout=30) as client:
            shown = client.get(address, params={"limit": 1}).json()
            wanted = {"limit": 1, "min_position": shown["position"] + shown["lag"]}
            answers = (client.get(address, params=wanted) for _ in range(30))
            assert any(answer.status_code == 200 for answer in answers), "they stand still"


@contextmanager
def loaded_stack(folder: Path) -> Iterator[Loaded]:
    """The stack with the first leads of the sample and all their calls in it."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()
    found: list[Loaded | BaseException] = []

    async def live() -> None:
        try:
            async with running_stack(folder, print) as stack:
                summary = await run_sample(stack, print, limit=LIMIT)
                found.append(Loaded(folder, stack, summary, loop))
                ready.set()
                await stop.wait()
        except BaseException as error:
            found.append(error)
            ready.set()
            raise

    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith("LEADS_") and name != "LEADS_TRANSPORT":
                patch.delenv(name)
        # Not the usual one: somebody may have the service up beside the tests.
        patch.setenv("LEADS_HTTP_PORT", str(choose_port(folder / "http.port")))
        thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
        thread.start()
        ready.wait(START_SECONDS)
    try:
        one = found[0]
        if isinstance(one, BaseException):
            raise one
        yield one
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
