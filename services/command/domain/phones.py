"""Phone numbers as E.164 (rule 13); their time zones are in schemas/number_zones.py.

A number without `+` is read only when the caller names the region it was typed in. Whether a number
is assigned today is not asked, because dialers know newer numbers than any table; it must be one
that its country could have.
"""

import re
from functools import cache, lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, ValidationResult

from services.command.domain.decider import Reason

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_AS_PEOPLE_TYPE = re.compile(r"\+?[0-9 ()./\-\u00a0\u2010-\u2015]{2,40}")
_REMEMBERED = 50_000


class NotAPhone(ValueError):
    """The text is no phone number; `reason` says why, in the words of a refusal."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.reason = Reason(code, text, "phone")


def _parsed(text: str, region: str | None) -> PhoneNumber:
    try:
        number = phonenumbers.parse(text, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise NotAPhone(
                "unknown-country-code", "No country has the calling code of this number."
            ) from None
        raise NotAPhone("phone-impossible", "No phone number can look like this.") from None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise NotAPhone(
            "phone-impossible", "The number has too few or too many digits for its country."
        )
    return number


class _Plan(NamedTuple):
    """What decides on most numbers of a calling code: how long they are, what may be stripped."""

    prefix: re.Pattern[str] | None
    lengths: frozenset[int]


@cache
def _plan_of(code: str) -> _Plan | None:
    """Return the numbering plan of a calling code, None when there is no such code."""
    if code.startswith("0") or int(code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE:
        return None
    region = phonenumbers.region_code_for_country_code(int(code))
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
    numbers = None if plan is None else plan.general_desc
    if plan is None or numbers is None:
        return None
    prefix = plan.national_prefix_for_parsing
    lengths = frozenset(numbers.possible_length) - frozenset(numbers.possible_length_local_only)
    return _Plan(re.compile(prefix) if prefix else None, lengths)


def _is_plain(text: str) -> bool:
    """Say whether E.164 is certainly what the parser would return as it is.

    So are nearly all: nothing to strip in front, and as long as numbers there are. Asking the
    parser about each takes a tenth of importing its lead.
    """
    for end in (2, 3, 4):
        plan = _plan_of(text[1:end])
        if plan is not None:
            national = text[end:]
            if national.startswith("0") or len(national) not in plan.lengths:
                return False
            return plan.prefix is None or plan.prefix.match(national) is None
    return False


@lru_cache(maxsize=_REMEMBERED)
def parse_phone(text: str, region: str | None = None) -> str:
    """Return the number as E.164; raise NotAPhone.

    Without `region` (two letters, ISO 3166) only E.164 itself is taken: `+`, country code, digits,
    nothing between. With it, also numbers as people of that region write them.
    """
    text = text.strip()
    if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
        raise NotAPhone("unknown-region", f"There is no region {region}; use e.g. GB or US.")
    if region is None and not _E164.fullmatch(text):
        raise NotAPhone(
            "phone-not-e164",
            "Write the number in international form without spaces, like +14155550100.",
        )
    if region is not None and not _AS_PEOPLE_TYPE.fullmatch(text):
        raise NotAPhone("phone-impossible", "A phone number has only digits and separators.")
    if region is None and _is_plain(text):
        return text
    found = phonenumbers.format_number(_parsed(text, region), PhoneNumberFormat.E164)
    if region is None and found != text:  # e.g. a trunk 0 behind the country code
        raise NotAPhone("phone-not-e164", "Leave out the 0 that is dialled inside the country.")
    return found
