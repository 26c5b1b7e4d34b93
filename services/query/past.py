"""A lead as it was: the events of its stream up to a moment, folded like the read model folds
them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.catalogue import EVENTS
from schemas.envelope import Recorded
from schemas.relative_time import NoSuchTime, resolve_instant
from services.kit import errors
from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.eventlog import EventLog
from services.projections.decoding import Decoder
from services.projections.lead import fold
from services.projections.model import Row
from services.query.reading import Asked

_ORDINAL = re.compile(r"(version|position):(\d{1,18})", re.ASCII)
_DESTROYING = frozenset(topic for topic, kind in EVENTS.items() if getattr(kind, "DESTROYS_KEY", 0))

# The lead's row is behind the wall, so its events are too.
_STREAM = (
    READ_EVENTS
    + " where stream_id = $1 and exists (select from read.lead l where l.lead_id = $1)"
    + " order by version"
)
_OF_THE_ROW = frozenset(
    {"version", "position", "contact_sessions", "personal_fields", "status_since", "reached"}
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in a stream: its `version`, a `position` of the log, or when it was known
    (`time`).
    """

    version: int | None = None
    position: int | None = None
    time: datetime | None = None

    def holds(self, event: Recorded) -> bool:
        """Say whether the event was recorded by then."""
        if self.version is not None:
            return event.version <= self.version
        if self.position is not None:
            return event.position <= self.position
        assert self.time is not None
        return event.recorded_at <= self.time


def read_moment(text: str, now: datetime, name: str) -> Moment:
    """Return the moment that a parameter names; raise Invalid that points at it.

    `version:3`, `position:1042`, an instant, or a relative time: what was known then.
    """
    found = _ORDINAL.fullmatch(text)
    if found:
        number = int(found[2])
        return Moment(version=number) if found[1] == "version" else Moment(position=number)
    try:
        return Moment(time=resolve_instant(text, now))
    except NoSuchTime as reason:
        detail = errors.Detail("wrong-value", f"{reason}, or version:3", f"/query/{name}")
        raise errors.Invalid(f"{name} names no moment.", [detail]) from None


def check_moment(
    moment: Moment, asked: Asked, version: int, name: str, recorded_at: datetime | None = None
) -> None:
    """Raise Invalid for a moment that has not come: an answer would be another one later. `version`
    is the latest of the lead, recorded by the database's clock, which may be ahead of ours.
    """
    now = asked.now if recorded_at is None else max(asked.now, recorded_at)
    if moment.version is not None and moment.version > version:
        code, text = "no-such-version", f"the lead's latest version is {version}"
    elif moment.position is not None and moment.position > asked.head:
        code, text = "no-such-position", f"the log ends at {asked.head}"
    elif moment.time is not None and moment.time > now:
        code, text = "too-late", "that moment has not come yet; take now, or leave it out"
    else:
        return
    detail = errors.Detail(code, text, f"/query/{name}")
    raise errors.Invalid("There is no such moment yet.", [detail])


class Past:
    """Loads and folds streams of leads."""

    def __init__(self, log: EventLog) -> None:
        """Read from `log`, personal fields with its keys."""
        self._decoder = Decoder(log.keys)

    async def events(self, connection: Any, lead_id: UUID) -> list[StoredEvent]:
        """Return all events of the lead, [] when there is no such lead or it is behind the
        connection's wall.
        """
        rows = await connection.fetch(_STREAM, lead_id)
        stored = [StoredEvent(*row) for row in rows]
        return [one for one in stored if one.type.startswith("lead.")]

    async def decode(self, lead_id: UUID, stored: Sequence[StoredEvent]) -> list[Recorded]:
        """Return the events decoded; of an erased lead nothing personal, however fresh our keys."""
        if any(one.type in _DESTROYING for one in stored):
            self._decoder.forget(lead_id)
        return await self._decoder.decode(stored)


def folded(events: Sequence[Recorded]) -> Row | None:
    """Return the lead's row after these events."""
    row: Row | None = None
    for recorded in events:
        row = fold(row, recorded)
    return row


def differences(before: Row, after: Row) -> list[dict[str, Any]]:
    """Return what differs between two rows of a lead, template fields and notes one by one."""
    found = []
    for name in after:
        first, last = before.get(name), after[name]
        if first == last or name in _OF_THE_ROW:
            continue
        if name in ("fields", "notes"):
            for key in sorted({*(first or {}), *last}):
                one, other = (first or {}).get(key), last.get(key)
                if one != other:
                    found.append({"field": f"{name}.{key}", "before": one, "after": other})
        else:
            found.append({"field": name, "before": first, "after": last})
    return found
