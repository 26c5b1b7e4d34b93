"""Why an event happened, as a link: to the bulk job or the import, to all one command did, to the
call that was reported.
"""

from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

from pydantic import Field

from services.query import answers

KINDS = ("command", "bulk", "call", "import", "source", "rule")
_PLACES = {"bulk": "/v1/bulk-jobs", "import": "/v1/imports"}


class Cause(answers.Shape):
    """What caused an event. `id` is the command, the bulk job, the import (with `/undo` when it was
    taken back), the call as its source names it, the connected source that pushed the lead, or the
    rule; `href` shows it, and `changes` all that it changed.
    """

    kind: Literal["command", "bulk", "call", "import", "source", "rule", "other"]
    id: str
    source: str | None = Field(description="Where a call was reported from")
    href: str | None
    changes: str


def cause_of(text: str) -> dict[str, Any]:
    """Return the cause that an event stores as `kind:id`."""
    kind, _, name = text.partition(":")
    source = None
    if kind == "call":
        source, _, name = name.rpartition("/")
    shown = name.removesuffix("/undo")
    return {
        "kind": kind if kind in KINDS else "other",
        "id": name,
        "source": source or None,
        "href": f"{_PLACES[kind]}/{shown}" if kind in _PLACES and _is_id(shown) else None,
        "changes": f"/v1/changes?cause={quote(text, safe=':')}",
    }


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
