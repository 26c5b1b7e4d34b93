"""What is asked of the event log and what it answers: one append, its outcome, and the ways in
which it is not done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from schemas.envelope import Origin
from schemas.event import Event
from schemas.frozen import frozen


@frozen
class Commanded:
    """A command that this append carries out: its id, the SHA-256 of its request, the answer a
    repeat will hear.
    """

    command_id: UUID
    request: bytes
    answer: bytes = b""


@frozen
class NewEvent:
    """An event to append and the time at which its fact happened (aware)."""

    event: Event
    happened_at: datetime
    origin: Origin


@frozen
class StreamAppend:
    """Events for one stream, which must stand at `expected_version` (0: it must not exist)."""

    stream_id: UUID
    expected_version: int
    events: Sequence[NewEvent]

    @property
    def category(self) -> str:
        """The stream's category, which all its events share."""
        return self.events[0].event.category()


@frozen
class Append:
    """All or nothing: events of one or more streams, and what must hold or change with them.

    commands  at least one; a known one makes the whole append fail as CommandRepeated.
    streams   may be empty only to remember an answer (a command that changed nothing).
    reads     stream id → version on which the decision rests; another version now fails it as
    StaleRead. taken, freed  claims as (keyed hash, stream); taking one that another stream
    holds fails it as ClaimTaken. numbers_added, numbers_removed  (keyed hash, stream) for
    finding leads by number. destroyed_keys  streams whose personal fields become unreadable for
    ever.
    """

    commands: Sequence[Commanded]
    streams: Sequence[StreamAppend] = ()
    reads: Mapping[UUID, int] = field(default_factory=dict)
    taken: Sequence[tuple[bytes, UUID]] = ()
    freed: Sequence[tuple[bytes, UUID]] = ()
    numbers_added: Sequence[tuple[bytes, UUID]] = ()
    numbers_removed: Sequence[tuple[bytes, UUID]] = ()
    destroyed_keys: Sequence[UUID] = ()

    def __post_init__(self) -> None:
        """Refuse what could wedge a stream: no command, or a stream without events."""
        assert self.commands, "an append carries at least one command"
        assert all(stream.events for stream in self.streams), "an empty append"


@frozen
class Appended:
    """The append is durable: its events are `first_position`..`position`, recorded at its time.

    An append without events has `first_position = position + 1`.
    """

    first_position: int
    position: int
    recorded_at: datetime
    versions: Mapping[UUID, int]


class AppendError(Exception):
    """The append was not done; nothing of it was stored (but see OutcomeUnknown)."""


class VersionConflict(AppendError):
    """A stream is not at the expected version: somebody else appended first.

    Load it again and decide again.
    """

    def __init__(self, stream_id: UUID, actual: int) -> None:
        """Name the stream and the version it has now."""
        super().__init__(f"stream {stream_id} is at version {actual}")
        self.stream_id = stream_id
        self.actual = actual


class StaleRead(AppendError):
    """A stream the decision rests on has moved. Load the facts again and decide again."""

    def __init__(self, stream_id: UUID, actual: int) -> None:
        """Name the stream and the version it has now."""
        super().__init__(f"stream {stream_id}, on which the decision rests, is at version {actual}")
        self.stream_id = stream_id
        self.actual = actual


class ClaimTaken(AppendError):
    """Another stream holds a value that only one may hold."""

    def __init__(self, key: bytes, holder: UUID) -> None:
        """Name the claim's keyed hash and its holder."""
        super().__init__(f"held by {holder}")
        self.key = key
        self.holder = holder


class CommandRepeated(AppendError):
    """One or more commands of the append were carried out before; `earlier` says what each was
    answered.
    """

    def __init__(self, earlier: "Sequence[EarlierAnswer]") -> None:
        """Keep what was answered before."""
        super().__init__(f"{len(earlier)} command(s) carried out before")
        self.earlier = tuple(earlier)


@dataclass(frozen=True, slots=True)
class EarlierAnswer:
    """What a command was asked (SHA-256) and answered, and the log position it reached."""

    command_id: UUID
    request: bytes
    answer: bytes
    position: int


class OutcomeUnknown(AppendError):
    """The database did not answer in time.

    The append may or may not be stored; the same command id will tell.
    """


class OutOfSpace(AppendError):
    """The database has no space for it; once it has, the same append can be stored."""


class AppendRefused(AppendError):
    """The database refused the append for its content, which the edges should have refused
    before.
    """


class KeyDestroyed(AppendError):
    """Personal fields were about to be written to a stream whose key was destroyed.

    The decision should have refused that: it rests on a state from before the erasure.
    """

    def __init__(self, stream_id: UUID) -> None:
        """Name the stream."""
        super().__init__(f"the key of {stream_id} was destroyed")
        self.stream_id = stream_id


NOT_NOW = (OutcomeUnknown, OutOfSpace)
"""What says nothing about the append itself: it is tried again once the database is well."""
