"""The command service over a test's database, spoken to over HTTP by users of every role."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from schemas.event import Event
from services.command.app import install
from services.command.first_start import USERS, make_demo_keys, set_up, team_id
from services.command.handler import Commanding
from services.kit.auth import Authenticator
from services.kit.clock import FixedClock
from services.kit.deadline import Deadlines
from services.kit.http import create_app
from services.kit.outside import GatewaySettings, OidcSettings
from tests.kit.event_logs import opened

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
KEYS = make_demo_keys()
USER_IDS = {user.name: user.id for user in USERS}
NORTH, SOUTH = f"team:{team_id('North')}", f"team:{team_id('South')}"
TOP = f"team:{team_id('Head office')}"


class Service:
    """A running command service and what a test wants to say to it."""

    def __init__(
        self, app: FastAPI, commanding: Commanding, client: httpx.AsyncClient, clock: FixedClock
    ) -> None:
        self.app = app
        self.commanding = commanding
        self.client = client
        self.clock = clock
        self._phones = 0

    authenticator: Authenticator

    async def post(
        self, path: str, body: Any = None, by: str = "admin", **headers: str
    ) -> httpx.Response:
        """Send a command as the demo user `by`; header names with _ for -."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent["authorization"] = f"Bearer {KEYS[by]}"
        return await self.client.post(path, json={} if body is None else body, headers=sent)

    async def done(self, path: str, body: Any = None, by: str = "admin", **headers: str) -> Any:
        """Send a command that must succeed; return its answer."""
        answer = await self.post(path, body, by, **headers)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def phone(self) -> str:
        """A number nobody had yet, from a range reserved for fiction."""
        self._phones += 1
        return f"+1415555{149 + self._phones:04d}"

    async def campaign(self, **more: Any) -> str:
        """Create a campaign; return its id."""
        body = {"name": "Spring", "fields": [{"import_name": "age", "type": "number"}], **more}
        return str((await self.done("/v1/campaigns", body))["id"])

    async def lead(self, campaign: str, **more: Any) -> str:
        """Create a lead of North; return its id."""
        body = {"campaign_id": campaign, "phone": "+14155550100", "owner": NORTH, **more}
        return str((await self.done("/v1/leads", body))["id"])

    async def events(self, stream: str) -> list[Event]:
        """Return the events of a stream as they stand in the log."""
        recorded = await self.commanding.log.load([UUID(stream)])
        return [one.event for one in recorded[UUID(stream)]]


PATIENCE_SECONDS = 30.0


@asynccontextmanager
async def running(
    url: str,
    channels: frozenset[str] = frozenset(),
    gateway: GatewaySettings | None = None,
    oidc: OidcSettings | None = None,
    mail_domains: frozenset[str] | None = None,
) -> AsyncIterator[Service]:
    """The service with the organisation of the first start, its clock at noon of a Monday.

    Messages can be sent by `channels`, links to `mail_domains`; reports of `gateway`, tokens of
    `oidc` are believed.
    """
    clock = FixedClock(NOON)
    async with opened(url, largest=8) as log:
        commanding = Commanding(log, clock, channels, mail_domains)
        # Longer than a busy machine stops for; what becomes of late ones has a test of its own.
        commanding._deadlines = commanding._fact_deadlines = Deadlines(PATIENCE_SECONDS)
        await set_up(commanding, KEYS)
        app = create_app("test")
        authenticator = install(app, commanding, clock, gateway, oidc)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
            service = Service(app, commanding, client, clock)
            service.authenticator = authenticator
            yield service
