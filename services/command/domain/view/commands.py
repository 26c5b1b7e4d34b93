"""What can be asked of a view itself. Everybody but dialers has views.

A view is only a way of looking: it is never checked against fields that exist, because templates
change, and it gives nobody sight of a lead. Who may not see a view hears that there is none.
"""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from schemas import view as events
from schemas.default_views import DEFAULT_VIEWS, Caller
from schemas.dialling_hours import zone_named
from schemas.event import Event
from schemas.filters import Filter, FilterInvalid, refuse_large
from schemas.filters import Name as FieldName
from schemas.rights import view_access
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.types import FieldMap, Name, ZoneName
from services.command.domain.view.state import Contents, View

COLUMNS_MAX = 300
SORT_MAX = 3
EVERYBODY = frozenset({"admin", "team_leader", "agent", "auditor"})
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
ViewRef = Annotated[
    str,
    Field(
        pattern=f"^({_UUID}|[a-z_]{{1,40}})$",
        description="A view's id, or the code of a default view",
    ),
]


class SortKey(BaseModel):
    """One column to sort by; missing values come last either way."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    field: FieldName
    descending: bool = False


Columns = Annotated[tuple[FieldName, ...], Field(max_length=COLUMNS_MAX)]
Sort = Annotated[tuple[SortKey, ...], Field(max_length=SORT_MAX)]


class ViewCommand(Command):
    """What all commands to a view share."""

    aggregate: ClassVar[str] = "view"
    roles: ClassVar[frozenset[str]] = EVERYBODY


class CreateView(ViewCommand):
    """Save a view: a filter with columns, sort and layout. It is yours alone until you share it.

    Save as is the same: the view you looked at stays as it was. `layout` is kept as it is given.
    """

    creates: ClassVar[bool] = True

    name: Name
    filter: Filter | None = None
    columns: Columns = ()
    sort: Sort = ()
    layout: FieldMap = Field(default_factory=dict)


class CopyView(ViewCommand):
    """Clone a view you see, or a default one, as it is for you now. The copy is yours alone.

    `zone` says whose calendar "today" and "this week" of a default view are of.
    """

    creates: ClassVar[bool] = True

    view: ViewRef
    name: Name
    zone: ZoneName = "UTC"


class RenameView(ViewCommand):
    """Give the view another name, for all who see it."""

    name: Name


class ChangeView(ViewCommand):
    """Change filter, columns, sort or layout; what is left out stays, a filter of null is none."""

    filter: Filter | None = None
    columns: Columns | None = None
    sort: Sort | None = None
    layout: FieldMap | None = None


class RevertView(ViewCommand):
    """Take the view back to what it showed at an earlier version, its name too.

    That is one more version; whom it is shared with stays as it is.
    """

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]


class DeleteView(ViewCommand):
    """Delete the view for all who see it. Its owner can restore it."""


class RestoreView(ViewCommand):
    """Bring a deleted view back, shared as it was."""


def access(view: View | None, facts: Facts) -> str:
    """Return what the actor may do: `own`, `edit`, `view`, or "" when they do not see it."""
    actor = facts.actor
    if view is None or view.version == 0:
        return ""
    if actor.user_id is None:
        return "own"
    team = actor.team_id or ""
    above = facts.organisation.tree.ancestors(team)
    return view_access(view.owner, view.shares, actor.user_id, team, above)


def known_view(
    view: View | None, command: Command, facts: Facts, *needed: str, deleted: bool = False
) -> View:
    """Return the view, to whom has one of the ways `needed`; raise Refused with all reasons."""
    admit(command, facts)
    way = access(view, facts)
    if view is None or not way or (view.deleted and way != "own"):
        raise Refused([Reason("unknown-view", "There is no such view.")])
    reasons = []
    if way not in needed:
        text = "The view is shared with you to look at; clone it, or ask its owner."
        if way == "edit":
            text = "Only the owner of the view may do this."
        reasons.append(Reason("view-out-of-reach", text))
    if view.erased:
        text = "A number that the view held was erased, and the view with it; make another one."
        reasons.append(Reason("view-erased", text))
    elif view.deleted and not deleted:
        reasons.append(Reason("view-deleted", "The view is deleted; restore it first."))
    if reasons:
        raise Refused(reasons)
    return view


def _must_be_new(view: View | None, command: Command, facts: Facts) -> None:
    admit(command, facts)
    if view is not None and view.version:
        raise Refused([Reason("view-exists", "A view with this id exists already.")])


def shape_problems(tree: Any, columns: Iterable[str], sort: Iterable[SortKey]) -> Iterable[Reason]:
    """Say what of these cannot be used, whatever fields there are. Types were checked on the way
    in; whether fields exist is asked when leads are.
    """
    if tree is not None:
        try:
            refuse_large(tree)
        except FilterInvalid as reason:
            yield Reason("filter-too-large", f"The filter cannot be used: {reason}.", "filter")
    columns, fields = list(columns), [key.field for key in sort]
    if len(set(columns)) != len(columns):
        yield Reason("column-repeated", "Name each column only once.", "columns")
    if len(set(fields)) != len(fields):
        yield Reason("sort-repeated", "Sort by each field only once.", "sort")


def _refuse(reasons: Iterable[Reason]) -> None:
    found = list(reasons)
    if found:
        raise Refused(found)


def stored(model: Any) -> dict[str, Any] | None:
    """Return a tree or a sort key as JSON has it; members that were not given are left out."""
    return None if model is None else dict(model.model_dump(mode="json", exclude_none=True))


def stored_sort(keys: Iterable[SortKey]) -> tuple[Mapping[str, Any], ...]:
    """Return sort keys as JSON has them."""
    return tuple(stored(key) or {} for key in keys)


def _owner(facts: Facts) -> str:
    if facts.actor.user_id is None:
        raise Refused([Reason("no-owner", "A view belongs to a person; our services have none.")])
    return facts.actor.user_id


@decides(CreateView)
def _create(view: View | None, command: CreateView, facts: Facts) -> Iterable[Event]:
    _must_be_new(view, command, facts)
    _refuse(shape_problems(command.filter, command.columns, command.sort))
    yield events.ViewCreated(
        command.name,
        _owner(facts),
        command.columns,
        stored_sort(command.sort),
        dict(command.layout) or None,
        filter=stored(command.filter),
    )


@decides(CopyView)
def _copy(view: View | None, command: CopyView, facts: Facts) -> Iterable[Event]:
    _must_be_new(view, command, facts)
    owner = _owner(facts)
    source = contents_of(command.view, command.zone, facts)._replace(name=command.name)
    yield events.ViewCreated(
        command.name,
        owner,
        source.columns,
        source.sort,
        source.layout or None,
        command.view,
        filter=source.filter,
    )


def contents_of(view: str, zone: str, facts: Facts) -> Contents:
    """Return what a view shows the actor now: a default one by its code, in the calendar of that
    zone, or the one of the facts. Raises Refused when they have no such view.
    """
    chosen = DEFAULT_VIEWS.get(view)
    if chosen is None:
        shown = facts.view
        if shown is None or not access(shown, facts) or shown.deleted:
            raise Refused([Reason("unknown-view", "There is no such view.", "view")])
        return shown.contents
    if zone_named(zone) is None:
        text = f"There is no time zone {zone}."
        raise Refused([Reason("unknown-zone", text, "zone")])
    actor, organisation = facts.actor, facts.organisation
    team = actor.team_id or ""
    closed = sorted(code for code, one in organisation.statuses.items() if one.group == "closed")
    members = organisation.members.get(team, frozenset())
    who = Caller(actor.user_id or "", team, members, closed, zone)
    return Contents(chosen.name, chosen.filter(who), (), tuple(chosen.sorted_by()), {})


@decides(RenameView)
def _rename(view: View | None, command: RenameView, facts: Facts) -> Iterable[Event]:
    known = known_view(view, command, facts, "own", "edit")
    if known.name != command.name:
        yield events.ViewRenamed(command.name, previous=known.name)


@decides(ChangeView)
def _change(view: View | None, command: ChangeView, facts: Facts) -> Iterable[Event]:
    known = known_view(view, command, facts, "own", "edit")
    _refuse(shape_problems(command.filter, command.columns or (), command.sort or ()))
    given = "filter" in command.model_fields_set
    wanted = known.contents._replace(
        filter=stored(command.filter) if given else known.filter,
        columns=known.columns if command.columns is None else command.columns,
        sort=known.sort if command.sort is None else stored_sort(command.sort),
        layout=known.layout if command.layout is None else command.layout,
    )
    if wanted != known.contents:
        yield _showing(wanted)


@decides(RevertView)
def _revert(view: View | None, command: RevertView, facts: Facts) -> Iterable[Event]:
    known = known_view(view, command, facts, "own", "edit")
    wanted = known.at(command.version)
    if wanted is None:
        text = f"The view has the versions 1 to {known.version}."
        raise Refused([Reason("unknown-version", text, "version")])
    if wanted.name != known.name:
        yield events.ViewRenamed(wanted.name, previous=known.name)
    if wanted._replace(name=known.name) != known.contents:
        yield _showing(wanted, command.version)


def _showing(contents: Contents, back_to: int | None = None) -> Event:
    return events.ViewChanged(
        contents.columns,
        contents.sort,
        contents.layout or None,
        back_to,
        filter=contents.filter,
    )


@decides(DeleteView)
def _delete(view: View | None, command: DeleteView, facts: Facts) -> Iterable[Event]:
    if not known_view(view, command, facts, "own", deleted=True).deleted:
        yield events.ViewDeleted()


@decides(RestoreView)
def _restore(view: View | None, command: RestoreView, facts: Facts) -> Iterable[Event]:
    if known_view(view, command, facts, "own", deleted=True).deleted:
        yield events.ViewRestored()
