"""Questions about leads: a filter, a sort, columns. Asked in an address or as a JSON body, they
become the same thing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import orjson
from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.filter_names import name_faults
from schemas.filter_text import read_filter
from schemas.filters import (
    And,
    Equals,
    Fault,
    Filter,
    FilterInvalid,
    In,
    InTeams,
    Name,
    Range,
    Search,
    check_filter,
    parse_filter,
    refuse_large,
    shape_faults,
)
from schemas.relative_time import NoSuchTime, check_instant
from services.kit import errors
from services.kit.http import read_body
from services.query.paging import DEFAULT_SORT, SortKey, completed
from services.query.parameters import (
    COLUMNS_MAX,
    LIMIT_DEFAULT,
    LIMIT_MAX,
    POSITION_MAX,
    Actor,
    Code,
    Current,
    Cursor,
    Id,
    Limit,
    Line,
    LongLine,
    Owner,
    check_columns,
    check_sort,
    invalid,
    read_sort,
)
from services.query.reading import Asked, Reading


class SortSpec(BaseModel):
    """One column to sort by; missing values come last either way."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    field: Name
    descending: bool = False


class Body(BaseModel):
    """What every question in a body may say."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    filter: Filter | None = None
    min_position: Annotated[int, Field(ge=0, le=POSITION_MAX)] = 0


class ListBody(Body):
    """Leads that match `filter`, in the order of `sort` (default: last modified first).

    `columns` are system columns, `contacts`, `notes`, `fields` or `fields.<import name>`; without
    it all but the notes come.
    """

    sort: Annotated[tuple[SortSpec, ...], Field(max_length=3, strict=False)] = ()
    columns: Annotated[tuple[Name, ...], Field(max_length=COLUMNS_MAX, strict=False)] = ()


class SearchBody(ListBody):
    """Leads that match `filter`, in the order of `sort` (default: last modified first), page by
    page.

    `columns` are system columns, `contacts`, `notes`, `fields` or `fields.<import name>`; without
    it all but the notes come.
    """

    limit: Annotated[int, Field(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    cursor: Annotated[str, Field(max_length=4_000)] | None = None


class CountBody(Body):
    """How many leads match `filter`. `scope` `all` counts leads out of sight too, for who may (rule
    2).
    """

    exact: bool = False
    scope: Literal["sight", "all"] = "sight"


class BreakdownBody(Body):
    """How the leads that match `filter` spread over the values of `field`. Where that takes long a
    sample is asked instead, and the answer says so, unless `exact` is true.
    """

    field: Name
    top: Annotated[int, Field(ge=1, le=100)] = 20
    exact: bool = False
    scope: Literal["sight", "all"] = "sight"


YesNo = Literal["true", "false"]
Relation = Literal[
    "owner",
    "original_owner",
    "last_modified_by",
    "latest_call_by",
    "user_processed_by",
    "uploaded_by",
]
Date = Literal[
    "last_modified_at", "latest_call_at", "user_processed_at", "uploaded_at", "next_dial_at"
]


class Conditions(Current):
    """Simple conditions, all of which must hold; `filter` is the text form of the filter tree."""

    status: list[Code] = Field(default=[], max_length=200)
    result: list[Code] = Field(default=[], max_length=200)
    project: list[Line] = Field(default=[], max_length=20)
    campaign: list[Id] = Field(default=[], max_length=200)
    campaign_active: YesNo | None = None
    segment: list[Id] = Field(default=[], max_length=200)
    segment_active: YesNo | None = None
    pool: list[Id] = Field(default=[], max_length=200)
    pool_active: YesNo | None = None
    owner: list[Owner] = Field(default=[], max_length=200)
    original_owner: list[Owner] = Field(default=[], max_length=200)
    last_modified_by: list[Actor] = Field(default=[], max_length=200)
    latest_call_by: list[Id] = Field(default=[], max_length=200)
    processed_by: list[Id] = Field(default=[], max_length=200)
    uploaded_by: list[Actor] = Field(default=[], max_length=200)
    team: list[Id] = Field(
        default=[], max_length=100, description="Of these teams or of teams below."
    )
    team_of: Annotated[Relation, Field(description="Whose team `team` means.")] = "owner"
    date: Annotated[Date, Field(description="Which date `since` and `until` mean.")] = (
        "last_modified_at"
    )
    since: Annotated[Line, Field(min_length=1, description="From then on; may be relative.")] | (
        None
    ) = None
    until: Annotated[Line, Field(min_length=1, description="Before then; may be relative.")] | (
        None
    ) = None
    active: YesNo | None = None
    q: Annotated[Line, Field(min_length=1)] | None = None
    filter: Annotated[LongLine, Field(min_length=1)] | None = None
    sort: Annotated[Line, Field(min_length=1, description="`-last_modified_at,name`")] | None = None
    columns: Annotated[LongLine, Field(min_length=1)] | None = None


class ListParameters(Conditions):
    """Simple conditions, all of which must hold; `filter` is the text form of the filter tree."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A checked question. `tree` None means every lead in sight; `limit` 0, all of them."""

    tree: Any
    sort: tuple[SortKey, ...]
    columns: tuple[str, ...]
    limit: int = 0
    cursor: str | None = None


