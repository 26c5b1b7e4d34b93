"""Commands and queries in one process, on one origin: what `leads up` serves.

In production they are two services behind one address; here one is enough. The demo users are let
in before the first request is.
"""

import uvloop

from services.command import app as command
from services.kit.clock import SystemClock
from services.kit.http import create_app, serve
from services.kit.settings import Settings, read_settings
from services.kit.telemetry import set_up_logging
from services.local.demo_keys import let_demo_users_in
from services.query import app as query


async def run(settings: Settings) -> None:
    """Serves until told to stop."""
    clock = SystemClock()
    async with command.open_commanding(settings, clock) as commanding:
        await let_demo_users_in(commanding, settings.data_dir)
        app = create_app("leads")
        authenticator = command.install(app, commanding, clock)
        async with query.open_reading(settings, clock, authenticator) as reading:
            query.install(app, reading)
            await serve(app, settings.http_port)


if __name__ == "__main__":
    set_up_logging("api")
    uvloop.run(run(read_settings()))
