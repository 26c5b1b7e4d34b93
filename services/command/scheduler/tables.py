"""The rows of schema `clock`: what falls due when, which leads end with which campaign, how far the
log is followed.

Only the leader writes here. One that lost the lead without noticing is stopped by the position,
which has moved on without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from services.command.scheduler.timers import RULES, Timer

SPREAD = 2_000
"""Leads of an ended campaign that get its end as a due time in one step."""


class Deposed(RuntimeError):
    """Another process has moved the position: it leads now."""


class Due(NamedTuple):
    """A due time of a stream."""

    stream: UUID
    rule: str
    about: str
    at: datetime


@dataclass(slots=True)
class Changes:
    """What a stretch of the log changes: of each due time the last word counts."""

    gone: set[UUID] = field(default_factory=set)
    timers: dict[tuple[UUID, str, str], Timer] = field(default_factory=dict)
    joined: dict[UUID, UUID | None] = field(default_factory=dict)
    """Campaign by lead; None = in none any more."""
    ends: dict[UUID, datetime | None] = field(default_factory=dict)
    """End by campaign."""

    def note(self, stream: UUID, timers: Iterable[Timer]) -> None:
        """Add what one event sets and cancels."""
        for timer in timers:
            key = (stream, timer.rule, timer.about)
            known = self.timers.get(key) if timer.first else None
            if known is None:
                self.timers[key] = timer
            elif known.at is None:
                self.timers[key] = timer._replace(first=False)

    def forget(self, stream: UUID) -> None:
        """Let nothing of the stream fall due any more."""
        self.timers = {key: timer for key, timer in self.timers.items() if key[0] != stream}
        self.gone.add(stream)
        self.joined[stream] = None


class ClockTables:
    """Access to the tables of schema `clock`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Use `pool`, under the role of the command service."""
        self._pool = pool

    async def position(self, version: int) -> int:
        """Return how far the log is followed; after a change of the code, from the beginning."""
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow("select version, position from clock.progress")
            if row["version"] == version:
                return int(row["position"])
            await connection.execute("truncate clock.due, clock.members, clock.campaigns")
            await connection.execute(
                "update clock.progress set version = $1, position = 0", version
            )
            return 0

    async def advance(self, before: int, position: int, changes: Changes) -> None:
        """Store what the log says between two positions. Raises Deposed."""
        async with self._pool.acquire() as connection, connection.transaction():
            moved = await connection.execute(
                "update clock.progress set position = $2, updated_at = clock_timestamp()"
                " where position = $1",
                before,
                position,
            )
            if moved != "UPDATE 1":
                raise Deposed
            if changes.gone:
                await connection.execute(_FORGET, list(changes.gone))
            await _store_timers(connection, changes.timers)
            await _store_members(connection, changes)

    async def spread(self, now: datetime) -> bool:
        """Give leads of a campaign that has ended its end as due time; False when none is left."""
        async with self._pool.acquire() as connection, connection.transaction():
            campaign = await connection.fetchrow(_ENDED, now)
            if campaign is None:
                return False
            leads = await connection.fetch(
                _MEMBERS, campaign["campaign_id"], campaign["spread_to"], SPREAD
            )
            ids = [lead for (lead,) in leads]
            await connection.execute(_EXPIRE, ids, campaign["active_until"])
            await connection.execute(
                "update clock.campaigns set spreading = true, spread_to = $2, spread = $3"
                " where campaign_id = $1",
                campaign["campaign_id"],
                ids[-1] if ids else campaign["spread_to"],
                len(ids) < SPREAD,
            )
            return True

    async def take(self, now: datetime, limit: int) -> list[Due]:
        """Return what is due, at most `limit` streams a rule, with all else due for those streams.

        By stream, each in the order in which the times came.
        """
        return [Due(*row) for row in await self._pool.fetch(_TAKE, list(RULES), now, limit)]

    async def done(self, settled: Sequence[tuple[Due, datetime | None]]) -> None:
        """Strike out due times that were applied, or move them to when they come next."""
        over = [due for due, then in settled if then is None]
        moved = [(due, then) for due, then in settled if then is not None]
        async with self._pool.acquire() as connection, connection.transaction():
            if over:
                await connection.execute(_DONE, *_columns(over))
            if moved:
                later = [then for _, then in moved]
                await connection.execute(_MOVE, *_columns([due for due, _ in moved]), later)

    async def postpone(self, dues: Sequence[Due], until: datetime) -> None:
        """Look at these again later: applying them failed."""
        await self._pool.execute(_POSTPONE, *_columns(dues), until)

    async def oldest(self, now: datetime) -> datetime | None:
        """Return the earliest time that has come and is not applied; None when all are."""
        found: datetime | None = await self._pool.fetchval(_OLDEST, list(RULES), now)
        return found


async def _store_timers(connection: Any, timers: Mapping[tuple[UUID, str, str], Timer]) -> None:
    cancelled = [key for key, timer in timers.items() if timer.at is None]
    # Most of what calls cancel was never set: one look at each stream spares one for each rule.
    known = await connection.fetch(_KNOWN, list({stream for stream, _, _ in cancelled}))
    streams = {stream for (stream,) in known}
    cancelled = [key for key in cancelled if key[0] in streams]
    moved = [(*key, timer.at) for key, timer in timers.items() if timer.at and not timer.first]
    first = [(*key, timer.at) for key, timer in timers.items() if timer.at and timer.first]
    if cancelled:
        await connection.execute(_CANCEL, *_turned(cancelled))
    if moved:
        await connection.execute(_SET, *_turned(moved))
    if first:
        await connection.execute(_SET_FIRST, *_turned(first))


async def _store_members(connection: Any, changes: Changes) -> None:
    if changes.joined:
        left = [lead for lead, campaign in changes.joined.items() if campaign is None]
        joined = [(lead, campaign) for lead, campaign in changes.joined.items() if campaign]
        if left:
            await connection.execute("delete from clock.members where lead_id = any($1)", left)
        if joined:
            await connection.execute(_JOIN, *_turned(joined))
    ends = list(changes.ends.items())
    if ends:
        await connection.execute(_ENDS, *_turned(ends))
    if changes.joined:
        # After the ends: a lead may join a campaign that has ended meanwhile.
        await connection.execute(_LATE, list(changes.joined))


def _columns(dues: Sequence[Due]) -> list[list[Any]]:
    return _turned(dues)


def _turned(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


_KNOWN = """
    select stream_id from unnest($1::uuid[]) as k(stream_id)
    where exists (select from clock.due d where d.stream_id = k.stream_id)
