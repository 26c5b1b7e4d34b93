"""What the routes of imports take and answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.command.domain.imports.state import Import
from services.command.domain.types import Id, Line
from services.command.imports.deciding import NO_LEAD, lead_of
from services.command.imports.proposal import CELL_SHOWN, Proposal
from services.command.imports.reading import Encoding
from services.command.imports.tables import KEPT, ImportRow, Run

Step = Literal["plan", "done", "undo"]
Outcome = Literal[
    "created", "updated", "unchanged", "skipped", "refused", "blank", "reversed", "kept", "erased"
]
_NAMES = {
    "c": "created", "u": "updated", "n": "unchanged", "s": "skipped", "r": "refused", "-": "blank",
    "h": "header", "v": "reversed", "k": "kept", "e": "erased",
}  # fmt: skip
_SAID = {
    "s": ("duplicate", "That lead has the same duplicate key in the campaign already."),
    "n": ("unchanged", "That lead is so already, or the row was done when the file came before."),
    "e": ("erased", "A number in the row was erased, or the lead it was about; it is not kept."),
    "k": ("changed-since", "Somebody changed the lead since; it stays as it is."),
}
"""What stands for a reason where a row needs none of its own."""


class UploadQuery(BaseModel):
    """The campaign that the leads are for, and what is known of the file.

    encoding: when the guess is wrong. sheet: of a workbook; else the first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    campaign_id: Id
    file_name: Line = ""
    encoding: Encoding | None = None
    sheet: Annotated[Line, Field(min_length=1, max_length=100)] | None = None


class ColumnsQuery(BaseModel):
    """How the file shall be read, where the guess is wrong."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    encoding: Encoding | None = None
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    header: bool | None = None


class RowsQuery(BaseModel):
    """Rows after row `after`, of one outcome if asked for; `step` is the latest there is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: Step | None = None
    outcome: Outcome | None = None
    after: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    limit: Annotated[int, Field(ge=1, le=1_000)] = 100


class ColumnAnswer(BaseModel):
    """A column: its place from 1, its header, the field proposed and why, some of its cells."""

    column: int
    header: str
    field: str | None
    because: str
    samples: list[str]


class WarningAnswer(BaseModel):
    """Something to look at before the file is imported."""

    code: str
    detail: str
    columns: list[int]
    rows: list[int]


class ProposalAnswer(BaseModel):
    """What the file seems to hold. `settings` confirm it as it is (PUT …/mapping); null while no
    column has a field. `fields` are what a column may be for; columns without one are ignored.
    """

    encoding: str
    delimiter: str
    header: bool
    columns: list[ColumnAnswer]
    warnings: list[WarningAnswer]
    first_rows: list[list[str]]
    fields: dict[str, str]
    settings: dict[str, Any] | None


class StepAnswer(BaseModel):
    """How far a step is: the last row that is settled, and rows by outcome so far."""

    reached: int
    rows: dict[str, int]


class ImportAnswer(BaseModel):
    """An import. `state` goes open, running, (cancelling,) finished, undoing, undone.

    `cancelled_for`: why the service cancelled it by itself: `number-erased`, when a number that
    stood in the file was erased.
    `earlier`: imports of the same file with the same settings; what they did is not done twice.
    `preview` is of the settings as they are, `previewed` says that it is whole. `result` counts all
    rows by outcome, `undo` the leads of an undo. `fault` names why the last try failed; a `stalled`
    import is not tried again until it is asked for. `file_until`: when refused rows as they came
    can no longer be downloaded.
    """

    id: str
    by: str
    made_at: datetime
    campaign_id: str
    file_name: str
    kind: str
    bytes: int
    sha256: str
    state: str
    cancelled: bool
    cancelled_for: str
    settings: dict[str, Any] | None
    pool_id: str | None
    earlier: list[str]
    previewed: bool
    preview: StepAnswer | None
    progress: StepAnswer | None
    result: dict[str, int] | None
    undo: StepAnswer | None
    stalled: bool
    fault: str
    file_until: datetime | None
    version: int


