"""What surrounds every event: where it stands, who caused it, when it happened and when we learned
it (rule 12).

These are tuples, because one of each is made for every event read: a frozen dataclass takes five
times as long.
"""

from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from schemas.event import Event


class Origin(NamedTuple):
    """Who and what caused the events of one append.

    actor: `user:<uuid>` for people and dialers, `service:<name>` for our own clock-driven rules.
    cause: `command:<uuid>`, `bulk:<uuid>`, `rule:<name>`, `call:<source>/<call id>`,
    `event:<event id>`, `file:<uuid>`, `import:<uuid>` or `source:<name>`.
    trace: W3C trace id of the request, or "" when there was none.
    """

    actor: str
    cause: str
    trace: str = ""


@lru_cache(maxsize=64)  # who folds an event into several columns or tables asks several times
def decode_origin(meta: bytes) -> Origin:
    """Return who and what caused an event, from their stored form (services/kit/codec.py)."""
    said = orjson.loads(meta)
    return Origin(said["actor"], said["cause"], said.get("trace", ""))


def who_and_why(said: Origin | bytes) -> tuple[str, str]:
    """Return actor and cause, for those who ask for them of every event once."""
    if isinstance(said, Origin):
        return said.actor, said.cause
    told = orjson.loads(said)
    return told["actor"], told["cause"]


class Recorded(NamedTuple):
    """An event as it stands in the log.

    `position` counts all events from 1 without a gap, in commit order; `version` counts the
    events of this stream from 1. `happened_at` is the fact's own time, `recorded_at` the
    database's clock at commit. `said` is the origin or its stored form, which is read when somebody
    asks: of most events nobody does. `erased` says that personal fields were wanted and their key
    is gone, so they read as their defaults. `stored` is the event's public and personal JSON as
    they are stored, when they are in today's shape, for those who pass them on unread.
    """

    position: int
    stream_id: UUID
    version: int
    happened_at: datetime
    recorded_at: datetime
    said: Origin | bytes
    event: Event
    erased: bool = False
    stored: tuple[bytes, bytes | None] | None = None

    @property
    def origin(self) -> Origin:
        """Who and what caused the event."""
        said = self.said
        return said if isinstance(said, Origin) else decode_origin(said)

    @property
    def event_id(self) -> str:
        """The event's name for the outside: unique, and the same however often it is sent."""
        return f"{self.stream_id}/{self.version}"
