"""How far the read models have come, for reads that wait until a position is visible."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import orjson

PROGRESS = """
    (select partitions from log.relay) as published,
    (select position from log.relay) as relayed,
    (select array_agg(position order by partition) from read.offsets) as applied,
    (select bool_and(source = 'log') from read.offsets) as from_log
"""
"""The select list that `visible_in` reads."""
_PROGRESS = f"select {PROGRESS}"
_NOTHING = {"position": 0}
FIRST_PAUSE_SECONDS = 0.002
LONGEST_PAUSE_SECONDS = 0.025


async def visible_position(connection: Any) -> int:
    """Return the position up to which everything is applied in all partitions.

    `connection` is an asyncpg connection or pool that may read `log` and `read`. A partition in
    which nothing is left to apply is as far as the relay is.
    """
    return visible_in(await connection.fetchrow(_PROGRESS))


def visible_in(row: Any) -> int:
    """Return the same from a row that has the columns of PROGRESS."""
    published = orjson.loads(row["published"])
    relayed = 0 if row["from_log"] else row["relayed"]
    lowest: int | None = None
    for partition, applied in enumerate(row["applied"]):
        upto = max(applied, _free_upto(published.get(str(partition), _NOTHING), applied, relayed))
        lowest = upto if lowest is None else min(lowest, upto)
    return lowest or 0


def _free_upto(last: Mapping[str, int], applied: int, relayed: int) -> int:
    """Return up to where a partition applied up to `applied` has nothing else.

    last: what the relay says of its last events there: the position of the last and of the first
    of them, and of the one before that.
    """
    if applied >= last["position"]:
        return relayed
    # The next event of a partition comes some positions later, and in between it holds nobody up.
    return last["first"] - 1 if applied >= last.get("before", last["position"]) else applied


async def wait_visible(connection: Any, position: int, seconds: float) -> bool:
    """Wait until everything up to `position` is visible; False when it is not in time."""
    deadline = time.monotonic() + seconds
    pause = FIRST_PAUSE_SECONDS
    while await visible_position(connection) < position:
        if time.monotonic() + pause > deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return True
