"""What can happen to a bulk job: asked for, planned, executed, cancelled, undone. One stream each.

What it did to which lead stands in the leads' own streams, with the cause `bulk:<job id>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class BulkRequested(Event):
    """A user (`by`, an id) asked for one command on many leads; it is only planned so far.

    fields: of the command; they may hold personal values. selection, selected, digest: which
    leads, as they were frozen. undoes: the job whose changes this one takes back.
    """

    TOPIC: ClassVar[str] = "bulk.requested"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"fields"})

    by: str
    command: str
    selected: int
    digest: str
    selection: str | None = None
    undoes: str | None = None
    fields: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class BulkPlanned(Event):
    """Every lead was decided on, and nothing appended; `digest` names this very plan."""

    TOPIC: ClassVar[str] = "bulk.planned"

    digest: str
    applied: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(frozen=True)
class BulkStarted(Event):
    """The plan with this digest is carried out from here on."""

    TOPIC: ClassVar[str] = "bulk.started"

    digest: str


@dataclass(frozen=True)
class BulkResumed(Event):
    """Another process took the execution over. What the one before still had in hand is void."""

    TOPIC: ClassVar[str] = "bulk.resumed"

    turn: int


@dataclass(frozen=True)
class BulkCancelled(Event):
    """Nothing of the job is done after this event."""

    TOPIC: ClassVar[str] = "bulk.cancelled"

    was: str = ""


@dataclass(frozen=True)
class BulkFinished(Event):
    """The four counts add up to what was selected; each lead is listed with its outcome."""

    TOPIC: ClassVar[str] = "bulk.finished"

    applied: int = 0
    unchanged: int = 0
    refused: int = 0
    not_reached: int = 0


@dataclass(frozen=True)
class BulkUndone(Event):
    """Job `by_job` took back what this one had changed, as far as it could."""

    TOPIC: ClassVar[str] = "bulk.undone"

    by_job: str
    applied: int = 0
    unchanged: int = 0
    refused: int = 0


BULK_EVENTS: tuple[type[Event], ...] = (
    BulkRequested,
    BulkPlanned,
    BulkStarted,
    BulkResumed,
    BulkCancelled,
    BulkFinished,
    BulkUndone,
)
