"""One language for choosing leads: a tree of typed conditions, as JSON. Lists, counts, bulk jobs
and views all take it.

    {"op": "and", "of": [{"op": "in", "field": "status", "values": ["ready", "callback"]},
                         {"op": "range", "field": "next_dial_at", "lt": "today@Europe/Berlin"},
                         {"op": "not", "of": {"op": "is_empty", "field": "fields.city"}}]}

A value that is missing satisfies no condition but `is_empty`; `not` is true wherever its node is
not. The same tree has a text form for addresses and command lines (schemas/filter_text.py).
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from schemas.fault_texts import fault_text
from schemas.relative_time import NoSuchTime, check_date, check_instant

DEPTH_MAX = 12
NODES_MAX = 200
CHILDREN_MAX = 100
VALUES_MAX = 1_000
TEXT_CHARS_MAX = 500
NUMBER_MAX = 2**53
CUSTOM = "fields."
"""A custom field is named `fields.<import name>`."""
CONTACTS = "contacts."
"""A field of contacts is named `contacts.<import name>`, or `contacts.phone`; a condition holds
when it does for any of the lead's contacts.
"""

Kind = Literal[
    "text", "keyword", "owner", "id", "user", "phone", "number", "boolean", "date", "instant"
]
"""`owner`: `team:<uuid>`, `user:<uuid>` or `service:<name>`; `user`: the id of a user."""
OPERATORS: Mapping[Kind, frozenset[str]] = {
    "text": frozenset({"equals", "in", "contains", "starts", "is_empty"}),
    "keyword": frozenset({"equals", "in", "contains", "starts", "is_empty"}),
    "owner": frozenset({"equals", "in", "contains", "starts", "is_empty", "in_teams"}),
    "id": frozenset({"equals", "in", "is_empty"}),
    "user": frozenset({"equals", "in", "is_empty", "in_teams"}),
    "phone": frozenset({"equals", "in", "contains", "starts", "is_empty"}),
    "number": frozenset({"equals", "in", "range", "is_empty"}),
    "boolean": frozenset({"equals", "is_empty"}),
    "date": frozenset({"equals", "in", "range", "is_empty"}),
    "instant": frozenset({"equals", "range", "is_empty"}),
}

_UUID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.ASCII)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    return text


Text = Annotated[str, StringConstraints(max_length=TEXT_CHARS_MAX), AfterValidator(_printable)]
SomeText = Annotated[Text, StringConstraints(min_length=1)]
Name = Annotated[
    str,
    StringConstraints(
        pattern=r"^[a-z][a-z_]*$|^(fields|contacts)\.[^\x00-\x1f\x7f]+$", max_length=109
    ),
    AfterValidator(_printable),
]
LogKind = Annotated[str, StringConstraints(pattern=r"^lead\.[a-z_]{1,60}$")]
Number = (
    Annotated[int, Field(ge=-NUMBER_MAX, le=NUMBER_MAX)]
    | Annotated[float, Field(ge=-1e300, le=1e300)]
)
Scalar = bool | Number | Text
Bound = Number | Text


class Node(BaseModel):
    """A node of the tree: exactly its own members, in their own types."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class And(Node):
    """All of these hold."""

    op: Literal["and"] = "and"
    of: Annotated[tuple["Filter", ...], Field(min_length=1, max_length=CHILDREN_MAX, strict=False)]


class Or(Node):
    """At least one of these holds."""

    op: Literal["or"] = "or"
    of: Annotated[tuple["Filter", ...], Field(min_length=1, max_length=CHILDREN_MAX, strict=False)]


class Not(Node):
    """This does not hold."""

    op: Literal["not"] = "not"
    of: "Filter"


class Equals(Node):
    """The field is exactly this. Times may be relative."""

    op: Literal["equals"] = "equals"
    field: Name
    value: Scalar


class In(Node):
    """The field is one of these."""

    op: Literal["in"] = "in"
    field: Name
    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=VALUES_MAX, strict=False)]


class Range(Node):
    """The field lies between: at most one lower (`gt`, `gte`) and one upper (`lt`, `lte`) bound, at
    least one in all.
    """

    op: Literal["range"] = "range"
    field: Name
    gt: Bound | None = None
    gte: Bound | None = None
    lt: Bound | None = None
    lte: Bound | None = None

    @model_validator(mode="after")
    def _has_bounds(self) -> "Range":
        if self.gt is not None and self.gte is not None:
            raise ValueError("give gt or gte, not both")
        if self.lt is not None and self.lte is not None:
            raise ValueError("give lt or lte, not both")
        if not self.bounds():
            raise ValueError("give gt, gte, lt or lte")
        return self

    def bounds(self) -> list[tuple[str, Bound]]:
        """Return the bounds given, lower first."""
        named = (("gt", self.gt), ("gte", self.gte), ("lt", self.lt), ("lte", self.lte))
        return [(name, bound) for name, bound in named if bound is not None]


