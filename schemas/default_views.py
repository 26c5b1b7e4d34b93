"""The views everybody has without saving any: each a filter over leads, resolved for its caller.

Times stay relative, so that "today" is another day tomorrow.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.filters import CHILDREN_MAX, VALUES_MAX

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """For whom views are resolved.

    team: "" = none. members: users of that team. closed: codes of closed statuses. zone: whose
    calendar "today" and "this week" are of.
    """

    user: str
    team: str
    members: Collection[str]
    closed: Sequence[str]
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class DefaultView:
    """One default view. `filter` is None for every lead; sort as a saved view has it."""

    code: str
    name: str
    filter: Callable[[Caller], Tree | None]
    sort: tuple[str, bool] = ("last_modified_at", True)

    def sorted_by(self) -> list[dict[str, Any]]:
        """Return the sort as it is stored in views."""
        field, descending = self.sort
        return [{"field": field, "descending": descending}]


def _equals(field: str, value: Any) -> Tree:
    return {"op": "equals", "field": field, "value": value}


def _one_of(field: str, values: Sequence[str]) -> Tree:
    """One node for up to a thousand values, else several."""
    parts: list[Tree] = [
        {"op": "in", "field": field, "values": list(values[start : start + VALUES_MAX])}
        for start in range(0, len(values), VALUES_MAX)
    ]
    return parts[0] if len(parts) == 1 else {"op": "or", "of": parts[:CHILDREN_MAX]}


def _both(*nodes: Tree) -> Tree:
    return {"op": "and", "of": list(nodes)}


def _still(field: str) -> Tree:
    """An end that has not come, or none at all."""
    return {
        "op": "or",
        "of": [{"op": "is_empty", "field": field}, {"op": "range", "field": field, "gt": "now"}],
    }


def _team(who: Caller) -> Tree:
    users = [f"user:{user}" for user in sorted({*who.members, who.user})]
    return _one_of("owner", [f"team:{who.team}", *users] if who.team else users)


def _due_today(who: Caller) -> Tree:
    until = {"op": "range", "field": "next_dial_at", "lt": f"today+1d@{who.zone}"}
    open_ones = {"op": "not", "of": _one_of("status", who.closed)}
    return _both(until, _equals("active", True), open_ones)


def _overdue_callbacks(_: Caller) -> Tree:
    """Whatever the status is by now: the callback waits until it is made or cancelled."""
    return {"op": "range", "field": "callback_at", "lt": "now"}


def _locked(_: Caller) -> Tree:
    taken = {"op": "not", "of": {"op": "is_empty", "field": "locked_by"}}
    return _both(taken, _still("locked_until"))


def _closed_this_week(who: Caller) -> Tree:
    week = {"op": "range", "field": "status_since", "gte": f"week@{who.zone}"}
    return _both(_one_of("status", who.closed), week)


DEFAULT_VIEWS: Mapping[str, DefaultView] = {
    view.code: view
    for view in (
        DefaultView("all", "All leads", lambda _: None),
        DefaultView("mine", "My leads", lambda who: _equals("owner", f"user:{who.user}")),
        DefaultView("my_team", "My team's leads", _team),
        DefaultView(
            "uploaded_by_me",
            "Uploaded by me",
            lambda who: _equals("uploaded_by", f"user:{who.user}"),
        ),
        DefaultView(
            "processed_by_me",
            "Processed by me",
            lambda who: _equals("user_processed_by", who.user),
        ),
        DefaultView("due_today", "Due today", _due_today, ("next_dial_at", False)),
        DefaultView(
            "overdue_callbacks", "Overdue callbacks", _overdue_callbacks, ("callback_at", False)
        ),
        DefaultView("locked", "Locked", _locked),
        DefaultView(
            "suppressed",
            "Suppressed",
            lambda _: _both(_equals("suppressed", True), _still("suppressed_until")),
        ),
        DefaultView("closed_this_week", "Closed this week", _closed_this_week),
    )
}
"""Every default view by its code, in the order in which people see them."""

FIRST = "all"
"""What opens for who has no favourite."""
