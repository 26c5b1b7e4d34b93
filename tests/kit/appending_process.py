"""One writer process for the tests of concurrency: `python -m … URL APPENDS WRITERS`.

Prints, per append, its first and last position.
"""

import asyncio
import sys

from services.kit.ids import new_id
from tests.kit.event_logs import append, note, opened, priority


async def main(url: str, appends: int, writers: int) -> None:
    async with opened(url) as log:

        async def write(share: int) -> None:
            for i in range(share):
                done = await log.append(append(new_id(), 0, priority(i), note("x")))
                print(done.first_position, done.position)

        await asyncio.gather(*(write(appends // writers) for _ in range(writers)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
