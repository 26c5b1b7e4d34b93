"""The time zones a phone number may be in, as far as its digits tell. Pure."""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers import timezone as number_zones
from phonenumbers.tzdata import TIMEZONE_DATA

_UNKNOWN_ZONE = "Etc/Unknown"
_REMEMBERED = 50_000


def _exists(zone: str) -> bool:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


@lru_cache(maxsize=_REMEMBERED)
def zones_of(number: str) -> tuple[str, ...]:
    """Return every IANA zone an E.164 number may be in, sorted; () when none is known.

    A landline has few; a mobile, toll-free or fictitious number has all zones of its country.
    """
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return ()
    zones = number_zones.time_zones_for_number(parsed)
    if _UNKNOWN_ZONE in zones:  # a range nobody has been given: go by its prefix
        zones = number_zones.time_zones_for_geographical_number(parsed)
    return tuple(sorted(zone for zone in zones if zone != _UNKNOWN_ZONE and _exists(zone)))


def zones_by_prefix() -> dict[str, tuple[str, ...]]:
    """Return the zones of numbers by what they begin with, without the plus; the longest counts.

    Coarser than `zones_of`, which also knows mobile and toll-free numbers: for sorting only.
    """
    return {
        prefix: tuple(sorted(zone for zone in zones if _exists(zone)))
        for prefix, zones in TIMEZONE_DATA.items()
    }
