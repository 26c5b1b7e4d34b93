"""Who sees which lead (rule 2): every read operation × every role × every place a lead can have.

The table of operations is checked against the app, so a new read without a row here fails.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from schemas import lead as events
from schemas.organisation import ORGANISATION_ID, TeamMoved
from schemas.pool import PoolCreated
from schemas.segment import SegmentCreated
from schemas.view import ViewCreated, ViewShared
from services.query.activity import ActivityParameters, Follower
from services.query.tail import Tail
from tests.contract.query_service import (
    KEYS,
    NOON,
    SPRING,
    USERS,
    World,
    named,
    running,
    team,
    user,
)

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


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    async with running(database_url) as world:
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


async def _list(world: World, by: str) -> set[str]:
    page = await world.read("/v1/leads", by)
    return {NAME_OF[lead["lead_id"]] for lead in page["leads"]}


async def _search(world: World, by: str) -> set[str]:
    everything = {"op": "not", "of": {"op": "equals", "field": "priority", "value": 99}}
    return {NAME_OF[one] for one in await world.found(everything, by, sort=[{"field": "owner"}])}


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
    ("GET", "/v1/leads"): _list,
    ("POST", "/v1/leads/search"): _search,
    ("POST", "/v1/leads/count"): _count,
    ("POST", "/v1/leads/breakdown"): _breakdown,
    ("GET", "/v1/leads/{lead_id}"): _one("/v1/leads/{}"),
    ("GET", "/v1/leads/{lead_id} as of"): _one("/v1/leads/{}?as_of=version:1"),
    ("GET", "/v1/leads/{lead_id}/log"): _one("/v1/leads/{}/log"),
    ("GET", "/v1/leads/{lead_id}/diff"): _one("/v1/leads/{}/diff?from=version:1"),
    ("GET", "/v1/stats"): _stats,
    ("GET", "/v1/activity"): _activity,
    ("GET", "/v1/pools"): _numbers("pool"),
    ("GET", "/v1/pools/{pool_id}"): _numbers("pool"),
    ("GET", "/v1/segments"): _numbers("segment"),
    ("GET", "/v1/segments/{segment_id}"): _numbers("segment"),
    ("POST", "/v1/selections"): _selections,
    ("GET", "/v1/pools/{pool_id}/summary"): _summaries("pool"),
    ("POST", "/v1/pools/{pool_id}/select-unprocessed"): _select_unprocessed,
    ("GET", "/v1/segments/{segment_id}/summary"): _summaries("segment"),
    ("GET", "/v1/campaigns/{campaign_id}/summary"): _campaign_summary,
    ("GET", "/v1/pools/{pool_id}/log"): _pool_logs,
    ("GET", "/v1/worklist"): _worklist,
    ("GET", "/v1/callbacks"): _callbacks,
    ("GET", "/v1/contracts"): _contracts,
    ("GET", "/v1/views/{view}/leads"): _views,
    ("GET", "/v1/views/counts"): _view_counts,
}
NOT_OF_LEADS: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/v1/campaigns"): frozenset(USERS),
    ("GET", "/v1/campaigns/{campaign_id}"): frozenset(USERS),
    ("GET", "/v1/organisation"): frozenset(USERS),
    ("GET", "/v1/views"): frozenset(USERS),
    ("GET", "/v1/views/{view}"): frozenset(USERS),
    ("GET", "/v1/views/{view}/versions"): frozenset(USERS),
    ("GET", "/v1/do-not-call"): frozenset({"admin", "auditor", "inspector", "leader"}),
    ("GET", "/v1/quarantine"): frozenset({"admin", "auditor", "inspector", "dialer"}),
    ("GET", "/v1/quarantine/{quarantine_id}"): frozenset(
        {"admin", "auditor", "inspector", "dialer"}
    ),
}
"""Reads that show no leads, and who may do them."""


async def test_every_operation_has_a_row(world: World) -> None:
    operations = {
        (method, route.path)
        for route in world.app.routes
        if isinstance(route, APIRoute) and route.include_in_schema
        for method in route.methods or ()
    }
    assert operations == {one for one in OPERATIONS if " as of" not in one[1]} | set(NOT_OF_LEADS)


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
async def test_everybody_sees_what_is_theirs_and_nothing_else(
    world: World, operation: tuple[str, str]
) -> None:
    for by, expected in SEEN.items():
        assert await OPERATIONS[operation](world, by) == expected, by


async def test_other_reads_are_for_their_roles(world: World) -> None:
    for (method, path), allowed in NOT_OF_LEADS.items():
        place = path.replace("{campaign_id}", named("spring"))
        place = place.replace("{quarantine_id}", named("nothing held"))
        place = place.replace("{view}", SHARED_VIEW)
        for by in USERS:
            response = await world.client.request(
                method, place, headers={"authorization": f"Bearer {KEYS[by]}"}
            )
            expected = {200, 404} if by in allowed else {403}
            assert response.status_code in expected, (path, by)


async def test_without_a_key_nothing_is_read(world: World) -> None:
    for method, path in {*OPERATIONS, *NOT_OF_LEADS}:
        place = path.removesuffix(" as of").replace("{lead_id}", named("own"))
        place = place.replace("{campaign_id}", named("spring"))
        place = place.replace("{quarantine_id}", named("nothing held"))
        place = place.replace("{pool_id}", named("pool of own"))
        place = place.replace("{segment_id}", named("segment of own"))
        place = place.replace("{view}", SHARED_VIEW)
        place += "?from=version:1" if place.endswith("/diff") else ""
        body: Any = {"field": "status"} if path.endswith("breakdown") else {}
        body = {"ids": [named("own")]} if path.endswith("selections") else body
        response = await world.client.request(
            method, place, json=body if method == "POST" else None
        )
        assert response.status_code == 401, path


async def test_numbers_are_masked_and_cannot_be_guessed(world: World) -> None:
    noted = events.LeadCreated(
        named("spring"),
        team("top"),
        phone="+4915112345678",
        personal_fields={"second phone": "+4930111222"},
        contacts=[{"id": 1, "phone": "+4930999888", "typed": "030 999888", "fields": {}}],
    )
    await world.happen(named("with numbers"), noted)
    lead = (await world.read(f"/v1/leads/{named('with numbers')}", "auditor"))["lead"]
    assert lead["phone"] == "•" * 12 + "78"
    assert lead["contacts"][0]["phone"] == "•" * 9 + "88"
    assert lead["fields"]["second phone"] == "•" * 9 + "22"
    whole = (await world.read(f"/v1/leads/{named('with numbers')}", "inspector"))["lead"]
    assert whole["phone"] == "+4915112345678"
    log = await world.get(f"/v1/leads/{named('with numbers')}/log", "auditor")
    for secret in ("15112345678", "30111222", "30999888"):
        assert secret not in log.text
    assert await world.found({"op": "search", "value": "15112345"}, "auditor") == []
    for body in (
        {"filter": {"op": "starts", "field": "phone", "value": "4915"}},
        {"filter": {"op": "equals", "field": "fields.second phone", "value": "x"}},
        {"sort": [{"field": "phone"}]},
    ):
        assert (await world.post("/v1/leads/search", body, "auditor")).status_code == 422
    assert (
        await world.post("/v1/leads/breakdown", {"field": "phone"}, "auditor")
    ).status_code == 422


async def test_sight_follows_a_moved_team_at_once(world: World) -> None:
    move = TeamMoved(named("south"), named("north"), named("top"))
    await world.happen(str(ORGANISATION_ID), move, at=NOON)
    assert "foreign" in await _list(world, "leader")
