"""What can happen to a dialer payload that could not be taken in (rule 9): one stream each.

`raw` is the payload's bytes in base64, exactly as they came or as somebody mended them.
"""

from dataclasses import dataclass
from typing import ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class PayloadHeld(Event):
    """The payload was put aside for this reason; once more when a mended one failed again.

    code: stable, for machines. text: a sentence for people that quotes nothing of the payload.
    source: where it came from, e.g. `dialer.calls/3/1042` or `http`. call_id: None when unreadable.
    """

    TOPIC: ClassVar[str] = "quarantine.payload_held"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"raw"})

    code: str
    text: str
    source: str
    call_id: str | None = None
    raw: str = ""


@dataclass(frozen=True)
class PayloadMended(Event):
    """Somebody (`by`, an actor) put this in the payload's place, to be tried again."""

    TOPIC: ClassVar[str] = "quarantine.payload_mended"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"raw"})

    by: str
    raw: str = ""


@dataclass(frozen=True)
class PayloadReprocessed(Event):
    """The payload was taken in after all: call `call` of lead `lead`."""

    TOPIC: ClassVar[str] = "quarantine.payload_reprocessed"

    lead: str
    call: str


@dataclass(frozen=True)
class PayloadDiscarded(Event):
    """Somebody decided that the payload will never be taken in."""

    TOPIC: ClassVar[str] = "quarantine.payload_discarded"

    reason: str


@dataclass(frozen=True)
class PayloadErased(Event):
    """A number the payload holds was erased, and the payload with it; that it was there stays."""

    TOPIC: ClassVar[str] = "quarantine.payload_erased"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""


QUARANTINE_EVENTS: tuple[type[Event], ...] = (
    PayloadHeld,
    PayloadMended,
    PayloadReprocessed,
    PayloadDiscarded,
    PayloadErased,
)
