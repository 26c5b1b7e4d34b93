"""When a campaign may dial: windows per weekday, by a zone's clock, but for holidays (rule 10).

A zone's hours go by what its clocks show, through every change of summer time: an hour shown twice
counts twice, an hour that is skipped does not count. Where the zone of a number is uncertain, every
plausible zone must be inside. Shared by the decision and by the list of what to dial next.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTES_OF_DAY = 24 * 60
_SEARCHED = timedelta(days=100)
_MINUTE = timedelta(minutes=1)

Window = tuple[int, int]
"""From minute to minute of the day; the second is outside. 1440 is the end of the day."""


@lru_cache(maxsize=1_000)
def zone_named(name: str) -> ZoneInfo | None:
    """Return the IANA zone of this name, None when there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        return None


def minute_of_day(text: str) -> int:
    """Return the minute of the day that `HH:MM` names; `24:00` is the end of the day."""
    hours, _, minutes = text.partition(":")
    return int(hours) * 60 + int(minutes)


def time_of_day(minute: int) -> str:
    """Return `HH:MM` of a minute of the day."""
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass(frozen=True, slots=True)
class DiallingHours:
    """Windows of the seven weekdays from Monday, each sorted and apart from each other.

    zone: IANA name of the zone whose clock counts for all leads; None = the zones of each lead.
    holidays: local dates `YYYY-MM-DD` on which nothing is dialled.
    """

    windows: tuple[tuple[Window, ...], ...]
    zone: str | None = None
    holidays: frozenset[str] = frozenset()

    @classmethod
    def every_day(cls, start: str, end: str, zone: str | None = None) -> Self:
        """Return the same window on all days; past midnight when `end` is not after `start`."""
        first, last = minute_of_day(start), minute_of_day(end)
        day: tuple[Window, ...] = ((first, last),)
        if last <= first:
            day = tuple(one for one in ((0, last), (first, MINUTES_OF_DAY)) if one[0] < one[1])
        return cls((day,) * 7, zone)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> Self:
        """Return the hours that `stored` once described."""
        windows = tuple(
            tuple((minute_of_day(start), minute_of_day(end)) for start, end in day)
            for day in stored["windows"]
        )
        return cls(windows, stored.get("zone"), frozenset(stored.get("holidays") or ()))

    def stored(self) -> dict[str, Any]:
        """Return the hours as an event holds them."""
        windows = [
            [[time_of_day(start), time_of_day(end)] for start, end in day] for day in self.windows
        ]
        return {"windows": windows, "zone": self.zone, "holidays": sorted(self.holidays)}

    def open_in_every_zone(self, at: datetime, zones: Sequence[str]) -> bool:
        """Say whether it is a time to dial at `at` (aware) in all `zones`.

        `zones` counts only where the hours name no zone. False when there is none to go by.
        """
        found = self._zones(zones)
        return bool(found) and all(self._open(at, zone) for zone in found)

    def closed_zones(self, at: datetime, zones: Sequence[str]) -> list[str]:
        """Return in which of the zones that count it is no time to dial at `at` (aware)."""
        return [zone.key for zone in self._zones(zones) if not self._open(at, zone)]

    def holidays_at(self, at: datetime, zones: Sequence[str]) -> list[str]:
        """Return which of the holidays it is at `at` (aware) in the zones that count."""
        dates = {at.astimezone(zone).date().isoformat() for zone in self._zones(zones)}
        return sorted(dates & self.holidays)

    def next_opening(self, at: datetime, zones: Sequence[str]) -> datetime | None:
        """Return the first instant (UTC) from `at` on that is open in all zones; `at` if it is.

        None when there is none within 100 days, e.g. because zones leave no common hour.
        """
        found = self._zones(zones)
        if not found:
            return None
        end = at + _SEARCHED
        candidate = at.astimezone(UTC)
        agreeing = 0
        while agreeing < len(found):  # nothing before a zone's opening can be open in every zone
            opening = self._opening(candidate, found[0], end)
            if opening is None:
                return None
            agreeing = agreeing + 1 if opening == candidate else 1
            candidate = opening
            found.append(found.pop(0))
        return candidate

    def _zones(self, zones: Sequence[str]) -> list[ZoneInfo]:
        names = (self.zone,) if self.zone is not None else zones
        found = [zone_named(name) for name in names]
        return [] if None in found else [zone for zone in found if zone is not None]

    def _open(self, at: datetime, zone: ZoneInfo) -> bool:
        local = at.astimezone(zone)
        if self.holidays and local.date().isoformat() in self.holidays:
            return False
        second = (local.hour * 60 + local.minute) * 60 + local.second
        return any(start * 60 <= second < end * 60 for start, end in self.windows[local.weekday()])

    def _opening(self, at: datetime, zone: ZoneInfo, until: datetime) -> datetime | None:
        if self._open(at, zone):
            return at
        day = at.astimezone(zone).date()
        last = until.astimezone(zone).date()
        while day <= last:
            moments = (one for one in self._candidates(day, zone) if one > at)
            opening = min((one for one in moments if self._open(one, zone)), default=None)
            if opening is not None:
                return opening
            day += timedelta(days=1)
        return None

    def _candidates(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """All instants of a local day at which the hours may begin: windows, and clock changes."""
        for start, _ in self.windows[day.weekday()]:
            wall = datetime.combine(day, time(start // 60, start % 60), zone)
            yield wall.astimezone(UTC)
            yield wall.replace(fold=1).astimezone(UTC)
        change = _clock_change(day, zone)
        if change is not None:
            yield change


def _clock_change(day: date, zone: ZoneInfo) -> datetime | None:
    """Return the instant at which the zone's clocks change on that local day, None if not."""
    before = datetime.combine(day, time(0), zone).astimezone(UTC) - _MINUTE
    after = datetime.combine(day + timedelta(days=1), time(0), zone).astimezone(UTC) + _MINUTE
    offset = before.astimezone(zone).utcoffset()
    if offset == after.astimezone(zone).utcoffset():
        return None
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
