"""From delivered events to what has to be written: decode, fold per stream in memory, write each
row once.

Streams are kept folded while this process holds their partition. What does not follow without a
gap is completed from the log; what cannot be folded parks its stream, and only that.
"""

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from uuid import UUID

import asyncpg

from schemas.catalogue import EVENTS
from schemas.envelope import Recorded
from services.kit.codec import StoredEvent
from services.kit.feed import Batch, partition_of
from services.kit.telemetry import logger
from services.projections import metrics
from services.projections.decoding import ERASING, Decoder, Keys, UnknownFact
from services.projections.history import HistoryForked, read_after
from services.projections.memory import Memory, States
from services.projections.model import NOTHING, ReadModel, Writes, destroys_key
from services.projections.tables import Tables

PARKED_MOST = 100
PARKED_AT_ONCE = 20
SLICE = 50
"""After so many events others on the loop have their turn, above all the writing of what was folded
before: it takes a dozen statements, and each has to be sent by somebody."""
_ORDINARY = frozenset(kind for kind in EVENTS.values() if kind.TOPIC not in ERASING)


@cache
def _category(topic: str) -> str:
    return topic.partition(".")[0]


@dataclass(slots=True)
class Parked:
    """A stream that stands still before `from_version`, and how many of its events came since."""

    stream_id: UUID
    from_version: int
    position: int
    error: str
    waiting: int = 1


@dataclass(slots=True)
class Changes:
    """What a group of batches makes: per read model what to write for each stream, and the streams
    parked.

    firsts: the first event of each stream that was not known before.
    """

    writes: dict[str, dict[UUID, Writes]] = field(default_factory=lambda: defaultdict(dict))
    parked: dict[UUID, Parked] = field(default_factory=dict)
    firsts: dict[UUID, StoredEvent] = field(default_factory=dict)
    events: int = 0
    newly_parked: int = 0


class TooManyParked(RuntimeError):
    """So many streams fail that the fault is not in them: the worker stops instead.

    Mend the cause, start again, then `leads unpark`.
    """


def failure_text(error: Exception) -> str:
    """Return kind and place of an error. Its message may quote personal data, so it is left out."""
    state = getattr(error, "sqlstate", None)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/services/" in frame.filename] or list(frames)
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{f' {state}' if state else ''}{place}"


def park(changes: Changes, at: StoredEvent, error: str, waiting: int) -> None:
    """Let a stream stand still before this event. Raises TooManyParked."""
    changes.parked[at.stream_id] = Parked(at.stream_id, at.version, at.position, error, waiting)
    changes.newly_parked += 1
    if changes.newly_parked > PARKED_AT_ONCE:
        raise TooManyParked(f"more than {PARKED_AT_ONCE} streams fail at once: {error}")
    logger().error(
        "stream-parked",
        stream=str(at.stream_id),
        version=at.version,
        partition=partition_of(at.stream_id),
        type=at.type,
        why=error,
    )


