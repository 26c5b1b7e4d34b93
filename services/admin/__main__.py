"""`python -m services.admin`: the web UI's files as a process of its own."""

import uvloop

from services.admin.site import install
from services.kit.http import create_app
from services.kit.serving import serve
from services.kit.settings import read_address
from services.kit.telemetry import set_up_logging


async def run() -> None:
    """Serve the files until told to stop."""
    host, port = read_address()
    app = create_app("leads: web UI")
    install(app)
    await serve(app, port, host=host)


set_up_logging("admin")
uvloop.run(run())
