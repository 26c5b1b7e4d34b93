"""`python -m services.command.bulk`: carries bulk jobs, file loads and imports out, in a process of
its own.

Deciding about a hundred thousand leads keeps a processor busy; single commands shall not wait.
"""

import asyncio
import sys

from services.command.app import open_commanding
from services.command.bulk.runner import Runner
from services.command.dnc_file.work import FileWorker
from services.command.imports.erasing import ImportErasing
from services.command.imports.work import ImportWorker
from services.kit.background import run_service, say_ready
from services.kit.clock import SystemClock
from services.kit.settings import Settings


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Work on jobs until `stop` is set."""
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        say_ready()
        async with asyncio.TaskGroup() as work:
            work.create_task(Runner(commanding, clock).work.run(stop))
            work.create_task(FileWorker(commanding, clock).work.run(stop))
            work.create_task(ImportWorker(commanding, clock).work.run(stop))
            work.create_task(ImportErasing(commanding).run(stop))


if __name__ == "__main__":
    sys.exit(run_service("bulk", main))
