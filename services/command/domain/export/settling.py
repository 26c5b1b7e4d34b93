"""What our own services tell of exports: written, failed, mailed, removed. Each may be told twice.

The job that writes files knows no event log, so what it says stands in a table; the clerk
(services/command/exports) gives these commands for it.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

from schemas import export as events
from schemas.event import Event
from schemas.instants import format_instant
from services.command.domain.decider import decides
from services.command.domain.export.commands import ExportCommand, known_export
from services.command.domain.export.state import Export
from services.command.domain.facts import Facts

KEPT = timedelta(hours=24)
"""So long a file is there, and its links are good."""


class FinishExport(ExportCommand):
    """The file is written, whole. One that was cancelled meanwhile stays cancelled."""

    shown: int
    leads: int
    size: int
    digest: str


class FailExport(ExportCommand):
    """The file cannot be written."""

    code: str
    detail: str = ""


class RemoveExport(ExportCommand):
    """The file goes, for that reason."""

    reason: Literal["expired", "lead-erased", "asker-inactive"]


class NoteExportMailed(ExportCommand):
    """The mail to the `recipient`-th address was taken by the mail server."""

    recipient: int


class NoteExportMailFailed(ExportCommand):
    """The mail to the `recipient`-th address was refused, or could not be sent until now."""

    recipient: int
    code: str


@decides(FinishExport)
def _finish(export: Export | None, command: FinishExport, facts: Facts) -> Iterable[Event]:
    if known_export(export, facts).state == "requested":
        yield events.ExportFinished(
            shown=command.shown,
            leads=command.leads,
            size=command.size,
            digest=command.digest,
            expires_at=format_instant(facts.now + KEPT),
        )


@decides(FailExport)
def _fail(export: Export | None, command: FailExport, facts: Facts) -> Iterable[Event]:
    if known_export(export, facts).state == "requested":
        yield events.ExportFailed(command.code, command.detail)


@decides(RemoveExport)
def _remove(export: Export | None, command: RemoveExport, facts: Facts) -> Iterable[Event]:
    if known_export(export, facts).state == "finished":
        yield events.ExportRemoved(command.reason)


@decides(NoteExportMailed)
def _mailed(export: Export | None, command: NoteExportMailed, facts: Facts) -> Iterable[Event]:
    if command.recipient in known_export(export, facts).unsent():
        yield events.ExportMailed(command.recipient)


@decides(NoteExportMailFailed)
def _mail_failed(
    export: Export | None, command: NoteExportMailFailed, facts: Facts
) -> Iterable[Event]:
    if command.recipient in known_export(export, facts).unsent():
        yield events.ExportMailFailed(command.recipient, command.code)
