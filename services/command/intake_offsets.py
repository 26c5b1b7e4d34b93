"""How far the dialer topic has been taken in: one row a partition, moved only after the append.

A partition is leased by one process at a time; another stands by and takes over when a lease runs
out. Each take-over raises the epoch, so that whoever lost a lease cannot move the offset any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg

LEASE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Held:
    """A partition this process holds, and where it goes on."""

    partition: int
    next_offset: int
    epoch: int


class IntakeOffsets:
    """The offsets of one topic, for one process."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", topic: str, owner: UUID) -> None:
        """Hold partitions of `topic` as `owner`."""
        self._pool = pool
        self._topic = topic
        self._owner = owner

    async def take(self, partitions: int) -> list[Held]:
        """Lease every partition that is free, below `partitions`; return those newly held."""
        rows = await self._pool.fetch(_TAKE, self._topic, partitions, self._owner, LEASE_SECONDS)
        return [Held(*row) for row in rows]

    async def renew(self, held: Mapping[int, Held]) -> set[int]:
        """Prolong the leases; return the partitions that are still ours."""
        rows = await self._pool.fetch(
            _RENEW,
            self._topic,
            self._owner,
            LEASE_SECONDS,
            list(held),
            [one.epoch for one in held.values()],
        )
        return {row["partition"] for row in rows}

    async def move(self, held: Mapping[int, Held], after: Mapping[int, int]) -> set[int]:
        """Move offsets from where `held` has them to `after`; return the partitions moved.

        One that is missing belongs to somebody else by now: drop it.
        """
        rows = await self._pool.fetch(
            _MOVE,
            self._topic,
            self._owner,
            LEASE_SECONDS,
            list(after),
            [held[one].epoch for one in after],
            [held[one].next_offset for one in after],
            list(after.values()),
        )
        return {row["partition"] for row in rows}

    async def release(self) -> None:
        """Let others go on at once."""
        await self._pool.execute(_RELEASE, self._topic, self._owner)


_TAKE = """
    insert into log.intake_offsets as o (topic, partition, owner, epoch, lease_until)
    select $1, p, $3, 1, clock_timestamp() + make_interval(secs => $4)
      from generate_series(0, $2 - 1) as p
    on conflict (topic, partition) do update
      set owner = excluded.owner, epoch = o.epoch + 1, lease_until = excluded.lease_until
      where o.lease_until < clock_timestamp()
    returning partition, next_offset, epoch
"""
_RENEW = """
    update log.intake_offsets o
      set lease_until = clock_timestamp() + make_interval(secs => $3)
      from unnest($4::int[], $5::bigint[]) as h(partition, epoch)
      where o.topic = $1 and o.owner = $2 and o.partition = h.partition and o.epoch = h.epoch
      returning o.partition
"""
_MOVE = """
    update log.intake_offsets o
      set next_offset = h.after, lease_until = clock_timestamp() + make_interval(secs => $3)
      from unnest($4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
        as h(partition, epoch, before, after)
      where o.topic = $1 and o.owner = $2 and o.partition = h.partition and o.epoch = h.epoch
        and o.next_offset = h.before
      returning o.partition
"""
_RELEASE = """
    update log.intake_offsets set lease_until = '-infinity', owner = null
      where topic = $1 and owner = $2
"""
