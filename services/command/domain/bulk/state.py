"""What is known of one bulk job: what was asked for, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from schemas.bulk import (
    BulkCancelled,
    BulkFinished,
    BulkPlanned,
    BulkRequested,
    BulkResumed,
    BulkStarted,
    BulkUndone,
)
from services.command.domain.evolution import Evolution

Stage = Literal["unknown", "planning", "planned", "executing", "cancelling", "finished"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many leads had which outcome. Of an undo, `unchanged` are those that were kept."""

    applied: int = 0
    unchanged: int = 0
    refused: int = 0
    not_reached: int = 0

    @property
    def total(self) -> int:
        """All leads accounted for."""
        return self.applied + self.unchanged + self.refused + self.not_reached


@dataclass(frozen=True, slots=True)
class BulkJob:
    """One job. `by` is the id of the user who asked; `digest` names the selection, `plan` the plan.

    `undone_by` is the last job that took its changes back.
    """

    id: str = ""
    version: int = 0
    stage: Stage = "unknown"
    by: str = ""
    command: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    selection: str | None = None
    selected: int = 0
    digest: str = ""
    undoes: str | None = None
    plan: str = ""
    planned: Counts | None = None
    done: Counts | None = None
    started: bool = False
    cancelled: bool = False
    undone_by: str | None = None


def _requested(job: BulkJob, event: BulkRequested) -> BulkJob:
    return replace(
        job,
        id=str(event.originator_id),
        stage="planning",
        by=event.by,
        command=event.command,
        fields=event.fields or {},
        selection=event.selection,
        selected=event.selected,
        digest=event.digest,
        undoes=event.undoes,
    )


def _planned(job: BulkJob, event: BulkPlanned) -> BulkJob:
    counts = Counts(event.applied, event.unchanged, event.refused)
    return replace(job, stage="planned", plan=event.digest, planned=counts)


def _started(job: BulkJob, event: BulkStarted) -> BulkJob:
    return replace(job, stage="executing", started=True)


def _cancelled(job: BulkJob, event: BulkCancelled) -> BulkJob:
    return replace(job, stage="cancelling", cancelled=True)


def _finished(job: BulkJob, event: BulkFinished) -> BulkJob:
    counts = Counts(event.applied, event.unchanged, event.refused, event.not_reached)
    return replace(job, stage="finished", done=counts)


def _undone(job: BulkJob, event: BulkUndone) -> BulkJob:
    return replace(job, undone_by=event.by_job)


EVOLUTION = Evolution(
    BulkJob(),
    {
        BulkRequested: _requested,
        BulkPlanned: _planned,
        BulkStarted: _started,
        BulkResumed: lambda job, event: job,
        BulkCancelled: _cancelled,
        BulkFinished: _finished,
        BulkUndone: _undone,
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
