"""Where projections get events from, partition by partition, each in order: Kafka, or the log
itself.

Both ways deliver the same stored events with the same promise: at least once, and per lead first
deliveries in the order of their versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from services.kit.codec import StoredEvent

TOPIC = "leads.events"
PARTITIONS = 12


def partition_of(stream_id: UUID) -> int:
    """Return the partition of a stream: all events of a lead are in one, in order."""
    return int.from_bytes(stream_id.bytes[-4:]) % PARTITIONS


@dataclass(frozen=True, slots=True)
class Start:
    """Where to go on in a partition: the next offset, and up to which position all is applied."""

    next_offset: int
    position: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What follows in one partition.

    first, next: the offset it starts from, as given or as the previous batch ended, and the one
    to go on from. position: everything of the partition up to it has been delivered.
    """

    partition: int
    first: int
    next: int
    position: int
    events: list[StoredEvent]


class FeedLost(RuntimeError):
    """The feed no longer holds what was asked for: its topic was lost or is not there yet."""


class FeedUnavailable(RuntimeError):
    """The feed cannot be reached now; try again later with a new one."""


class Feed(Protocol):
    """One reader. `source` names what its offsets count in, such as `log` or `kafka:3`."""

    source: str

    async def start(self) -> None:
        """Connect. Raises FeedUnavailable."""

    async def stop(self) -> None:
        """Disconnect; never raises."""

    def assign(self, starts: Mapping[int, Start]) -> None:
        """Read these partitions from there, and no others."""

    async def poll(self, wait_ms: int) -> list[Batch]:
        """Return what has come, at most one batch a partition, [] when nothing came in time.

        Raises FeedUnavailable, FeedLost.
        """
