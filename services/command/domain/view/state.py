"""What is known of a view. Frozen, so that it can be shared and cached."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from schemas import view as events
from schemas.filter_numbers import numbers_in
from services.command.domain.evolution import Change, Evolution


class Contents(NamedTuple):
    """What a view shows: what is kept of each version, and can be gone back to."""

    name: str
    filter: Mapping[str, Any] | None
    columns: tuple[str, ...]
    sort: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """One view. `version` 0 = there is none.

    owner: a user's id. shares: `view` or `edit` by user or team. earlier: the contents that began
    with each version; versions between have those of the one before. erased: deleted for good.
    """

    id: str = ""
    version: int = 0
    owner: str = ""
    name: str = ""
    filter: Mapping[str, Any] | None = None
    columns: tuple[str, ...] = ()
    sort: tuple[Mapping[str, Any], ...] = ()
    layout: Mapping[str, Any] = field(default_factory=dict)
    shares: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False
    erased: bool = False
    earlier: Mapping[int, Contents] = field(default_factory=dict)

    @property
    def contents(self) -> Contents:
        """What the view shows now."""
        return Contents(self.name, self.filter, self.columns, self.sort, self.layout)

    @property
    def numbers(self) -> frozenset[str]:
        """The phone numbers in its filter, now or in an earlier version."""
        filters = (self.filter, *(one.filter for one in self.earlier.values()))
        return frozenset[str]().union(*map(numbers_in, filters))

    def at(self, version: int) -> Contents | None:
        """Return what the view showed at that version; None when it never had it."""
        if not 1 <= version <= self.version:
            return None
        known = [one for one in self.earlier if one <= version]
        return self.earlier[max(known)] if known else None


def _created(view: View, event: events.ViewCreated) -> View:
    return replace(
        view,
        id=str(event.originator_id),
        owner=event.owner,
        name=event.name,
        filter=event.filter,
        columns=tuple(event.columns),
        sort=tuple(event.sort),
        layout=event.layout or {},
    )


def _changed(view: View, event: events.ViewChanged) -> View:
    return replace(
        view,
        filter=event.filter,
        columns=tuple(event.columns),
        sort=tuple(event.sort),
        layout=event.layout or {},
    )


def _share_ended(view: View, event: events.ViewShareEnded) -> View:
    return replace(view, shares={to: may for to, may in view.shares.items() if to != event.to})


def _erased(view: View, _: events.ViewErased) -> View:
    earlier = {at: one._replace(filter=None) for at, one in view.earlier.items()}
    return replace(view, filter=None, deleted=True, erased=True, earlier=earlier)


def _remembered(change: Change[View]) -> Change[View]:
    """What this makes of the contents can be gone back to by its version."""

    def changed(view: View, event: Any) -> View:
        now = change(view, event)
        return replace(now, earlier={**now.earlier, view.version + 1: now.contents})

    return changed


EVOLUTION = Evolution(
    View(),
    {
        events.ViewCreated: _remembered(_created),
        events.ViewRenamed: _remembered(lambda view, event: replace(view, name=event.name)),
        events.ViewChanged: _remembered(_changed),
        events.ViewShared: lambda view, event: replace(
            view, shares={**view.shares, event.to: event.may}
        ),
        events.ViewShareEnded: _share_ended,
        events.ViewDeleted: lambda view, event: replace(view, deleted=True),
        events.ViewRestored: lambda view, event: replace(view, deleted=False),
        events.ViewErased: _erased,
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
