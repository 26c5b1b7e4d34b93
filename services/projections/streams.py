"""The whole log stream by stream, in bounded memory: what rebuild and check fold."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.kit.codec import StoredEvent
from services.kit.feed import partition_of

FETCHED = 4_000
# The columns of StoredEvent. Nobody here looks at hashes.
_RANGE = """
    select position, recorded_at, happened_at, stream_id, version, schema_version, type,
           ''::bytea as hash, data, meta, personal
      from log.events where stream_id >= $1 and ($2::uuid is null or stream_id < $2)
      order by stream_id, version
"""
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
    order of their ids, without their hashes.

    `connection` must be in a transaction.
    """
    await follow_index(connection)
    cursor = await connection.cursor(_RANGE, low, high)
    rest: Stream | None = None
    while True:
        rows = await cursor.fetch(FETCHED)
        if not rows:
            break
        chunk: list[Stream] = []
        last, events = rest if rest is not None else (None, [])
        for row in rows:
            stored = StoredEvent._make(row)
            if stored.stream_id == last:
                events.append(stored)
                continue
            if last is not None:
                chunk.append((last, events))
            last, events = stored.stream_id, [stored]
        rest = None if last is None else (last, events)
        if chunk:
            yield chunk
    if rest is not None:
        yield [rest]


async def follow_index(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let this transaction read the log along its index of streams, so that nothing is sorted."""
    for way in ("sort", "seqscan", "bitmapscan", "hashagg"):
        await connection.execute(f"set local enable_{way} = off")
    await connection.execute("set local max_parallel_workers_per_gather = 0")


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
