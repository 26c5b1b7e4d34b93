"""When something is due that recurs by the wall clock of a time zone. Pure.

A time that the clock skips (daylight saving begins) is due as long after midnight as it would have
been; one that comes twice is due the first time. So each day's time is due exactly once.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from schemas.dialling_hours import zone_named

LOOK_DAYS = 400
"""Any day of the month and any weekday comes within these; a day that a month lacks is its last."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Times of the day (`HH:MM`) on weekdays (1 Monday to 7 Sunday), on days of the month, or
    neither: every day.
    """

    times: tuple[str, ...]
    zone: str
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()

    def on(self, day: date) -> bool:
        """Say whether anything is due on that day; day 31 is the last one of every month."""
        if self.weekdays:
            return day.isoweekday() in self.weekdays
        if self.days:
            last = calendar.monthrange(day.year, day.month)[1]
            return day.day in self.days or (day.day == last and max(self.days) > last)
        return True

    def after(self, instant: datetime) -> datetime:
        """Return the first due time later than `instant`, in UTC."""
        zone = zone_named(self.zone) or UTC
        # The day before: what the clock skipped may be due after its midnight.
        day = instant.astimezone(zone).date() - timedelta(days=1)
        for _ in range(LOOK_DAYS):
            if self.on(day):
                due = [
                    datetime.combine(day, time.fromisoformat(one), zone).astimezone(UTC)
                    for one in self.times
                ]
                later = [one for one in due if one > instant]
                if later:
                    return min(later)
            day += timedelta(days=1)
        raise AssertionError("every timetable has a day in a year")

    def latest(self, due: datetime, now: datetime) -> tuple[datetime, int]:
        """Return the last due time that is not after `now`, from the one that is `due` on, and how
        many were before it.
        """
        missed = 0
        while (following := self.after(due)) <= now:
            due, missed = following, missed + 1
        return due, missed