class Contains(Node):
    """The text holds this anywhere, in capitals or not; of a phone only digits are compared."""

    op: Literal["contains"] = "contains"
    field: Name
    value: SomeText


class Starts(Node):
    """The text begins with this, in capitals or not; of a phone only digits are compared."""

    op: Literal["starts"] = "starts"
    field: Name
    value: SomeText


class IsEmpty(Node):
    """The field has no value, or an empty text."""

    op: Literal["is_empty"] = "is_empty"
    field: Name


class InTeams(Node):
    """The owner, or the person, is one of these teams or belongs to it; teams below count too
    unless `below` is false.
    """

    op: Literal["in_teams"] = "in_teams"
    field: Name
    teams: Annotated[tuple[SomeText, ...], Field(min_length=1, max_length=100, strict=False)]
    below: bool = True


class Search(Node):
    """What people type into a search box: part of the name, e-mail, any field, or of a phone's
    digits.
    """

    op: Literal["search"] = "search"
    value: SomeText


class Logged(Node):
    """The lead's log has `at_least` such entries: "had a call with end cause Busy this week".

    `kinds` are stored names of events; only calls have end causes. `since` is included, `until` is
    not; both are instants or relative times and compare with when the fact happened.
    """

    op: Literal["log"] = "log"
    kinds: Annotated[tuple[LogKind, ...], Field(min_length=1, max_length=50, strict=False)] = (
        "lead.call_recorded",
    )
    end_causes: Annotated[tuple[SomeText, ...], Field(max_length=20, strict=False)] = ()
    dispositions: Annotated[tuple[SomeText, ...], Field(max_length=50, strict=False)] = ()
    actors: Annotated[tuple[SomeText, ...], Field(max_length=50, strict=False)] = ()
    since: SomeText | None = None
    until: SomeText | None = None
    at_least: Annotated[int, Field(ge=1, le=1_000)] = 1


Filter = Annotated[
    And | Or | Not | Equals | In | Range | Contains | Starts | IsEmpty | InTeams | Search | Logged,
    Field(discriminator="op"),
]
And.model_rebuild()
Or.model_rebuild()
Not.model_rebuild()
_FILTER: TypeAdapter[Any] = TypeAdapter(Filter)
_TIMES: Mapping[Kind, Callable[[str], None]] = {"instant": check_instant, "date": check_date}
_NATIVE: Mapping[Kind, tuple[type, ...]] = {"number": (int, float), "boolean": (bool,)}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one node: a stable code, a sentence, and where (JSON pointer into the
    tree).
    """

    code: str
    text: str
    pointer: str


class FilterInvalid(ValueError):
    """The filter cannot be used; `faults` names every node at fault."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep all faults, in the order of the tree."""
        super().__init__(
            "; ".join(f"{fault.pointer or 'filter'}: {fault.text}" for fault in faults)
        )
        self.faults = tuple(faults)


def parse_filter(raw: Any) -> Any:
    """Return the tree of a decoded JSON value; raise FilterInvalid with a pointer to every node at
    fault.
    """
    try:
        tree = _FILTER.validate_python(raw)
    except ValidationError as error:
        raise FilterInvalid(shape_faults(error, raw)) from None
    refuse_large(tree)
    return tree


def shape_faults(error: ValidationError, raw: Any) -> list[Fault]:
    """Return pydantic's errors with pointers into `raw`, without the names of its own branches."""
    found: dict[str, list[Fault]] = {}
    for fault in error.errors(include_url=False, include_input=False):
        place = _pointer(fault["loc"], raw)
        found.setdefault(place, []).append(
            Fault(fault["type"].replace("_", "-"), fault_text(fault), place)
        )
    return [_one(faults) for place, faults in found.items() if not _echoes(faults[0], found)]


def _one(faults: list[Fault]) -> Fault:
    """Of a union every branch complains; what is wrong with the value says more than its type."""
    of_value = [fault for fault in faults if not fault.code.endswith("-type")]
    if len(faults) > 1 and not of_value:
        return Fault("wrong-value", "give a text, a number, true or false", faults[0].pointer)
    return (of_value or faults)[-1]


