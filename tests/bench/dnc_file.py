"""A do-not-call file of 35 MB becomes entries: planned, executed, killed half-way and gone on with.

By the process that carries file loads out, whose memory is measured too. Every number is another
one, with a stream and a key of its own, which is the dearest a file can be.
"""

import asyncio
import hashlib
from collections.abc import Callable
from time import perf_counter
from uuid import UUID

from services.command.dnc_file.settings import DncFileSettings
from services.command.dnc_file.tables import DncFile, FileTables
from services.command.first_start import set_up
from services.command.handler import Commanding
from services.kit.clock import SystemClock
from services.kit.ids import new_id
from tests.bench.bulk_work import ADMIN, peak_mb, runner
from tests.bench.harness import Result, Stack, tell
from tests.kit.event_logs import opened

FILE_BYTES = 35 << 20
PART_BYTES = 1 << 20
LINE = "+888{:011d}\n"  # A calling code that is given to nobody.
TARGET, MEMORY_MB = 10_000, 250


async def run(stack: Stack) -> Result:
    """Measure plan, execution until the process is killed, and the rest of it by another one."""
    database = await stack.database()
    detail: dict[str, float | str] = {}
    async with opened(database.url, largest=8) as log:
        await set_up(Commanding(log, SystemClock()), {})
        tables = FileTables(log.pool, log.keys.master)
        file, numbers = await _uploaded(tables)
        async with runner(database.url) as process:
            took = await _until(tables, file, lambda now: now.state == "planned")
            detail["plan"] = numbers / took
            await tables.ask(file, ["planned"], "executing")
            took = await _until(tables, file, lambda now: now.reached >= numbers // 2)
            rate = (await _now(tables, file)).reached / took
            detail["memory, MB"] = peak_mb(process)
            process.kill()
            await process.wait()
        half = (await _now(tables, file)).reached
        async with runner(database.url) as process:
            detail["went on after, s"] = await _until(tables, file, lambda now: now.reached > half)
            half = (await _now(tables, file)).reached
            took = await _until(tables, file, lambda now: now.state == "done")
            detail["execute after the kill"] = (numbers - half) / took
            memory = max(float(detail["memory, MB"]), peak_mb(process))
        done = (await _now(tables, file)).done
        entries = await log.pool.fetchval(
            "select count(*) from log.events where type = 'dnc.added'"
        )
    assert done["accepted"] == entries == numbers, (done, entries)
    detail["memory, MB"] = memory
    held = rate >= TARGET and memory <= MEMORY_MB
    target = f"≥ {TARGET:,} numbers/s, ≤ {MEMORY_MB} MB"
    return Result("dnc-file", rate, "numbers/s", target, held, detail=detail)


async def _uploaded(tables: FileTables) -> tuple[UUID, int]:
    """Store a file as the route does; return it, and how many numbers it has."""
    file = new_id()
    settings = DncFileSettings(scope="global", reason="asked").model_dump(mode="json")
    key = await tables.begin(file, UUID(ADMIN.id), settings)
    assert key is not None
    numbers = FILE_BYTES // len(LINE.format(0))
    text = "".join(map(LINE.format, range(numbers))).encode()
    for part, start in enumerate(range(0, len(text), PART_BYTES)):
        await tables.add_part(file, key, part, text[start : start + PART_BYTES])
    await tables.uploaded(file, len(text), hashlib.sha256(text).digest())
    tell(f"   {numbers:,} numbers uploaded")
    return file, numbers


async def _now(tables: FileTables, file: UUID) -> DncFile:
    found = await tables.find(file)
    assert found is not None
    return found


async def _until(tables: FileTables, file: UUID, reached: Callable[[DncFile], bool]) -> float:
    began = perf_counter()
    while not reached(now := await _now(tables, file)):
        assert now.state not in ("stalled", "cancelled"), now.fault
        await asyncio.sleep(0.1)
    return perf_counter() - began
