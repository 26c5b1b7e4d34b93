"""What is wrong with dialling hours that somebody asks for (schemas/dialling_hours.py)."""

from collections.abc import Iterable
from itertools import pairwise

from schemas.dialling_hours import MINUTES_OF_DAY, DiallingHours, zone_named
from services.command.domain.decider import Reason

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def problems_of(hours: DiallingHours) -> Iterable[Reason]:
    """Yield what is wrong with hours that somebody asks for in the field `hours` of a command."""
    if len(hours.windows) != 7:
        yield Reason("hours-not-a-week", "Give the windows of all seven weekdays.", "hours")
    if not any(hours.windows):
        yield Reason("hours-never-open", "Leave at least one window in the week.", "hours")
    for weekday, day in zip(WEEKDAYS, hours.windows, strict=False):
        if any(not 0 <= start < end <= MINUTES_OF_DAY for start, end in day):
            text = "A window must end after it starts; split one that goes past midnight."
            yield Reason("hours-window-empty", text, f"hours.{weekday}")
        if any(first[1] > second[0] for first, second in pairwise(day)):
            text = "The windows of a day must be in order and must not overlap."
            yield Reason("hours-windows-overlap", text, f"hours.{weekday}")
    if hours.zone is not None and zone_named(hours.zone) is None:
        text = f"There is no time zone {hours.zone}; use a name like Europe/Lisbon."
        yield Reason("unknown-zone", text, "hours.zone")
