"""What a dialer tells of one call: a record's value on `dialer.calls`, an item of POST /v1/calls.

Strict in what it takes as true: no value is guessed or converted. Fields nobody here knows are left
aside and named in the answer, so that a dialer that learned a new one is not turned away.
"""

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

from schemas.incoming import as_time, clean, filled, in_utc, one_line

TOPIC = "dialer.calls"
QUARANTINE_TOPIC = "dialer.calls.quarantine"

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_CallId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
_Name = Annotated[str, Field(max_length=100), AfterValidator(one_line), AfterValidator(filled)]
_Line = Annotated[str, Field(max_length=200), AfterValidator(one_line)]
_Text = Annotated[str, Field(max_length=10_000), AfterValidator(clean)]
_Instant = Annotated[AwareDatetime, BeforeValidator(as_time), AfterValidator(in_utc)]
_Value = (
    Annotated[str, Field(max_length=4_000), AfterValidator(clean)]
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
    number: Annotated[str, Field(min_length=2, max_length=40), AfterValidator(one_line)] | None = (
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