def _echoes(fault: Fault, found: Mapping[str, object]) -> bool:
    """An array with a broken item is also called too short; that is no news."""
    return fault.code == "too-short" and any(
        place.startswith(fault.pointer + "/") for place in found
    )


def _pointer(location: Sequence[int | str], raw: Any) -> str:
    """Follow `location` through `raw`; a step that leads nowhere is a branch of a union, unless it
    is a missing member.
    """
    parts: list[str] = []
    at = raw
    for step in location:
        if isinstance(at, dict) and step == at.get("op") and step not in at:
            continue
        if isinstance(at, dict):
            at = at.get(step)
        elif isinstance(at, (list, tuple)) and isinstance(step, int) and step < len(at):
            at = at[step]
        else:
            break
        parts.append(str(step)[:107].replace("~", "~0").replace("/", "~1"))
    return "".join("/" + part for part in parts)


def walk(tree: Any, pointer: str = "", depth: int = 1) -> Iterator[tuple[Any, str, int]]:
    """Yield every node with its JSON pointer and its depth, parents first."""
    yield tree, pointer, depth
    if isinstance(tree, (And, Or)):
        for index, child in enumerate(tree.of):
            yield from walk(child, f"{pointer}/of/{index}", depth + 1)
    elif isinstance(tree, Not):
        yield from walk(tree.of, f"{pointer}/of", depth + 1)


def refuse_large(tree: Any) -> None:
    """Raise FilterInvalid when the tree is deeper or has more nodes than anybody needs."""
    for count, (_, pointer, depth) in enumerate(walk(tree), 1):
        if depth > DEPTH_MAX:
            raise FilterInvalid([Fault("too-deep", f"nest at most {DEPTH_MAX} levels", pointer)])
        if count > NODES_MAX:
            raise FilterInvalid([Fault("too-large", f"use at most {NODES_MAX} nodes", pointer)])


def check_filter(tree: Any, fields: Mapping[str, Kind]) -> None:
    """Raise FilterInvalid unless every field exists and every operator and value suits its kind."""
    faults = [
        fault for node, pointer, _ in walk(tree) for fault in _node_faults(node, pointer, fields)
    ]
    if faults:
        raise FilterInvalid(faults)


def _node_faults(node: Any, pointer: str, fields: Mapping[str, Kind]) -> Iterator[Fault]:
    if isinstance(node, Logged):
        for member, time in (("since", node.since), ("until", node.until)):
            if time is not None:
                yield from _value_faults("instant", time, f"{pointer}/{member}")
        return
    if not isinstance(node, (Equals, In, Range, Contains, Starts, IsEmpty, InTeams)):
        return
    name = node.field
    kind = fields.get(name)
    if kind is None:
        yield Fault("no-such-field", f"there is no field {name}", f"{pointer}/field")
    elif node.op not in OPERATORS[kind]:
        takes = ", ".join(sorted(OPERATORS[kind]))
        yield Fault("wrong-operator", f"{name} is a {kind}; it takes {takes}", f"{pointer}/op")
    else:
        wanted: Kind = "id" if isinstance(node, InTeams) else kind
        for value, member in _values(node):
            yield from _value_faults(wanted, value, f"{pointer}/{member}")


def _values(node: Any) -> Iterator[tuple[Scalar, str]]:
    match node:
        case Equals():
            yield node.value, "value"
        case In():
            for index, value in enumerate(node.values):
                yield value, f"values/{index}"
        case Range():
            for name, bound in node.bounds():
                yield bound, name
        case InTeams():
            for index, team in enumerate(node.teams):
                yield team, f"teams/{index}"


def _value_faults(kind: Kind, value: Scalar, pointer: str) -> Iterator[Fault]:
    native = _NATIVE.get(kind, (str,))
    if not isinstance(value, native) or (kind == "number" and isinstance(value, bool)):
        wanted = {"number": "a number", "boolean": "true or false"}.get(kind, "a text")
        yield Fault("wrong-value", f"give {wanted}", pointer)
    elif kind in ("id", "user") and not (isinstance(value, str) and _UUID.fullmatch(value)):
        yield Fault("wrong-value", "give a UUID", pointer)
    elif kind in _TIMES:
        assert isinstance(value, str)
        try:
            _TIMES[kind](value)
        except NoSuchTime as reason:
            yield Fault("wrong-value", str(reason), pointer)
