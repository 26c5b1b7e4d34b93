"""Given events, then a row: folds without any database."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schemas.envelope import Origin, Recorded
from schemas.event import Event
from services.projections.model import ReadModel, Row

STREAM = UUID("01920000-0000-7000-8000-00000000000a")
CAMPAIGN = "01920000-0000-7000-8000-000000000001"
ADA = "01920000-0000-7000-8000-0000000000ad"
BOB = "01920000-0000-7000-8000-0000000000bb"
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def at(minutes: int) -> datetime:
    """So many minutes after the start."""
    return START + timedelta(minutes=minutes)


def text(minutes: int) -> str:
    """The same as events carry it."""
    return at(minutes).isoformat().replace("+00:00", "Z")


def told(*events: Event, by: str = f"user:{ADA}") -> list[Recorded]:
    """These events as one stream, a minute apart, recorded an hour after they happened."""
    return [
        Recorded(
            position=100 + version,
            stream_id=STREAM,
            version=version,
            happened_at=at(version),
            recorded_at=at(version + 60),
            said=Origin(by, "command:test"),
            event=event.placed(STREAM, version, at(version)),
        )
        for version, event in enumerate(events, 1)
    ]


def row_of(fold: Callable[[Row | None, Recorded], Row], *events: Event) -> Row:
    """The row after these events; no value of a row on the way is changed in its place."""
    row: Row | None = None
    for recorded in told(*events):
        before, kept = row, deepcopy(row)
        row = fold(None if before is None else dict(before), recorded)
        assert before == kept, "a fold puts new values into a row and changes none"
    assert row is not None
    return row


def rows_of(model: ReadModel, *events: Event) -> list[Row]:
    """All rows of a read model after these events of one stream."""
    return list(model.advance(None, told(*events))[1].rows)
