"""Many leads at once, as they stand in the log: one query, no more decoded than is decided on.

The state cache is left alone: a job of a million leads would only push everybody else's out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

from schemas.catalogue import EVENTS
from schemas.event import Event
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.state import Lead
from services.kit.codec import StoredEvent, UnknownEvent, decode_origin
from services.kit.eventlog import EventLog

Acted = tuple[Event, str]
"""An event with the actor of its envelope."""

History = list[Acted]


class LeadReader:
    """Reads leads set-wise. Without `personal`, personal fields stand at their defaults."""

    def __init__(self, log: EventLog, *, personal: bool) -> None:
        """Read from `log`."""
        self._log = log
        self._personal = personal
        self._actors: dict[bytes, str] = {}

    async def histories(self, leads: Sequence[UUID]) -> dict[UUID, History | UnknownEvent]:
        """Return all events of each lead in order; [] for one that does not exist.

        A lead with an event this code does not know has that error in the place of its history.
        """
        rows = await self._log.pool.fetch(_WHOLE if self._personal else _OPEN, leads)
        keys: Mapping[UUID, Any] = {}
        if self._personal:
            keys = await self._log.keys.load({row[0] for row in rows if row[6] is not None})
        found: dict[UUID, History | UnknownEvent] = {lead: [] for lead in leads}
        for row in rows:
            history = found[row[0]]
            if isinstance(history, UnknownEvent):
                continue
            try:
                history.append((self._event(row, keys), self._actor(row[5])))
            except UnknownEvent as error:
                found[row[0]] = error
        return found

    def _event(self, row: Any, keys: Mapping[UUID, Any]) -> Event:
        """Return the event of a row; the slow way only for one of an earlier shape."""
        stream_id, version, kind, happened_at, data, _, personal, schema_version = row
        event_class = EVENTS.get(kind)
        if event_class is None:
            raise UnknownEvent(kind)
        if schema_version != event_class.class_version or schema_version != 1:
            return self._upcast(row, keys)
        state = orjson.loads(data)
        if personal is not None:
            key = keys.get(stream_id)
            if key is not None:
                state.update(orjson.loads(key.decrypt(version, personal)))
        state["originator_id"] = stream_id
        state["originator_version"] = version
        state["timestamp"] = happened_at
        event = object.__new__(event_class)
        # What was not stored is not in the instance: its class has the default.
        event.__dict__.update(state)
        return event

    def _upcast(self, row: Any, keys: Mapping[UUID, Any]) -> Event:
        stream_id, version, kind, happened_at, data, meta, personal, schema_version = row
        stored = StoredEvent(
            0,
            happened_at,
            happened_at,
            stream_id,
            version,
            schema_version,
            kind,
            b"",
            data,
            meta,
            personal,
        )
        return self._log.codec.decode(stored, keys.get(stream_id)).event

    def _actor(self, meta: bytes) -> str:
        """Return the actor of an envelope, which stands first in it; causes differ, actors few."""
        end = meta.find(b'"', 10)
        head = meta[:end]
        actor = self._actors.get(head)
        if actor is None:
            actor = decode_origin(meta).actor
            if head == b'{"actor":"' + actor.encode() and len(self._actors) < ACTORS_MAX:
                self._actors[head] = actor
        return actor


ACTORS_MAX = 10_000


def lead_after(history: Iterable[Acted], lead: Lead | None = None) -> Lead:
    """Return the lead after these events."""
    return fold(history, lead)


_ASKED = """
      from unnest($1::uuid[]) as asked(stream_id)
      join lateral (
        select * from log.events e where e.stream_id = asked.stream_id order by e.version offset 0
      ) e on true
"""
_OPEN = (
    "select e.stream_id, version, type, happened_at, data, meta, null::bytea, schema_version"
    + _ASKED
)
_WHOLE = (
    "select e.stream_id, version, type, happened_at, data, meta, personal, schema_version" + _ASKED
)
