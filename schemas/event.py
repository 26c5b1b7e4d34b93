"""The base of every event: one fact, frozen, with a name that outlives any refactoring.

An event is what is stored for ever. Names and meanings never change; a field may be added (with a
default), and anything else is a new `class_version` with an `upcast_vN_vN+1` beside it.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from uuid import UUID

from eventsourcing.domain import DomainEvent

NOWHERE = UUID(int=0)
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Event(DomainEvent):
    """One fact of one stream.

    A decision makes events without a place (`OwnerChanged(owner="team:…")`); the event log gives
    them their stream, version and time with `placed`. Values are JSON-native: ids and instants
    are strings, so that what is read back equals what was written.

    Class attributes a subclass states:
      TOPIC     its stored name, `<category>.<past_tense>`; never changed once written.
      PERSONAL  fields encrypted with the lead's own key. Each needs a default: the value that
                stands in once the key is destroyed (rule 16).
      class_version  1 unless upcasters exist.
    """

    TOPIC: ClassVar[str] = ""
    PERSONAL: ClassVar[frozenset[str]] = frozenset()
    class_version: ClassVar[int] = 1

    originator_id: UUID = field(default=NOWHERE, init=False, repr=False, compare=False)
    originator_version: int = field(default=0, init=False, repr=False, compare=False)
    timestamp: datetime = field(default=EPOCH, init=False, repr=False, compare=False)

    def placed(self, stream_id: UUID, version: int, happened_at: datetime) -> Self:
        """Return the same fact as event `version` of `stream_id`, which happened at that time."""
        placed = object.__new__(type(self))
        state: dict[str, Any] = dict(vars(self))
        state["originator_id"] = stream_id
        state["originator_version"] = version
        state["timestamp"] = happened_at
        object.__setattr__(placed, "__dict__", state)
        return placed

    @classmethod
    def category(cls) -> str:
        """Return the stream category: the part of the stored name before the dot."""
        return cls.TOPIC.partition(".")[0]
