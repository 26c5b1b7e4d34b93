"""Benchmarks: each measures one figure against its target, beside a reference in the same run.

A benchmark is a module of this folder with `async def run(stack: Stack) -> Result`. Rates of ours
and of the reference are taken in turns and compared by their medians, because machines are shared.
"""

import asyncio
import importlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import uvloop

from services.kit.background import READY
from services.kit.ids import new_id
from services.kit.migrate import migrate
from services.local import stack as local
from services.local.postgres import LocalPostgres
from services.local.process import Child, Program, says

BENCHES = (
    "append-single",
    "append-batch",
    "http-command",
    "calls",
    "latency",
    "projection",
    "rebuild",
    "list",
    "breakdown",
    "search",
    "lead",
    "as-of",
    "stream",
    "dial-list",
    "bulk-change-owner",
    "clone",
    "dnc-file",
    "import-file",
    "reserve",
)
"""Every benchmark, in the order they run; `append-single` is in append_single.py."""


@dataclass(frozen=True)
class Result:
    """What one benchmark found.

    reference   what it is compared with, by name; `ratio` is value by the first of them.
    target      in words; `held` says whether it was reached.
    detail      whatever else was measured.
    """

    name: str
    value: float
    unit: str
    target: str
    held: bool
    reference: Mapping[str, float] = field(default_factory=dict)
    ratio: float | None = None
    detail: Mapping[str, float | str] = field(default_factory=dict)

    def line(self) -> str:
        """Return the result as one line for people."""
        ratio = "" if self.ratio is None else f"  {self.ratio:.2f} × {next(iter(self.reference))}"
        mark = "held" if self.held else "MISSED"
        detail = ", ".join(
            f"{name} {value:,.5g}" if isinstance(value, float | int) else f"{name} {value}"
            for name, value in (dict(self.reference) | dict(self.detail)).items()
        )
        head = f"{self.name:<14} {self.value:>12,.5g} {self.unit:<10}{ratio}"
        return f"{head}  target {self.target}: {mark}\n{'':<15}({detail})"


def compared(
    name: str,
    unit: str,
    rates: Mapping[str, float],
    target: float,
    detail: Mapping[str, float | str] | None = None,
) -> Result:
    """Return the result of a rate that is to be `target` times the reference.

    `rates` has ours first, then the reference that counts, then others.
    """
    (_, ours), *references = rates.items()
    ratio = ours / references[0][1]
    return Result(
        name,
        ours,
        unit,
        f"≥ {target:g} × reference",
        ratio >= target,
        dict(references),
        ratio,
        detail or {},
    )


def reached(
    name: str,
    value: float,
    unit: str,
    target: float,
    detail: Mapping[str, float | str],
    reference: Mapping[str, float] | None = None,
) -> Result:
    """Return the result of a rate that is to be at least `target`; `reference` is shown beside."""
    beside = dict(reference or {})
    ratio = value / next(iter(beside.values())) if beside else None
    text = f"≥ {target:,g} {unit}"
    return Result(name, value, unit, text, value >= target, beside, ratio, detail)


@dataclass(frozen=True)
class Database:
    """A fresh, migrated database: for services, its owner, and the superuser."""

    url: str
    owner_url: str
    superuser_url: str


class Stack:
    """What benchmarks run on: real servers in a folder that goes away, started when asked for."""

    def __init__(self, folder: Path) -> None:
        """Keep everything below `folder`."""
        self.folder = folder
        self._stack = AsyncExitStack()
        self._postgres: LocalPostgres | None = None

    async def __aenter__(self) -> Self:
        """Start nothing yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop what was started."""
        await self._stack.aclose()

    async def database(self) -> Database:
        """Return a fresh migrated database on a durable server of our own."""
        if self._postgres is None:
            self._postgres = LocalPostgres(self.folder / "postgres", durable=True)
            await self._postgres.start()
            self._stack.push_async_callback(self._postgres.stop)
        server = self._postgres
        name = f"bench_{new_id().hex}"
        admin = await asyncpg.connect(server.superuser_url)
        await admin.execute(f"create database {name} owner leads")
        await admin.close()
        urls = [server.url_of(role, name) for role in ("leads_app", "leads", "postgres")]
        await migrate(urls[1], login="leads_app")
        return Database(*urls)

    async def services(self) -> local.Stack:
        """Return everything running, as `leads up` runs it, with an empty log."""
        started = local.running_stack(self.folder / f"stack-{new_id().hex}", tell)
        return await self._stack.enter_async_context(started)

    async def servers(self) -> local.Servers:
        """Return PostgreSQL and a broker alone, for services started one by one."""
        started = local.running_servers(self.folder / f"servers-{new_id().hex}", tell)
        return await self._stack.enter_async_context(started)

    @asynccontextmanager
    async def service(self, environ: Mapping[str, str], module: str) -> AsyncIterator[Child]:
        """Run a service of ours until the end of the block."""
        program = Program(
            name=module,
            argv=(sys.executable, "-m", module),
            env={**os.environ, **environ, "PYTHONUNBUFFERED": "1"},
            cwd=local.ROOT,
            stop_timeout_s=10,
            ready=says(READY),
        )
        child = await Child.start(program, self.folder / f"{module}.log")
        try:
            yield child
        finally:
            await child.stop()


def tell(text: str) -> None:
    """Say something to people; standard output stays free for results."""
    print(text, file=sys.stderr, flush=True)


async def rate(work: Callable[[], Awaitable[int]]) -> float:
    """Do `work` and return what it did per second; it returns how much it did."""
    began = time.perf_counter()
    done = await work()
    return done / (time.perf_counter() - began)


async def rates_in_turns(
    rounds: int, works: Mapping[str, Callable[[], Awaitable[int]]]
) -> dict[str, float]:
    """Measure each work in every round and return the medians, by name."""
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            found[name].append(await rate(work))
    return {name: statistics.median(values) for name, values in found.items()}


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` (0 to 1) of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def _run(name: str) -> Result:
    module = importlib.import_module(f"tests.bench.{name.replace('-', '_')}")
    folder = Path(tempfile.mkdtemp(prefix="leads-bench-"))
    try:
        async with Stack(folder) as stack:
            result: Result = await module.run(stack)
            return result
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(names: Sequence[str], *, as_json: bool) -> int:
    """Run these benchmarks (all when none is named), print each; 1 when a target was missed."""
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        tell(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHES)}")
        return 2
    held = True
    for name in names or BENCHES:
        tell(f"-- {name}")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(_run(name))
        held = held and result.held
        text = json.dumps(asdict(result), ensure_ascii=False) if as_json else result.line()
        print(text, flush=True)
    return 0 if held else 1
