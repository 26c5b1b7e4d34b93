"""Phone numbers: E.164 and nothing else, unless a region is named; zones a number may be in."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialling_hours import zone_named
from schemas.number_zones import zones_of
from services.command.domain.phones import NotAPhone, parse_phone

IS_POSSIBLE = phonenumbers.ValidationResult.IS_POSSIBLE


def _code(text: str, region: str | None = None) -> str:
    with pytest.raises(NotAPhone) as refusal:
        parse_phone(text, region)
    assert refusal.value.reason.text.endswith(".")
    words = refusal.value.reason.text.split()
    assert not any(len(word) > 2 and word in text for word in words), "quotes the number"
    return refusal.value.reason.code


@pytest.mark.parametrize(
    "text", ["+14155550100", "+447700900123", "+351912345678", "+390612345678"]
)
def test_e164_is_taken_as_it_is(text: str) -> None:
    assert parse_phone(text) == text
    assert parse_phone(f" {text} ") == text


@settings(max_examples=1_000)
@given(
    st.sampled_from(sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)),
    st.text("0123456789", min_size=4, max_size=13),
)
def test_what_is_not_asked_of_the_parser_is_what_it_would_say(code: int, rest: str) -> None:
    text = f"+{code}{rest}"[:16]
    try:
        number = phonenumbers.parse(text)
        possible = phonenumbers.is_possible_number_with_reason(number)
    except phonenumbers.NumberParseException:
        said = None
    else:
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        said = text if (possible, written) == (IS_POSSIBLE, text) else None
    if said is None:
        with pytest.raises(NotAPhone):
            parse_phone(text)
    else:
        assert parse_phone(text) == said


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "phone-not-e164"),
        ("4155550100", "phone-not-e164"),
        ("0014155550100", "phone-not-e164"),
        ("+1 415 555 0100", "phone-not-e164"),
        ("+1-415-555-0100", "phone-not-e164"),
        ("+1415555CALL", "phone-not-e164"),
        ("+14155550100;ext=7", "phone-not-e164"),
        ("+٣٥١٩١٢٣٤٥٦٧٨", "phone-not-e164"),
        ("+4407700900123", "phone-not-e164"),
        ("+0123456789", "phone-not-e164"),
        ("+1415555010", "phone-impossible"),
        ("+141555501000", "phone-impossible"),
        ("+999123456789", "unknown-country-code"),
        ("+1234567890123456", "phone-not-e164"),
    ],
)
def test_everything_else_is_refused_with_a_reason(text: str, code: str) -> None:
    assert _code(text) == code


def test_a_trunk_zero_is_pointed_out() -> None:
    assert _code("+43066412345678") == "phone-not-e164"
    assert parse_phone("+4366412345678") == "+4366412345678"


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(415) 555-0100", "US", "+14155550100"),
        ("912 345 678", "PT", "+351912345678"),
        ("00351 912 345 678", "PT", "+351912345678"),
        ("07700 900123", "GB", "+447700900123"),
        ("+351 912 345 678", "US", "+351912345678"),
        ("06 1234 5678", "IT", "+390612345678"),
    ],
)
def test_with_a_region_as_people_write_it(text: str, region: str, number: str) -> None:
    assert parse_phone(text, region) == number


@pytest.mark.parametrize(
    ("text", "region", "code"),
    [
        ("1-800-FLOWERS", "US", "phone-impossible"),
        ("415 555 0100 ext. 3", "US", "phone-impossible"),
        ("12", "US", "phone-impossible"),
        ("912345678", "XX", "unknown-region"),
        ("--", "PT", "phone-impossible"),
    ],
)
def test_refused_even_with_a_region(text: str, region: str, code: str) -> None:
    assert _code(text, region) == code


def test_every_example_number_of_the_world() -> None:
    for region in phonenumbers.SUPPORTED_REGIONS:
        example = phonenumbers.example_number(region)
        if example is not None:
            text = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
            assert parse_phone(text) == text
            assert zones_of(text), region


@given(st.text(max_size=24) | st.from_regex(r"\+[0-9]{1,17}", fullmatch=True))
def test_what_is_taken_is_taken_again_unchanged(text: str) -> None:
    try:
        number = parse_phone(text)
    except NotAPhone:
        return
    assert parse_phone(number) == number == text.strip()


def test_zones() -> None:
    assert zones_of("+12125550123") == ("America/New_York",)
    assert zones_of("+351212345678") == ("Europe/Lisbon",)
    assert "Atlantic/Azores" in zones_of("+351912345678")
    toll_free = zones_of("+18005550123")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= set(toll_free)
    assert "Europe/London" in zones_of("+447700900123")
    assert zones_of("+80012345678") == ()
    assert zones_of("nonsense") == ()
    assert all(zone_named(zone) is not None for zone in toll_free)
