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
    both = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {
        "events": done.events,
        "seconds": done.seconds,
        "all_seconds": seconds,
        "cpu_seconds": sum(used.ru_utime + used.ru_stime for used in both),
        "memory_mb": max(used.ru_maxrss for used in both) / 1024,
    }
    sys.stdout.write(orjson.dumps(told).decode())


if __name__ == "__main__":
    set_up_logging("rebuild")  # standard output is for the result
    collect_rarely()
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
