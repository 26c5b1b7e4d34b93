"""`python -m tests.bench.rebuilding NAME PROCESSES [all]`: one rebuild by itself, told as JSON;
PROCESSES of them fold. With `all`, whatever stands beside the grid is gone through, as `leads
rebuild` does.
"""

import resource
import sys
import time
from pathlib import Path

import orjson
import uvloop

from services.kit.background import collect_rarely
from services.kit.settings import read_settings
from services.kit.telemetry import set_up_logging
from services.projections.rebuild import rebuild


async def main(name: str, processes: int, *, all_beside: bool) -> None:
    """Rebuild; say how long it took until readers saw it, in all, and the most memory one process
    had.
    """
    settings = read_settings()
    began = time.perf_counter()
    done = await rebuild(
        name, settings.database_url, settings.master_key, processes=processes, all_beside=all_beside
    )
    seconds = time.perf_counter() - began
    both = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    told = {
        "events": done.events,
        "seconds": done.seconds,
        "filled": done.filled,
        "all_seconds": seconds,
        "cpu_seconds": sum(used.ru_utime + used.ru_stime for used in both),
        "memory_mb": max(_peak_kb(), both[1].ru_maxrss) / 1024,
    }
    sys.stdout.write(orjson.dumps(told).decode())


def _peak_kb() -> int:
    """Return the most memory this process ever had. What getrusage says of it counts what it was a
    copy of before it ran its own program: the benchmark with all the leads it had made.
    """
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    set_up_logging("rebuild")  # standard output is for the result
    collect_rarely()
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), all_beside="all" in sys.argv[3:]))