class UploadAnswer(ImportAnswer):
    """An import that was just uploaded, with what is proposed for its columns."""

    proposal: ProposalAnswer


class ImportList(BaseModel):
    """The latest imports."""

    imports: list[ImportAnswer]


class RowAnswer(BaseModel):
    """What became of a row, counted as a spreadsheet counts it: the lead, or every reason."""

    row: int
    outcome: str
    lead_id: str | None
    reasons: list[dict[str, str]]


class ImportRows(BaseModel):
    """Rows with their outcome; `next` goes on as `after`, null at the end."""

    rows: list[RowAnswer]
    next: int | None


def proposal_answer(found: Proposal, fields: dict[str, str]) -> dict[str, Any]:
    """Return a proposal as it is answered."""
    layout = found.layout
    mapped = [
        {"column": one.column, "field": one.field} for one in found.columns if one.field is not None
    ]
    settings = {**layout._asdict(), "columns": mapped} if mapped else None
    return {
        **layout._asdict(),
        "columns": [one.shown() for one in found.columns],
        "warnings": [one.shown() for one in found.warnings],
        "first_rows": [
            [cell.encode("utf-8", "replace").decode()[:CELL_SHOWN] for cell in row.cells]
            for row in found.first_rows
        ],
        "fields": fields,
        "settings": settings,
    }


def import_answer(one: Import, row: ImportRow, earlier: list[UUID]) -> dict[str, Any]:
    """Return an import as it is answered."""
    current = row.previewing == one.version or one.stage != "open"
    return {
        "id": one.id,
        "by": f"user:{one.by}",
        "made_at": row.made_at,
        "campaign_id": one.campaign_id,
        "file_name": one.file_name,
        "kind": one.kind,
        "bytes": one.size,
        "sha256": one.sha256,
        "state": one.stage,
        "cancelled": one.cancelled,
        "cancelled_for": one.cancelled_for,
        "settings": None if one.settings is None else dict(one.settings),
        "pool_id": one.pool_id or None,
        "earlier": [str(each) for each in earlier],
        "previewed": current and row.previewed > 0 and row.previewed == row.previewing,
        "preview": _step(row, "plan") if current and row.previewing else None,
        "progress": _step(row, "done"),
        "result": dict(one.done) or None,
        "undo": _step(row, "undo"),
        "stalled": row.stalled and one.stage in ("open", "running", "cancelling", "undoing"),
        "fault": row.fault,
        "file_until": row.file_until or _file_until_at_least(one, row),
        "version": one.version,
    }


def _file_until_at_least(one: Import, row: ImportRow) -> datetime | None:
    """Return until when refused rows are there in any case, of an import that has just ended: it
    ends in the log first, and its file is let go a moment later.
    """
    over = one.stage in ("finished", "undoing", "undone")
    return row.updated_at + KEPT if over and row.wrapped is not None else None


def _step(row: ImportRow, step: Step) -> dict[str, Any] | None:
    if step not in row.steps:
        return None
    return {"reached": row.reached(step), "rows": row.counts(step)}


def row_answers(run: Run, one: UUID, step: Step) -> list[dict[str, Any]]:
    """Return the rows of a run as they are answered."""
    reasons = dict(run.reasons)
    others = iter(run.leads)
    found = []
    for row, letter in enumerate(run.outcomes, run.first):
        lead = lead_of(one, row) if letter == "c" and step == "done" else None
        if letter in "uns" or (step == "undo" and letter in "vkr"):
            lead = next(others)
        if letter == "h" or (step == "undo" and letter == "-"):
            continue
        told = reasons.get(row) or ([[*_SAID[letter], ""]] if letter in _SAID else [])
        found.append(
            {
                "row": row,
                "outcome": _NAMES[letter],
                "lead_id": None if lead in (None, NO_LEAD) else str(lead),
                "reasons": [
                    {"code": code, "detail": text, "field": field} for code, text, field in told
                ],
            }
        )
    return found
