"""What benchmarks of the grid share: the leads, the query service beside 500 commands a second, and
typical filters.

`LEADS_BENCH_LEADS` says how many leads (several numbers: the figure is of the first, the others are
compared with it), `LEADS_BENCH_KEEP` a folder in which the databases stay for the next run.
"""

import asyncio
import hashlib
import json
import os
import re
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from schemas.rights import ROLES
from services.kit.auth import Principal, make_key
from services.kit.clock import SystemClock
from services.kit.migrate import migrate
from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.local.postgres import LocalPostgres
from services.projections.field_indexes import choose
from services.query.directory import Directory, read_directory
from services.query.reading import Asked
from services.query.sight import sight_for
from tests.bench.commanded import Pace, commanded
from tests.bench.harness import Database, Result, Stack, tell
from tests.bench.million_leads import (
    ADMIN,
    AGENT,
    CHOSEN_FIELDS,
    LEADER,
    make_leads,
    make_organisation,
)
from tests.bench.served import environ, listening
from tests.bench.served import make_leads as make_real_leads

SIZES = [int(one) for one in os.environ.get("LEADS_BENCH_LEADS", "1000000").split(",")]
KEPT = os.environ.get("LEADS_BENCH_KEEP")
FILTERS = Path(__file__).with_name("typical_filters.json")
HARD_FILTERS = Path(__file__).with_name("hard_filters.json")
USERS = {"admin": ADMIN, "leader": LEADER, "agent": AGENT}
_ROLES = {"admin": "admin", "leader": "team_leader", "agent": "agent"}
ROUNDS = 3
MEMORY_MB_MAX = 250
SLOWER_MAX = 1.5
REAL_LEADS = 2_000


def id_of(kind: str, number: int) -> str:
    """Return the id that million_leads gave this team, agent, campaign, pool or segment."""
    return str(UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()))


def typical_filters() -> list[dict[str, Any]]:
    """Return the filters that the figures are of."""
    return _filters(FILTERS)


def hard_filters() -> list[dict[str, Any]]:
    """Return filters that took seconds once, most of who sees little: no figure is of them."""
    return _filters(HARD_FILTERS)


def _filters(file: Path) -> list[dict[str, Any]]:
    """Return filters with the ids of these leads in place of names such as {agent 17}."""
    text = re.sub(r"\{(\w+) (\d+)\}", lambda m: id_of(m[1], int(m[2])), file.read_text())
    found: list[dict[str, Any]] = json.loads(text)
    return found


@dataclass
class Grid:
    """The query service on many leads, while commands go on.

    `url` is for asking the database alone, as the service does; `superuser_url` for what it does
    not see.
    """

    leads: int
    url: str
    superuser_url: str
    client: httpx.AsyncClient
    keys: dict[str, str]
    pid: int
    pace: Pace
    times: dict[str, list[float]] = field(default_factory=dict)
    gb_read: float = 0.0

    def note(self, question: str, *milliseconds: float) -> None:
        """Keep what a question took, to compare it with the same one on other sizes."""
        if milliseconds:
            self.times.setdefault(question, []).extend(milliseconds)

    async def post(self, path: str, body: Any, by: str) -> tuple[float, Any]:
        """Ask as that user; return the milliseconds it took, and the answer."""
        return await self._ask("POST", path, by, json=body)

    async def get(self, path: str, by: str) -> tuple[float, Any]:
        """Read as that user; return the milliseconds it took, and the answer."""
        return await self._ask("GET", path, by)

    async def _ask(self, method: str, path: str, by: str, **more: Any) -> tuple[float, Any]:
        headers = {"authorization": f"Bearer {self.keys[by]}"}
        began = time.perf_counter()
        response = await self.client.request(method, path, headers=headers, **more)
        spent = (time.perf_counter() - began) * 1e3
        response.raise_for_status()
        return spent, response.json()

    async def read_through(self) -> None:
        """Read the files of all read models once, so that their pages are in memory as with a
        server that has been running for long: no more than three quarters of the memory that is
        free, the smallest files first. `gb_read` says how much that was.
        """
        connection = await asyncpg.connect(self.superuser_url)
        try:
            folder = Path(await connection.fetchval("show data_directory"))
            files = [folder / path for (path,) in await connection.fetch(_FILES)]
        finally:
            await connection.close()
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        assert found is not None
        room = int(found[1]) * 1024 * 3 // 4
        self.gb_read = await asyncio.to_thread(_read_files, files, room) / 1e9

    def memory_mb(self) -> float:
        """Return the most memory the query service has had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert found is not None
        return int(found[1]) / 1024


_FILES = """
    select pg_relation_filepath(c.oid) from pg_class c
    where c.relkind in ('r', 'i', 't') and (c.relnamespace = 'read'::regnamespace
      or c.oid in (select reltoastrelid from pg_class where relnamespace = 'read'::regnamespace))
    order by pg_relation_size(c.oid)
