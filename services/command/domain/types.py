"""The field types of all commands: what may come in at all, before any rule looks at it.

Everything is bounded, so that no caller can send what the database, JSON or a reader cannot hold.
"""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def clean(text: str) -> str:
    """Return `text` in NFC with LF line ends; ValueError for control or broken characters."""
    text = text.replace("\r\n", "\n")
    if _FORBIDDEN.search(text):
        raise ValueError("must not contain control characters or broken Unicode")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _one_line(text: str) -> str:
    text = clean(text).strip()
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line without tabs")
    return text


def _filled(text: str) -> str:
    if not text.strip():
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


def _bounded(instant: datetime) -> datetime:
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must be between the years 1900 and 2200")
    return instant.astimezone(UTC)


Text = Annotated[str, Field(max_length=10_000), AfterValidator(clean)]
NoteText = Annotated[Text, AfterValidator(_filled)]
Line = Annotated[str, Field(max_length=200), AfterValidator(_one_line)]
Name = Annotated[Line, AfterValidator(_filled)]
"""One line that says something."""

ImportName = Annotated[
    str, Field(max_length=100), AfterValidator(_one_line), AfterValidator(_filled)
]
FieldText = Annotated[str, Field(max_length=4_000), AfterValidator(clean)]
FieldInt = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
FieldFloat = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
FieldValue = FieldText | bool | FieldInt | FieldFloat | None
FieldMap = Annotated[dict[ImportName, FieldValue], Field(max_length=200)]

Id = Annotated[str, Field(pattern=f"^{_UUID}$")]
OwnerRef = Annotated[str, Field(pattern=f"^(team|user):{_UUID}$")]
PhoneText = Annotated[str, Field(min_length=2, max_length=40), AfterValidator(_one_line)]
Region = Annotated[str, Field(pattern="^[A-Z]{2}$")]
CallId = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[!-~]+$")]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
"""Code of a status, disposition, result or end cause."""

Instant = Annotated[AwareDatetime, BeforeValidator(_read), AfterValidator(_bounded)]
TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
ZoneName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_+/-]+$")]
Priority = Annotated[int, Field(ge=1, le=10)]
Seconds = Annotated[int, Field(ge=0, le=7 * 86_400)]
