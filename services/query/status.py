"""The status catalogue as it is in force: the built-in ones with what the organisation changed and
added.
"""

from typing import Any

from schemas.statuses import BUILT_IN
from services.query import answers
from services.query.reading import Asked


class StatusEntry(answers.Shape):
    """A status; `group` is open, held or closed. One that is not `active` is given to no lead."""

    code: str
    label: str
    group: str
    dialable: bool
    kind: str
    active: bool
    built_in: bool


async def statuses(asked: Asked) -> list[dict[str, Any]]:
    """Return all statuses, the built-in ones first."""
    entries: dict[str, dict[str, Any]] = {
        one.code: {
            "code": one.code,
            "label": one.label,
            "group": one.group,
            "dialable": one.dialable,
            "kind": one.kind,
            "active": True,
            "built_in": True,
        }
        for one in BUILT_IN.values()
    }
    found = await asked.connection.fetch(
        "select s.code, s.label, s.dialable, s.status_group, s.kind, s.active from read.status s"
        " order by s.code"
    )
    for code, label, dialable, group, kind, active in found:
        known = entries.get(code, {"code": code, "group": group, "kind": kind, "built_in": False})
        entries[code] = {**known, "label": label, "dialable": dialable, "active": active}
    return list(entries.values())
