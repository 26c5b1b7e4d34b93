"""The time zones a dial may reach: of the number, as far as its digits tell, and the lead's own.

Pure.
"""

from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
from phonenumbers import NumberParseException
from phonenumbers import timezone as number_zones
from phonenumbers.tzdata import TIMEZONE_DATA

from schemas.dialling_hours import zone_named

OWN_ZONE = "time_zone"
"""Import name of the field in which a lead, or a contact, names the IANA zone it is in."""

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


def plausible_zones(number: str | None, own: object) -> tuple[str, ...]:
    """Return every IANA zone a dial may reach; () when none is known.

    number: E.164, None = not known. own: what the lead says of its zone. It counts besides the
    number's; what names no zone, as a value from before such values were checked, does not count.
    """
    zones = () if number is None else zones_of(number)
    if not isinstance(own, str) or own in zones or zone_named(own) is None:
        return zones
    return (*zones, own)


def zones_by_prefix() -> dict[str, tuple[str, ...]]:
    """Return the zones of numbers by what they begin with, without the plus; the longest counts.

    Coarser than `zones_of`, which also knows mobile and toll-free numbers: for sorting only.
    """
    return {
        prefix: tuple(sorted(zone for zone in zones if _exists(zone)))
        for prefix, zones in TIMEZONE_DATA.items()
    }
