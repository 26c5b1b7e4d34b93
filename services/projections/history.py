"""Reading the log for projections: what a gap lacks, what a stream holds."""

from collections.abc import Mapping
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent

_MISSING = (
    READ_EVENTS
    + " join unnest($1::uuid[], $2::int[]) as wanted(id, after) on stream_id = id"
    + " and version > after order by position"
)


class HistoryForked(RuntimeError):
    """Something was delivered or applied that the log does not hold: it was set back, or forged.

    Nothing may be applied on top of that. See deploy/runbooks.
    """


async def read_after(
    pool: "asyncpg.Pool[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]",
    after: Mapping[UUID, int],
) -> dict[UUID, list[StoredEvent]]:
    """Return the events of each stream beyond the version given, in order."""
    rows = await pool.fetch(_MISSING, list(after), list(after.values()))
    streams: dict[UUID, list[StoredEvent]] = {stream: [] for stream in after}
    for row in rows:
        stored = StoredEvent._make(row)
        streams[stored.stream_id].append(stored)
    return streams
