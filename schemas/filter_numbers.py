"""Phone numbers that a stored filter tree holds: by them it is found when one is to be erased.

Only what is written in international form is a number for sure; a part of one, or one as it is
dialled at home, names nobody.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_INTERNATIONAL = re.compile(r"\s*(?:\+|00)[\d\s()/.-]{6,40}", re.ASCII)
_NOT_DIGITS = re.compile(r"[^\d]", re.ASCII)


def numbers_in(tree: Any) -> frozenset[str]:
    """Return the numbers in any value of a stored tree, as E.164."""
    return frozenset(_numbers(tree))


def _numbers(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        digits = _NOT_DIGITS.sub("", node).lstrip("0")
        if _INTERNATIONAL.fullmatch(node) and 7 <= len(digits) <= 15:
            yield "+" + digits
    elif isinstance(node, Mapping):
        for value in node.values():
            yield from _numbers(value)
    elif isinstance(node, Sequence):
        for value in node:
            yield from _numbers(value)
