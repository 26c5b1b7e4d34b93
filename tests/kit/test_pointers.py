"""A pointer leads to a place in the body, whatever the branches of unions are called."""

import json
from typing import Any

import pytest

from services.command.domain.segment.commands import CreateSegment
from services.kit import errors
from services.kit.http import parse
from services.kit.pointers import pointer

BAD = {"op": "range", "field": "Bad Name", "gte": 1}


@pytest.mark.parametrize(
    ("tree", "where"),
    [
        (BAD, "/filter/field"),
        ({"op": "and", "of": [{"op": "is_empty", "field": "name"}, BAD]}, "/filter/of/1/field"),
        ({"op": "not", "of": BAD}, "/filter/of/field"),
        ({"op": "equals", "field": "name"}, "/filter/value"),
    ],
)
def test_what_is_wrong_in_the_filter_of_a_command_is_pointed_at(tree: Any, where: str) -> None:
    raw = json.dumps({"name": "Some", "filter": tree}).encode()
    with pytest.raises(errors.Invalid) as refused:
        parse(CreateSegment, raw)
    assert [detail.pointer for detail in refused.value.errors] == [where]


def test_without_a_body_a_location_is_taken_as_it_is() -> None:
    assert pointer(("query", "a/b", 3)) == "/query/a~1b/3"
    assert len(pointer(("x" * 500,))) <= 200
