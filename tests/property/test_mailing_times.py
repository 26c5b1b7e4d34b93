"""What is due by the wall clock is sent for exactly once, in any zone, whenever the scheduler ran.

The reference looks at every minute of the world and asks the zone what its clocks show.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from services.command.domain.mailing.times import Timetable

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAYS = 3
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "America/Santiago", "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran", "America/Havana",
)  # fmt: skip
# Around the changes of 2026 of most of them, and two days without any.
STARTS = st.sampled_from(("2026-03-07", "2026-03-28", "2026-04-04", "2026-09-05", "2026-10-03",
                          "2026-10-24", "2026-10-31", "2026-02-26", "2026-06-29"))  # fmt: skip
TIMES = st.lists(
    st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 15, 30, 45))),
    min_size=1, max_size=3, unique=True,
)  # fmt: skip


def expected(table: Timetable, start: datetime) -> set[datetime]:
    """Every due time between the start and its end, found minute by minute."""
    zone, end = ZoneInfo(table.zone), start + timedelta(days=DAYS)
    shown: dict[tuple[object, str], datetime] = {}
    jumps: list[tuple[datetime, datetime, datetime]] = []
    before = None
    now = start - timedelta(days=2)
    while now < end + timedelta(days=1):
        wall = now.astimezone(zone).replace(tzinfo=None)
        if before is not None and wall - before > MINUTE:
            jumps.append((before + MINUTE, wall, now))
        shown.setdefault((wall.date(), f"{wall:%H:%M}"), now)
        before, now = wall, now + MINUTE
    found = set()
    day = (start - timedelta(days=2)).astimezone(zone).date()
    for _ in range(DAYS + 4):
        for time in table.times if table.on(day) else ():
            wall = datetime.fromisoformat(f"{day} {time}")
            at = shown.get((day, time))
            for first, after, instant in jumps:
                if first <= wall < after:
                    at = instant + (wall - first)
            if at is not None and start < at <= end:
                found.add(at)
        day += timedelta(days=1)
    return found


def awake(start: datetime, naps: list[int]) -> Iterator[datetime]:
    """When the scheduler looks: after each nap, until the end."""
    now, end = start, start + timedelta(days=DAYS)
    for nap in naps:
        now += nap * MINUTE
        if now >= end:
            break
        yield now
    yield end


@settings(max_examples=25)
@given(
    zone=st.sampled_from(ZONES), date=STARTS, times=TIMES,
    weekdays=st.sets(st.integers(1, 7), max_size=4), naps=st.lists(st.integers(1, 2_000)),
)  # fmt: skip
@example("Europe/Berlin", "2026-03-28", ["02:30", "03:30"], set(), [1])
@example("Europe/Berlin", "2026-10-24", ["02:30"], set(), [730, 15, 15, 15, 15, 15, 15, 15])
@example("Australia/Lord_Howe", "2026-10-03", ["02:15"], set(), [])
@example("America/Havana", "2026-03-07", ["00:30"], set(), [])
def test_each_due_time_is_sent_or_told_as_missed_exactly_once(
    zone: str, date: str, times: list[str], weekdays: set[int], naps: list[int]
) -> None:
    table = Timetable(tuple(times), zone, tuple(sorted(weekdays)))
    start = datetime.fromisoformat(date).replace(tzinfo=UTC)
    due = table.after(start)
    sent, missed = [], 0
    for now in awake(start, naps):
        if due <= now:
            latest, skipped = table.latest(due, now)
            assert due <= latest <= now < table.after(latest)
            sent.append(latest)
            missed += skipped
            due = table.after(latest)
    wanted = expected(table, start)
    assert len(set(sent)) == len(sent)
    assert set(sent) <= wanted
    assert len(sent) + missed == len(wanted)


@given(st.sets(st.integers(1, 31), min_size=1, max_size=3), st.integers(0, 700))
def test_a_day_of_the_month_comes_in_every_month(days: set[int], begin: int) -> None:
    table = Timetable(("09:00",), "UTC", (), tuple(days))
    now = BEGIN + timedelta(days=begin)
    due = table.after(now)
    assert now < due <= now + timedelta(days=31)
    last = (due + timedelta(days=1)).month != due.month
    assert due.day in days or (last and max(days) > due.day)
