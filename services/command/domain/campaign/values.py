"""Values of lead fields, typed by the template: one spelling each, or a reason why not.

Files know only text, so `number`, `boolean` and the rest also read their usual spelling. What comes
out is JSON-native.
"""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Literal

from schemas.incoming import clean
from schemas.instants import format_instant
from services.command.domain.addresses import parse_email, parse_url
from services.command.domain.phones import parse_phone

FieldType = Literal[
    "text", "number", "date", "datetime", "boolean", "picklist", "phone", "email", "url"
]
MAX_TEXT = 4_000
_MAX_INT = 2**53 - 1
_MAX_FLOAT = 1e15
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,9})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})"
)
_YEARS = range(1900, 2200)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

Value = str | int | float | bool
Typer = Callable[[Any], Value]


class Unfit(ValueError):
    """The value does not fit; the text goes on after the field's name: `must be …`."""


def _text(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unfit("must be text")
    text = clean(value if isinstance(value, str) else str(value))
    if len(text) > MAX_TEXT:
        raise Unfit(f"must be text of at most {MAX_TEXT:,} characters")
    return text


def _number(value: Any) -> Value:
    if type(value) is int and abs(value) <= _MAX_INT:  # As it is stored, most often.
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unfit("must be a number like 12 or 3.5")
    # The bound also refuses NaN, which is in no order with anything.
    if not abs(value) <= (_MAX_INT if isinstance(value, int) else _MAX_FLOAT):
        raise Unfit("must be a number of at most 15 digits")
    return int(value) if value == int(value) else value


def _date(value: Any) -> Value:
    problem = Unfit("must be a date like 2026-03-31, between the years 1900 and 2199")
    if not isinstance(value, str) or not _DATE.fullmatch(value.strip()):
        raise problem
    try:
        found = date.fromisoformat(value.strip())
    except ValueError:
        raise problem from None
    if found.year not in _YEARS:
        raise problem
    return found.isoformat()


def _datetime(value: Any) -> Value:
    problem = Unfit(
        "must be a time with its offset like 2026-03-31T09:00:00+02:00, in the years 1900 to 2199"
    )
    if not isinstance(value, str) or not _DATETIME.fullmatch(value.strip()):
        raise problem
    try:
        found = datetime.fromisoformat(value.strip())
        if found.year in _YEARS:
            return format_instant(found)
    except (ValueError, OverflowError):
        raise problem from None
    raise problem


def _boolean(value: Any) -> Value:
    if isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise Unfit("must be true or false")
    return found


def _as_text(parse: Callable[[str], str], problem: str) -> Typer:
    def typed(value: Any) -> Value:
        if not isinstance(value, str):
            raise Unfit(problem)
        try:
            return parse(clean(value))
        except ValueError:
            raise Unfit(problem) from None

    return typed


_TYPED: dict[str, Typer] = {
    "text": _text,
    "number": _number,
    "date": _date,
    "datetime": _datetime,
    "boolean": _boolean,
    "phone": _as_text(parse_phone, "must be a phone number in E.164 form like +14155550100"),
    "email": _as_text(parse_email, "must be an e-mail address like ana@example.com"),
    "url": _as_text(parse_url, "must be a web address like https://example.com/page"),
}


@lru_cache(maxsize=1_000)
def typer(field_type: str, values: tuple[str, ...]) -> Typer:
    """Return what gives a value of this type, or Unfit with what it must be.

    values: the picklist's, which alone go by exact text.
    """
    return _one_of(values) if field_type == "picklist" else _TYPED[field_type]


def _one_of(values: Sequence[str]) -> Typer:
    # Cleaning these would change nothing, so they are found as they stand.
    plain = frozenset(
        one for one in values if one.isascii() and one.isprintable() and one.strip() == one
    )

    def typed(value: Any) -> Value:
        if isinstance(value, str):
            if value in plain:
                return value
            if (found := clean(value).strip()) in values:
                return found
        shown = ", ".join(values[:10]) + (", …" if len(values) > 10 else "")
        raise Unfit(f"must be one of: {shown}")

    return typed
