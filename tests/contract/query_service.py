"""The query service over a test's database: an organisation of every role, leads made by events.

Rows come from the real folds, written as the projections write them, at once instead of in the
background.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import httpx
from fastapi import FastAPI

from schemas import organisation as org
from schemas.campaign import CampaignCreated
from schemas.envelope import Origin
from schemas.event import Event
from schemas.lead import LeadCreated
from schemas.organisation import ORGANISATION_ID
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.auth import Authenticator, make_key, split_key
from services.kit.clock import FixedClock
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.ids import new_id
from services.kit.keys import KeyRing
from services.kit.postgres import connect_pool
from services.projections.decoding import Decoder
from services.projections.registry import BY_CATEGORY, MODELS
from services.projections.tables import Tables
from services.query.api_key import KeyTable
from services.query.app import install
from services.query.reading import Reading
from services.query.wall import connect_pools
from tests.kit.event_logs import MASTER, SIGNING, opened

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
"""A Wednesday."""

_NAMES = UUID("00000000-0000-7000-8000-000000000000")


def named(name: str) -> str:
    """An id that is the same in every run."""
    return str(uuid5(_NAMES, name))


TEAMS = {"top": None, "north": "top", "north_east": "north", "south": "top"}
USERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "admin": ("top", "admin", ()),
    "auditor": ("top", "auditor", ()),
    "inspector": ("top", "auditor", ("extended_data", "extended_insights")),
    "leader": ("north", "team_leader", ()),
    "agent": ("north", "agent", ()),
    "agent_east": ("north_east", "agent", ()),
    "agent_south": ("south", "agent", ()),
    "analyst": ("south", "agent", ("extended_insights",)),
    "dialer": ("top", "dialer", ()),
}
KEYS = {name: make_key().text for name in USERS}
SPRING, AUTUMN = named("spring"), named("autumn")
FIELDS = (
    {"import_name": "age", "type": "number"},
    {"import_name": "city", "type": "text"},
    {"import_name": "born", "type": "date"},
    {"import_name": "seen", "type": "datetime"},
    {"import_name": "vip", "type": "boolean"},
    {"import_name": "tier", "type": "picklist", "values": ["gold", "tin"]},
    {"import_name": "second phone", "type": "phone", "personal": True},
)


def team(name: str) -> str:
    """A team as an owner."""
    return "team:" + named(name)


def user(name: str) -> str:
    """A user as an owner or actor."""
    return "user:" + named(name)


class World:
    """A query service, and a log into which a test writes facts."""

    def __init__(self, app: FastAPI, log: EventLog, reading: Reading, client: Any) -> None:
        self.app = app
        self.log = log
        self.reading = reading
        self.client: httpx.AsyncClient = client
        self.clock = reading.clock
        self._versions: dict[str, int] = {}
        self._states: dict[tuple[UUID, str], Any] = {}
        self._done = 0

    async def happen(
        self,
        stream: str,
        *events: Event,
        at: datetime = NOON,
        by: str = "admin",
        cause: str = "command:test",
    ) -> int:
        """Append events to a stream and show them; return the log's last position."""
        position = await self.record(stream, *events, at=at, by=by, cause=cause)
        await self.project()
        return position

    async def record(
        self,
        stream: str,
        *events: Event,
        at: datetime = NOON,
        by: str = "admin",
        cause: str = "command:test",
    ) -> int:
        """Append events to a stream, not visible yet; return the log's last position."""
        version = self._versions.get(stream, 0)
        new = [NewEvent(event, at, Origin(user(by), cause)) for event in events]
        append = Append(
            [Commanded(new_id(), bytes(32))], [StreamAppend(UUID(stream), version, new)]
        )
        self._versions[stream] = version + len(events)
        return (await self.log.append(append)).position

    async def project(self) -> None:
        """Fold what is new into all read models, and say so."""
        stored = await self.log.read_raw(self._done, 100_000)
        if not stored:
            return
        self._done = stored[-1].position
        events = await Decoder(self.log.keys).decode(stored)
        pool = await connect_pool(self.url, "leads_projections", largest=1)
        try:
            async with pool.acquire() as connection, connection.transaction():
                tables = await Tables.read(connection, MODELS)
                for stream_id in dict.fromkeys(one.stream_id for one in events):
                    of_stream = [one for one in events if one.stream_id == stream_id]
                    for model in BY_CATEGORY.get(of_stream[0].event.category(), ()):
                        state = self._states.get((stream_id, model.name))
                        state, writes = model.advance(state, of_stream)
                        self._states[stream_id, model.name] = state
                        await tables.write(connection, model, {stream_id: writes})
                await connection.execute(
                    "update read.offsets set source = 'log', position = $1", self._done
                )
        finally:
            await pool.close()

    url: str

    async def lead(self, name: str, *more: Event, **given: Any) -> str:
        """Make a lead of Spring, owned by the top team unless said otherwise; return its id."""
        created = {"campaign_id": SPRING, "owner": team("top"), "phone": "+4915112345678", **given}
        await self.happen(named(name), LeadCreated(**created), *more)
        return named(name)

    async def get(self, path: str, by: str = "admin", **params: Any) -> httpx.Response:
        """GET as that user; a parameter may be a list."""
        return await self.client.get(path, params=params or None, headers=_key(by))

    async def post(self, path: str, body: Any, by: str = "admin") -> httpx.Response:
        """POST as that user."""
        return await self.client.post(path, json=body, headers=_key(by))

    async def read(self, path: str, by: str = "admin", **params: Any) -> Any:
        """GET what must succeed; return the answer."""
        response = await self.get(path, by, **params)
        assert response.status_code == 200, response.text
        return response.json()

    async def asked(self, path: str, body: Any, by: str = "admin") -> Any:
        """POST what must succeed; return the answer."""
        response = await self.post(path, body, by)
        assert response.status_code == 200, response.text
        return response.json()

    async def found(self, tree: Any = None, by: str = "admin", **more: Any) -> list[str]:
        """Return the ids a search finds, in its order."""
        body = {"filter": tree, "limit": 1000, "columns": ["lead_id"], **more}
        return [
            lead["lead_id"] for lead in (await self.asked("/v1/leads/search", body, by))["leads"]
        ]


