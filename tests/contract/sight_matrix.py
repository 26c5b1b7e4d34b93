"""Every read operation and what it shows to whom, for the tests of sight (rule 2).

A new route gets one row here: in `OPERATIONS` when it shows leads (a function that returns the
names of those it showed), in `NOT_OF_LEADS` when it shows none (the users who may ask).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from fastapi.routing import APIRoute

from schemas import lead as events
from schemas.pool import PoolCreated
from schemas.segment import SegmentCreated
from schemas.view import ViewCreated, ViewShared
from services.kit.keys import KeyRing
from services.kit.postgres import connect_pool
from services.projections.decoding import Decoder
from services.query.activity import ActivityParameters, Follower
from services.query.pasts.building import build_waiting
from services.query.tail import Tail
from tests.contract.query_service import (
    KEYS,
    SPRING,
    USERS,
    World,
    named,
    running,
    team,
    user,
)
from tests.kit.event_logs import MASTER

# Where a lead can stand, seen from the agent and the leader of `north`.
LEADS: dict[str, dict[str, Any]] = {
    "own": {"owner": user("agent")},
    "own inactive": {"owner": user("agent"), "active": False},
    "team": {"owner": team("north")},
    "above": {"owner": team("top")},
    "below": {"owner": team("north_east")},
    "colleague": {"owner": user("agent_east")},
    "foreign": {"owner": team("south")},
    "foreign inactive": {"owner": team("south"), "active": False},
    "foreign, processed": {"owner": team("south")},
    "foreign, processed, inactive": {"owner": team("south"), "active": False},
}
SEEN = {
    "admin": set(LEADS),
    "auditor": set(LEADS),
    "inspector": set(LEADS),
    "leader": {"own", "own inactive", "team", "below", "colleague"},
    "agent": {"own", "team", "above", "foreign, processed"},
    "agent_east": {"team", "above", "below", "colleague"},
    "agent_south": {"above", "foreign", "foreign, processed"},
    "analyst": {"above", "foreign", "foreign, processed"},
    "dialer": set(),
}
NAME_OF = {named(name): name for name in LEADS}
SHARED_VIEW = named("view of everybody")
PLACES = {
    "lead_id": named("own"),
    "campaign_id": named("spring"),
    "quarantine_id": named("nothing held"),
    "pool_id": named("pool of own"),
    "segment_id": named("segment of own"),
    "view": SHARED_VIEW,
    "past_id": named("no past"),
    "export_id": named("no export"),
    "mailing_id": named("no mailing"),
}
"""What stands in the address of an operation that is tried without looking at its answer."""
QUERIES = {
    "/v1/leads/{lead_id}/diff": "?from=version:1",
    "/v1/changes": "?cause=command:test",
}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/leads/breakdown": {"field": "status"},
    "/v1/selections": {"ids": [named("own")]},
    "/v1/pasts": {"as_of": "position:1"},
    "/v1/pasts/{past_id}/breakdown": {"field": "status"},
}
"""Parameters and bodies that operations cannot do without."""


@asynccontextmanager
async def standing(url: str) -> AsyncIterator[World]:
    """A service in which a lead stands at each of these places."""
    async with running(url) as world:
        for name, given in LEADS.items():
            # A pool and a segment of its own, so that their numbers tell which lead was counted.
            pool, segment = named(f"pool of {name}"), named(f"segment of {name}")
            await world.record(pool, PoolCreated(name, SPRING))
            await world.record(segment, SegmentCreated(name))
            joined = events.LeadAddedToSegment(segment)
            waits = (
                events.LeadCallbackSet("2026-03-04T11:00:00Z"),
                events.LeadReserved(named("agent")),
                events.LeadContractRecorded("k1", "updated", "2026-03-04T11:00:00Z"),
            )
            more = {"personal_fields": {"name": name}, "pool_id": pool, **given}
            await world.lead(name, joined, *waits, **more)
        shared = ViewShared(team("top"), "view")
        await world.record(SHARED_VIEW, ViewCreated("Everybody", named("admin")), shared)
        processed = events.LeadResultRecorded("contacted", named("agent"))
        for name in ("foreign, processed", "foreign, processed, inactive"):
            await world.happen(named(name), processed)
        yield world


async def show_leads(world: World, by: str) -> set[str]:
    page = await world.read("/v1/leads", by)
    return {NAME_OF[lead["lead_id"]] for lead in page["leads"]}


_NAMED: dict[str, Any] = {
    "op": "or",
    "of": [{"op": "search", "value": name} for name in ("own", "team", "above", "below")]
    + [{"op": "search", "value": name} for name in ("colleague", "foreign")],
}


async def _search(world: World, by: str) -> set[str]:
    """In every way in which a list is found: by its own order, by one that stands beside the lead,
    by what the lead points at, and by parts of words.
    """
    everything: dict[str, Any] = {
        "op": "not",
        "of": {"op": "equals", "field": "priority", "value": 99},
    }
    either: dict[str, Any] = {
        "op": "or",
        "of": [everything, {"op": "search", "value": "no such lead"}],
    }
    ways = [(everything, one) for one in ("owner", "next_dial_at", "call_attempts", "pool_name")]
    ways += [(either, "owner"), (_NAMED, "owner")]
    first, *others = [
        {NAME_OF[one] for one in await world.found(tree, by, sort=[{"field": field}])}
        for tree, field in ways
    ]
    assert all(found == first for found in others)
    return first


def _export(path: str) -> Callable[[World, str], Awaitable[set[str]]]:
    async def seen(world: World, by: str) -> set[str]:
        return _exported(await world.get(path, by, format="ndjson"))

    return seen


async def _export_found(world: World, by: str) -> set[str]:
    return _exported(await world.post("/v1/leads/export", {"format": "ndjson"}, by))


def _exported(response: Any) -> set[str]:
    assert response.status_code == 200, response.text
    lines = [orjson.loads(line) for line in response.content.splitlines()]
    return {NAME_OF[lead["lead_id"]] for lead in lines}


async def _count(world: World, by: str) -> set[str]:
    return {
        name
        for name in LEADS
        if (
            await world.asked(
                "/v1/leads/count",
                {"filter": {"op": "equals", "field": "name", "value": name}},
                by,
            )
        )["count"]
    }


async def _breakdown(world: World, by: str) -> set[str]:
    spread = await world.asked("/v1/leads/breakdown", {"field": "name"}, by)
    return {part["value"] for part in spread["parts"]}


def _one(path: str) -> Callable[[World, str], Awaitable[set[str]]]:
    async def seen(world: World, by: str) -> set[str]:
        found = set()
        unknown = await world.get(path.format(named("nobody")), by)
        for name in LEADS:
            response = await world.get(path.format(named(name)), by)
            if response.status_code == 200:
                found.add(name)
            else:
                assert response.status_code == unknown.status_code == 404
                mine, other = response.json(), unknown.json()
                assert {**mine, "trace_id": ""} == {**other, "trace_id": ""}
        return found

    return seen


async def _stats(world: World, by: str) -> set[str]:
    """Only a number: as many as are in sight."""
    leads = (await world.read("/v1/stats", by))["leads"]
    assert leads == len(SEEN[by])
    return SEEN[by]


async def _views(world: World, by: str) -> set[str]:
    """A view shared with everybody shows each their own leads."""
    page = await world.read(f"/v1/views/{SHARED_VIEW}/leads", by)
    return {NAME_OF[lead["lead_id"]] for lead in page["leads"]}


async def _view_counts(world: World, by: str) -> set[str]:
    """Only a number: as many as are in sight."""
    (count,) = (await world.read("/v1/views/counts", by, view=SHARED_VIEW))["counts"]
    assert (count["count"], count["exact"]) == (len(SEEN[by]), True)
    return SEEN[by]


async def build_past(world: World) -> str:
    """Return a past of all leads as they stand, made once."""
    found = (await world.read("/v1/pasts"))["pasts"]
    if not found:
        await world.post("/v1/pasts", {"as_of": f"position:{await world.log.head()}"})
        pool = await connect_pool(world.url, "leads_projections", largest=3)
        try:
            await build_waiting(pool, Decoder(KeyRing(MASTER, pool)), asyncio.Event())
        finally:
            await pool.close()
        found = (await world.read("/v1/pasts"))["pasts"]
    past: str = found[0]["id"]
    return past


def _then(how: str) -> Callable[[World, str], Awaitable[set[str]]]:
    """Lists of the past: who may look back sees then whom they see now."""

    async def seen(world: World, by: str) -> set[str]:
        path = f"/v1/pasts/{await build_past(world)}/{how}"
        if by not in LOOK_BACK:
            assert (
                await world.post(path, {"field": "name"} if how == "breakdown" else {}, by)
            ).status_code == 403
            return SEEN[by]
        if how == "search":
            page = await world.asked(path, {}, by)
            return {NAME_OF[lead["lead_id"]] for lead in page["leads"]}
        if how == "breakdown":
            spread = await world.asked(path, {"field": "name"}, by)
            return {part["value"] for part in spread["parts"]}
        found = set()
        for name in LEADS:
            tree = {"op": "equals", "field": "name", "value": name}
            if (await world.asked(path, {"filter": tree}, by))["count"]:
                found.add(name)
        return found

    return seen


def _numbers(kind: str) -> Callable[[World, str], Awaitable[set[str]]]:
    async def seen(world: World, by: str) -> set[str]:
        every = (await world.read(f"/v1/{kind}s", by))[f"{kind}s"]
        found = {one["name"] for one in every if one["numbers"]["uploaded"]}
        for name in LEADS:
            path = f"/v1/{kind}s/{named(f'{kind} of {name}')}"
            one = (await world.read(path, by))[kind]
            assert bool(one["numbers"]["uploaded"]) == (name in found)
        return found

    return seen


def _summaries(kind: str) -> Callable[[World, str], Awaitable[set[str]]]:
    async def seen(world: World, by: str) -> set[str]:
        found = set()
        for name in LEADS:
            path = f"/v1/{kind}s/{named(f'{kind} of {name}')}/summary"
            if (await world.read(path, by))["summary"]["numbers"]["uploaded"]:
                found.add(name)
        return found

    return seen


async def _campaign_summary(world: World, by: str) -> set[str]:
    """Only a number: as many as are in sight."""
    summary = (await world.read(f"/v1/campaigns/{SPRING}/summary", by))["summary"]
    assert summary["numbers"]["uploaded"] == len(SEEN[by])
    return SEEN[by]


async def _pool_logs(world: World, by: str) -> set[str]:
    found = set()
    for name in LEADS:
        response = await world.get(f"/v1/pools/{named(f'pool of {name}')}/log", by)
        if response.content:
            assert named(name) in response.text
            found.add(name)
    return found


async def _worklist(world: World, by: str) -> set[str]:
    """The agent's, which who leads the agent may ask for too."""
    response = await world.get("/v1/worklist", by, agent=named("agent"))
    if by not in ("admin", "auditor", "inspector", "leader", "agent"):
        assert response.status_code == 403
        own = (await world.read("/v1/worklist", by))["tasks"]
        assert own == []
        return SEEN[by]
    tasks = response.json()["tasks"]
    assert response.json()["counts"]["reserved"] == len(tasks)
    return {NAME_OF[one["lead"]["lead_id"]] for one in tasks}


