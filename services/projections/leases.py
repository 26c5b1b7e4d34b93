"""Who works on which partition: leases in PostgreSQL, shared fairly, fenced by an epoch.

A lease only says who should work. That nobody else's work counts is the epoch's doing: every
batch moves its partition on under the epoch it was read under, or not at all (`read.advance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from services.kit.feed import PARTITIONS, Start

LEASE_SECONDS = 6.0
HEARTBEAT_SECONDS = 1.5


@dataclass(slots=True)
class Held:
    """A partition this worker holds: its epoch, and where it goes on."""

    partition: int
    epoch: int
    source: str
    next_offset: int
    position: int

    @property
    def start(self) -> Start:
        """Where a feed goes on."""
        return Start(self.next_offset, self.position)


_SEEN = """
    insert into read.workers as w (worker, seen_at) values ($1, clock_timestamp())
    on conflict (worker) do update set seen_at = excluded.seen_at
"""
_LIVING = """
    select count(*) from read.workers
    where seen_at > clock_timestamp() - make_interval(secs => $1)
"""
_GONE = "delete from read.workers where seen_at < clock_timestamp() - interval '1 hour'"
_KEEP = """
    update read.offsets set lease_until = clock_timestamp() + make_interval(secs => $2)
    where owner = $1
    returning partition, epoch, source, next_offset, position
"""
_CLAIM = """
    update read.offsets
    set owner = $1, epoch = epoch + 1,
        lease_until = clock_timestamp() + make_interval(secs => $2)
    where partition in (
        select partition from read.offsets where lease_until < clock_timestamp()
        order by lease_until, partition limit $3 for update skip locked)
    returning partition, epoch, source, next_offset, position
"""
_RELEASE = """
    update read.offsets set owner = null, lease_until = '-infinity'
    where owner = $1 and partition = any($2)
"""
_LEAVE = "delete from read.workers where worker = $1"
_RESTART = """
    update read.offsets set source = $3, next_offset = case when $3 = 'log' then position else 0 end
    where owner = $1 and partition = any($2) and source <> $3
    returning partition, epoch, source, next_offset, position
"""


class Leases:
    """One worker's leases."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", worker: UUID) -> None:
        """Hold leases in the name of `worker`, a new id for every process."""
        self._pool = pool
        self.worker = worker
        self.held: dict[int, Held] = {}

    async def renew(self) -> bool:
        """Keep what is held, give back or claim so that every living worker has its share.

        Returns whether the set of partitions or one of their epochs is another now.
        """
        before = {partition: held.epoch for partition, held in self.held.items()}
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(_SEEN, self.worker)
            await connection.execute(_GONE)
            kept = await connection.fetch(_KEEP, self.worker, LEASE_SECONDS)
            self._keep(kept)
            living = await connection.fetchval(_LIVING, LEASE_SECONDS)
            share = -(-PARTITIONS // max(1, living))
            extra = sorted(self.held)[share:]
            if extra:
                await connection.execute(_RELEASE, self.worker, extra)
                for partition in extra:
                    del self.held[partition]
            elif len(self.held) < share:
                wanted = share - len(self.held)
                rows = await connection.fetch(_CLAIM, self.worker, LEASE_SECONDS, wanted)
                for row in rows:
                    self.held[row["partition"]] = Held(*row)
        return before != {partition: held.epoch for partition, held in self.held.items()}

    def _keep(self, rows: Sequence[asyncpg.Record]) -> None:
        """What is held under the epoch we know keeps our own idea of its offset."""
        kept: dict[int, Held] = {}
        for row in rows:
            known = self.held.get(row["partition"])
            same = known is not None and known.epoch == row["epoch"]
            kept[row["partition"]] = known if known is not None and same else Held(*row)
        self.held = kept

    async def reload(self) -> None:
        """Read again what is held and where it stands, after a batch that was not applied."""
        rows = await self._pool.fetch(_KEEP, self.worker, LEASE_SECONDS)
        self.held = {row["partition"]: Held(*row) for row in rows}

    async def count_in(self, source: str) -> None:
        """Let offsets count in `source`: what counted in another starts over.

        From the beginning of the topic, where all that is known already is ignored; from the
        position in the log.
        """
        old = [held.partition for held in self.held.values() if held.source != source]
        if not old:
            return
        rows = await self._pool.fetch(_RESTART, self.worker, old, source)
        for row in rows:
            self.held[row["partition"]] = Held(*row)

    async def leave(self) -> None:
        """Give everything back at once, so that others need not wait for the leases to end."""
        await self._pool.execute(_RELEASE, self.worker, list(self.held))
        await self._pool.execute(_LEAVE, self.worker)
        self.held = {}