class Folder:
    """Folds events of the partitions this process holds, remembering streams while it does."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        decoder: Decoder,
        models: Mapping[str, Sequence[ReadModel]],
    ) -> None:
        """Fold `models` (by category), reading states and gaps through `pool`."""
        self._pool = pool
        self._decoder = decoder
        self._models = models
        self._memory = Memory()
        self._kept: dict[UUID, States] = {}
        self.parked: dict[UUID, int] = {}
        self.tables: Tables | None = None

    def forget(self, tables: Tables | None, parked: Mapping[UUID, int]) -> None:
        """Start over: nothing in memory counts any more but these parked streams."""
        self._memory.clear()
        self.parked = dict(parked)
        self.tables = tables

    async def fold(self, batches: Sequence[Batch]) -> Changes:
        """Return what these batches make. Raises HistoryForked, never for a single bad event."""
        changes = Changes()
        streams = self._by_stream(batches, changes)
        keys = await self._decoder.load_keys(one for batch in batches for one in batch.events)
        await self._load(streams)
        keys = {**keys, **await self._complete(streams)}
        folded = 0
        for stream_id, new in streams.items():
            if new:
                self._fold_stream(stream_id, new, keys, changes)
                folded += len(new)
                if folded >= SLICE:
                    folded = 0
                    await asyncio.sleep(0)
        self._memory.put_all(self._kept)
        self._kept = {}
        return changes

    def _by_stream(
        self, batches: Sequence[Batch], changes: Changes
    ) -> dict[UUID, list[StoredEvent]]:
        streams: dict[UUID, list[StoredEvent]] = {}
        for batch in batches:
            changes.events += len(batch.events)
            for one in batch.events:
                stream_id = one.stream_id
                if stream_id in self.parked:
                    self._count_waiting(one, changes)
                elif _category(one.type) in self._models:
                    if stream_id in streams:
                        streams[stream_id].append(one)
                    else:
                        streams[stream_id] = [one]
                elif one.type not in EVENTS:  # what is known and has no read model is left out
                    metrics.unknown_events.labels(one.type).inc()
                    logger().warning("unknown-category", type=one.type, position=one.position)
        return streams

    def _count_waiting(self, one: StoredEvent, changes: Changes) -> None:
        known = changes.parked.get(one.stream_id)
        if known is not None:
            known.waiting += 1
        else:
            from_version = self.parked[one.stream_id]
            changes.parked[one.stream_id] = Parked(one.stream_id, from_version, one.position, "")

    async def _load(self, streams: Mapping[UUID, list[StoredEvent]]) -> None:
        """Bring states into memory. A stream whose first event comes now has none."""
        missing: dict[str, list[UUID]] = {}
        self._kept = {}
        for stream_id, stored in streams.items():
            kept = self._memory.take(stream_id)
            category = _category(stored[0].type)
            self._kept[stream_id] = [None] * len(self._models[category]) if kept is None else kept
            if kept is None and stored[0].version > 1:
                missing.setdefault(category, []).append(stream_id)
        tables = self.tables
        assert tables is not None, "folding begins with forget()"
        for category, ids in missing.items():
            for place, model in enumerate(self._models[category]):
                async with self._pool.acquire() as connection:
                    loaded = await tables.load(connection, model, ids)
                for stream_id, state in loaded.items():
                    self._kept[stream_id][place] = state

    def _known(self, stream_id: UUID, models: Sequence[ReadModel]) -> int:
        """Return the version up to which the stream is folded in all its read models."""
        states = self._kept[stream_id]
        lowest = models[0].known(states[0])
        for place in range(1, len(models)):
            known = models[place].known(states[place])
            if known < lowest:
                lowest = known
        return lowest

    async def _complete(self, streams: dict[UUID, list[StoredEvent]]) -> Keys:
        """Leave what is known, and put what lacks before an event from the log in its place.

        Returns the keys of what came from the log.
        """
        after: dict[UUID, int] = {}
        lasts: dict[UUID, int] = {}
        for stream_id, stored in streams.items():
            known = self._known(stream_id, self._models[_category(stored[0].type)])
            if len(stored) == 1 and stored[0].version == known + 1:
                continue
            expected = known + 1
            new = []
            for one in stored:
                if one.version == expected:
                    new.append(one)
                    expected += 1
                elif one.version > expected:
                    after[stream_id] = known
                    lasts[stream_id] = max(one.version for one in stored)
                    break
            streams[stream_id] = new
        if not after:
            return {}
        metrics.gaps.inc(len(after))
        found = await read_after(self._pool, after)
        for stream_id, events in found.items():
            last, known = lasts[stream_id], after[stream_id]
            if len(events) < last - known:
                raise HistoryForked(
                    f"stream {stream_id} was delivered up to version {last}, the log ends before"
                )
            streams[stream_id] = events[: last - known]
        repaired = (one for stream_id in found for one in streams[stream_id])
        return await self._decoder.load_keys(repaired)

    def _fold_stream(
        self, stream_id: UUID, new: Sequence[StoredEvent], keys: Keys, changes: Changes
    ) -> None:
        """Fold events that follow what is known without a gap."""
        models = self._models[_category(new[0].type)]
        changes.firsts[stream_id] = new[0]
        try:
            events = self._decoder.decode_stream(new, keys)
            self._apply(stream_id, models, events, changes)
        except Exception:  # noqa: BLE001 - whatever it is, it concerns this stream alone
            self._fold_one_by_one(stream_id, models, new, keys, changes)

    def _fold_one_by_one(
        self,
        stream_id: UUID,
        models: Sequence[ReadModel],
        stored: Sequence[StoredEvent],
        keys: Keys,
        changes: Changes,
    ) -> None:
        """Apply what comes before the event that fails, and park the stream there."""
        good: list[Recorded] = []
        states = self._kept[stream_id]
        for place, one in enumerate(stored):
            try:
                recorded = self._decoder.decode_one(one, keys)
                trial = list(states)
                for i, model in enumerate(models):
                    trial[i], _ = model.advance(trial[i], [*good, recorded])
            except Exception as error:  # noqa: BLE001 - it is named where the stream is parked
                self.parked[stream_id] = one.version
                park(changes, one, failure_text(error), waiting=len(stored) - place)
                break
            good.append(recorded)
        if good:
            self._apply(stream_id, models, good, changes)

    def _apply(
        self,
        stream_id: UUID,
        models: Sequence[ReadModel],
        events: Sequence[Recorded],
        changes: Changes,
    ) -> None:
        states = self._kept[stream_id]
        advanced = [model.advance(states[place], events) for place, model in enumerate(models)]
        for place, (state, writes) in enumerate(advanced):
            states[place] = state
            if writes is not NOTHING:
                changes.writes[models[place].name][stream_id] = writes
        for recorded in events:
            kind = type(recorded.event)
            if kind in _ORDINARY:
                continue
            if kind is UnknownFact:
                topic = getattr(recorded.event, "topic", "")
                metrics.unknown_events.labels(topic).inc()
                logger().warning("unknown-event", type=topic, position=recorded.position)
            elif destroys_key(recorded.event):
                self._decoder.forget(stream_id)
