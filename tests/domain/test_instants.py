"""Instants as text: one spelling each, in the order of time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.instants import format_instant, is_before, parse_instant

instants = st.datetimes(
    datetime.fromisoformat("1900-01-02"),
    datetime.fromisoformat("2199-12-30"),
    timezones=st.just(UTC),
)


@given(instants, st.integers(-14 * 60, 14 * 60))
def test_an_instant_has_one_spelling_whatever_its_offset(instant: datetime, minutes: int) -> None:
    there = instant.astimezone(timezone(timedelta(minutes=minutes)))
    assert format_instant(there) == format_instant(instant)
    assert parse_instant(format_instant(there)) == instant


@given(instants, st.timedeltas(timedelta(0), timedelta(seconds=2)))
def test_text_sorts_like_time(instant: datetime, later: timedelta) -> None:
    first, second = format_instant(instant), format_instant(instant + later)
    assert is_before(first, second) == bool(later)
    assert not is_before(second, first)


def test_whole_seconds_have_no_fraction() -> None:
    assert format_instant(datetime(2026, 3, 1, 9, tzinfo=UTC)) == "2026-03-01T09:00:00Z"
    half = datetime(2026, 3, 1, 9, 0, 0, 500_000, tzinfo=UTC)
    assert format_instant(half) == "2026-03-01T09:00:00.500000Z"
    assert is_before("2026-03-01T09:00:00Z", "2026-03-01T09:00:00.500000Z")


def test_an_instant_without_an_offset_is_none() -> None:
    with pytest.raises(AssertionError):
        format_instant(datetime.fromisoformat("2026-03-01"))
