"""What of a view can be used now: views outlive templates, and who reads one may see less than who
saved it. What cannot be used is named and left out; the rest works.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.filter_names import name_faults, without_unknown
from schemas.filters import (
    CONTACTS,
    CUSTOM,
    And,
    Fault,
    Filter,
    FilterInvalid,
    Not,
    Or,
    check_filter,
    parse_filter,
)
from services.query import answers
from services.query.columns import COLLECTIONS, THROUGH
from services.query.masking import mask_numbers
from services.query.paging import DEFAULT_SORT, SORT_KEYS_MAX, SortKey
from services.query.questions import SortSpec
from services.query.reading import Asked


class Unknown(answers.Shape):
    """A part of the view that is not used now, why, and where it stands in the view."""

    code: str
    detail: str
    pointer: str


class Usable(answers.Shape):
    """The view without its unknown parts, as searches, counts and selections take it."""

    filter: Filter | None
    columns: list[str]
    sort: list[SortSpec]


@dataclass(slots=True)
class Parts:
    """What is used of a view, and the faults of what is not. `tree` None = every lead in sight."""

    tree: Any = None
    columns: tuple[str, ...] = ()
    sort: tuple[SortKey, ...] = ()
    faults: list[Fault] = field(default_factory=list)

    def unknown(self) -> list[dict[str, str]]:
        """Return the faults as an answer has them."""
        return [
            {"code": one.code, "detail": one.text, "pointer": one.pointer} for one in self.faults
        ]

    def usable(self) -> dict[str, Any]:
        """Return what is used as an answer has it."""
        tree = self.tree
        return {
            "filter": None if tree is None else tree.model_dump(mode="json", exclude_none=True),
            "columns": list(self.columns),
            "sort": [{"field": one.field, "descending": one.descending} for one in self.sort],
        }

    @property
    def order(self) -> tuple[SortKey, ...]:
        """The sort of the view, or the usual one."""
        return self.sort or DEFAULT_SORT


def parts_of(view: Mapping[str, Any], asked: Asked) -> Parts:
    """Return what the caller can use of a view's `filter`, `columns` and `sort`."""
    parts = Parts()
    try:
        tree = None if view["filter"] is None else parse_filter(view["filter"])
    except FilterInvalid as reason:
        at = [Fault(one.code, one.text, "/filter" + one.pointer) for one in reason.faults]
        parts.faults += at
        tree = None
    if tree is not None:
        parts.tree = _known(tree, "/filter", asked, parts.faults)
    parts.columns = tuple(_columns(view["columns"], asked, parts.faults))
    parts.sort = tuple(_sort(view["sort"], asked, parts.faults))[:SORT_KEYS_MAX]
    return parts


def _known(node: Any, pointer: str, asked: Asked, faults: list[Fault]) -> Any:
    """Return the node without what cannot be asked; None when nothing of it is left."""
    if isinstance(node, (And, Or)):
        below = [
            _known(child, f"{pointer}/of/{index}", asked, faults)
            for index, child in enumerate(node.of)
        ]
        left = tuple(child for child in below if child is not None)
        return node.model_copy(update={"of": left}) if left else None
    if isinstance(node, Not):
        child = _known(node.of, f"{pointer}/of", asked, faults)
        return None if child is None else node.model_copy(update={"of": child})
    try:
        check_filter(node, asked.kinds)
    except FilterInvalid as reason:
        name = getattr(node, "field", "")
        for one in reason.faults:
            if one.code == "no-such-field":
                faults.append(_no_field(name, f"{pointer}{one.pointer}", asked))
            else:
                faults.append(Fault(one.code, one.text, f"{pointer}{one.pointer}"))
        return None
    statuses = asked.directory.statuses
    named = name_faults(node, statuses)
    faults += [Fault(one.code, one.text, f"{pointer}{one.pointer}") for one in named]
    return without_unknown(node, statuses)


def _no_field(name: str, pointer: str, asked: Asked) -> Fault:
    if name in asked.kinds:
        return Fault("not-sortable", f"a lead may have several values of {name}", pointer)
    if name in asked.directory.kinds:
        text = f"{name} is not shown to you in full, so nothing is chosen or sorted by it"
        return Fault("hidden-field", text, pointer)
    return Fault("no-such-field", f"there is no field {name}", pointer)


def _columns(names: Sequence[str], asked: Asked, faults: list[Fault]) -> Iterable[str]:
    """Leads may still have values of a template field nobody has: it stays a column."""
    for index, name in enumerate(names):
        known = name in asked.directory.single_kinds or name in COLLECTIONS
        if not known:
            text = f"there is no column {name}"
            faults.append(Fault("no-such-field", text, f"/columns/{index}"))
        if known or name.startswith(CUSTOM):
            yield name


def _sort(keys: Sequence[Any], asked: Asked, faults: list[Fault]) -> Iterable[SortKey]:
    for index, key in enumerate(keys):
        name = key["field"]
        if name in asked.single_kinds:
            yield SortKey(name, bool(key.get("descending")))
        else:
            faults.append(_no_field(name, f"/sort/{index}/field", asked))


def masked_filter(tree: Any, asked: Asked) -> Any:
    """Return a stored tree with the numbers in it masked, for who must not see numbers: somebody
    else may have typed them.
    """
    if asked.shows_phones or not isinstance(tree, Mapping):
        return tree
    if isinstance(tree.get("of"), Mapping):
        return {**tree, "of": masked_filter(tree["of"], asked)}
    if isinstance(tree.get("of"), Sequence):
        return {**tree, "of": [masked_filter(child, asked) for child in tree["of"]]}
    name = str(tree.get("field", ""))
    hidden = asked.directory.kinds.get(name) == "phone" or name.startswith(CONTACTS)
    if tree.get("op") == "search" or hidden:
        names = ("value", "values")
        return {
            name: mask_numbers(value) if name in names else value for name, value in tree.items()
        }
    return dict(tree)


def is_relative(tree: Any) -> bool:
    """Say whether the leads of a stored tree may change without any event of theirs: as time
    passes, or when a pool they point at is renamed.
    """
    if isinstance(tree, Mapping):
        if tree.get("field") in THROUGH:
            return True
        return any(is_relative(value) for value in tree.values())
    if isinstance(tree, str):
        return tree.startswith(("now", "today", "week", "month", "year"))
    return isinstance(tree, Sequence) and any(is_relative(value) for value in tree)
