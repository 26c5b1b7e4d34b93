"""What is wrong with a request is said in words that say what to give instead."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.fault_texts import fault_text
from schemas.filter_text import read_filter
from schemas.filters import FilterInvalid, parse_filter
from services.command.domain.types import Instant, TimeOfDay

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Asked(BaseModel):
    """One field of each shape."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str = Field(default="", pattern="^[a-z]*$", max_length=3)
    whole: int = Field(default=1, ge=1, le=9)
    owner: str = Field(default="", pattern=f"^(team|user):{_UUID}$")
    user: str = Field(default="", pattern=f"^{_UUID}$")
    day: TimeOfDay = "09:00"
    at: Instant | None = None
    some: tuple[str, ...] = Field(default=("a",), min_length=1, max_length=2)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": 1}, "give a text"),
        ({"text": "abcd"}, "give at most 3 characters"),
        ({"text": "A"}, "write it as ^[a-z]*$ describes"),
        (
            {"owner": "bob"},
            "give an owner as team:<id> or user:<id>, the id a UUID in small letters",
        ),
        ({"user": "bob"}, "give an id: a UUID in small letters"),
        ({"day": "9:00"}, "give a time of day, like 09:30"),
        ({"at": "2026-03-31T09:00"}, "give a time with its offset, like 2026-03-31T09:00:00+02:00"),
        ({"whole": "1"}, "give a whole number"),
        ({"whole": 0}, "give 1 or more"),
        ({"whole": 10}, "give 9 or less"),
        ({"some": "a"}, "give a list"),
        ({"some": ()}, "give at least 1"),
        ({"some": ("a", "b", "c")}, "give at most 2"),
        ({"more": 1}, "leave this out: there is nothing of that name here"),
    ],
)
def test_a_fault_says_what_to_give(given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Asked.model_validate(given)
    (fault,) = caught.value.errors()
    assert fault_text(fault) == sentence


@pytest.mark.parametrize(
    ("raw", "pointer", "text"),
    [
        ({}, "", "say which one it is with 'op'"),
        ({"op": "eq"}, "", "take one of 'and', 'or', 'not', "),
        ({"op": "equals", "field": "name"}, "/value", "give this too; it is required"),
        ({"op": "and", "of": []}, "/of", "give at least 1"),
        ({"op": "range", "field": "age"}, "", "give gt, gte, lt or lte"),
    ],
)
def test_a_fault_in_a_tree_says_it_too(raw: Any, pointer: str, text: str) -> None:
    with pytest.raises(FilterInvalid) as caught:
        parse_filter(raw)
    (fault,) = caught.value.faults
    assert fault.pointer == pointer
    assert fault.text.startswith(text)


@pytest.mark.parametrize(
    "text", ["priority > 3 or", "status = ready and", "(a = 1 or) and b = 2", "and a = 1", "or ()"]
)
def test_a_text_that_breaks_off_is_no_filter(text: str) -> None:
    """What stood behind the operator was lost on the way: other leads would be meant."""
    with pytest.raises(FilterInvalid):
        read_filter(text)
