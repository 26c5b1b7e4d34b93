"""Many leads at once, as they stand in the log: one query, no more decoded than is decided on.

The state cache is left alone: a job of a million leads would only push everybody else's out.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from schemas.catalogue import EVENTS
from schemas.event import Event
from services.command.domain.lead.evolving import fold
from services.command.domain.lead.state import Lead
from services.kit.codec import StoredEvent, UnknownEvent
from services.kit.eventlog import EventLog
from services.kit.keys import DataKey

Acted = tuple[Event, str]
"""An event with the actor of its envelope, or with the envelope as it is stored: most are never
asked who it was.
"""

History = list[Acted]

_QUICK = {topic: kind for topic, kind in EVENTS.items() if kind.class_version == 1}
"""Events that had one shape only, by stored name: their state is what was stored."""

_new = object.__new__
_set = object.__setattr__  # events are frozen


class LeadReader:
    """Reads leads set-wise.

    With `whole` false neither personal fields nor actors are read: personal fields stand at their
    defaults, and who modified the lead last is not known. Of the events `closed` names no personal
    field is read in any case.
    """

    def __init__(self, log: EventLog, *, whole: bool, closed: Collection[str] = ()) -> None:
        """Read from `log`."""
        self._log = log
        self._whole = whole
        self._closed = list(closed)

    async def histories(self, leads: Sequence[UUID]) -> dict[UUID, History | UnknownEvent]:
        """Return all events of each lead in order; [] for one that does not exist.

        A lead with an event this code does not know has that error in the place of its history.
        """
        found: dict[UUID, History | UnknownEvent] = {}
        histories: list[History] = [[] for _ in leads]
        odd: set[UUID] = set()
        read = self._read_personal if self._whole else self._read_open
        await read(leads, histories, odd)
        found.update(zip(leads, histories, strict=True))
        if odd:
            await self._read_with_care(list(odd), found)
        return found

    async def _read_open(
        self, leads: Sequence[UUID], histories: list[History], odd: set[UUID]
    ) -> None:
        for place, *columns in await self._log.pool.fetch(_OPEN, leads):
            lead = leads[place - 1]
            event = quickly(lead, *columns)
            if event is None:
                odd.add(lead)
            else:
                histories[place - 1].append((event, ""))

    async def _read_personal(
        self, leads: Sequence[UUID], histories: list[History], odd: set[UUID]
    ) -> None:
        """Read what the decisions of a batch look at; envelopes stay as they are stored."""
        rows = await self._log.pool.fetch(_PERSONAL, leads, self._closed)
        keys = await self._log.keys.load(leads)
        known = 0
        key: DataKey | None = None
        for place, topic, schema_version, happened_at, data, meta, version, hidden in rows:
            lead = leads[place - 1]
            event = quickly(lead, topic, schema_version, happened_at, data)
            if event is None:
                odd.add(lead)
                continue
            if hidden is not None:
                if place != known:
                    found = keys.get(lead)
                    known, key = place, None if found is None else found.kept()
                if key is not None:
                    vars(event).update(orjson.loads(key.decrypt(version, hidden)))
            histories[place - 1].append((event, meta))

    async def _read_with_care(
        self, leads: Sequence[UUID], found: dict[UUID, History | UnknownEvent]
    ) -> None:
        """Read leads with everything there is of them, in whatever shape it was stored."""
        rows = [StoredEvent._make(row) for row in await self._log.pool.fetch(_WHOLE, leads)]
        keys = await self._log.keys.load({one.stream_id for one in rows if one.personal})
        found.update((lead, []) for lead in leads)
        for one in rows:
            history = found[one.stream_id]
            if isinstance(history, UnknownEvent):
                continue
            try:
                recorded = self._log.codec.decode(one, keys.get(one.stream_id))
            except UnknownEvent as error:
                found[one.stream_id] = error
            else:
                history.append((recorded.event, recorded.origin.actor))


def quickly(
    stream_id: UUID, topic: str, schema_version: int, happened_at: datetime, data: bytes
) -> Event | None:
    """Return a stored event without its personal fields; None for one of another shape."""
    kind = _QUICK.get(topic)
    if kind is None or schema_version != 1:
        return None
    state = orjson.loads(data)
    state["originator_id"] = stream_id
    state["timestamp"] = happened_at
    event = _new(kind)
    # What was not stored is not in the instance: its class has the default.
    _set(event, "__dict__", state)
    return event


def lead_after(history: Iterable[Acted], lead: Lead | None = None) -> Lead:
    """Return the lead after these events."""
    after = fold(history, lead)
    after.modified_by, after.created_by = _actor(after.modified_by), _actor(after.created_by)
    return after


def _actor(said: str) -> str:
    """Return an actor who may still stand in the envelope."""
    return str(orjson.loads(said)["actor"]) if said.startswith("{") else said


_ASKED = """
      from unnest($1::uuid[]) with ordinality as asked(stream_id, place)
      join lateral (
        select * from log.events e where e.stream_id = asked.stream_id order by e.version offset 0
      ) e on true
"""
_OPEN = "select place::int, type, schema_version, happened_at, data" + _ASKED
_PERSONAL = (
    "select place::int, type, schema_version, happened_at, data, convert_from(meta, 'UTF8'),"
    " version, case when type <> all($2::text[]) then personal end" + _ASKED
)
_WHOLE = (
    "select position, recorded_at, happened_at, e.stream_id, version, schema_version, type, hash,"
    " data, meta, personal" + _ASKED
)
