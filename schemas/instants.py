"""Instants as text: UTC, ISO 8601, one spelling each, so that equal instants are equal strings.

`2026-03-01T09:00:00Z`, with six more digits only when there are microseconds.
"""

from datetime import UTC, datetime


def format_instant(instant: datetime) -> str:
    """Return the one spelling of an aware datetime; a naive one is a programming error."""
    offset = instant.utcoffset()
    assert offset is not None, "an instant without an offset is no instant"
    if offset:
        instant = instant.astimezone(UTC)
    return instant.isoformat()[:-6] + "Z"


def parse_instant(text: str) -> datetime:
    """Return the instant that `format_instant` wrote; ValueError when it is none."""
    return datetime.fromisoformat(text)


def is_before(first: str, second: str) -> bool:
    """Say whether `first` is earlier. The `Z` is cut off because it sorts after the point."""
    return first[:-1] < second[:-1]
