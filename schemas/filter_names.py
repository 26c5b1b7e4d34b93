"""Values of a filter that name something of a list nobody can add to by typing: statuses, how calls
end, icons of contracts, kinds of events. A name that is on no list finds nothing and is nearly
always a slip.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, get_args

from schemas.contracts import Icon
from schemas.filters import Equals, Fault, In, IsEmpty, Logged, walk
from schemas.lead import LEAD_EVENTS
from schemas.statuses import BUILT_IN, END_CAUSES

LOG_KINDS: tuple[str, ...] = tuple(kind.TOPIC for kind in LEAD_EVENTS if kind.TOPIC)
"""The stored name of every event a lead can have."""

_STATUSES = frozenset({"status", "previous_status"})
_FIXED: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "latest_end_cause": ("end cause", tuple(END_CAUSES)),
    "contract_icon": ("icon", get_args(Icon)),
}
"""Other columns that hold names of a list: what these are, and all there are."""
_NOBODY = IsEmpty(field="lead_id")
"""Holds for no lead."""


def name_faults(tree: Any, own_statuses: Collection[str]) -> list[Fault]:
    """Return a fault for every value that is not on its list; the first of each list says what is
    on it. Statuses are the built-in ones and `own_statuses`.
    """
    faults: list[Fault] = []
    told: set[str] = set()
    for node, pointer, _ in walk(tree):
        for member, what, listed in _lists(node, own_statuses):
            value = getattr(node, member)
            values = (value,) if member == "value" else value
            for index, name in enumerate(values):
                if name in listed or not isinstance(name, str):
                    continue
                text = f"there is no {what} {name[:64]}"
                if what not in told:
                    text += f"; there are: {', '.join(listed)}"
                told.add(what)
                place = member if member == "value" else f"{member}/{index}"
                code = f"unknown-{what.replace(' ', '-')}"
                faults.append(Fault(code, text, f"{pointer}/{place}"))
    return faults


def without_unknown(node: Any, own_statuses: Collection[str]) -> Any:
    """Return a leaf that finds the same leads and names nothing that is not on its list."""
    if isinstance(node, Logged):
        named = {
            member: (getattr(node, member), tuple(n for n in getattr(node, member) if n in listed))
            for member, _, listed in _lists(node, own_statuses)
        }
        if any(all_ and not known for all_, known in named.values()):
            return _NOBODY
        return node.model_copy(update={member: known for member, (_, known) in named.items()})
    for member, _, listed in _lists(node, own_statuses):
        if member == "value":
            return node if node.value in listed else _NOBODY
        known = tuple(name for name in node.values if name in listed)
        return node.model_copy(update={"values": known}) if known else _NOBODY
    return node


def _lists(node: Any, own_statuses: Collection[str]) -> Iterator[tuple[str, str, Collection[str]]]:
    """Yield the members of a node whose values are names, what they name, and all there are."""
    if isinstance(node, Logged):
        yield "kinds", "kind of event", LOG_KINDS
        yield "end_causes", "end cause", END_CAUSES
    elif isinstance(node, (Equals, In)):
        member = "value" if isinstance(node, Equals) else "values"
        if listed := names_of(node.field, own_statuses):
            yield member, _FIXED.get(node.field, ("status", ()))[0], listed


def names_of(field: str, own_statuses: Collection[str]) -> Sequence[str]:
    """Return all names that may be the value of a lead's column; none where it is no list."""
    if field in _STATUSES:
        return (*BUILT_IN, *sorted(set(own_statuses) - BUILT_IN.keys()))
    return _FIXED.get(field, ("", ()))[1]
