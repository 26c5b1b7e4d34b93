"""Our event log behind the recorder interface of the `eventsourcing` library, for its own tests.

The library is synchronous and stores any bytes under any topic; so this drives an event loop in a
thread of its own and hands raw rows to the appender.
"""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from threading import Event as Signal
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from eventsourcing.persistence import (
    AggregateRecorder,
    ApplicationRecorder,
    IntegrityError,
    Notification,
    StoredEvent,
    Subscription,
)

from schemas.event import Event
from services.kit.append import Append, AppendError, NewEvent, StreamAppend
from services.kit.appender import EventRow, Prepared
from services.kit.codec import digest_of, encode_origin
from services.kit.eventlog import EventLog
from tests.kit.event_logs import ORIGIN, WHEN, command, opened

Result = TypeVar("Result")
META = encode_origin(ORIGIN)
POLL_SECONDS = 0.005
READ = "select position, stream_id, version, type, data from log.events"


@dataclass(frozen=True)
class Foreign(Event):
    """Stands for an event of the library's tests, whose bytes are in the row beside it."""

    TOPIC: ClassVar[str] = "library.event"


class LogThread:
    """An event log in a loop of its own, called from other threads."""

    def __init__(self, url: str) -> None:
        """Open the log of this database; returns when it can be used."""
        self._ready = Signal()
        self._thread = threading.Thread(target=asyncio.run, args=(self._serve(url),))
        self._thread.start()
        assert self._ready.wait(20)

    async def _serve(self, url: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        async with opened(url, largest=8) as log:
            self.log = log
            self._ready.set()
            await self._closing.wait()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run `work` there and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def close(self) -> None:
        """Store what waits and end the thread."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()


class LogAggregateRecorder(AggregateRecorder):
    """Streams only."""

    def __init__(self, thread: LogThread) -> None:
        """Record through this log."""
        self._thread = thread

    @property
    def _log(self) -> EventLog:
        return self._thread.log

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append all or none; IntegrityError when a stream is not where it should be."""
        self._insert(stored_events)
        return None

    def _insert(self, stored_events: Sequence[StoredEvent]) -> Sequence[int]:
        if not stored_events:
            return []
        try:
            appended = self._thread.run(self._append(_prepare, stored_events))
        except AppendError as error:
            raise IntegrityError(str(error)) from error
        return range(appended.first_position, appended.position + 1)

    async def _append(self, prepare: Any, stored_events: Sequence[StoredEvent]) -> Any:
        return await self._log._appender.submit(prepare(stored_events))

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Read a stream, or a part of it, from either end."""
        rows = self._thread.run(
            self._log.pool.fetch(
                READ + " where stream_id = $1 and ($2::int is null or version > $2)"
                " and ($3::int is null or version <= $3)"
                f" order by version {'desc' if desc else 'asc'} limit $4",
                originator_id,
                gt,
                lte,
                limit,
            )
        )
        return [StoredEvent(*row[1:]) for row in map(tuple, rows)]


class LogApplicationRecorder(LogAggregateRecorder, ApplicationRecorder):
    """Streams and the whole log in its order."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Append all or none and return the positions."""
        return list(self._insert(stored_events))

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Read the log in its order."""
        after = (start or 0) - (1 if inclusive_of_start else 0)
        rows = self._thread.run(
            self._log.pool.fetch(
                READ + " where position > $1 and ($2::bigint is null or position <= $2)"
                " and (cardinality($3::text[]) = 0 or type = any($3))"
                " order by position limit $4",
                after,
                stop,
                list(topics),
                limit,
            )
        )
        return [
            Notification(
                originator_id=row["stream_id"],
                originator_version=row["version"],
                topic=row["type"],
                state=row["data"],
                id=row["position"],
            )
            for row in rows
        ]

    def max_notification_id(self) -> int | None:
        """Return the last position, None for an empty log."""
        return self._thread.run(self._log.head()) or None

    def subscribe(
        self, gt: int | None = None, topics: Sequence[str] = ()
    ) -> Subscription[ApplicationRecorder]:
        """Follow the log: one goes on after the last position one saw."""
        return Following(self, gt, topics)


class Following(Subscription[ApplicationRecorder]):
    """Reads on after the last position seen, waiting a little where there is nothing."""

    _page: Sequence[Notification] = ()

    def __next__(self) -> Notification:
        """Return the next event, waiting for it; ends when stopped."""
        pause = Signal()
        while not self._has_been_stopped:
            if not self._page:
                self._page = self._recorder.select_notifications(
                    self._last_notification_id, 100, topics=self._topics, inclusive_of_start=False
                )
            if self._page:
                first, *self._page = self._page
                self._last_notification_id = first.id
                return first
            pause.wait(POLL_SECONDS)
        raise StopIteration


def _prepare(stored_events: Sequence[StoredEvent]) -> Prepared:
    """Raw rows for one append; the first version given says what the stream must stand at."""
    streams: dict[UUID, list[StoredEvent]] = {}
    for one in stored_events:
        assert isinstance(one.originator_id, UUID)
        streams.setdefault(one.originator_id, []).append(one)
    places = {stream_id: place for place, stream_id in enumerate(streams, 1)}
    rows: list[EventRow] = []
    for one in stored_events:
        assert isinstance(one.originator_id, UUID)
        mark = digest_of(
            *(one.originator_id, one.originator_version, 1, WHEN),
            *(one.topic, one.state, None, META),
        )
        placed = (places[one.originator_id], one.originator_version, one.topic, 1, WHEN)
        rows.append((*placed, one.state, None, META, mark))
    appends = [
        StreamAppend(
            stream_id,
            max(events[0].originator_version - 1, 0),
            [NewEvent(Foreign(), WHEN, ORIGIN)] * len(events),
        )
        for stream_id, events in streams.items()
    ]
    return Prepared(Append([command()], appends), rows, tuple(streams), tuple(streams), [])