def _key(by: str) -> dict[str, str]:
    return {"authorization": f"Bearer {KEYS[by]}"}


def _organisation() -> Sequence[Event]:
    events: list[Event] = [org.OrganisationSetUp(named("top"), "Top")]
    events += [
        org.TeamAdded(named(name), name, named(parent))
        for name, parent in TEAMS.items()
        if parent is not None
    ]
    for name, (of_team, role, rights) in USERS.items():
        events.append(
            org.UserAdded(
                named(name), named(of_team), role, rights, name=name, email=f"{name}@example.com"
            )
        )
        parts = split_key(KEYS[name])
        assert parts is not None
        events.append(org.ApiKeyIssued(parts[0], named(name), parts[1]))
    return events


@asynccontextmanager
async def running(url: str) -> AsyncIterator[World]:
    """The service with its organisation and two campaigns, its clock at noon of a Wednesday."""
    clock = FixedClock(NOON)
    pools = await connect_pools(url)
    try:
        async with opened(url) as log:
            reads = EventLog(pools.whole, log.codec, KeyRing(MASTER, pools.whole))
            keys = Authenticator(KeyTable(pools.whole), clock)
            reading = Reading(pools, reads, keys, Cursors(bytes(32)), clock, SIGNING)
            app = create_app("test")
            install(app, reading)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
                world = World(app, log, reading, client)
                world.url = url
                await world.happen(str(ORGANISATION_ID), *_organisation())
                await world.happen(SPRING, CampaignCreated("Spring", fields=FIELDS))
                await world.happen(AUTUMN, CampaignCreated("Autumn", fields=FIELDS[:2]))
                yield world
    finally:
        pools.terminate()
