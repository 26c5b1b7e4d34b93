"""What can happen to a view: a saved filter with columns, sort and layout, private unless shared.

One stream `view-<uuid>` each. `filter` is a tree of schemas/filters.py, None = every lead in sight.
Columns and fields are kept by name, whether or not they exist by now. A filter may hold a name or a
number somebody typed, so it is stored as personal. Which view opens first is said by its user's own
stream (schemas/favourite.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class ViewCreated(Event):
    """A view began, whole: a copy depends on its source no more.

    owner: a user's id. sort: `{"field", "descending"}` each. layout: how the screen draws it.
    copied_from: a view's id or a default view's code.
    """

    TOPIC: ClassVar[str] = "view.created"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"filter"})

    name: str
    owner: str
    columns: Sequence[str] = ()
    sort: Sequence[Stored] = ()
    layout: Stored | None = None
    copied_from: str | None = None
    filter: Stored | None = None


@dataclass(frozen=True)
class ViewRenamed(Event):
    """The view has this name now."""

    TOPIC: ClassVar[str] = "view.renamed"

    name: str
    previous: str = ""


@dataclass(frozen=True)
class ViewChanged(Event):
    """The view shows this now. back_to: the version it was taken back to, None = a new state."""

    TOPIC: ClassVar[str] = "view.changed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"filter"})

    columns: Sequence[str] = ()
    sort: Sequence[Stored] = ()
    layout: Stored | None = None
    back_to: int | None = None
    filter: Stored | None = None


@dataclass(frozen=True)
class ViewShared(Event):
    """A user or a team (`user:<uuid>`, `team:<uuid>`: all in it and below) may `view` or `edit`."""

    TOPIC: ClassVar[str] = "view.shared"

    to: str
    may: str
    previous: str | None = None


@dataclass(frozen=True)
class ViewShareEnded(Event):
    """The view is no longer shared with that user or team."""

    TOPIC: ClassVar[str] = "view.share_ended"

    to: str
    previous: str = ""


@dataclass(frozen=True)
class ViewDeleted(Event):
    """Nobody has the view any more; its owner can bring it back."""

    TOPIC: ClassVar[str] = "view.deleted"


@dataclass(frozen=True)
class ViewRestored(Event):
    """A deleted view is there again, shared as it was."""

    TOPIC: ClassVar[str] = "view.restored"


@dataclass(frozen=True)
class ViewErased(Event):
    """A number the view's filter holds, or held, was erased, and the view with it, for good."""

    TOPIC: ClassVar[str] = "view.erased"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""


VIEW_EVENTS: tuple[type[Event], ...] = (
    ViewCreated,
    ViewRenamed,
    ViewChanged,
    ViewShared,
    ViewShareEnded,
    ViewDeleted,
    ViewRestored,
    ViewErased,
)
