"""What comes in as text or time, looked at before any rule: the same for commands and for dialers.

Each raises ValueError with what is wrong, for pydantic to name the field.
"""

import re
import unicodedata
from datetime import UTC, datetime

_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def clean(text: str) -> str:
    """Return `text` in NFC with LF line ends; not with control or broken characters."""
    text = text.replace("\r\n", "\n")
    if _FORBIDDEN.search(text):
        raise ValueError("must not contain control characters or broken Unicode")
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Return `text` clean and without blanks around it; it must be one line without tabs."""
    text = clean(text).strip()
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line without tabs")
    return text


def filled(text: str) -> str:
    """Return `text`, which must say something."""
    if not text.strip():
        raise ValueError("must not be empty")
    return text


def as_time(value: object) -> object:
    """Read ISO 8601 ourselves: pydantic also takes "12", as twelve seconds after 1970."""
    if not isinstance(value, str):
        return value
    try:
        if value[4:5] == "-" and value[10:11] in {"T", " "}:
            return datetime.fromisoformat(value)
    except ValueError:
        pass
    raise ValueError("must be a time with its offset, like 2026-03-31T09:00:00+02:00")


def in_utc(instant: datetime) -> datetime:
    """Return the time in UTC; one that no call or callback can be at is a mistake."""
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("must be between the years 1900 and 2200")
    return instant.astimezone(UTC)
