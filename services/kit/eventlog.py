"""The event log: append facts in commit order, read a stream, read everything after a position.

Because positions are given under the append's lock, a reader just continues after the last position
it saw: nothing appears later below it, and there are no gaps.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self
from uuid import UUID

import asyncpg

from schemas.envelope import Origin, Recorded
from services.kit.append import (
    Append,
    Appended,
    AppendError,
    EarlierAnswer,
    KeyDestroyed,
    StreamAppend,
)
from services.kit.appender import Appender, EventRow, Prepared
from services.kit.codec import (
    READ_EVENTS,
    EventCodec,
    StoredEvent,
    digest_of,
    encode_origin,
    utc,
)
from services.kit.keys import DataKey, KeyRing

MadeKeys = dict[UUID, tuple[DataKey, bytes]]


class EventLog:
    """One process's access to the log.

    Use as an async context manager: leaving it stores what still waits.
    """

    def __init__(
        self, pool: "asyncpg.Pool[asyncpg.Record]", codec: EventCodec, keys: KeyRing
    ) -> None:
        """Read and append through `pool`, whose role decides whether appending is allowed."""
        self.pool = pool
        self.codec = codec
        self.keys = keys
        self._appender = Appender(pool)
        self._origin = Origin("", "")
        self._meta = encode_origin(self._origin)

    async def __aenter__(self) -> Self:
        """Start appending."""
        self._appender.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Store what waits and stop."""
        await self._appender.close()

    async def append(self, append: Append) -> Appended:
        """Store the append durably, or raise the AppendError that says why nothing of it
        was stored.
        """
        prepared = await self._prepare(append, {})
        appended = await self._appender.submit(prepared)
        self._stored(prepared)
        return appended

    async def append_many(self, appends: Sequence[Append]) -> list[Appended | AppendError]:
        """Store many independent appends; each has its own outcome, in the order given."""
        streams = (stream for append in appends for stream in append.streams)
        await self.keys.load({stream.stream_id for stream in streams if _may_need_key(stream)})
        made: MadeKeys = {}
        prepared = [await self._prepare_or_refuse(append, made) for append in appends]
        await _all_done(
            [self._appender.submit(one) for one in prepared if isinstance(one, Prepared)]
        )
        return [one if isinstance(one, KeyDestroyed) else self._outcome(one) for one in prepared]

    def _outcome(self, prepared: Prepared) -> Appended | AppendError:
        error = prepared.done.exception()
        if error is None:
            self._stored(prepared)
            return prepared.done.result()
        if isinstance(error, AppendError):
            return error
        raise error

    async def _prepare_or_refuse(self, append: Append, made: MadeKeys) -> Prepared | KeyDestroyed:
        try:
            return await self._prepare(append, made)
        except KeyDestroyed as refused:
            return refused

    def _stored(self, prepared: Prepared) -> None:
        for stream_id, _, key in prepared.new_keys:
            self.keys.put(stream_id, key)
        for stream_id in prepared.append.destroyed_keys:
            self.keys.put(stream_id, None)

    async def _prepare(self, append: Append, made: MadeKeys) -> Prepared:
        """Turn events into bytes: encoded, encrypted, digested.

        `made` are the keys that appends before this one are about to store.
        """
        rows: list[EventRow] = []
        new_keys: list[tuple[UUID, bytes, DataKey]] = []
        for place, stream in enumerate(append.streams, 1):
            key = self.keys.find(stream.stream_id) if stream.expected_version else None
            for version, new in enumerate(stream.events, stream.expected_version + 1):
                event, happened_at = new.event, utc(new.happened_at)
                data, plain = self.codec.encode(event)
                personal = None
                if plain is not None:
                    if key is None and stream.expected_version:
                        key = await self._known_key(stream.stream_id)
                    if key is None:
                        if stream.stream_id not in made:
                            made[stream.stream_id] = self.keys.make(stream.stream_id)
                        key, wrapped = made[stream.stream_id]
                        new_keys.append((stream.stream_id, wrapped, key))
                    personal = key.encrypt(version, plain)
                meta = self._meta_of(new.origin)
                placed = (stream.stream_id, version, event.class_version, happened_at)
                mark = digest_of(*placed, event.TOPIC, data, personal, meta)
                rows.append(
                    (
                        place,
                        version,
                        event.TOPIC,
                        event.class_version,
                        happened_at,
                        data,
                        personal,
                        meta,
                        mark,
                    )
                )
        writes = tuple(stream.stream_id for stream in append.streams)
        marks: list[object] = [*writes]
        marks += [command.command_id for command in append.commands]
        if append.taken or append.freed:
            marks += [key for key, _ in (*append.taken, *append.freed)]
        return Prepared(append, rows, writes, marks, new_keys)

    def _meta_of(self, origin: Origin) -> bytes:
        """Return the stored form of an origin; all events of a bulk job share one."""
        if origin is not self._origin:
            self._origin, self._meta = origin, encode_origin(origin)
        return self._meta

    async def _known_key(self, stream_id: UUID) -> DataKey | None:
        """Return the stream's key, None when it never had one; raise KeyDestroyed."""
        keys = await self.keys.load([stream_id])
        if stream_id in keys and keys[stream_id] is None:
            raise KeyDestroyed(stream_id)
        return keys.get(stream_id)

    async def load(
        self, stream_ids: Iterable[UUID], after: Mapping[UUID, int] | None = None
    ) -> dict[UUID, list[Recorded]]:
        """Return the events of each stream in order, with one query; only those beyond `after`.

        A stream without such events has an empty list. Personal fields of an erased lead
        read as defaults.
        """
        ids = list(dict.fromkeys(stream_ids))
        known = after or {}
        versions = [known.get(stream, 0) for stream in ids]
        if not ids:
            return {}
        if len(ids) == 1 and not versions[0]:
            rows = await self.pool.fetch(_STREAM, ids[0])
        else:
            rows = await self.pool.fetch(_STREAMS, ids, versions)
        streams: dict[UUID, list[Recorded]] = {stream: [] for stream in ids}
        for recorded in await self.decode([StoredEvent._make(row) for row in rows]):
            streams[recorded.stream_id].append(recorded)
        return streams

    async def read_raw(self, after: int, limit: int) -> list[StoredEvent]:
        """Return up to `limit` stored events after position `after`, in order: bytes as
        they are.
        """
        return [StoredEvent._make(row) for row in await self.pool.fetch(_LOG, after, limit)]

    async def decode(self, stored: Sequence[StoredEvent]) -> list[Recorded]:
        """Return stored events decoded, loading the keys they need with one query."""
        keys = await self.keys.load({one.stream_id for one in stored if one.personal is not None})
        decode = self.codec.decode
        return [decode(one, keys.get(one.stream_id)) for one in stored]

    async def read(self, after: int, limit: int) -> list[Recorded]:
        """Return up to `limit` events after position `after`, in log order."""
        return await self.decode(await self.read_raw(after, limit))

    async def head(self) -> int:
        """Return the last position, 0 for an empty log."""
        position = await self.pool.fetchval("select max(position) from log.events")
        return int(position or 0)

    async def versions(self, stream_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Return the current version of those of the streams that exist."""
        rows = await self.pool.fetch(
            "select stream_id, version from log.streams where stream_id = any($1)", list(stream_ids)
        )
        return {row["stream_id"]: row["version"] for row in rows}

    async def streams_of(self, category: str) -> list[UUID]:
        """Return the ids of all streams of a category with few streams (campaign, organisation)."""
        rows = await self.pool.fetch(
            "select stream_id from log.streams where category = $1 order by stream_id", category
        )
        return [row["stream_id"] for row in rows]

    async def holders(self, claims: Iterable[bytes]) -> dict[bytes, UUID]:
        """Return who holds those of the claims (keyed hashes) that are held."""
        rows = await self.pool.fetch(
            "select key, stream_id from log.claims where key = any($1)", list(claims)
        )
        return {row["key"]: row["stream_id"] for row in rows}

    async def streams_with_numbers(self, hashes: Iterable[bytes]) -> dict[bytes, list[UUID]]:
        """Return the leads that have each number (keyed hash), oldest lead first."""
        rows = await self.pool.fetch(
            "select hash, stream_id from log.numbers where hash = any($1) order by hash, stream_id",
            list(hashes),
        )
        found: dict[bytes, list[UUID]] = {}
        for number, stream in rows:
            found.setdefault(number, []).append(stream)
        return found

    async def earlier_answers(self, command_ids: Iterable[UUID]) -> dict[UUID, EarlierAnswer]:
        """Return what those of the commands that were carried out before were answered."""
        rows = await self.pool.fetch(
            "select command_id, request, answer, position from log.commands"
            " where command_id = any($1)",
            list(command_ids),
        )
        return {row["command_id"]: EarlierAnswer(*row) for row in rows}


async def _all_done(appends: "Sequence[asyncio.Future[Appended]]") -> None:
    """Wait until each has its outcome.

    One after the other: a group has its outcomes at once, so most are there when it is their turn,
    and the loop need not call back for each.
    """
    try:
        for one in appends:
            if not one.done():
                with suppress(Exception):  # It is the outcome of that append, not of all.
                    await one
    except asyncio.CancelledError:
        for one in appends:
            one.cancel()
        raise


def _may_need_key(stream: StreamAppend) -> bool:
    """Say whether its events can hold personal fields under a key made before."""
    return stream.expected_version > 0 and any(new.event.PERSONAL for new in stream.events)


_LOG = READ_EVENTS + " where position > $1 order by position limit $2"
_STREAM = READ_EVENTS + " where stream_id = $1 order by version"
_STREAMS = """
    select position, recorded_at, happened_at, e.stream_id, version, schema_version, type, hash,
           data, meta, personal
      from unnest($1::uuid[], $2::int[]) as asked(stream_id, after)
      join lateral (
        select * from log.events e
          where e.stream_id = asked.stream_id and e.version > asked.after
          order by e.version offset 0
      ) e on true
"""
