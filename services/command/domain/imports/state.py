"""What is known of one import: whose it is, how its file is read, and how far its life has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from schemas.imports import (
    ImportCancelled,
    ImportFinished,
    ImportMapped,
    ImportRequested,
    ImportStarted,
    ImportUndone,
    ImportUndoStarted,
)
from services.command.domain.evolution import Evolution

Stage = Literal["unknown", "open", "running", "cancelling", "finished", "undoing", "undone"]


@dataclass(frozen=True, slots=True)
class Import:
    """One import. `by` is the id of the user who uploaded the file, `undone_by` of who undid it.

    settings: as confirmed last, None before. again: the import whose rows are not done twice.
    done: rows by outcome; undone: leads by what undoing came to.
    """

    id: str = ""
    version: int = 0
    stage: Stage = "unknown"
    by: str = ""
    campaign_id: str = ""
    size: int = 0
    sha256: str = ""
    kind: str = ""
    file_name: str = ""
    settings: Mapping[str, Any] | None = None
    pool_id: str = ""
    again: str | None = None
    cancelled: bool = False
    cancelled_for: str = ""
    undone_by: str = ""
    done: Mapping[str, int] = field(default_factory=dict)
    undone: Mapping[str, int] = field(default_factory=dict)


def _requested(one: Import, event: ImportRequested) -> Import:
    return replace(
        one,
        id=str(event.originator_id),
        stage="open",
        by=event.by,
        campaign_id=event.campaign_id,
        size=event.size,
        sha256=event.sha256,
        kind=event.kind,
        file_name=event.file_name,
    )


def _started(one: Import, event: ImportStarted) -> Import:
    return replace(one, stage="running", pool_id=event.pool_id, again=event.again)


def _finished(one: Import, event: ImportFinished) -> Import:
    names = ("created", "updated", "unchanged", "skipped", "refused", "blank")
    return replace(one, stage="finished", done={name: getattr(event, name) for name in names})


def _undone(one: Import, event: ImportUndone) -> Import:
    names = ("reversed", "kept", "refused")
    return replace(one, stage="undone", undone={name: getattr(event, name) for name in names})


EVOLUTION = Evolution(
    Import(),
    {
        ImportRequested: _requested,
        ImportMapped: lambda one, event: replace(one, settings=event.settings),
        ImportStarted: _started,
        ImportCancelled: lambda one, event: replace(
            one, stage="cancelling", cancelled=True, cancelled_for=event.reason
        ),
        ImportFinished: _finished,
        ImportUndoStarted: lambda one, event: replace(one, stage="undoing", undone_by=event.by),
        ImportUndone: _undone,
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
