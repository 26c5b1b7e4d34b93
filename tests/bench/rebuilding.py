"""`python -m tests.bench.rebuilding NAME PROCESSES`: one rebuild by itself, told as JSON; PROCESSES
of them fold.
"""

import resource
import sys
import time

import orjson
import uvloop

from services.kit.background import collect_rarely
from services.kit.settings import read_settings
from services.kit.telemetry import set_up_logging
from services.projections.rebuild import rebuild


async def main(name: str, processes: int) -> None:
    """Rebuild; say how long it took until readers saw it, in all, and the most memory one process
    had.
    """
    settings = read_settings()
    began = time.perf_counter()
    done = await rebuild(
        name, settings.database_url, settings.master_key, processes=processes, all_beside=True
    )
    seconds = time.perf_counter() - began
    whose = resource.RUSAGE_SELF if processes == 1 else resource.RUSAGE_CHILDREN
    used = resource.getrusage(whose)
    told = {
        "events": done.events,
        "seconds": done.seconds,
        "all_seconds": seconds,
        "cpu_seconds": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss / 1024,
    }
    sys.stdout.write(orjson.dumps(told).decode())


if __name__ == "__main__":
    set_up_logging("rebuild")  # standard output is for the result
    collect_rarely()
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
