"""What people ask of exports. Everybody but dialers may take out what they see.

The file is written by a job, with the rights its asker has then; here is decided who may ask, whom
a link may be mailed to, and who may be handed the file.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from schemas import export as events
from schemas.event import Event
from schemas.filters import Filter
from services.command.domain.addresses import parse_email
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.export.state import Export
from services.command.domain.facts import Facts
from services.command.domain.types import Name, ZoneName
from services.command.domain.view.commands import (
    EVERYBODY,
    Columns,
    Sort,
    ViewRef,
    contents_of,
    shape_problems,
    stored,
    stored_sort,
)
from services.command.domain.view.state import Contents

RECIPIENTS_MAX = 20
Recipients = Annotated[
    tuple[Annotated[str, Field(max_length=254), AfterValidator(parse_email)], ...],
    Field(max_length=RECIPIENTS_MAX),
]
Format = Literal["csv", "ndjson"]


class ExportCommand(Command):
    """What all commands to an export share."""

    aggregate: ClassVar[str] = "export"


class CreateExport(ExportCommand):
    """Have leads written into a ZIP file: those of a view, or those that match a filter.

    The file shows one moment of the log, with what you may see then, and is there for 24 hours.
    Without `columns` it has all; `contacts` adds secondary contacts. Each of `recipients` is mailed
    a link of their own, which dies with the file.
    """

    roles: ClassVar[frozenset[str]] = EVERYBODY
    creates: ClassVar[bool] = True

    view: ViewRef | None = None
    zone: ZoneName = "UTC"
    filter: Filter | None = None
    columns: Columns = ()
    sort: Sort = ()
    contacts: bool = False
    format: Format = "csv"
    name: Name = "leads"
    recipients: Recipients = ()


class CancelExport(ExportCommand):
    """Stop an export, or take its file and links away. Its asker may, and admins."""

    roles: ClassVar[frozenset[str]] = EVERYBODY


class DownloadExport(ExportCommand):
    """Hand the file out: to its asker, or to who has the link of the `recipient`-th address.

    Given by our own routes, which have checked the link.
    """

    recipient: int | None = None


def mail_reasons(recipients: Sequence[str], facts: Facts) -> Iterable[Reason]:
    """Say why leads may not be mailed to these addresses."""
    if recipients and facts.mail_domains is None:
        text = "Links cannot be mailed here: set LEADS_SMTP_URL, LEADS_MAIL_FROM, LEADS_PUBLIC_URL."
        yield Reason("mail-not-set-up", text, "recipients")
        return
    organisation = facts.organisation
    for address in recipients:
        user = organisation.users.get(organisation.users_by_email.get(address.lower(), ""))
        known = user is not None and user.active
        domain = address.rpartition("@")[2]
        if not known and domain not in (facts.mail_domains or ()):
            text = f"{address} is no active user's address; LEADS_EXPORT_DOMAINS lists no {domain}."
            yield Reason("recipient-not-allowed", text, "recipients")


def _asked(command: CreateExport, facts: Facts) -> Contents:
    """Return what is to be written; raise Refused when that cannot be known."""
    if command.view is None:
        found = stored(command.filter)
        return Contents(command.name, found, command.columns, stored_sort(command.sort), {})
    shown = contents_of(command.view, command.zone, facts)
    return shown._replace(columns=command.columns or shown.columns)


def _reasons(command: CreateExport, facts: Facts) -> Iterable[Reason]:
    if command.view is not None and (command.filter is not None or command.sort):
        text = "A view has its own filter and sort; leave them out."
        yield Reason("view-and-filter", text, "filter" if command.filter is not None else "sort")
    yield from shape_problems(command.filter, command.columns, command.sort)
    yield from mail_reasons(tuple(dict.fromkeys(command.recipients)), facts)


@decides(CreateExport)
def _create(export: Export | None, command: CreateExport, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    if export is not None and export.version:
        raise Refused([Reason("export-exists", "An export with this id exists already.")])
    if facts.actor.user_id is None:
        raise Refused([Reason("no-asker", "An export is a person's; our services have no sight.")])
    reasons = list(_reasons(command, facts))
    shown = Contents(command.name, None, (), (), {})
    try:
        shown = _asked(command, facts)
    except Refused as refused:
        reasons += refused.reasons
    if reasons:
        raise Refused(reasons)
    yield events.ExportRequested(
        by=facts.actor.user_id,
        name=shown.name,
        columns=shown.columns,
        sort=shown.sort,
        contacts=command.contacts,
        format=command.format,
        view=command.view,
        filter=shown.filter,
        recipients=tuple(dict.fromkeys(command.recipients)),
    )


def known_export(export: Export | None, facts: Facts) -> Export:
    """Return the export to its asker, to admins and to our services; others hear of none."""
    actor = facts.actor
    if export is None or not export.by:
        raise Refused([Reason("unknown-export", "There is no such export.")])
    if actor.user_id is not None and actor.user_id != export.by and actor.role != "admin":
        raise Refused([Reason("unknown-export", "There is no such export.")])
    return export


@decides(CancelExport)
def _cancel(export: Export | None, command: CancelExport, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    known = known_export(export, facts)
    if known.state in ("requested", "finished"):
        yield events.ExportCancelled(was=known.state)


@decides(DownloadExport)
def _download(export: Export | None, command: DownloadExport, facts: Facts) -> Iterable[Event]:
    known = known_export(export, facts)
    reasons = list(_unavailable(known, facts))
    if facts.actor.user_id is not None and facts.actor.user_id != known.by:
        text = "The file shows what its asker sees; make an export of your own."
        reasons.append(Reason("not-your-export", text))
    if command.recipient is not None and not 1 <= command.recipient <= len(known.recipients):
        reasons.append(Reason("unknown-recipient", "The export was mailed to nobody of that name."))
    if reasons:
        raise Refused(reasons)
    yield events.ExportDownloaded(recipient=command.recipient)


def _unavailable(export: Export, facts: Facts) -> Iterable[Reason]:
    asker = facts.organisation.users.get(export.by)
    if export.state == "requested":
        yield Reason("not-finished", "The export is still being written.")
    elif export.state != "finished":
        yield Reason("file-gone", f"There is no file (any more): the export is {export.state}.")
    elif export.expires_at is None or facts.now >= export.expires_at:
        yield Reason("file-gone", "The file was kept for 24 hours, and they are over.")
    if asker is None or not asker.active:
        yield Reason("asker-inactive", "Whoever asked for the export is not active any more.")