async def read_question(request: Request, model: type[Any], reading: Reading) -> Any:
    """Return the body as `model`; raise Invalid with a pointer to every node at fault.

    Who has no key hears that first, and nothing about the body.
    """
    await reading.authenticator.principal_of(request.scope)
    raw = await read_body(request.scope, request.receive)
    try:
        body = model.model_validate_json(raw)
    except ValidationError as error:
        raise invalid(FilterInvalid(shape_faults(error, _loaded(raw))), "") from None
    if body.filter is not None:
        _at("/filter", lambda: refuse_large(body.filter))
    return body


def _loaded(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise errors.Malformed("The body is not JSON.") from None


def _at(root: str, check: Any) -> Any:
    try:
        return check()
    except FilterInvalid as reason:
        raise invalid(reason, root) from None


def check_tree(tree: Any, asked: Asked, root: str = "/filter") -> None:
    """Raise Invalid unless the caller may ask every part of the tree, and every status, end cause
    and kind of event in it exists.
    """
    if tree is not None:
        _at(root, lambda: _check(tree, asked))


def _check(tree: Any, asked: Asked) -> None:
    faults = name_faults(tree, asked.directory.statuses)
    try:
        check_filter(tree, asked.kinds)
    except FilterInvalid as reason:
        faults = [*reason.faults, *faults]
    if faults:
        raise FilterInvalid(faults)


def of_body(body: SearchBody, asked: Asked) -> Question:
    """Return the question of a search body."""
    return replace(of_list(body, asked), limit=body.limit, cursor=body.cursor)


def of_list(body: ListBody, asked: Asked) -> Question:
    """Return the question of a body that asks for all there is."""
    check_tree(body.filter, asked)
    sort = [SortKey(spec.field, spec.descending) for spec in body.sort]
    _at("", lambda: check_sort(sort, asked.single_kinds, "/sort"))
    _at("", lambda: check_columns(list(body.columns), asked.directory.single_kinds, "/columns"))
    return Question(body.filter, completed(sort or DEFAULT_SORT), tuple(body.columns))


def of_parameters(given: ListParameters, asked: Asked) -> Question:
    """Return the question of an address."""
    return replace(of_conditions(given, asked), limit=given.limit, cursor=given.cursor)


def of_conditions(given: Conditions, asked: Asked) -> Question:
    """Return the question of an address that asks for all there is."""
    tree = _tree(given, asked)
    check_tree(tree, asked, "/query/filter")
    sort = DEFAULT_SORT
    if given.sort:
        text = given.sort
        sort = _at("/query/sort", lambda: read_sort(text, asked.single_kinds))
    columns = tuple(given.columns.split(",")) if given.columns else ()
    _at("/query/columns", lambda: check_columns(list(columns), asked.directory.single_kinds, ""))
    return Question(tree, completed(sort), columns)


_ONE_OF = {
    "status": "status",
    "result": "result",
    "project": "project",
    "campaign": "campaign_id",
    "segment": "segment_id",
    "pool": "pool_id",
    "owner": "owner",
    "original_owner": "original_owner",
    "last_modified_by": "last_modified_by",
    "latest_call_by": "latest_call_by",
    "processed_by": "user_processed_by",
    "uploaded_by": "uploaded_by",
}
"""Parameters that name values of a field, and the field."""


_SWITCHES = ("active", "campaign_active", "segment_active", "pool_active")


def _check_time(text: str, pointer: str) -> None:
    try:
        check_instant(text)
    except NoSuchTime as reason:
        raise FilterInvalid([Fault("wrong-value", str(reason), pointer)]) from None


def _tree(given: Conditions, asked: Asked) -> Any:
    nodes: list[Any] = []
    if given.filter:
        text = given.filter
        nodes.append(_at("/query/filter", lambda: read_filter(text)))
    for name, field in _ONE_OF.items():
        if values := getattr(given, name):
            _at(f"/query/{name}", lambda f=field, v=values: nodes.append(_one_of(f, v, asked)))
    switches = {name: getattr(given, name) for name in _SWITCHES}
    nodes.extend(Equals(field=n, value=on == "true") for n, on in switches.items() if on)
    if given.team:
        nodes.append(InTeams(field=given.team_of, teams=tuple(given.team)))
    for name in ("since", "until"):
        if time := getattr(given, name):
            _at("", lambda n=name, t=time: _check_time(t, f"/query/{n}"))
    if given.since or given.until:
        nodes.append(Range(field=given.date, gte=given.since, lt=given.until))
    if given.q:
        nodes.append(Search(value=given.q))
    if not nodes:
        return None
    return nodes[0] if len(nodes) == 1 else And(of=tuple(nodes))


def _one_of(field: str, values: Sequence[str], asked: Asked) -> In:
    tree: In = parse_filter({"op": "in", "field": field, "values": values})
    if faults := name_faults(tree, asked.directory.statuses):
        places = [one.pointer.removeprefix("/values") for one in faults]
        at = zip(faults, places, strict=True)
        raise FilterInvalid([Fault(one.code, one.text, place) for one, place in at])
    return tree
