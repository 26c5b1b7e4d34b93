"""What a read model is: a table, and a pure fold that says what its rows become with each event.

Worker, rebuild, as-of reads and `leads check` all use the same fold; there is no second way to
make a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from schemas.envelope import Recorded
from schemas.event import Event

Row = dict[str, Any]
Key = tuple[Any, ...]


class Writes(NamedTuple):
    """What one stream's events make of one read model: rows to write, and whether older rows lose
    personal data.

    after: of a row that is there, and of which nothing changed but the model's `often` columns,
    the version it has there; else 0. new: the rows are not there, as far as is known.
    """

    rows: Sequence[Row] = ()
    erased: bool = False
    after: int = 0
    new: bool = False


NOTHING = Writes()


def _everything(row: Row) -> tuple[Any, ...]:
    return (row,)


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A read model with one row a stream, such as `lead`: the row itself is all there is to know.

    name: of the table. category: of the streams it follows. version: of the fold; raised, it asks
    for a rebuild.
    key: the columns of the primary key, the stream's id. A row has `version` and `position` of its
    last event. The fold may change the row it is given, but none of the values in it.
    often: columns that most events change and nothing else; such rows are written by these alone.
    rare: reads the other columns of a row.
    opened: the events (stored names) whose personal fields the fold looks at; None: all. A rebuild
    need not decrypt the others.
    fold_all: the same as `fold` for each of several events, in less time; None: that.
    """

    name: str
    category: str
    version: int
    key: tuple[str, ...]
    fold: Callable[[Row | None, Recorded], Row]
    often: tuple[str, ...] = ()
    rare: Callable[[Row], tuple[Any, ...]] = _everything
    opened: frozenset[str] | None = None
    fold_all: Callable[[Row | None, Sequence[Recorded]], Row] | None = None

    def known(self, state: Row | None) -> int:
        """Return the version of the stream up to which `state` is folded."""
        return 0 if state is None else int(state["version"])

    def advance(self, state: Row | None, events: Sequence[Recorded]) -> tuple[Row | None, Writes]:
        """Return the row after the events it has not seen, and what to write; `state` stays as it
        was.
        """
        known = self.known(state)
        if known and events and events[0].version <= known:
            events = [recorded for recorded in events if recorded.version > known]
        if not events:
            return state, NOTHING
        # Copied once for all events: it has many columns.
        row = self.after(None if state is None else state.copy(), events)
        rare = self.rare
        if state is not None and rare(row) == rare(state):
            return row, Writes((row,), after=known)
        return row, Writes((row,), new=state is None)

    def after(self, row: Row | None, events: Sequence[Recorded]) -> Row:
        """Return the row given after these events, at least one, none of which it has seen."""
        if self.fold_all is not None:
            return self.fold_all(row, events)
        for recorded in events:
            row = self.fold(row, recorded)
        assert row is not None
        return row


@dataclass(frozen=True, slots=True)
class EventRows:
    """A read model with one row an event, such as `lead_log`: of a stream only the last version
    needs to be known.

    The fold ignores its first argument. After an event with DESTROYS_KEY earlier rows lose the
    column `personal`.
    """

    name: str
    category: str
    version: int
    key: tuple[str, ...]
    fold: Callable[[Row | None, Recorded], Row]

    def known(self, state: int | None) -> int:
        """Return the version of the stream up to which rows were made."""
        return state or 0

    def advance(self, state: int | None, events: Sequence[Recorded]) -> tuple[int | None, Writes]:
        """Return the last version after these events, and the rows to write."""
        known = state or 0
        fold = self.fold
        if known and events and events[0].version <= known:
            events = [recorded for recorded in events if recorded.version > known]
        rows = [fold(None, recorded) for recorded in events]
        if not rows:
            return state, NOTHING
        erased = False
        for place in range(len(rows) - 1, -1, -1):
            if erased:
                rows[place]["personal"] = None
            elif destroys_key(events[place].event):
                erased = True
        return rows[-1]["version"], Writes(rows, erased, new=True)


@dataclass(slots=True)
class Rows:
    """The state of a KeyedRows model: all rows of one stream."""

    version: int = 0
    rows: Mapping[Key, Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeyedRows:
    """A read model with some rows a stream, such as `team`: each event touches the row that
    `row_key` names, if any.

    An event with DESTROYS_KEY touches all rows of its stream. Its state is not stored: rows know
    only the version that changed them last. It is folded again from the log.
    """

    name: str
    category: str
    version: int
    key: tuple[str, ...]
    fold: Callable[[Row | None, Recorded], Row]
    row_key: Callable[[Event], Key | None]

    def known(self, state: Rows | None) -> int:
        """Return the version of the stream up to which the rows are folded."""
        return 0 if state is None else state.version

    def advance(self, state: Rows | None, events: Sequence[Recorded]) -> tuple[Rows, Writes]:
        """Return the rows after the events that follow, and those to write."""
        state = Rows() if state is None else state
        rows = dict(state.rows)
        changed: dict[Key, Row] = {}
        version = state.version
        for recorded in events:
            if recorded.version <= version:
                continue
            version = recorded.version
            key = self.row_key(recorded.event)
            touched = [] if key is None else [key]
            if destroys_key(recorded.event):
                touched = list(rows)
            for one in touched:
                rows[one] = changed[one] = self.fold(rows.get(one), recorded)
        return Rows(version, rows), Writes(list(changed.values()))


ReadModel = StreamRow | EventRows | KeyedRows


def destroys_key(event: Event) -> bool:
    """Say whether with this event the stream's personal data became unreadable (rule 16)."""
    return _destroying(type(event))


@cache
def _destroying(kind: type[Event]) -> bool:
    return bool(getattr(kind, "DESTROYS_KEY", False))


def begin(recorded: Recorded, **columns: Any) -> Row:
    """Return a first row that stands at this event."""
    return {"version": recorded.version, "position": recorded.position, **columns}


def moved(row: Row, recorded: Recorded, **columns: Any) -> Row:
    """Return a copy of the row with these columns changed, standing at this event."""
    return {**row, "version": recorded.version, "position": recorded.position, **columns}
