"""The whole log stream by stream, in bounded memory: what rebuild and check fold."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.feed import partition_of

FETCHED = 4_000
_RANGE = (
    READ_EVENTS
    + " where stream_id >= $1 and ($2::uuid is null or stream_id < $2)"
    + " order by stream_id, version"
)
_STANDING = """
    select (select array_agg(position order by partition) from read.offsets) as positions,
           (select array_agg(stream_id order by stream_id) from read.parked) as parked,
           (select array_agg(from_version order by stream_id) from read.parked) as versions
"""
FIRST = UUID(int=0)

Stream = tuple[UUID, list[StoredEvent]]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is applied: per partition up to a position, per parked stream up to before a version."""

    positions: Sequence[int]
    parked: Mapping[UUID, int]

    @classmethod
    async def read(cls, connection: "asyncpg.Connection[asyncpg.Record]") -> "Standing":
        """Read what is applied now, in one statement."""
        row = await connection.fetchrow(_STANDING)
        parked = dict(zip(row["parked"] or (), row["versions"] or (), strict=True))
        return cls(list(row["positions"]), parked)

    def applied(self, stream_id: UUID, stored: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Return those of a stream's events that are applied."""
        upto = self.positions[partition_of(stream_id)]
        before = self.parked.get(stream_id)
        if before is None:
            if stored[-1].position <= upto:
                return list(stored)
            return [one for one in stored if one.position <= upto]
        return [one for one in stored if one.position <= upto and one.version < before]


async def streams_between(
    connection: "asyncpg.Connection[asyncpg.Record]", low: UUID, high: UUID | None
) -> AsyncIterator[list[Stream]]:
    """Yield all streams from `low` to before `high`, whole, some thousand events at a time, in
    order of their ids.

    `connection` must be in a transaction. The index is followed, so that nothing is sorted.
    """
    await connection.execute("set local enable_sort = off")
    await connection.execute("set local enable_seqscan = off")
    await connection.execute("set local enable_bitmapscan = off")
    await connection.execute("set local max_parallel_workers_per_gather = 0")
    cursor = await connection.cursor(_RANGE, low, high)
    rest: Stream | None = None
    while True:
        rows = await cursor.fetch(FETCHED)
        if not rows:
            break
        chunk: list[Stream] = [] if rest is None else [rest]
        for row in rows:
            stored = StoredEvent._make(row)
            if chunk and chunk[-1][0] == stored.stream_id:
                chunk[-1][1].append(stored)
            else:
                chunk.append((stored.stream_id, [stored]))
        rest = chunk.pop()
        if chunk:
            yield chunk
    if rest is not None:
        yield [rest]


async def cut_into(pool: "asyncpg.Pool[asyncpg.Record]", parts: int) -> list[UUID]:
    """Return `parts` stream ids, the first the lowest of all, that cut the streams into equal
    ranges.
    """
    rows = await pool.fetch(
        "select stream_id from (select stream_id, row_number() over (order by stream_id) as place,"
        " count(*) over () as total from log.streams) s"
        " where place <> 1 and (place - 1) % greatest(total / $1, 1) = 0"
        " order by stream_id limit $2",
        parts,
        parts - 1,
    )
    return [FIRST, *(row["stream_id"] for row in rows)]
