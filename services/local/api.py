"""Commands, queries and the web UI in one process, on one origin: what `leads up` serves.

In production they are three services behind one address; here one is enough. The demo users are let
in before the first request is.
"""

from typing import Any

import asyncpg
import uvloop
from fastapi import FastAPI

from schemas.catalogue import EVENTS
from services.admin import site
from services.command import app as command
from services.command.handler import Commanding
from services.kit.auth import Authenticator
from services.kit.background import say_ready
from services.kit.clock import Clock, SystemClock
from services.kit.codec import EventCodec
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import create_app
from services.kit.keys import KeyRing, MasterKey, SigningKey
from services.kit.openapi import openapi
from services.kit.outside import GatewaySettings, OidcSettings
from services.kit.serving import serve
from services.kit.settings import IMPORT_BYTES_MAX, Settings, read_settings
from services.kit.telemetry import set_up_logging
from services.local.demo_keys import let_demo_users_in
from services.query import app as query
from services.query.reading import Reading
from services.query.wall import Pools


def with_commands(
    commanding: Commanding,
    clock: Clock,
    gateway: GatewaySettings | None = None,
    oidc: OidcSettings | None = None,
    import_bytes_max: int = IMPORT_BYTES_MAX,
) -> tuple[FastAPI, Authenticator]:
    """An app that takes commands, and what tells its callers apart."""
    app = create_app("leads")
    return app, command.install(app, commanding, clock, gateway, oidc, import_bytes_max)


async def run(settings: Settings) -> None:
    """Serves until told to stop."""
    clock = SystemClock()
    async with command.open_commanding(settings, clock) as commanding:
        await let_demo_users_in(commanding, settings.data_dir)
        app, authenticator = with_commands(
            commanding, clock, settings.gateway, settings.oidc, settings.import_bytes_max
        )
        async with query.open_reading(settings, clock, authenticator) as reading:
            query.install(app, reading)
            site.install(app)
            await serve(
                app, settings.http_port, host=settings.http_host, ready=lambda port: say_ready()
            )


async def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of the whole API, made without any server."""
    clock = SystemClock()
    never_opened = asyncpg.create_pool(min_size=0)
    master_key = bytes(32)
    keys = KeyRing(MasterKey(master_key), never_opened)
    log = EventLog(never_opened, EventCodec(EVENTS), keys)
    app, authenticator = with_commands(Commanding(log, clock), clock)
    signing = SigningKey(bytes(32))
    pools = Pools(never_opened, never_opened)
    reading = Reading(pools, log, authenticator, Cursors(master_key), clock, signing)
    query.install(app, reading)
    return openapi(app)


if __name__ == "__main__":
    set_up_logging("api")
    uvloop.run(run(read_settings()))
