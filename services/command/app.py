"""The command service over HTTP: its routes, the keys it knows, its health."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from time import monotonic

from fastapi import FastAPI

from schemas.catalogue import EVENTS
from schemas.instants import parse_instant
from schemas.organisation import ORGANISATION_ID
from services.command.bulk.routes import install as install_bulk
from services.command.callable_routes import install_callable
from services.command.calls_routes import install_calls
from services.command.dnc_file.routes import install_dnc_files
from services.command.domain.organisation.state import Organisation
from services.command.earlier_numbers import note_earlier_numbers
from services.command.exports.routes import install_exports
from services.command.handler import Commanding
from services.command.imports.routes import install_imports
from services.command.routes import CommandRoutes
from services.command.sending.routes import install_reports
from services.command.state_cache import StateCache
from services.kit.auth import Authenticator, Principal, StoredKey
from services.kit.background import say_ready
from services.kit.clock import Clock, SystemClock
from services.kit.codec import EventCodec
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.keys import open_keys
from services.kit.oidc import TokenReader
from services.kit.outside import GatewaySettings, OidcSettings
from services.kit.postgres import close_pool, connect_pool
from services.kit.serving import serve
from services.kit.settings import IMPORT_BYTES_MAX, Settings, read_settings
from services.kit.telemetry import set_up_logging

POOL_CONNECTIONS_MAX = 8
FRESH_SECONDS = 1.0
LOOK_SECONDS_MAX = 3.0
"""How long the organisation is believed when a key is looked up; the authenticator adds its own."""


class OrganisationKeys:
    """Finds API keys in the organisation as folded from the log (a KeyDirectory)."""

    def __init__(self, states: StateCache) -> None:
        """Look into the organisation of `states`, read anew at most once a second."""
        self._states = states
        self._read_at = -FRESH_SECONDS
        self._reading = asyncio.Lock()

    async def find(self, key_id: str) -> StoredKey | None:
        """Return a key that is neither revoked nor of an inactive user."""
        organisation = await self._organisation()
        key = organisation.keys.get(key_id)
        user = organisation.users.get(key.user) if key is not None else None
        if key is None or key.revoked or user is None or not user.active:
            return None
        principal = Principal(user.id, user.role, user.rights, user.team, key.id)
        return StoredKey(key.secret_hash, principal, _instant(key.expires_at))

    async def user(self, *, email: str = "", user_id: str = "") -> Principal | None:
        """Return the active user with this e-mail address or id (a UserDirectory)."""
        organisation = await self._organisation()
        named = organisation.users_by_email.get(email.lower(), "") if email else user_id
        user = organisation.users.get(named)
        if user is None or not user.active:
            return None
        return Principal(user.id, user.role, user.rights, user.team, "token")

    async def _organisation(self) -> Organisation:
        wanted = {ORGANISATION_ID: "organisation"}
        async with asyncio.timeout(LOOK_SECONDS_MAX), self._reading:
            if monotonic() - self._read_at >= FRESH_SECONDS:
                states = await self._states.refresh(wanted)
                self._read_at = monotonic()
            else:
                states, _ = await self._states.get(wanted)
        organisation: Organisation = states[ORGANISATION_ID]
        return organisation


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)


def install(
    app: FastAPI,
    commanding: Commanding,
    clock: Clock,
    gateway: GatewaySettings | None = None,
    oidc: OidcSettings | None = None,
    import_bytes_max: int = IMPORT_BYTES_MAX,
) -> Authenticator:
    """Add all commands to `app`; return the authenticator, for other routes that take commands.

    gateway: whose reports are believed. oidc: whose tokens are. A file of leads has at most
    `import_bytes_max` bytes.
    """
    known = OrganisationKeys(commanding.states)
    tokens = None if oidc is None else TokenReader(oidc, known, clock)
    authenticator = Authenticator(known, clock, tokens=tokens)
    app.state.authenticator = authenticator
    routes = CommandRoutes(commanding, authenticator)
    app.state.direct.append(routes.find)
    app.router.routes.append(routes)
    app.state.openapi_parts.append(routes.add_to_openapi)
    install_calls(app, commanding, authenticator, clock)
    install_callable(app, commanding, authenticator, clock)
    install_bulk(app, commanding, authenticator)
    install_dnc_files(app, commanding, authenticator)
    install_exports(app, commanding, authenticator)
    install_imports(app, commanding, authenticator, clock, import_bytes_max)
    install_reports(app, commanding, clock, gateway)

    async def log_answers() -> str:
        await commanding.log.pool.fetchval("select 1")
        return ""

    app.state.checks["event log"] = log_answers
    return authenticator


@asynccontextmanager
async def open_commanding(settings: Settings, clock: Clock) -> AsyncIterator[Commanding]:
    """Open the event log for appending; on leaving, everything that waits is stored first."""
    pool = await connect_pool(settings.database_url, "leads_command", largest=POOL_CONNECTIONS_MAX)
    try:
        keys = await open_keys(settings.master_key, pool)
        async with EventLog(pool, EventCodec(EVENTS), keys) as log:
            await note_earlier_numbers(log)
            yield Commanding(log, clock, settings.channels, settings.mail_domains)
    finally:
        await close_pool(pool)


async def run(settings: Settings) -> None:
    """Serve commands alone until told to stop."""
    clock = SystemClock()
    async with open_commanding(settings, clock) as commanding:
        app = create_app("leads: commands")
        limit = settings.import_bytes_max
        install(app, commanding, clock, settings.gateway, settings.oidc, limit)
        await serve(
            app, settings.http_port, host=settings.http_host, ready=lambda port: say_ready()
        )


def main() -> None:
    """Run the command service by itself, as `python -m services.command` does."""
    import uvloop

    set_up_logging("command")
    uvloop.run(run(read_settings()))