"""


def _read_files(files: Sequence[Path], room: int) -> int:
    """Read files, each with its further segments, as long as there is room; return the bytes."""
    done = 0
    for first in files:
        for segment in (first, *sorted(first.parent.glob(f"{first.name}.*"))):
            if done + segment.stat().st_size > room:
                return done
            with segment.open("rb", buffering=0) as file:
                while piece := file.read(1 << 20):
                    done += len(piece)
    return done


async def compared_sizes(
    name: str, stack: Stack, measure: Callable[[Grid], Awaitable[Result]]
) -> Result:
    """Measure on every size in turn; the result is the first one's, held only if none of the others
    is more than 1.5 × slower, in all or in any one question.
    """
    results: list[Result] = []
    medians: list[dict[str, float]] = []
    for leads in SIZES:
        async with grids(stack, leads) as grid:
            began, done = time.perf_counter(), grid.pace.done
            found = await measure(grid)
            pace = (grid.pace.done - done) / (time.perf_counter() - began)
            more = {
                "leads": leads,
                "commands/s": pace,
                "MB": grid.memory_mb(),
                "GB read through": grid.gb_read,
            }
            results.append(replace(found, detail={**more, **found.detail}))
            medians.append({name: statistics.median(all_) for name, all_ in grid.times.items()})
        if len(SIZES) > 1:  # of one size the result itself says all
            tell(f"   {results[-1].line()}")
    first, *others = results
    detail = dict(first.detail)
    held = first.held
    for leads, other, there in zip(SIZES[1:], others, medians[1:], strict=True):
        slower = other.value / first.value
        questions = much_slower(medians[0], there)
        held = held and slower <= SLOWER_MAX and not questions
        detail[f"at {leads:,}"] = f"{other.value:.1f} ms, {slower:.2f} × slower"
        detail[f"more than {SLOWER_MAX} × slower at {leads:,}"] = "; ".join(questions) or "none"
    assert first.name == name
    return replace(first, held=held, detail=detail)


def much_slower(here: dict[str, float], there: dict[str, float]) -> list[str]:
    """Return the questions that take more than 1.5 × as long there, by their medians, the worst
    first.
    """
    ratios = {name: there[name] / ms for name, ms in here.items() if name in there}
    found = sorted(((r, name) for name, r in ratios.items() if r > SLOWER_MAX), reverse=True)
    return [f"{name} {ratio:.1f} × ({there[name]:.0f} ms)" for ratio, name in found]


def worst(slowest: dict[str, float]) -> str:
    """Return the three slowest by name."""
    found = sorted(slowest.items(), key=lambda pair: -pair[1])[:3]
    return "; ".join(f"{name} {ms:.0f} ms" for name, ms in found)


class Timed:
    """A connection that adds up the milliseconds of its statements: the bare SQL of an answer."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.spent = 0.0

    def __getattr__(self, name: str) -> Any:
        asked = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute"):
            return asked

        async def timed(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return await asked(*given, **named)
            finally:
                self.spent += (time.perf_counter() - began) * 1e3

        return timed


@asynccontextmanager
async def bare(grid: Grid) -> AsyncIterator[tuple[Timed, Directory]]:
    """Open a connection such as the query service has, and the organisation it reads first."""
    pool = await connect_pool(
        grid.url, "leads_query", largest=1, plan_cache_mode="force_custom_plan"
    )
    try:
        async with pool.acquire() as connection:
            yield Timed(connection), await read_directory(connection, ())
    finally:
        await pool.close()


def asked_by(by: str, timed: Timed, directory: Directory) -> Asked:
    """Return a read by that user on this connection."""
    assert _ROLES[by] in ROLES
    number = USERS[by]
    principal = Principal(
        user_id=id_of("agent", number), role=_ROLES[by], team_id=id_of("team", number % 20)
    )
    sight = sight_for(principal, directory)
    return Asked(timed, principal, directory, sight, SystemClock().now(), 0, 0)


@asynccontextmanager
async def grids(stack: Stack, leads: int) -> AsyncIterator[Grid]:
    """Yield the service over so many leads, with commands running beside it."""
    async with _database(stack, leads) as database:
        folder = stack.folder / f"grid-{leads}"
        environment = environ(database, folder)
        settings = read_settings(environment)
        keys = await _let_in(database)
        real, admin = await make_real_leads(settings, REAL_LEADS)
        async with (
            commanded(stack, environment, real, admin) as pace,
            listening("services.query", environment, folder) as queries,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{queries}", timeout=30) as client,
        ):
            yield Grid(
                leads, database.url, database.superuser_url, client, keys, listener(queries), pace
            )


@asynccontextmanager
async def _database(stack: Stack, leads: int) -> AsyncIterator[Database]:
    """The leads in a database of their own; one that was kept is found again."""
    if KEPT is None:
        database = await stack.database()
        await _fill(database, leads)
        yield database
        return
    server = LocalPostgres(Path(KEPT) / "postgres", durable=True)
    await server.start()
    try:
        name = f"grid_{leads}"
        database = Database(
            *(server.url_of(one, name) for one in ("leads_app", "leads", "postgres"))
        )
        owner = await asyncpg.connect(server.superuser_url)
        known = await owner.fetchval("select count(*) from pg_database where datname = $1", name)
        if known and await migrate(database.owner_url, login="leads_app", dry_run=True):
            # Made by older code, whose rows a worker would take for stale.
            await owner.execute(f"drop database {name}")
            known = 0
        if not known:
            await owner.execute(f"create database {name} owner leads")
            await migrate(database.owner_url, login="leads_app")
            await _fill(database, leads)
        await owner.close()
        yield database
    finally:
        await server.stop()


async def _fill(database: Database, leads: int) -> None:
    tell(f"   making {leads:,} leads")
    owner = await asyncpg.connect(database.superuser_url)
    try:
        await make_organisation(owner)
    finally:
        await owner.close()
    await make_leads(database.superuser_url, leads, SystemClock().now())
    pool = await connect_pool(database.url, "leads_projections", largest=2, statement_timeout_ms=0)
    try:
        for name in CHOSEN_FIELDS:
            await choose(pool, name)
    finally:
        await pool.close()


async def _let_in(database: Database) -> dict[str, str]:
    keys = {name: make_key() for name in USERS}
    owner = await asyncpg.connect(database.superuser_url)
    try:
        for name, number in USERS.items():
            await owner.execute(
                "insert into read.api_key_v1 (key_id, version, position, user_id, secret_hash,"
                " label, issued_at) values ($1, 1, 1, $2, $3, '', now())",
                keys[name].key_id,
                id_of("agent", number),
                keys[name].secret_hash,
            )
        # These leads are not in the log: the workers' watch would read all of them in one step.
        await owner.execute("update read.watch set looked_at = now() + interval '1 day'")
    finally:
        await owner.close()
    return {name: key.text for name, key in keys.items()}


def listener(port: int) -> int:
    """Return the id of the process that listens on a port of this machine."""
    wanted = f"0100007F:{port:04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    inodes = {line.split()[9] for line in lines if line.split()[1] == wanted}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            links = [str(one.readlink()) for one in (process / "fd").iterdir()]
        except OSError:
            continue
        if any(f"socket:[{inode}]" in links for inode in inodes):
            return int(process.name)
    raise LookupError(f"nobody listens on port {port}")
