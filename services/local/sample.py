"""Loading the sample into a running stack, and what the read models show of it in the end.

Every step may be killed: leads that are there are not made again, calls told twice count once, so
the next run completes to the same counts.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import Any

import asyncpg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from services.command.app import open_commanding
from services.command.intake import RARE_COLLECTIONS
from services.kit.append import AppendError
from services.kit.background import READY
from services.kit.clock import SystemClock
from services.kit.keys import SigningKey
from services.kit.postgres import RETRYABLE, connect_pool
from services.kit.settings import Settings, read_settings
from services.kit.verify import verify
from services.local.demo_keys import demo_keys
from services.local.dialer import ADDRESS, CLIENTS, KEY, forget_sent
from services.local.process import Child, Program, StartFailed, describe_exit, says
from services.local.sample_data import CAMPAIGN, Expected, expected
from services.local.sample_leads import load_leads
from services.local.stack import ROOT, Stack
from services.projections.check import check

POLL_SECONDS = 0.5
STALLED_SECONDS = 60.0
RETRY_SECONDS = 0.5
RETRIES_MAX = 60

Say = Callable[[str], None]


class SampleStalled(RuntimeError):
    """The read models stopped short of the sample; the text says where."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How long loading took, in seconds, and what was done in it.

    call_seconds: from the dialer's first call to the last one visible in the read models.
    """

    leads: int
    lead_seconds: float
    calls: int
    call_seconds: float

    @property
    def leads_per_second(self) -> float:
        """Leads made a second, appended durably."""
        return self.leads / self.lead_seconds if self.leads else 0.0

    @property
    def calls_per_second(self) -> float:
        """Calls a second, from the dialer's first to the last one visible in the read models."""
        return self.calls / self.call_seconds if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """What the read models show, what they should, and whether the log behind them holds.

    differing: rows of read models that an independent fold of the log does not give.
    fault: the first event that is not what was written, "" when the chain holds.
    """

    transport: str
    found: Expected
    wanted: Expected
    loading: Loading | None
    rows_differing: int
    events: int
    seals: int
    fault: str = ""
    differences: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return self.found == self.wanted and not self.rows_differing and not self.fault

    def as_json(self) -> dict[str, Any]:
        """Return everything for machines."""
        made: dict[str, Any] = {
            "ok": self.ok,
            "transport": self.transport,
            **asdict(self.found),
            "expected": asdict(self.wanted),
            "read_models_equal_fold": self.rows_differing == 0,
            "rows_differing": self.rows_differing,
            "chain_verified": not self.fault,
            "events": self.events,
            "seals": self.seals,
            "loaded_now": self.loading is not None,
        }
        if self.loading is not None:
            made["seconds"] = {
                "leads": round(self.loading.lead_seconds, 2),
                "calls": round(self.loading.call_seconds, 2),
            }
            made["leads_per_second"] = round(self.loading.leads_per_second)
            made["calls_per_second"] = round(self.loading.calls_per_second)
        if self.fault:
            made["fault"] = self.fault
        if self.differences:
            made["differences"] = self.differences
        return made

    def lines(self) -> list[str]:
        """Return everything for people."""
        names = {
            "leads": "leads",
            "call_attempts": "call attempts",
            "most_on_one_lead": "most calls on one lead",
            "success": "success",
            "quarantined": "in quarantine",
        }
        found, wanted = asdict(self.found), asdict(self.wanted)
        lines = [
            f"{shown:<24}{found[name]:>10,}"
            + ("" if found[name] == wanted[name] else f"   EXPECTED {wanted[name]:,}")
            for name, shown in names.items()
        ]
        same = "equal to a fold of the log" if not self.rows_differing else "DIFFERENT"
        lines.append(f"{'read models':<24}{same}")
        lines += [f"  {one}" for one in self.differences]
        chain = f"{self.events:,} events verified, {self.seals:,} seals" if not self.fault else ""
        lines.append(f"{'chain':<24}{chain or f'BROKEN: {self.fault}'}")
        if self.loading is not None:
            rates = (
                f"{self.loading.leads_per_second:,.0f} leads/s,"
                f" {self.loading.calls_per_second:,.0f} calls/s from dialer to read model"
            )
            lines.append(f"{'loaded at':<24}{rates}")
        return lines


async def run_sample(stack: Stack, say: Say, *, limit: int | None = None) -> Summary:
    """Load the sample where it is not loaded, then count, compare and verify.

    `limit`: only that many clients. Raises SampleStalled when the read models do not get there.
    """
    loading = await load_sample(stack, say, limit=limit)
    return await summary_of(stack, loading, limit=limit)


async def load_sample(stack: Stack, say: Say, *, limit: int | None = None) -> Loading | None:
    """Load what is missing of the sample; return None when it was there already."""
    gc.set_threshold(*RARE_COLLECTIONS)
    settings = read_settings(stack.servers.environ)
    wanted = expected(limit)
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    try:
        if _reached(await _count(pool), wanted):
            return None
        with _progress() as bars:
            leads = bars.add_task("leads", total=wanted.leads)
            calls = bars.add_task("calls visible", total=wanted.call_attempts)
            began = monotonic()
            made = await _load_leads(
                settings, limit, say, lambda there: bars.update(leads, completed=there)
            )
            lead_seconds = monotonic() - began
            before = (await _count(pool)).call_attempts
            watch = _Watch(pool, wanted, lambda seen: bars.update(calls, completed=seen))
            found = await _dial(stack, settings, limit, say, watch)
            return Loading(made, lead_seconds, found - before, monotonic() - watch.began)
    finally:
        await pool.close()


