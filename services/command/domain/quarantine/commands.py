"""Putting a dialer payload aside, mending it, and what becomes of it (rule 9)."""

import base64
import binascii
from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from schemas.event import Event
from schemas.quarantine import PayloadDiscarded, PayloadHeld, PayloadMended, PayloadReprocessed
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.quarantine.state import HeldPayload
from services.command.domain.types import CallId, Code, Id, Line, Name


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None
    return text


Raw = Annotated[str, Field(max_length=1_500_000), AfterValidator(_base64)]
"""Bytes in base64: a Kafka message of at most 1 MiB."""


class HoldPayload(Command):
    """Put a payload aside that cannot be taken in. Given by the intake of calls, never by people.

    Given again for a payload that still waits, it says why it failed this time.
    """

    aggregate: ClassVar[str] = "quarantine"
    is_fact: ClassVar[bool] = True

    raw: Raw
    code: Code
    text: Line
    source: Line
    call_id: CallId | None = None


class MendPayload(Command):
    """Put mended bytes in the payload's place; reprocessing tries those."""

    aggregate: ClassVar[str] = "quarantine"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})

    raw: Raw


class MarkReprocessed(Command):
    """Note that the payload was taken in after all. Given by the intake of calls."""

    aggregate: ClassVar[str] = "quarantine"
    is_fact: ClassVar[bool] = True

    lead: Id
    call: CallId


class DiscardPayload(Command):
    """Decide that the payload will never be taken in, and say why."""

    aggregate: ClassVar[str] = "quarantine"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})

    reason: Name


def _waiting(payload: HeldPayload | None) -> HeldPayload:
    if payload is None or payload.fate == "unknown":
        raise Refused([Reason("unknown-payload", "There is no such payload in quarantine.")])
    if payload.fate == "reprocessed":
        text = f"The payload was taken in already, as call {payload.call}."
        raise Refused([Reason("payload-reprocessed", text)])
    if payload.fate == "erased":
        raise Refused([Reason("payload-erased", "The payload was erased with a number in it.")])
    if payload.fate == "discarded":
        raise Refused([Reason("payload-discarded", "The payload was discarded; send it anew.")])
    return payload


@decides(HoldPayload)
def _hold(payload: HeldPayload | None, command: HoldPayload, facts: Facts) -> Iterable[Event]:
    known = payload or HeldPayload()
    if known.fate in {"reprocessed", "discarded", "erased"}:
        return  # the same payload delivered once more; what was decided about it stands
    if known.fate == "held" and (known.raw, known.code) == (command.raw, command.code):
        return
    yield PayloadHeld(
        code=command.code,
        text=command.text,
        source=command.source,
        call_id=command.call_id,
        raw=command.raw,
    )


@decides(MendPayload)
def _mend(payload: HeldPayload | None, command: MendPayload, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    if _waiting(payload).raw != command.raw:
        yield PayloadMended(by=facts.actor.id, raw=command.raw)


@decides(MarkReprocessed)
def _reprocessed(
    payload: HeldPayload | None, command: MarkReprocessed, facts: Facts
) -> Iterable[Event]:
    if payload is not None and payload.waits:
        yield PayloadReprocessed(command.lead, command.call)


@decides(DiscardPayload)
def _discard(payload: HeldPayload | None, command: DiscardPayload, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    if payload is not None and payload.fate == "discarded":
        return
    _waiting(payload)
    yield PayloadDiscarded(command.reason)
