"""A service in a process of its own, to be killed at a failpoint or told to stop."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
_SECRET = bytes(range(32)).hex()


def on_log(url: str) -> dict[str, str]:
    """What a service is given that reads the log itself, without a broker."""
    return {
        "LEADS_DATABASE_URL": url,
        "LEADS_TRANSPORT": "log",
        "LEADS_MASTER_KEY": _SECRET,
        "LEADS_SIGNING_KEY": _SECRET,
    }


@asynccontextmanager
async def child(
    module: str, environ: Mapping[str, str], failpoint: str = "", *given: str, ready: bool = True
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the module, with what it is `given`, from when it says it is ready if it does. At the end
    it is told to stop and has to; nothing else than that or kill -9 may have ended it.
    """
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *given),
        cwd=ROOT,
        env={**os.environ, **environ, "LEADS_FAILPOINT": failpoint},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE if ready else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        if ready:
            assert running.stdout is not None
            line = await asyncio.wait_for(running.stdout.readline(), 60)
            assert line == b"leads: ready\n", line
        yield running
    finally:
        if running.returncode is None:
            running.send_signal(signal.SIGTERM)
        await asyncio.wait_for(running.wait(), 60)
    assert running.returncode in (0, -signal.SIGKILL)