async def _load_leads(
    settings: Settings, limit: int | None, say: Say, progress: Callable[[int], None]
) -> int:
    """Make the leads, going on where a fault of the database interrupted."""
    clock = SystemClock()
    for _ in range(RETRIES_MAX):
        try:
            async with open_commanding(settings, clock) as commanding:
                return await load_leads(commanding, clock, limit, progress)
        except (AppendError, *RETRYABLE, asyncpg.PostgresError) as error:
            say(f"sample: {type(error).__name__}; going on")
            await asyncio.sleep(RETRY_SECONDS)
    raise SampleStalled("the database does not answer; the leads could not be made")


class _Watch:
    """Looks at the read models until they show what is wanted."""

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", wanted: Expected, tell: Callable[[int], None]
    ) -> None:
        self._pool = pool
        self._wanted = wanted
        self._tell = tell
        self.found = Expected(0, 0, 0, 0, 0)
        self.began = monotonic()

    async def reached(self) -> bool:
        """Wait until all is visible; False when nothing has moved for a minute."""
        moved_at = monotonic()
        while monotonic() - moved_at < STALLED_SECONDS:
            try:
                found = await _count(self._pool)
            except (*RETRYABLE, asyncpg.PostgresError):
                found = self.found
            if found != self.found:
                self.found, moved_at = found, monotonic()
                self._tell(found.call_attempts)
            if _reached(found, self._wanted):
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False


async def _dial(
    stack: Stack, settings: Settings, limit: int | None, say: Say, watch: _Watch
) -> int:
    """Run the dialer until the read models show every call; return how many they show.

    When they stop short of it the dialer tells everything once more: what it was told is lost had
    been in a topic that is gone.
    """
    for last in (False, True):
        dialling = asyncio.create_task(_keep_dialling(stack, settings, limit, say, watch))
        watching = asyncio.create_task(watch.reached())
        try:
            await asyncio.wait({dialling, watching}, return_when=asyncio.FIRST_COMPLETED)
            if dialling.done():
                dialling.result()
            if await watching:
                return watch.found.call_attempts
        finally:
            for task in (dialling, watching):
                task.cancel()
            await asyncio.gather(dialling, watching, return_exceptions=True)
        if not last:
            say("sample: the read models stopped short of it; dialling everything once more")
            forget_sent(settings.data_dir)
    raise SampleStalled(f"the read models stopped at {watch.found}")


async def _keep_dialling(
    stack: Stack, settings: Settings, limit: int | None, say: Say, watch: _Watch
) -> None:
    """Run the dialer process, again when it crashes, until it has told everything."""
    environ = {
        **stack.servers.environ,
        CLIENTS: str(limit or ""),
        ADDRESS: stack.address,
        KEY: demo_keys(settings.data_dir).get("dialer", ""),
        "LEADS_METRICS_PORT": "0",
    }
    program = Program(
        name="dialer",
        argv=(sys.executable, "-m", "services.local.dialer"),
        env=environ,
        cwd=ROOT,
        ready=says(READY),
    )
    log = settings.data_dir / "logs" / "dialer.log"
    for tries in range(RETRIES_MAX):
        child = None
        try:
            child = await Child.start(program, log)
            if not tries:
                watch.began = monotonic()
            code = await child.wait()
            if code == 0:
                return
            say(f"dialer ended with {describe_exit(code)}; starting it again")
        except StartFailed as why:
            say(str(why))
        finally:
            if child is not None:
                await child.stop()
        await asyncio.sleep(RETRY_SECONDS)
    raise SampleStalled(f"the dialer keeps failing, see {log}")


def _reached(found: Expected, wanted: Expected) -> bool:
    """Whether all of the sample is there; what people added to it since is no fault."""
    mine, theirs = asdict(found), asdict(wanted)
    return all(mine[name] >= theirs[name] for name in ("leads", "call_attempts", "quarantined"))


async def _count(pool: "asyncpg.Pool[asyncpg.Record]") -> Expected:
    return Expected(*await pool.fetchrow(_COUNT, CAMPAIGN))


_COUNT = """
    select count(*)::int, coalesce(sum(call_attempts), 0)::int, coalesce(max(call_attempts), 0),
           count(*) filter (where status = 'success')::int,
           (select count(*)::int from read.quarantine)
      from read.lead where campaign_id = $1
"""


async def summary_of(
    stack: Stack, loading: Loading | None = None, *, limit: int | None = None
) -> Summary:
    """Count what the read models show, compare them with a fold of the log, verify the log."""
    settings = read_settings(stack.servers.environ)
    pool = await connect_pool(settings.database_url, "leads_query", largest=1)
    try:
        found = await _count(pool)
    finally:
        await pool.close()
    checked = await check(settings.database_url, settings.master_key)
    connection = await asyncpg.connect(stack.servers.owner_url)
    try:
        public = SigningKey(settings.signing_key).public
        verdict = await verify(connection, public, settings.data_dir / "seals.ndjson")
    finally:
        await connection.close()
    return Summary(
        transport=stack.servers.transport,
        found=found,
        wanted=expected(limit),
        loading=loading,
        rows_differing=checked.differing,
        events=verdict.events,
        seals=verdict.seals,
        fault=verdict.fault,
        differences=[f"{one.model} {' '.join(one.key)}: {one.what}" for one in checked.differences],
    )


class _Rate(ProgressColumn):
    """How many a second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f}/s")


def _progress() -> Progress:
    """Return bars on standard error; nothing where nobody looks."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description:<14}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
