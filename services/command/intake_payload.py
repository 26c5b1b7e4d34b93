"""One payload from a dialer: the bytes as they came, and what they say, or why they cannot be read.

Nothing of a payload is ever quoted in a reason: it may hold anything.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID, uuid5

import orjson
from pydantic import ValidationError

from schemas.dialer_call import DialerCall
from schemas.fault_texts import fault_text
from services.command.domain.lead.calls import RecordCall

SKEW_MAX = timedelta(hours=24)
"""How far a dialer's clock may run ahead. A call later than that would hold its lead for ever."""

RAW_BYTES_MAX = 1 << 20
"""Of a payload longer than that only the beginning is kept, in quarantine."""

_CALLS = UUID("01920000-0000-7000-8000-0000006c6c61")
_CALL_ID = re.compile("[!-~]{1,128}")
_FIELDS = frozenset(DialerCall.model_fields)
_CARRIED = tuple(
    name for name in RecordCall.model_fields if name not in {"call_id", "number", "agent"}
)
_GIVEN = set(RecordCall.model_fields)


class Arrival(NamedTuple):
    """A payload and where it came from.

    place: e.g. `dialer.calls/3/1042` or `http`. source: the dialer the transport names; the call's
    own `source` goes before it. held: the quarantine entry it comes out of, for a new try.
    """

    raw: bytes
    place: str
    source: str = "dialer"
    held: UUID | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a payload cannot be taken in: a stable code, a sentence, the call's id if it was read."""

    code: str
    text: str
    call_id: str | None = None


def read_call(raw: bytes, now: datetime) -> DialerCall | Fault:
    """Return what the payload says, or the first thing that is wrong with it."""
    if len(raw) > RAW_BYTES_MAX:
        return Fault("payload-too-large", f"A call takes at most {RAW_BYTES_MAX:,} bytes.")
    try:
        call = DialerCall.model_validate_json(raw)
    except ValidationError as error:
        return _fault(raw, error)
    if call.started_at - now > SKEW_MAX:
        text = "The call lies more than a day in the future; the dialer's clock must be set."
        return Fault("call-in-future", text, call.call_id)
    return call


def _fault(raw: bytes, error: ValidationError) -> Fault:
    faults = error.errors(include_url=False, include_input=False)
    first = faults[0]
    if first["type"] in {"json_invalid", "model_type"}:
        return Fault("not-json", "The payload is not a JSON object in UTF-8.")
    field = str(first["loc"][0]) if first["loc"] else ""
    call_id = _call_id(raw) if field != "call_id" else None
    if field == "end_cause":
        return Fault("end-cause-unknown", "There is no such end cause.", call_id)
    message = fault_text(first)[:120]
    where = f"{field}: " if field in _FIELDS else ""
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return Fault("call-invalid", f"{where}{message}{more}.", call_id)


def _call_id(raw: bytes) -> str | None:
    """Return the id of a call that is otherwise not readable."""
    try:
        told = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    found = told.get("call_id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and _CALL_ID.fullmatch(found) else None


def command_of(call: DialerCall, number: str | None, agent: str | None) -> RecordCall:
    """Return the command that records the call; DialerCall has checked every field already."""
    values = call.__dict__
    return RecordCall.model_construct(
        _GIVEN,
        call_id=call.call_id,
        number=number,
        agent=agent,
        **{name: values[name] for name in _CARRIED},
    )


def command_id_of(call_id: str) -> UUID:
    """Return the id under which a call is recorded, however and however often it is told."""
    return uuid5(_CALLS, call_id)
