"""Where in a body something is wrong, as JSON pointer (RFC 6901)."""

from collections.abc import Iterator, Sequence
from typing import Any

_CHARS_MAX = 200


def pointer(location: Sequence[int | str], body: Any = None, *, missing: bool = False) -> str:
    """Return one of pydantic's locations as pointer, shortened when the caller's own key was
    absurdly long. Pydantic also names the branches of unions it went through; in a known `body`
    they are left out, for they are no places in it. `missing`: the last step is what is not there.
    """
    steps = location if body is None else _steps(location, body, missing)
    parts = [str(step).replace("~", "~0").replace("/", "~1") for step in steps]
    return "".join("/" + part for part in parts)[:_CHARS_MAX]


def _steps(location: Sequence[int | str], body: Any, missing: bool) -> Iterator[int | str]:
    at = body
    for place, step in enumerate(location):
        is_there = (isinstance(at, dict) and step in at) or (
            isinstance(at, list) and isinstance(step, int) and step < len(at)
        )
        if is_there:
            at = at[step]
        elif not missing or place < len(location) - 1:
            continue
        yield step
