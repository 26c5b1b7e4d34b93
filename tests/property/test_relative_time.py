"""Points in time as people name them, in their own time zone."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import format_instant
from schemas.relative_time import EARLIEST, NoSuchTime, resolve_date, resolve_instant

NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
"""A Sunday: in Berlin the clocks go forward half an hour later, in New York it is Saturday."""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("now", "2026-03-29T00:30:00Z"),
        ("today", "2026-03-29T00:00:00Z"),
        ("today@Europe/Berlin", "2026-03-28T23:00:00Z"),
        ("today+1d@Europe/Berlin", "2026-03-29T22:00:00Z"),
        ("today@America/New_York", "2026-03-28T04:00:00Z"),
        ("now+2h@Europe/Berlin", "2026-03-29T02:30:00Z"),
        ("now-90min", "2026-03-28T23:00:00Z"),
        ("week", "2026-03-23T00:00:00Z"),
        ("week-1w", "2026-03-16T00:00:00Z"),
        ("month", "2026-03-01T00:00:00Z"),
        ("month-1mo+30d", "2026-03-03T00:00:00Z"),
        ("today-1mo", "2026-02-28T00:00:00Z"),
        ("year-1y", "2025-01-01T00:00:00Z"),
        ("2024-02-29+1y", "2025-02-28T00:00:00Z"),
        ("2026-10-25@Europe/Berlin", "2026-10-24T22:00:00Z"),
        ("2026-10-25+1d@Europe/Berlin", "2026-10-25T23:00:00Z"),
        ("2026-10-25+24h@Europe/Berlin", "2026-10-25T22:00:00Z"),
        ("2026-03-29+1d@Europe/Berlin", "2026-03-29T22:00:00Z"),
        ("2026-03-01T10:00:00+02:00", "2026-03-01T08:00:00Z"),
        ("2026-03-01T10:00:00.5Z", "2026-03-01T10:00:00.500000Z"),
    ],
)
def test_what_is_meant(text: str, meant: str) -> None:
    assert format_instant(resolve_instant(text, NOW)) == meant


def test_a_day_is_the_day_of_the_zone() -> None:
    assert resolve_date("today@America/New_York", NOW) == date(2026, 3, 28)
    assert resolve_date("today@Asia/Tokyo", NOW) == date(2026, 3, 29)


@pytest.mark.parametrize(
    "text",
    [
        *("", "tomorrow", "now+1", "now+1x", "today @UTC", "today@Mars/Base", "today@../etc"),
        *("2026-02-30", "1899-12-31T23:59:59Z", "2026-03-01T10:00:00", "year+9999y", "now\n"),
        *("٢٠٢٦-03-01", "now+1d+1d+1d+1d+1d", "2026-03-01T24:00:00Z", "today@" + "a" * 41),
    ],
)
def test_what_names_no_time_is_said_so(text: str) -> None:
    with pytest.raises(NoSuchTime):
        resolve_instant(text, NOW)


@given(
    st.integers(1, 297 * 365 * 24 * 60),
    st.sampled_from(["now", "today", "week", "month", "year"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia"]),
)
def test_a_base_is_never_later_than_now(minutes: int, base: str, zone: str) -> None:
    now = EARLIEST + timedelta(days=400, minutes=minutes)
    found = resolve_instant(f"{base}@{zone}", now)
    assert now - timedelta(days=367) <= found <= now
