"""The life of an import. None of these has a route of its own: services/command/imports gives them,
having looked at the file.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from schemas.event import Event
from schemas.imports import (
    ImportCancelled,
    ImportFinished,
    ImportMapped,
    ImportRequested,
    ImportStarted,
    ImportUndone,
    ImportUndoStarted,
)
from services.command.domain.admission import ADMIN_BY_RIGHT
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Actor, Facts
from services.command.domain.imports.state import Import
from services.command.domain.types import Id, Line

Count = Annotated[int, Field(ge=0)]
IMPORTERS = frozenset({"admin", "team_leader"})
"""Roles that import; so does who has the right `lead_admin` or `lead_pools`."""


def may_import(actor: Actor) -> bool:
    """Say whether somebody may import leads at all; which ones, each row decides."""
    return actor.role in IMPORTERS or not actor.rights.isdisjoint(ADMIN_BY_RIGHT.values())


class RequestImport(Command):
    """Ask for a file, which was uploaded, to become leads of a campaign."""

    aggregate: ClassVar[str] = "import"
    creates: ClassVar[bool] = True

    campaign_id: Id
    size: Count
    sha256: str
    kind: Literal["csv", "xlsx"] = "csv"
    file_name: Line = ""


class MapImport(Command):
    """Say how the file is read and what becomes of its columns."""

    aggregate: ClassVar[str] = "import"

    settings: dict[str, Any]


class StartImport(Command):
    """Carry the import out, as it was mapped."""

    aggregate: ClassVar[str] = "import"

    pool_id: Id
    again: Id | None = None


class CancelImport(Command):
    """Do nothing more of the import; what is done stays. `reason` is of our own clearing."""

    aggregate: ClassVar[str] = "import"

    reason: str = ""


class FinishImport(Command):
    """Say what became of the rows."""

    aggregate: ClassVar[str] = "import"

    created: Count = 0
    updated: Count = 0
    unchanged: Count = 0
    skipped: Count = 0
    refused: Count = 0
    blank: Count = 0


class UndoImport(Command):
    """Take back what the import did, where nobody changed it since."""

    aggregate: ClassVar[str] = "import"


class FinishUndo(Command):
    """Say what undoing came to."""

    aggregate: ClassVar[str] = "import"

    reversed: Count = 0
    kept: Count = 0
    refused: Count = 0


@decides(RequestImport)
def request_import(one: Import, command: RequestImport, facts: Facts) -> list[Event]:
    """Note what was uploaded for which campaign."""
    reasons = _role_reasons(facts)
    if facts.campaign is None or not facts.campaign.version:
        reasons.append(Reason("unknown-campaign", "There is no such campaign.", "campaign_id"))
    if reasons:
        raise Refused(reasons)
    return [
        ImportRequested(
            by=facts.actor.user_id or "",
            campaign_id=command.campaign_id,
            size=command.size,
            sha256=command.sha256,
            kind=command.kind,
            file_name=command.file_name,
        )
    ]


@decides(MapImport)
def map_import(one: Import, command: MapImport, facts: Facts) -> list[Event]:
    """Note the settings, as often as they change before the start."""
    _require_own(one, facts)
    if one.stage != "open":
        text = f"The import is {one.stage}; what becomes of its columns is settled."
        raise Refused([Reason("import-not-open", text)])
    return [] if command.settings == one.settings else [ImportMapped(settings=command.settings)]


@decides(StartImport)
def start_import(one: Import, command: StartImport, facts: Facts) -> list[Event]:
    """Start, once, and only what was mapped."""
    _require_own(one, facts)
    if one.cancelled:
        raise Refused([Reason("import-cancelled", "The import was cancelled; upload it anew.")])
    if one.stage != "open":
        return []
    if one.settings is None:
        text = "Say first what becomes of the columns: confirm the proposal, or change it."
        raise Refused([Reason("not-mapped-yet", text)])
    return [ImportStarted(pool_id=command.pool_id, again=command.again)]


@decides(CancelImport)
def cancel_import(one: Import, command: CancelImport, facts: Facts) -> list[Event]:
    """Cancel; who uploaded the file may, and administrators, and our own clearing."""
    _require_known(one)
    service = facts.actor.user_id is None
    if not service and facts.actor.user_id != one.by and facts.actor.role != "admin":
        text = "Only who uploaded the file or an administrator may cancel its import."
        raise Refused([Reason("not-your-import", text)])
    if one.cancelled:
        return []
    if one.stage not in ("open", "running"):
        text = "The import is over; what it did can be undone."
        raise Refused([Reason("import-finished", text)])
    return [ImportCancelled(reason=command.reason)]


@decides(FinishImport)
def finish_import(one: Import, command: FinishImport, facts: Facts) -> list[Event]:
    """Finish, unless it is."""
    if one.stage not in ("running", "cancelling"):
        return []
    return [ImportFinished(**command.model_dump())]


@decides(UndoImport)
def undo_import(one: Import, command: UndoImport, facts: Facts) -> list[Event]:
    """Start taking back; it deletes leads, which takes the right to do that."""
    _require_known(one)
    reasons = []
    if not facts.actor.is_admin:
        text = "Undoing an import deletes leads; ask an administrator."
        reasons.append(Reason("role-not-allowed", text))
    if one.stage in ("open", "running", "cancelling"):
        text = "The import is not over; wait for its end, or cancel it."
        reasons.append(Reason("import-not-finished", text))
    if reasons:
        raise Refused(reasons)
    if one.stage != "finished":
        return []
    if not one.done["created"] and not one.done["updated"]:
        text = "The import changed no lead; there is nothing to undo."
        raise Refused([Reason("nothing-to-undo", text)])
    return [ImportUndoStarted(by=facts.actor.user_id or "")]


@decides(FinishUndo)
def finish_undo(one: Import, command: FinishUndo, facts: Facts) -> list[Event]:
    """Finish, unless it is."""
    return [ImportUndone(**command.model_dump())] if one.stage == "undoing" else []


def _role_reasons(facts: Facts) -> list[Reason]:
    if may_import(facts.actor):
        return []
    text = f"Your role ({facts.actor.role}) may not import leads; ask a team leader or an admin."
    return [Reason("role-not-allowed", text)]


def _require_known(one: Import) -> None:
    if one.version == 0:
        raise Refused([Reason("unknown-import", "There is no such import.")])


def _require_own(one: Import, facts: Facts) -> None:
    """Whose file it is decides what becomes of it: the leads come in with their rights."""
    _require_known(one)
    reasons = _role_reasons(facts)
    if facts.actor.user_id != one.by:
        text = "Only who uploaded the file may have it imported; upload it yourself."
        reasons.append(Reason("not-your-import", text))
    if reasons:
        raise Refused(reasons)
