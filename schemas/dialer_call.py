"""What a dialer tells of one call: a record's value on `dialer.calls`, an item of POST /v1/calls.

Strict in what it takes as true: no value is guessed or converted. Fields nobody here knows are left
aside and named in the answer, so that a dialer that learned a new one is not turned away.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

TOPIC = "dialer.calls"
QUARANTINE_TOPIC = "dialer.calls.quarantine"

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if _FORBIDDEN.search(text):
        raise ValueError("must not contain control characters")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _one_line(text: str) -> str:
    text = _clean(text).strip()
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line without tabs")
    return text


def _filled(text: str) -> str:
    text = _one_line(text)
    if not text:
        raise ValueError("must not be empty")
    return text


def _read(value: object) -> object:
    """Read ISO 8601 ourselves: pydantic also takes "12", as twelve seconds after 1970."""
    if not isinstance(value, str):
        return value
    try:
        if value[4:5] == "-" and value[10:11] in {"T", " "}:
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a time with its offset, like 2026-03-31T09:00:00+02:00")


def _in_utc(instant: datetime) -> datetime:
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must be between the years 1900 and 2200")
    return instant.astimezone(UTC)


_CallId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
_Name = Annotated[str, Field(max_length=100), AfterValidator(_filled)]
_Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
_Text = Annotated[str, Field(max_length=10_000), AfterValidator(_clean)]
_Instant = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_in_utc)]
_Value = (
    Annotated[str, Field(max_length=4_000), AfterValidator(_clean)]
    | bool
    | Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
    | Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
    | None
)
EndCause = Literal[
    "NotApplicable",
    "NormalDisconnect",
    "NoResponse",
    "Busy",
    "VoiceMail",
    "DroppedCall",
    "DialingCancelled",
]


class DialerCall(BaseModel):
    """One call to one number, told when it is over or as far as it is known.

    call_id: the dialer's own name of the call, unique for ever: the same id is recorded once.
    lead_id, or else number, with `campaign` (its id or code) where several campaigns have it,
    says whose call it was. agent: id or ownership code of the user who spoke.
    source: which dialer tells it. contact_session_id: calls of one session share it.
    talk_seconds: of conversation. recording: where it lies. extracted: what was learned in it.
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, allow_inf_nan=False)

    call_id: _CallId
    lead_id: Annotated[str, Field(pattern=_UUID)] | None = None
    campaign: _Name | None = None
    number: Annotated[str, Field(min_length=2, max_length=40), AfterValidator(_one_line)] | None = (
        None
    )
    agent: _Name | None = None
    source: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:/-]+$")] | None = None
    started_at: _Instant
    ended_at: _Instant | None = None
    end_cause: EndCause = "NotApplicable"
    disposition: Annotated[_Line, Field(max_length=100)] | None = None
    talk_seconds: Annotated[int, Field(ge=0, le=7 * 86_400)] = 0
    contact_session_id: _CallId | None = None
    recording: _Line | None = None
    transcript: _Text | None = None
    extracted: Annotated[dict[_Name, _Value], Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _says_whose(self) -> Self:
        if self.lead_id is None and self.number is None:
            raise ValueError("needs lead_id or number")
        return self

    @property
    def unknown_fields(self) -> tuple[str, ...]:
        """Names of the fields that are not part of the contract, at most ten, cut to 40 letters."""
        more = self.model_extra
        return tuple(name[:40] for name in list(more)[:10]) if more else ()
