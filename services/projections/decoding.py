"""From stored bytes to facts, for everything that folds: a type this code does not know is kept as
it is, never dropped.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import orjson

from schemas.catalogue import EVENTS
from schemas.envelope import Recorded
from schemas.event import Event
from services.kit.codec import EventCodec, StoredEvent, UnknownEvent
from services.kit.keys import DataKey, KeyRing

Keys = Mapping[UUID, DataKey | None]
"""The keys of some streams; None for a destroyed one."""


@dataclass(frozen=True)
class UnknownFact(Event):
    """An event of a type this code does not know, written by newer code: its stored name and
    fields.
    """

    PERSONAL: ClassVar[frozenset[str]] = frozenset({"personal"})

    topic: str = ""
    data: Mapping[str, Any] | None = None
    personal: Mapping[str, Any] | None = None


ERASING = frozenset(topic for topic, kind in EVENTS.items() if getattr(kind, "DESTROYS_KEY", False))
"""Stored names of the events with which a stream's key was destroyed."""


class Decoder:
    """Decodes stored events with the keys of their leads."""

    def __init__(self, keys: KeyRing) -> None:
        """Look keys up in `keys`."""
        self.keys = keys
        self._codec = EventCodec(EVENTS)

    async def load_keys(self, stored: Iterable[StoredEvent]) -> Keys:
        """Return the keys these events need, with one query for those not at hand.

        To be handed to `decode_one`: there may be more of them than the ring holds.
        """
        return await self.keys.load({one.stream_id for one in stored if one.personal is not None})

    async def decode(self, stored: Sequence[StoredEvent]) -> list[Recorded]:
        """Return the events decoded, in order. Raises what `decode_one` raises."""
        keys = await self.load_keys(stored)
        return [self.decode_one(one, keys) for one in stored]

    def decode_one(self, stored: StoredEvent, keys: Keys) -> Recorded:
        """Return the event, its key being among `keys`; raises when the stored bytes are not what
        the type promises.
        """
        try:
            return self._codec.decode(stored, keys.get(stored.stream_id))
        except UnknownEvent:
            return self._unknown(stored, keys)

    def decode_stream(self, stored: Sequence[StoredEvent], keys: Keys) -> list[Recorded]:
        """Return events of one stream, as `decode_one` does for each of them."""
        if not stored:
            return []
        key = keys.get(stored[0].stream_id)
        if key is not None and len(stored) > 1:
            key = key.kept()
        decode = self._codec.decode
        try:
            return [decode(one, key) for one in stored]
        except UnknownEvent:
            return [self.decode_one(one, keys) for one in stored]

    def forget(self, stream_id: UUID) -> None:
        """Drop a key that was destroyed."""
        self.keys.put(stream_id, None)

    @staticmethod
    def _unknown(stored: StoredEvent, keys: Keys) -> Recorded:
        key = keys.get(stored.stream_id)
        personal = None
        if stored.personal is not None and key is not None:
            personal = orjson.loads(key.decrypt(stored.version, stored.personal))
        fact = UnknownFact(stored.type, orjson.loads(stored.data), personal)
        return Recorded(
            stored.position,
            stored.stream_id,
            stored.version,
            stored.happened_at,
            stored.recorded_at,
            stored.meta,
            fact.placed(stored.stream_id, stored.version, stored.happened_at),
            stored.personal is not None and key is None,
        )
