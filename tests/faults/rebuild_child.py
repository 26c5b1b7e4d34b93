"""One rebuild of its own process, to be killed."""

import asyncio
import sys

from services.kit.settings import read_settings
from services.projections.rebuild import rebuild

settings = read_settings()
asyncio.run(rebuild(sys.argv[1], settings.database_url, settings.master_key))
