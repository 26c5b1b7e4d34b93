"""What no command may carry, and the one spelling of what it may."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas import incoming
from services.command.domain import types


@pytest.mark.parametrize("bad", ["\x00", "a\x07b", "\x7f", "\ud800", "a\rb", "\x1b[31m"])
@pytest.mark.parametrize("kind", [types.Text, types.Line, types.FieldText, types.ImportName])
def test_control_and_broken_characters_are_refused(kind: Any, bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)


def test_text_has_one_spelling() -> None:
    assert incoming.clean("Jose\u0301") == "Jos\u00e9"
    assert incoming.clean("one\r\ntwo\tthree") == "one\ntwo\tthree"
    assert TypeAdapter(types.Line).validate_python("  Ana ") == "Ana"


@pytest.mark.parametrize(
    ("kind", "bad"),
    [
        (types.Text, "x" * 10_001),
        (types.Line, "one\ntwo"),
        (types.Name, "  "),
        (types.FieldInt, 2**53),
        (types.FieldFloat, 1e16),
        (types.FieldFloat, float("nan")),
        (types.Id, "01920000-0000-7000-8000-00000000000G"),
        (types.OwnerRef, "service:x"),
        (types.CallId, "a b"),
        (types.Region, "us"),
        (types.TimeOfDay, "24:00"),
        (types.Priority, 0),
        (types.Seconds, -1),
        (types.FieldMap, {f"field {number}": 1 for number in range(201)}),
    ],
)
def test_bounds(kind: Any, bad: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(bad)


@pytest.mark.parametrize(
    "bad",
    [
        *(
            '"2026-03-01T09:00:00"',
            '"1899-12-31T23:59:59Z"',
            '"2200-01-01T00:00:00Z"',
            "1700000000",
        ),
        *('"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-14:00"', '"12"', "true"),
    ],
)
def test_times_are_bounded_and_have_an_offset(bad: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(types.Instant).validate_json(bad, strict=True)


@pytest.mark.parametrize(
    "good",
    ["2026-03-01T09:00:00.25+01:00", "2026-03-01T08:00:00.250000Z", "2026-03-01 08:00:00.25Z"],
)
def test_times_are_read_with_any_offset(good: str) -> None:
    read = TypeAdapter(types.Instant).validate_json(f'"{good}"', strict=True)
    assert read.isoformat() == "2026-03-01T08:00:00.250000+00:00"
