"""The grid on 1,000,000 leads: 20 typical filters, the first page and later ones, over HTTP.

The service runs as a process of its own on a database that holds the leads and six log entries
each; the reference is the same address asked for its health, which reads nothing.
"""

import asyncio
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from services.kit.auth import NewKey, make_key
from services.kit.clock import SystemClock
from services.local.ports import choose_port
from tests.bench.harness import Result, Stack, percentile, tell
from tests.bench.million_leads import ADMIN, AGENT, LEADER, make_leads, make_organisation

LEADS = int(os.environ.get("LEADS_BENCH_LEADS", "1000000"))
TARGET_MS = 60.0
ROUNDS = 3
PAGES = 6
WARM_SECONDS_MAX = 60
FILTERS = Path(__file__).with_name("typical_filters.json")
USERS = {"admin": ADMIN, "leader": LEADER, "agent": AGENT}


async def run(stack: Stack) -> Result:
    """Measure every filter's pages, and the count beside."""
    database = await stack.database()
    keys = {name: make_key() for name in USERS}
    owner = await asyncpg.connect(database.superuser_url)
    try:
        tell(f"   making {LEADS:,} leads")
        await make_organisation(owner)
        await make_leads(owner, LEADS, SystemClock().now())
        await _let_in(owner, keys)
    finally:
        await owner.close()
    async with (
        _service(stack.folder, database.url) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as client,
    ):
        return await _measure(client, {name: key.text for name, key in keys.items()})


async def _let_in(owner: "asyncpg.Connection[Any]", keys: dict[str, NewKey]) -> None:
    for name, number in USERS.items():
        await owner.execute(
            "insert into read.api_key_v1 (key_id, version, position, user_id, secret_hash, label,"
            " issued_at) values ($1, 1, 1, $2, $3, '', now())",
            keys[name].key_id,
            id_of("agent", number),
            keys[name].secret_hash,
        )


def id_of(kind: str, number: int) -> str:
    """Return the id that million_leads gave this team, agent, campaign, pool or segment."""
    return str(UUID(hashlib.md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest()))


def typical_filters() -> list[dict[str, Any]]:
    """Return the filters with the ids of these leads in place of names such as {agent 17}."""
    text = re.sub(r"\{(\w+) (\d+)\}", lambda m: id_of(m[1], int(m[2])), FILTERS.read_text())
    found: list[dict[str, Any]] = json.loads(text)
    return found


@asynccontextmanager
async def _service(folder: Path, database_url: str) -> AsyncIterator[str]:
    port = choose_port(folder / "query.port")
    environ = {
        **os.environ,
        "LEADS_DATABASE_URL": database_url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": "00" * 32,
        "LEADS_SIGNING_KEY": "00" * 32,
        "LEADS_HTTP_PORT": str(port),
    }
    with (folder / "query.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.query", env=environ, stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            await _answers(address)
            yield address
        finally:
            process.terminate()
            await process.wait()


async def _answers(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as client, asyncio.timeout(WARM_SECONDS_MAX):
        while True:
            try:
                (await client.get("/livez")).raise_for_status()
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def _measure(client: httpx.AsyncClient, keys: dict[str, str]) -> Result:
    first: list[float] = []
    later: list[float] = []
    counts: list[float] = []
    slowest: dict[str, float] = {}
    filters = typical_filters()
    for turn in range(ROUNDS + 1):
        for one in filters:
            headers = {"authorization": f"Bearer {keys[one['by']]}"}
            times = await _pages(client, one["body"], headers)
            counted = await _timed(client, "/v1/leads/count", _filter_of(one["body"]), headers)
            if turn:  # the first round only warms the caches
                first.append(times[0])
                later += times[1:]
                counts.append(counted[0])
                slowest[one["name"]] = max(slowest.get(one["name"], 0.0), *times)
    health = [(await _timed_get(client, "/livez")) for _ in range(50)]
    p95 = max(percentile(first, 0.95), percentile(later, 0.95))
    worst = sorted(slowest.items(), key=lambda pair: -pair[1])[:3]
    return Result(
        "list",
        p95,
        "ms",
        f"p95 ≤ {TARGET_MS:.0f} ms, first and later pages",
        p95 <= TARGET_MS,
        {"health p50 ms": percentile(health, 0.5)},
        p95 / percentile(health, 0.5),
        {
            "leads": LEADS,
            "first p50 ms": percentile(first, 0.5),
            "first p95 ms": percentile(first, 0.95),
            "later p50 ms": percentile(later, 0.5),
            "later p95 ms": percentile(later, 0.95),
            "count p95 ms": percentile(counts, 0.95),
            "slowest": "; ".join(f"{name} {ms:.0f} ms" for name, ms in worst),
        },
    )


def _filter_of(body: dict[str, Any]) -> dict[str, Any]:
    return {"filter": body["filter"]} if "filter" in body else {}


async def _pages(
    client: httpx.AsyncClient, body: dict[str, Any], headers: dict[str, str]
) -> list[float]:
    """Return the milliseconds of up to six pages, one after the other."""
    times = []
    cursor: str | None = None
    for _ in range(PAGES):
        asked = {**body, "cursor": cursor} if cursor else body
        spent, answer = await _timed(client, "/v1/leads/search", asked, headers)
        times.append(spent)
        cursor = answer["next"]
        if cursor is None:
            break
    return times


async def _timed(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str]
) -> tuple[float, Any]:
    began = time.perf_counter()
    response = await client.post(path, json=body, headers=headers)
    spent = (time.perf_counter() - began) * 1000
    response.raise_for_status()
    return spent, response.json()


async def _timed_get(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    (await client.get(path)).raise_for_status()
    return (time.perf_counter() - began) * 1000
