"""Streams read whole, one row a stream, for a rebuild that folds each of them once.

The database joins what a stream's events are made of, and it is taken apart here in one go: that
costs a third of reading, opening and naming events one by one. The fold is the ordinary one. What
is not ordinary about a stream (an event of newer code or in an older shape, or one that is not
applied yet) is found here and left to the way that knows everything (decoding.py).
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from uuid import UUID

import asyncpg
import orjson

from schemas.catalogue import EVENTS
from schemas.envelope import Recorded
from schemas.event import Event
from services.kit.feed import partition_of
from services.kit.keys import DataKey, MasterKey
from services.projections.model import Row, StreamRow
from services.projections.streams import Standing, follow_index

STREAMS = 200
# No text of JSON holds a raw newline. Instants come as text, which is read in a fifth of the time
# that numbers take to become instants. A key comes along with its stream, so that it need not be
# asked for.
_PACKED = """
    select stream_id, types, positions, shape, happened, recorded, data, meta, personal,
           case when personal is not null then
             (select wrapped from log.lead_keys k where k.stream_id = s.stream_id) end as wrapped
      from (
        select stream_id, string_agg(type, ',') as types, array_agg(position) as positions,
               max(schema_version) as shape, string_agg(happened_at::text, ',') as happened,
               string_agg(recorded_at::text, ',') as recorded,
               string_agg(data, ',') as data, string_agg(meta, e'\\n') as meta,
               array_agg(personal) filter (where type = any($3)) as personal
          from (
            select * from log.events where stream_id >= $1 and ($2::uuid is null or stream_id < $2)
              order by stream_id, version
          ) e group by stream_id
      ) s
"""
_loads = orjson.loads
_new = object.__new__
_tuple = tuple.__new__
_set = object.__setattr__  # events are frozen
_parse = datetime.fromisoformat
_parse_again = lru_cache(maxsize=4096)(_parse)

_Kinds = tuple[tuple[type[Event], bool], ...]
"""Of some events the class, and whether its personal fields are wanted."""


async def packed_between(
    connection: "asyncpg.Connection[asyncpg.Record]",
    low: UUID,
    high: UUID | None,
    opened: Iterable[str],
) -> AsyncIterator[list["asyncpg.Record"]]:
    """Yield all streams from `low` to before `high`, some hundred at a time, as _PACKED names them.

    opened: the events (stored names) of which personal fields are wanted. `connection` must be in
    a transaction.
    """
    await follow_index(connection)
    await connection.execute("set local timezone = 'UTC'; set local datestyle = 'ISO'")
    cursor = await connection.cursor(_PACKED, low, high, list(opened))
    while rows := await cursor.fetch(STREAMS):
        yield rows


class Unpacking:
    """Makes rows of streams that were read packed."""

    def __init__(self, model: StreamRow, master: MasterKey, standing: Standing) -> None:
        """Fold `model` as far as `standing` says it is applied."""
        self._model = model
        self._category = model.category + "."
        self._opened = opened_of(model)
        self._master = master
        self._standing = standing
        # Up to here everything is applied, whichever the stream.
        self._everywhere = 0 if standing.parked else min(standing.positions, default=0)
        self._kinds = lru_cache(maxsize=4096)(self._look_up)  # few streams differ in their kinds
        self.events = 0
        self.left: list[UUID] = []
        """Streams that are to be folded in the ordinary way."""

    def rows_of(self, streams: Iterable["asyncpg.Record"]) -> Iterator[Row]:
        """Yield the rows of those of these streams that are ordinary, and remember the others."""
        category = self._category
        after = self._model.after
        for stream in streams:
            stream_id, types, positions = stream[:3]
            self.events += len(positions)
            if not types.startswith(category):
                continue
            is_applied = positions[-1] <= self._everywhere or self._is_applied(
                stream_id, positions[-1]
            )
            happened = self._unpack(stream) if is_applied else None
            if happened is None:
                self.left.append(stream_id)
            else:
                yield after(None, happened)

    def _is_applied(self, stream_id: UUID, last: int) -> bool:
        """Say whether a stream is applied up to its last position."""
        standing = self._standing
        return last <= standing.positions[partition_of(stream_id)] and (
            stream_id not in standing.parked
        )

    def _look_up(self, types: str) -> _Kinds | None:
        """Return what is known of the events of these types; None when one is not."""
        known = [EVENTS.get(topic) for topic in types.split(",")]
        kinds = tuple((one, one.TOPIC in self._opened) for one in known if one is not None)
        # What has changed its shape since it was named needs to be looked at one by one.
        if len(kinds) < len(known) or any(one.class_version > 1 for one, _ in kinds):
            return None
        return kinds

    def _unpack(self, stream: "asyncpg.Record") -> list[Recorded] | None:
        """Return the events of a stream, None when one of them is not in today's shape."""
        (stream_id, types, positions, shape, happened, recorded, data, meta, personal, wrapped) = (
            stream
        )
        kinds = self._kinds(types)
        if kinds is None or shape > 1:
            return None
        states = _loads(b"[%b]" % data)
        hidden = iter(personal or ())
        key = None
        if wrapped is not None:
            key = DataKey(stream_id, self._master.unwrap(stream_id, wrapped)).kept()
        events = []
        for version, (kind, opened), state, position, at, recorded_at, said in zip(
            range(1, len(kinds) + 1),
            kinds,
            states,
            positions,
            map(_parse, happened.split(",")),
            map(_parse_again, recorded.split(",")),  # events recorded together share that time
            meta.split(b"\n"),
            strict=True,
        ):
            erased = False
            if opened and (secret := next(hidden)) is not None:
                if key is None:
                    erased = True
                else:
                    state.update(_loads(key.decrypt(version, secret)))
            event = _new(kind)
            _set(event, "__dict__", state)
            # Not by its name: that would be a call more for every event read.
            fields = position, stream_id, version, at, recorded_at, said, event, erased, None
            events.append(_tuple(Recorded, fields))
        return events


def opened_of(model: StreamRow) -> frozenset[str]:
    """Return the events (stored names) whose personal fields the model's fold looks at."""
    return frozenset(EVENTS) if model.opened is None else model.opened
