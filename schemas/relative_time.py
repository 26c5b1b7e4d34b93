"""Points in time as people name them: `today-7d@Europe/Berlin`, `week`, `now+30min`,
`2026-03-01@Asia/Tokyo`.

A base (now, today, week, month, year or a date), then shifts, then the zone whose calendar counts
(UTC when none is named). Kept as text in filters and saved views, so that "this week" is another
week next week.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)
_SHIFT = r"[+-]\d{1,4}(?:min|mo|h|d|w|y)"
_RELATIVE = re.compile(
    rf"(now|today|week|month|year|\d{{4}}-\d\d-\d\d)((?:{_SHIFT}){{0,4}})"
    r"(?:@([A-Za-z0-9_+/-]{1,40}))?",
    re.ASCII,
)
_ONE_SHIFT = re.compile(r"([+-]\d{1,4})(min|mo|h|d|w|y)")
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII
)


class NoSuchTime(ValueError):
    """The text names no point in time; the message is a sentence for people."""


def resolve_instant(text: str, now: datetime) -> datetime:
    """Return the instant that `text` names when it is `now`; raise NoSuchTime.

    Takes an ISO instant with an offset, or a relative form. A week starts on Monday. Of a local
    time that comes twice the first is meant; one that is skipped is read with the offset before the
    change.
    """
    if _INSTANT.fullmatch(text):
        return _bounded(lambda: datetime.fromisoformat(text).astimezone(UTC))
    return _bounded(lambda: _local(text, now).astimezone(UTC))


def resolve_date(text: str, now: datetime) -> date:
    """Return the calendar day that `text` names, in its own zone, when it is `now`; raise
    NoSuchTime.
    """
    return _bounded(lambda: _local(text, now)).date()


def check_instant(text: str) -> None:
    """Raise NoSuchTime when `text` names no point in time, whatever the time is now."""
    resolve_instant(text, datetime(2026, 1, 1, tzinfo=UTC))


def check_date(text: str) -> None:
    """Raise NoSuchTime when `text` names no calendar day, whatever the time is now."""
    resolve_date(text, datetime(2026, 1, 1, tzinfo=UTC))


def _local(text: str, now: datetime) -> datetime:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        raise NoSuchTime(
            "give an instant such as 2026-03-01T09:00:00Z,"
            " or a relative time such as today-7d@Europe/Berlin"
        )
    base, shifts, zone_name = found.groups()
    zone = _zone(zone_name or "UTC")
    moment = _base(base, now.astimezone(zone))
    for amount, unit in _ONE_SHIFT.findall(shifts):
        moment = _shifted(moment, int(amount), unit)
    return moment


def _base(base: str, here: datetime) -> datetime:
    if base == "now":
        return here
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    match base:
        case "today":
            return midnight
        case "week":
            return midnight - timedelta(days=midnight.weekday())
        case "month":
            return midnight.replace(day=1)
        case "year":
            return midnight.replace(month=1, day=1)
    return datetime.combine(date.fromisoformat(base), time(), here.tzinfo)


def _shifted(moment: datetime, amount: int, unit: str) -> datetime:
    match unit:
        case "min" | "h":
            exact = timedelta(minutes=amount) if unit == "min" else timedelta(hours=amount)
            return (moment.astimezone(UTC) + exact).astimezone(moment.tzinfo)
        case "d":
            return moment + timedelta(days=amount)
        case "w":
            return moment + timedelta(weeks=amount)
    months = moment.year * 12 + moment.month - 1 + (amount if unit == "mo" else 12 * amount)
    year, month = divmod(months, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    last_day = (following - timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


@lru_cache(maxsize=1024)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise NoSuchTime(
            f"there is no time zone {name}; take a name such as Europe/Berlin"
        ) from None


def _bounded(find: Callable[[], datetime]) -> datetime:
    try:
        moment = find()
        if EARLIEST <= moment.astimezone(UTC) <= LATEST:
            return moment
    except OverflowError:
        pass
    except NoSuchTime:
        raise
    except ValueError:
        raise NoSuchTime("there is no such day or time of day") from None
    raise NoSuchTime("take a time between the years 1900 and 2200")
