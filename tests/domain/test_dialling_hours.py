"""Dialling hours: by the wall clock, over changes of the clock, in every plausible zone at once."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialling_hours import DiallingHours, minute_of_day, time_of_day

MINUTE = timedelta(minutes=1)
LISBON = "Europe/Lisbon"
OFFICE = DiallingHours((((540, 720), (780, 1080)),) * 5 + ((), ()), LISBON)


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _open_plainly(hours: DiallingHours, at: datetime, zones: list[str]) -> bool:
    """The plainest reading: what the wall clock shows lies in a window of that day."""
    for name in [hours.zone] if hours.zone else zones:
        wall = at.astimezone(ZoneInfo(name)).replace(tzinfo=None)
        text = wall.strftime("%H:%M")
        if wall.strftime("%Y-%m-%d") in hours.holidays:
            return False
        day = hours.windows[wall.weekday()]
        if not any(time_of_day(start) <= text < time_of_day(end) for start, end in day):
            return False
    return True


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        ("2026-03-02T09:00:00Z", True),
        ("2026-03-02T08:59:59.999999Z", False),
        ("2026-03-02T11:59:59.999999Z", True),
        ("2026-03-02T12:00:00Z", False),
        ("2026-03-02T13:00:00Z", True),
        ("2026-03-07T10:00:00Z", False),
        ("2026-03-30T08:00:00Z", True),  # summer time: 09:00 in Lisbon
    ],
)
def test_windows_by_the_wall_clock(at: str, is_open: bool) -> None:
    assert OFFICE.open_in_every_zone(_utc(at), ()) == is_open


def test_the_end_of_the_day_is_inside_until_midnight() -> None:
    evening = DiallingHours.every_day("20:00", "24:00", LISBON)
    assert evening.open_in_every_zone(_utc("2026-03-02T23:59:59Z"), ())
    assert not evening.open_in_every_zone(_utc("2026-03-03T00:00:00Z"), ())


def test_past_midnight() -> None:
    night = DiallingHours.every_day("22:00", "02:00", "UTC")
    open_at = [hour for hour in range(24) if night.open_in_every_zone(_utc(_hour(hour)), ())]
    assert open_at == [0, 1, 22, 23]
    until_midnight = DiallingHours.every_day("22:00", "00:00", "UTC")
    assert until_midnight.windows[0] == ((1320, 1440),)
    all_day = DiallingHours.every_day("08:00", "08:00", "UTC")
    assert all(all_day.open_in_every_zone(_utc(_hour(hour)), ()) for hour in range(24))


def _hour(hour: int) -> str:
    return f"2026-03-02T{hour:02}:30:00Z"


def test_every_plausible_zone_must_be_inside() -> None:
    hours = DiallingHours.every_day("09:00", "17:00")
    zones = ["America/New_York", "America/Los_Angeles"]
    assert not hours.open_in_every_zone(_utc("2026-03-02T14:00:00Z"), zones)  # 9 and 6 o'clock
    assert hours.open_in_every_zone(_utc("2026-03-02T17:00:00Z"), zones)  # 12 and 9 o'clock
    assert not hours.open_in_every_zone(_utc("2026-03-02T22:00:00Z"), zones)  # 17 and 14 o'clock
    opening = hours.next_opening(_utc("2026-03-02T14:00:00Z"), zones)
    assert opening == _utc("2026-03-02T17:00:00Z")


def test_the_campaigns_zone_counts_alone() -> None:
    at = _utc("2026-03-02T09:00:00Z")
    assert OFFICE.open_in_every_zone(at, ["Pacific/Auckland"])
    assert OFFICE.open_in_every_zone(at, ())


def test_without_a_zone_to_go_by_nothing_is_open() -> None:
    hours = DiallingHours.every_day("00:00", "24:00")
    at = _utc("2026-03-02T09:00:00Z")
    for zones in ([], ["Mars/Olympus"], [LISBON, "Mars/Olympus"]):
        assert not hours.open_in_every_zone(at, zones)
        assert hours.next_opening(at, zones) is None
    assert not DiallingHours.every_day("00:00", "24:00", "Europe").open_in_every_zone(at, ())


def test_zones_without_a_common_hour() -> None:
    hours = DiallingHours.every_day("09:00", "17:00")
    zones = ["Pacific/Auckland", "Europe/London"]
    assert hours.next_opening(_utc("2026-03-02T09:00:00Z"), zones) is None


def test_holidays_are_dates_of_the_zone() -> None:
    hours = DiallingHours.every_day("00:00", "24:00", "Pacific/Auckland")
    closed = DiallingHours(hours.windows, hours.zone, frozenset({"2026-12-25"}))
    at = _utc("2026-12-24T12:00:00Z")  # 01:00 on the 25th in Auckland
    assert not closed.open_in_every_zone(at, ())
    assert closed.next_opening(at, ()) == _utc("2026-12-26T00:00:00+13:00")


def test_the_hour_that_is_skipped() -> None:
    hours = DiallingHours.every_day("01:30", "03:00", LISBON)  # clocks go from 01:00 to 02:00
    opening = hours.next_opening(_utc("2026-03-29T00:30:00Z"), ())
    assert opening == _utc("2026-03-29T01:00:00Z")


def test_the_hour_that_is_shown_twice() -> None:
    hours = DiallingHours.every_day("00:00", "01:15", LISBON)  # clocks go from 02:00 to 01:00
    assert not hours.open_in_every_zone(_utc("2026-10-25T00:30:00Z"), ())
    opening = hours.next_opening(_utc("2026-10-25T00:30:00Z"), ())
    assert opening == _utc("2026-10-25T01:00:00Z")
    late = DiallingHours.every_day("01:30", "01:45", LISBON)
    assert late.next_opening(_utc("2026-10-25T00:45:00Z"), ()) == _utc("2026-10-25T01:30:00Z")


def test_a_day_that_never_was() -> None:
    hours = DiallingHours.every_day("09:00", "10:00", "Pacific/Apia")  # no 30 December 2011
    opening = hours.next_opening(_utc("2011-12-29T12:00:00-10:00"), ())
    assert opening == _utc("2011-12-31T09:00:00+14:00")


def test_now_when_it_is_open() -> None:
    at = _utc("2026-03-02T10:00:00.123Z")
    assert OFFICE.next_opening(at, ()) == at
    assert OFFICE.next_opening(_utc("2026-03-06T18:00:00Z"), ()) == _utc("2026-03-09T09:00:00Z")


_MINUTES = st.integers(0, 24 * 12).map(lambda fifths: fifths * 5)
_DAYS = st.lists(_MINUTES, min_size=2, max_size=4, unique=True).map(
    lambda cuts: tuple(zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False))
)
_CHANGES = st.sampled_from(
    [
        ("Europe/Lisbon", "2026-03-29T01:00:00Z"),
        ("Europe/Lisbon", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),  # half an hour
        ("America/Santiago", "2026-09-06T04:00:00Z"),  # at midnight
        ("Asia/Kolkata", "2026-03-29T01:00:00Z"),  # never
    ]
)
_OFFSETS = st.integers(-20 * 60, 20 * 60)


@settings(max_examples=60)
@given(st.lists(_DAYS, min_size=7, max_size=7), _CHANGES, _OFFSETS, st.booleans())
def test_openings_over_changes_of_the_clock(
    days: list[tuple[tuple[int, int], ...]], change: tuple[str, str], offset: int, two: bool
) -> None:
    zone, instant = change
    zones = [zone, "Europe/Berlin"] if two else [zone]
    hours = DiallingHours(tuple(days))
    at = _utc(instant) + offset * MINUTE
    step, plain = at, None
    for _ in range(36 * 60):
        is_open = _open_plainly(hours, step, zones)
        assert hours.open_in_every_zone(step, zones) == is_open
        if is_open:
            plain = step
            break
        step += MINUTE
    found = hours.next_opening(at, zones)
    if plain is not None:
        assert found == plain
    else:
        assert found is None or found >= step


def test_stored_and_read_back() -> None:
    hours = DiallingHours(OFFICE.windows, None, frozenset({"2026-12-25", "2026-01-01"}))
    assert hours.stored()["windows"][0] == [["09:00", "12:00"], ["13:00", "18:00"]]
    assert DiallingHours.from_stored(hours.stored()) == hours
    assert [minute_of_day(time_of_day(minute)) for minute in (0, 90, 1440)] == [0, 90, 1440]