async def _callbacks(world: World, by: str) -> set[str]:
    page = await world.read("/v1/callbacks", by)
    assert sum(one["overdue"] for one in page["agents"]) == len(page["callbacks"])
    return {NAME_OF[one["lead"]["lead_id"]] for one in page["callbacks"]}


async def _contracts(world: World, by: str) -> set[str]:
    contracts = (await world.read("/v1/contracts", by))["contracts"]
    return {NAME_OF[one["lead_id"]] for one in contracts}


async def _changes(world: World, by: str) -> set[str]:
    changes = await world.read("/v1/changes", by, cause="command:test", limit=1000)
    found = {NAME_OF[entry["lead_id"]] for entry in changes["entries"]}
    assert changes["radius"]["leads"] == len(found)
    return found


async def _events(world: World, by: str) -> set[str]:
    """With every page as short as it can be: what is passed over shows in no page either."""
    found: set[str] = set()
    after, more = 0, True
    while more:
        page = await world.read("/v1/events", by, after=after, limit=7, category="lead")
        found |= {NAME_OF[one["stream_id"]] for one in page["events"]}
        after, more = page["next"], page["more"]
    return found


async def _selections(world: World, by: str) -> set[str]:
    found = set()
    for name in LEADS:
        response = await world.post("/v1/selections", {"ids": [named(name)]}, by)
        assert response.status_code == 201, response.text
        if response.json()["count"]:
            found.add(name)
    return found


