"""`leads up` as a user meets it: says where it is, heals what is killed, leaves nothing behind."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from services.local.stack import ALWAYS, ON_KAFKA
from tests.processes import alive, children

ROOT = Path(__file__).parents[2]
PARTS = {"postgres", "java", "services.local.api", *ALWAYS.values(), *ON_KAFKA.values()}


class Up:
    """A running `leads up`, and what it says line by line."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self.folder = folder
        self.said: list[str] = []

    async def says(self, text: str) -> str:
        """Reads on until a line holds `text`."""
        assert self.process.stderr is not None
        async with asyncio.timeout(120):
            while line := (await self.process.stderr.readline()).decode():
                self.said.append(line)
                if text in line:
                    return line
        raise AssertionError(f"never said {text!r}:\n{''.join(self.said)}")

    def key(self, user: str) -> str:
        keys: dict[str, str] = json.loads((self.folder / "demo-keys.json").read_text())
        return keys[user]


@asynccontextmanager
async def up(folder: Path) -> AsyncIterator[Up]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.cli", "up", "--no-sample"),
        cwd=ROOT,
        env={**environ, "LEADS_DATA_DIR": str(folder)},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Up(process, folder)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def stops(running: Up, how: signal.Signals) -> None:
    pids = children(running.process.pid).values()
    running.process.send_signal(how)
    async with asyncio.timeout(60):
        await running.process.wait()
        while any(alive(pid) for pid in pids):
            await asyncio.sleep(0.02)


async def there(running: Up, name: str, not_as: int = 0) -> int:
    """The number of a part's process, once it runs under another one than `not_as`."""
    async with asyncio.timeout(60):
        while True:
            pid = children(running.process.pid).get(name, not_as)
            if pid != not_as and alive(pid):
                return pid
            await asyncio.sleep(0.02)


async def ready(address: str) -> dict[str, object]:
    async with httpx.AsyncClient() as client, asyncio.timeout(60):
        while True:
            try:
                answer = await client.get(f"{address}/readyz")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 200:
                body: dict[str, object] = answer.json()
                return body
            await asyncio.sleep(0.05)


@pytest.mark.timeout(400)
async def test_everything_starts_heals_stops_and_is_found_again(tmp_path: Path) -> None:
    async with up(tmp_path) as running:
        address = (await running.says("leads is up after")).rsplit(" ", 1)[1].strip()
        await running.says("Ctrl-C stops everything")
        assert "API keys of the demo users" in "".join(running.said)
        assert running.key("admin") in "".join(running.said)
        assert (await ready(address))["status"] == "ready"

        parts = children(running.process.pid)
        assert set(parts) == PARTS
        for name in parts:
            # Another part may have ended with the one before it, and have begun anew as well.
            pid = await there(running, name)
            os.kill(pid, signal.SIGKILL)
            await running.says("runs again")
            await there(running, name, not_as=pid)
        assert (await ready(address))["status"] == "ready"
        await stops(running, signal.SIGTERM)
        assert running.process.returncode == 0

    async with up(tmp_path) as again:
        same = (await again.says("leads is up after")).rsplit(" ", 1)[1].strip()
        assert same == address
        await again.says("Ctrl-C stops everything")
        assert "API keys" not in "".join(again.said)
        await stops(again, signal.SIGKILL)
