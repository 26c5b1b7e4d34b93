"""What is known of one held payload: its bytes, why it was held, and what became of it."""

import base64
import re
from dataclasses import dataclass, replace
from typing import Literal

from schemas.quarantine import (
    PayloadDiscarded,
    PayloadErased,
    PayloadHeld,
    PayloadMended,
    PayloadReprocessed,
)
from services.command.domain.evolution import Evolution

Fate = Literal["unknown", "held", "mended", "reprocessed", "discarded", "erased"]
NUMBERS_MAX = 100
_NUMBER = re.compile(rb"(?<![0-9])[1-9][0-9]{6,14}(?![0-9])")


@dataclass(frozen=True, slots=True)
class HeldPayload:
    """One payload in quarantine. `raw` is base64, `code` and `text` say why it is held."""

    id: str = ""
    version: int = 0
    fate: Fate = "unknown"
    raw: str = ""
    code: str = ""
    text: str = ""
    source: str = ""
    call_id: str | None = None
    lead: str | None = None
    call: str | None = None
    discarded_because: str = ""

    @property
    def numbers(self) -> frozenset[str]:
        """What in the payload looks like a phone number, as E.164: by these it is found to be
        erased. At most the first hundred.
        """
        found = _NUMBER.findall(base64.b64decode(self.raw)) if self.raw else []
        return frozenset("+" + one.decode("ascii") for one in dict.fromkeys(found[:NUMBERS_MAX]))

    @property
    def waits(self) -> bool:
        """Whether it can still be mended, tried again or discarded."""
        return self.fate in {"held", "mended"}


def _held(payload: HeldPayload, event: PayloadHeld) -> HeldPayload:
    return replace(
        payload,
        id=str(event.originator_id),
        fate="held",
        raw=event.raw or payload.raw,
        code=event.code,
        text=event.text,
        source=event.source,
        call_id=event.call_id,
    )


def _mended(payload: HeldPayload, event: PayloadMended) -> HeldPayload:
    return replace(payload, fate="mended", raw=event.raw)


def _reprocessed(payload: HeldPayload, event: PayloadReprocessed) -> HeldPayload:
    return replace(payload, fate="reprocessed", lead=event.lead, call=event.call)


def _erased(payload: HeldPayload, event: PayloadErased) -> HeldPayload:
    return replace(payload, fate="erased", raw="", discarded_because=event.reason)


def _discarded(payload: HeldPayload, event: PayloadDiscarded) -> HeldPayload:
    return replace(payload, fate="discarded", discarded_because=event.reason)


EVOLUTION = Evolution(
    HeldPayload(),
    {
        PayloadHeld: _held,
        PayloadMended: _mended,
        PayloadReprocessed: _reprocessed,
        PayloadDiscarded: _discarded,
        PayloadErased: _erased,
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