async def _select_unprocessed(world: World, by: str) -> set[str]:
    """The leads of the matrix wait for a callback; made new again they are unprocessed."""
    found = set()
    for name in LEADS:
        await world.happen(named(name), events.LeadReadied())
        path = f"/v1/pools/{named(f'pool of {name}')}/select-unprocessed"
        response = await world.post(path, {}, by)
        assert response.status_code == 201, response.text
        if response.json()["count"] or ("processed" in name and name in SEEN[by]):
            found.add(name)  # one with a result is processed, for whoever sees it
    return found


async def _activity(world: World, by: str) -> set[str]:
    head = await world.log.head()
    principal = await world.reading.authenticator.principal(f"Bearer {KEYS[by]}")
    tail = Tail(world.reading.log)
    follower = Follower(world.reading, tail, principal, ActivityParameters())
    chunks = follower.chunks(0)
    text = b""
    async for chunk in chunks:
        text += chunk
        if tail.position >= head and chunk.startswith((b": still", b"id:", b": catching")):
            break
    await chunks.aclose()
    return {name for lead_id, name in NAME_OF.items() if lead_id.encode() in text}


OPERATIONS: dict[tuple[str, str], Callable[[World, str], Awaitable[set[str]]]] = {
    ("GET", "/v1/leads"): show_leads,
    ("POST", "/v1/leads/search"): _search,
    ("GET", "/v1/leads/export"): _export("/v1/leads/export"),
    ("POST", "/v1/leads/export"): _export_found,
    ("GET", "/v1/views/{view}/export"): _export(f"/v1/views/{SHARED_VIEW}/export"),
    ("POST", "/v1/leads/count"): _count,
    ("POST", "/v1/leads/breakdown"): _breakdown,
    ("GET", "/v1/leads/{lead_id}"): _one("/v1/leads/{}"),
    ("GET", "/v1/leads/{lead_id} as of"): _one("/v1/leads/{}?as_of=version:1"),
    ("GET", "/v1/leads/{lead_id}/log"): _one("/v1/leads/{}/log"),
    ("GET", "/v1/leads/{lead_id}/diff"): _one("/v1/leads/{}/diff?from=version:1"),
    ("GET", "/v1/leads/{lead_id}/proof"): _one("/v1/leads/{}/proof"),
    ("GET", "/v1/leads/{lead_id}/audit-package"): _one("/v1/leads/{}/audit-package"),
    ("GET", "/v1/changes"): _changes,
    ("GET", "/v1/events"): _events,
    ("GET", "/v1/stats"): _stats,
    ("GET", "/v1/activity"): _activity,
    ("GET", "/v1/pools"): _numbers("pool"),
    ("GET", "/v1/pools/{pool_id}"): _numbers("pool"),
    ("GET", "/v1/segments"): _numbers("segment"),
    ("GET", "/v1/segments/{segment_id}"): _numbers("segment"),
    ("POST", "/v1/selections"): _selections,
    ("GET", "/v1/pools/{pool_id}/summary"): _summaries("pool"),
    ("GET", "/v1/segments/{segment_id}/summary"): _summaries("segment"),
    ("GET", "/v1/campaigns/{campaign_id}/summary"): _campaign_summary,
    ("GET", "/v1/pools/{pool_id}/log"): _pool_logs,
    ("GET", "/v1/worklist"): _worklist,
    ("GET", "/v1/callbacks"): _callbacks,
    ("GET", "/v1/contracts"): _contracts,
    ("GET", "/v1/views/{view}/leads"): _views,
    ("GET", "/v1/views/counts"): _view_counts,
    ("POST", "/v1/pasts/{past_id}/search"): _then("search"),
    ("POST", "/v1/pasts/{past_id}/count"): _then("count"),
    ("POST", "/v1/pasts/{past_id}/breakdown"): _then("breakdown"),
    ("POST", "/v1/pools/{pool_id}/select-unprocessed"): _select_unprocessed,
}
LOOK_BACK = frozenset({"admin", "auditor", "inspector", "leader"})
NOT_OF_LEADS: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/v1/campaigns"): frozenset(USERS),
    ("GET", "/v1/campaigns/{campaign_id}"): frozenset(USERS),
    ("GET", "/v1/organisation"): frozenset(USERS),
    ("GET", "/v1/me"): frozenset(USERS),
    ("GET", "/v1/leads/columns"): frozenset(USERS),
    ("GET", "/v1/audit/key"): frozenset(USERS),
    ("GET", "/v1/audit/verifier"): frozenset(USERS),
    ("GET", "/v1/views"): frozenset(USERS),
    ("GET", "/v1/views/{view}"): frozenset(USERS),
    ("GET", "/v1/views/{view}/versions"): frozenset(USERS),
    ("GET", "/v1/exports"): frozenset(USERS),
    ("GET", "/v1/exports/{export_id}"): frozenset(USERS),
    ("GET", "/v1/view-mails"): frozenset(USERS),
    ("GET", "/v1/view-mails/{mailing_id}"): frozenset(USERS),
    ("POST", "/v1/pasts"): LOOK_BACK,
    ("GET", "/v1/pasts"): LOOK_BACK,
    ("GET", "/v1/pasts/{past_id}"): LOOK_BACK,
    ("POST", "/v1/pasts/{past_id}/cancel"): LOOK_BACK,
    ("GET", "/v1/do-not-call"): frozenset({"admin", "auditor", "inspector", "leader"}),
    ("GET", "/v1/quarantine"): frozenset({"admin", "auditor", "inspector", "dialer"}),
    ("GET", "/v1/quarantine/{quarantine_id}"): frozenset(
        {"admin", "auditor", "inspector", "dialer"}
    ),
}
"""Reads that show no leads, and who may do them."""


async def tried(world: World, method: str, path: str, by: str = "") -> int:
    """Do an operation as that user, "" without a key; return the status it answers with."""
    path = path.removesuffix(" as of")
    address = path.format(**PLACES) + QUERIES.get(path, "")
    body = BODIES.get(path, {}) if method == "POST" else None
    headers = {"authorization": f"Bearer {KEYS[by]}"} if by else {}
    response = await world.client.request(method, address, json=body, headers=headers)
    return response.status_code


def operations_of(world: World) -> set[tuple[str, str]]:
    """Every read operation that the service offers."""
    return {
        (method, route.path)
        for route in world.app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }


async def leaks(world: World) -> list[str]:
    """Do every operation as everybody; return what was not as `SEEN` says."""
    faults = []
    for operation, seen in OPERATIONS.items():
        for by, expected in SEEN.items():
            found = await seen(world, by)
            if found != expected:
                faults.append(f"{' '.join(operation)} by {by}: {sorted(found ^ expected)}")
    return faults
