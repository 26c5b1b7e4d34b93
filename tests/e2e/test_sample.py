"""The sample through the whole stack: exact counts, whatever is killed, however often it is loaded.

The counts come from the source file alone (tests/e2e/test_sample_data.py); here they must show in
the read models, after dialer, broker, intake, log, relay, broker and projections.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from services.local.demo_keys import demo_keys
from services.local.dialer import SENT_FILE, forget_sent, sent_so_far
from services.local.sample import Summary, load_sample, run_sample
from services.local.sample_data import expected, messages
from services.local.stack import ALWAYS, ON_KAFKA, Stack, running_stack
from tests.loaded import LIMIT, Loaded
from tests.processes import alive, children

KILLED_LIMIT = 6_000
DIALER = "services.local.dialer"
pytestmark = pytest.mark.timeout(900)


@asynccontextmanager
async def stack(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stack]:
    """A whole stack over `folder`, with nothing of the caller's settings but the transport."""
    for name in os.environ:
        if name.startswith("LEADS_") and name != "LEADS_TRANSPORT":
            monkeypatch.delenv(name)
    async with running_stack(folder, print) as running:
        yield running


def assert_whole(summary: Summary) -> None:
    assert summary.ok, summary.lines()
    assert summary.found == expected(LIMIT)


def test_loaded_once_it_is_found_again(loaded: Loaded) -> None:
    assert demo_keys(loaded.folder)
    summary = loaded.summary
    assert_whole(summary)
    assert summary.loading is not None
    assert summary.loading.leads == LIMIT
    assert summary.loading.calls == expected(LIMIT).call_attempts
    told = summary.as_json()
    assert told["ok"] is True
    assert {name: told[name] for name in asdict(summary.found)} == asdict(summary.found)
    assert sent_so_far(loaded.folder, str(LIMIT)) == len(list(messages(LIMIT)))
    assert loaded.run(load_sample(loaded.stack, print, limit=LIMIT)) is None


async def test_interrupted_and_killed_it_completes_to_the_same_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stack(tmp_path, monkeypatch) as running:
        loading = asyncio.create_task(load_sample(running, print, limit=LIMIT))
        async with asyncio.timeout(120):
            while not (tmp_path / SENT_FILE).exists():
                await asyncio.sleep(0.01)
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    async with stack(tmp_path, monkeypatch) as running:
        forget_sent(tmp_path)  # a dialer that lost its place begins again
        loading = asyncio.create_task(load_sample(running, print, limit=LIMIT))
        parts = ["projections"]
        parts += ["intake", "relay"] if running.servers.transport == "kafka" else []
        for part in parts:
            os.kill(running.servers.supervisor.pid(part), signal.SIGKILL)
            await asyncio.sleep(0.2)
        await loading
        assert_whole(await run_sample(running, print, limit=LIMIT))


async def test_whichever_process_is_killed_the_counts_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every process once, one after the other, while leads and calls are on their way.

    A fast machine may be done before the last of them is killed; not before the fourth.
    """
    in_the_middle = 0
    async with stack(tmp_path, monkeypatch) as running:
        supervisor = running.servers.supervisor
        loading = asyncio.create_task(load_sample(running, print, limit=KILLED_LIMIT))
        for name in ["postgres", DIALER, *ALWAYS, *ON_KAFKA, "kafka", "api", "postgres", DIALER]:
            if name == DIALER:
                pid = await dialer_of_this_process(loading)
            elif name in supervisor.names():
                pid = supervisor.pid(name)
            else:
                continue  # not of this transport
            if pid is None:
                continue  # it has told everything
            in_the_middle += not loading.done()
            os.kill(pid, signal.SIGKILL)
            async with asyncio.timeout(90):
                while name in supervisor.names() and supervisor.pid(name) == pid:
                    await asyncio.sleep(0.01)
        assert in_the_middle > 3
        await loading
        summary = await run_sample(running, print, limit=KILLED_LIMIT)
        assert summary.ok, summary.lines()
        assert summary.found == expected(KILLED_LIMIT)


async def dialer_of_this_process(loading: "asyncio.Task[Any]") -> int | None:
    """The dialer's process, once it runs; None when all was loaded without it."""
    while not loading.done():
        found = children(os.getpid()).get(DIALER)
        if found is not None and alive(found):
            return found
        await asyncio.sleep(0.02)
    return None


async def test_without_a_broker_the_dialer_tells_its_calls_over_http(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADS_TRANSPORT", "log")
    async with stack(tmp_path, monkeypatch) as running:
        summary = await run_sample(running, print, limit=LIMIT)
        assert_whole(summary)
        assert summary.transport == "log"