"""
_FORGET = "delete from clock.due where stream_id = any($1)"
_CANCEL = """
    delete from clock.due d
    using unnest($1::uuid[], $2::text[], $3::text[]) as k(stream_id, rule, about)
    where d.stream_id = k.stream_id and d.rule = k.rule and d.about = k.about
"""
_SET = """
    insert into clock.due as d (stream_id, rule, about, at, look_at)
    select k.*, k.at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
      as k(stream_id, rule, about, at)
    on conflict (stream_id, rule, about) do update
      set at = excluded.at, look_at = excluded.look_at
"""
_SET_FIRST = """
    insert into clock.due as d (stream_id, rule, about, at, look_at)
    select k.*, k.at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
      as k(stream_id, rule, about, at)
    on conflict (stream_id, rule, about) do nothing
"""
_DONE = """
    delete from clock.due d
    using unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
      as k(stream_id, rule, about, at)
    where (d.stream_id, d.rule, d.about, d.at) = (k.stream_id, k.rule, k.about, k.at)
"""
_MOVE = """
    update clock.due d set at = k.later, look_at = k.later
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
      as k(stream_id, rule, about, at, later)
    where (d.stream_id, d.rule, d.about, d.at) = (k.stream_id, k.rule, k.about, k.at)
"""
_POSTPONE = """
    update clock.due d set look_at = $5
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])
      as k(stream_id, rule, about, at)
    where (d.stream_id, d.rule, d.about, d.at) = (k.stream_id, k.rule, k.about, k.at)
"""
_JOIN = """
    insert into clock.members (lead_id, campaign_id)
    select * from unnest($1::uuid[], $2::uuid[])
    on conflict (lead_id) do update set campaign_id = excluded.campaign_id
"""
_ENDS = """
    with ends as (
      select * from unnest($1::uuid[], $2::timestamptz[]) as e(campaign_id, active_until)
    ), endless as (
      delete from clock.campaigns c using ends e
      where c.campaign_id = e.campaign_id and e.active_until is null
    )
    insert into clock.campaigns as c (campaign_id, active_until)
    select campaign_id, active_until from ends where active_until is not null
    on conflict (campaign_id) do update
      set active_until = excluded.active_until, spreading = false, spread_to = null, spread = false
      where c.active_until <> excluded.active_until
"""
_EXPIRE = """
    insert into clock.due as d (stream_id, rule, about, at, look_at)
    select lead, 'expire', '', $2, $2 from unnest($1::uuid[]) as lead
    on conflict (stream_id, rule, about) do update
      set at = excluded.at, look_at = excluded.look_at where d.at > excluded.at
"""
_LATE = """
    insert into clock.due as d (stream_id, rule, about, at, look_at)
    select m.lead_id, 'expire', '', c.active_until, c.active_until
    from clock.members m join clock.campaigns c on c.campaign_id = m.campaign_id and c.spreading
    where m.lead_id = any($1)
    on conflict (stream_id, rule, about) do update
      set at = excluded.at, look_at = excluded.look_at where d.at > excluded.at
"""
_ENDED = """
    select campaign_id, active_until, spread_to from clock.campaigns
    where not spread and active_until <= $1 order by active_until, campaign_id limit 1
"""
_MEMBERS = """
    select lead_id from clock.members
    where campaign_id = $1 and ($2::uuid is null or lead_id > $2) order by lead_id limit $3
"""
_TAKE = """
    with first as (
      select distinct d.stream_id
      from unnest($1::text[]) as r(rule)
      cross join lateral (
        select stream_id from clock.due
        where rule = r.rule and look_at <= $2 order by look_at limit $3
      ) d
    )
    select d.stream_id, d.rule, d.about, d.at
    from clock.due d join first using (stream_id)
    where d.look_at <= $2
    order by d.stream_id, d.at, array_position($1, d.rule), d.about
"""
_OLDEST = """
    select min(d.at) from unnest($1::text[]) as r(rule)
    cross join lateral (
      select at from clock.due where rule = r.rule and look_at <= $2 order by look_at limit 1
    ) d
"""
