"""The life of a bulk job. None of these has a route of its own: services/command/bulk gives them,
having looked up what the caller named.
"""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas.bulk import (
    BulkCancelled,
    BulkFinished,
    BulkPlanned,
    BulkRequested,
    BulkResumed,
    BulkStarted,
    BulkUndone,
)
from schemas.event import Event
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.types import Id

Count = Annotated[int, Field(ge=0)]


class RequestBulk(Command):
    """Ask for one command on many frozen leads, or for taking another job back."""

    aggregate: ClassVar[str] = "bulk"
    creates: ClassVar[bool] = True

    command: str
    fields: dict[str, Any] = Field(default_factory=dict)
    selection: Id | None = None
    selected: Count
    digest: str
    undoes: Id | None = None


class SettlePlan(Command):
    """Say what the dry run came to."""

    aggregate: ClassVar[str] = "bulk"

    digest: str
    applied: Count
    unchanged: Count
    refused: Count


class ExecuteBulk(Command):
    """Carry out the plan with this digest."""

    aggregate: ClassVar[str] = "bulk"

    digest: str


class ResumeBulk(Command):
    """Take an execution over; appends of whoever had it before are void from here on."""

    aggregate: ClassVar[str] = "bulk"

    turn: Count


class CancelBulk(Command):
    """Do nothing more of the job."""

    aggregate: ClassVar[str] = "bulk"


class FinishBulk(Command):
    """Say what became of all leads."""

    aggregate: ClassVar[str] = "bulk"

    applied: Count
    unchanged: Count
    refused: Count
    not_reached: Count


class NoteUndone(Command):
    """Say that another job took this one back."""

    aggregate: ClassVar[str] = "bulk"

    by_job: Id
    applied: Count
    unchanged: Count
    refused: Count


@decides(RequestBulk)
def request_bulk(job: BulkJob, command: RequestBulk, facts: Facts) -> list[Event]:
    """Note what is asked for; who may give the command at all was checked by the caller."""
    return [
        BulkRequested(
            by=facts.actor.user_id or "",
            command=command.command,
            fields=command.fields or None,
            selection=command.selection,
            selected=command.selected,
            digest=command.digest,
            undoes=command.undoes,
        )
    ]


@decides(SettlePlan)
def settle_plan(job: BulkJob, command: SettlePlan, facts: Facts) -> list[Event]:
    """Settle the plan; nothing when the job was cancelled meanwhile or is settled already."""
    if job.stage != "planning":
        return []
    return [
        BulkPlanned(
            digest=command.digest,
            applied=command.applied,
            unchanged=command.unchanged,
            refused=command.refused,
        )
    ]


@decides(ExecuteBulk)
def execute_bulk(job: BulkJob, command: ExecuteBulk, facts: Facts) -> list[Event]:
    """Start; only who asked for the plan may, for it was made with their rights."""
    _require_known(job)
    if facts.actor.user_id != job.by:
        text = "Only who had the plan made may have it carried out; make a plan of your own."
        raise Refused([Reason("not-your-job", text)])
    if job.stage == "planning":
        raise Refused([Reason("not-planned-yet", "The plan is not finished yet; wait for it.")])
    if command.digest != job.plan:
        text = (
            f"You saw a plan of {seen(command.digest)}, this one is of {seen(job.plan)};"
            " look at it again."
        )
        raise Refused([Reason("digest-differs", text)])
    if job.cancelled:
        raise Refused([Reason("job-cancelled", "The job was cancelled; plan it anew.")])
    return [] if job.started else [BulkStarted(digest=command.digest)]


@decides(ResumeBulk)
def resume_bulk(job: BulkJob, command: ResumeBulk, facts: Facts) -> list[Event]:
    """Take over what is being executed."""
    return [BulkResumed(turn=command.turn)] if job.stage == "executing" else []


@decides(CancelBulk)
def cancel_bulk(job: BulkJob, command: CancelBulk, facts: Facts) -> list[Event]:
    """Cancel; who asked for the job may, and administrators."""
    _require_known(job)
    if facts.actor.user_id != job.by and facts.actor.role != "admin":
        text = "Only who asked for the job or an administrator may cancel it."
        raise Refused([Reason("not-your-job", text)])
    if job.cancelled:
        return []
    if job.stage == "finished":
        text = "The job is finished; what it changed can be undone."
        raise Refused([Reason("job-finished", text)])
    return [BulkCancelled(was=job.stage)]


@decides(FinishBulk)
def finish_bulk(job: BulkJob, command: FinishBulk, facts: Facts) -> list[Event]:
    """Finish, unless it is."""
    if job.stage not in ("executing", "cancelling"):
        return []
    return [
        BulkFinished(
            applied=command.applied,
            unchanged=command.unchanged,
            refused=command.refused,
            not_reached=command.not_reached,
        )
    ]


@decides(NoteUndone)
def note_undone(job: BulkJob, command: NoteUndone, facts: Facts) -> list[Event]:
    """Note it once."""
    if job.undone_by == command.by_job:
        return []
    return [
        BulkUndone(
            by_job=command.by_job,
            applied=command.applied,
            unchanged=command.unchanged,
            refused=command.refused,
        )
    ]


def seen(digest: str) -> str:
    """Say in words which counts a digest of ours stands for."""
    counts = digest.partition(".")[0].split("-")
    if not all(count.isdecimal() and len(count) < 10 for count in counts):
        return "something unknown"
    if len(counts) == 1:
        return f"{counts[0]} leads"
    if len(counts) == 3:
        applied, unchanged, refused = counts
        return f"{applied} changed, {unchanged} unchanged and {refused} refused leads"
    return "something unknown"


def _require_known(job: BulkJob) -> None:
    if job.version == 0:
        raise Refused([Reason("unknown-lead", "There is no such job.")])
