"""What the routes of bulk jobs take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.command.bulk.tables import JobRow
from services.command.domain.bulk.state import BulkJob, Counts
from services.command.domain.types import Id

Digest = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[0-9a-f.-]+$")]


class NewJob(BaseModel):
    """One command for all leads of a selection. `digest` is the selection's, as you saw it.

    `command` is `{"name": "ChangeOwner", …}` with the fields that the single command has.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    selection: Id
    digest: Digest
    command: dict[str, Any]


class ExecuteJob(BaseModel):
    """The plan to carry out, by the digest you saw."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    digest: Digest


class ProgressAnswer(BaseModel):
    """How far a step is; `counts` by outcome, `moved`: leads that were not as seen before."""

    done: int
    total: int
    counts: dict[str, int]
    moved: int
    updated_at: datetime


class JobAnswer(BaseModel):
    """A bulk job. `state` goes planning, planned, executing, (cancelling,) finished.

    `plan` is what the dry run came to; its `digest` is what execute wants. `result` is what
    became of all leads: applied + unchanged + refused + not_reached = selected. Of an undo the
    first two are called `reversed` and `kept`. `fault` names why the last try failed; a `stalled`
    job is not tried again until it is asked for. `outcomes_until`: when the outcomes of a finished
    job go, after which it cannot be undone; its counts stay.
    """

    id: str
    kind: Literal["change", "undo"]
    state: str
    by: str
    made_at: datetime
    command: str
    fields: dict[str, Any]
    selection: str | None
    selected: int
    undoes: str | None
    undone_by: str | None
    cancelled: bool
    plan: dict[str, Any] | None
    result: dict[str, int] | None
    planning: ProgressAnswer | None
    executing: ProgressAnswer | None
    stalled: bool
    fault: str
    outcomes_until: datetime | None
    version: int


class JobList(BaseModel):
    """Jobs, the latest first; `next` is the cursor of the page after this one."""

    jobs: list[JobAnswer]
    next: str | None


class OutcomeAnswer(BaseModel):
    """What was planned for one lead or became of it.

    `version` is the one decided on; `moved` says that it is not the one seen before, or that the
    outcome is not the planned one. `changes` has before and after by part; a personal value is
    only said to change.
    """

    place: int
    lead_id: str
    version: int
    outcome: str
    moved: bool
    version_after: int | None
    position: int | None
    reasons: list[dict[str, str]]
    changes: dict[str, Any]


class OutcomePage(BaseModel):
    """Outcomes in the order of work; `next` is the cursor of the page after this one."""

    outcomes: list[OutcomeAnswer]
    next: str | None


NAMES = {
    "applied": "reversed",
    "unchanged": "kept",
    "refused": "refused",
    "not_reached": "not_reached",
}
"""What outcomes are called when they are those of an undo."""


def outcome_name(outcome: str, undo: bool) -> str:
    """Return an outcome as people call it."""
    return NAMES[outcome] if undo else outcome


def stored_outcome(name: str, undo: bool) -> str | None:
    """Return the outcome people call so, None when there is none."""
    known = {outcome_name(outcome, undo): outcome for outcome in NAMES}
    return known.get(name)


def job_answer(job: BulkJob, row: JobRow) -> dict[str, Any]:
    """Return a job as it is answered."""
    undo = job.undoes is not None
    plan = None
    if job.planned is not None:
        plan = {**_counts(job.planned, undo), "digest": job.plan}
        del plan["not_reached"]
    return {
        "id": job.id,
        "kind": "undo" if undo else "change",
        "state": job.stage,
        "by": f"user:{job.by}",
        "made_at": row.made_at,
        "command": job.command,
        "fields": dict(job.fields),
        "selection": job.selection,
        "selected": job.selected,
        "undoes": job.undoes,
        "undone_by": job.undone_by,
        "cancelled": job.cancelled,
        "plan": plan,
        "result": None if job.done is None else _counts(job.done, undo),
        "planning": _progress(row.steps.get("plan"), job.selected, undo),
        "executing": _progress(row.steps.get("done"), job.selected, undo),
        "stalled": row.stalled and job.stage not in ("planned", "finished"),
        "fault": row.fault,
        "outcomes_until": row.outcomes_until,
        "version": job.version,
    }


def _counts(counts: Counts, undo: bool) -> dict[str, Any]:
    return {outcome_name(outcome, undo): getattr(counts, outcome) for outcome in NAMES}


def _progress(row: Any, total: int, undo: bool) -> dict[str, Any] | None:
    if row is None:
        return None
    counts = Counts(row["applied"], row["unchanged"], row["refused"])
    known = _counts(counts, undo)
    del known["not_reached"]
    return {
        "done": counts.total,
        "total": total,
        "counts": known,
        "moved": row["moved"],
        "updated_at": row["updated_at"],
    }
