"""Services as benchmarks need them: one process each, with demo users, a campaign and leads."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from services.command.app import open_commanding
from services.kit.clock import SystemClock
from services.kit.settings import Settings
from services.local.demo_keys import demo_keys, let_demo_users_in
from services.local.ports import choose_port
from services.local.process import Child, Program
from services.local.sample_data import clients
from services.local.sample_leads import load_leads
from tests.bench.harness import Database

ROOT = Path(__file__).parents[2]


def environ(database: Database, folder: Path) -> dict[str, str]:
    """The environment of a service without a broker."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "LEADS_DATABASE_URL": database.url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": bytes(range(32)).hex(),
        "LEADS_SIGNING_KEY": bytes(range(32)).hex(),
        "LEADS_DATA_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }


async def make_leads(settings: Settings, count: int) -> tuple[list[str], str]:
    """Make demo users, the sample's campaign and its first leads; return lead ids, admin's key."""
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        await let_demo_users_in(commanding, settings.data_dir)
        await load_leads(commanding, clock, count, lambda there: None)
    return [str(one.lead) for one in clients(count)], demo_keys(settings.data_dir)["admin"]


@asynccontextmanager
async def listening(
    module: str, environment: dict[str, str], folder: Path, *, by_argument: bool = False
) -> AsyncIterator[int]:
    """Run a module that serves HTTP; yields its port once it accepts connections."""
    port = choose_port(folder / f"{module}.port")
    argv = (sys.executable, "-m", module, *([str(port)] if by_argument else []))

    async def accepts(child: Child) -> None:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return

    env = {**os.environ, **environment, "LEADS_HTTP_PORT": str(port)}
    program = Program(module, argv, env, ROOT, ready=accepts, stop_timeout_s=10)
    child = await Child.start(program, folder / f"{module}.log")
    try:
        yield port
    finally:
        await child.stop()
