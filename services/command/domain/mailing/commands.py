"""Mailing a view by the clock: who sets it up, what it is when it is due, what stops it.

Each mail is an export with the sight its owner has then. The scheduler gives FireViewMail.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from schemas import mailing as events
from schemas.dialling_hours import zone_named
from schemas.event import Event
from schemas.export import ExportRequested
from schemas.instants import format_instant
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Elsewhere, Outcome, Reason, Refused, decides
from services.command.domain.export.commands import Format, Recipients, mail_reasons
from services.command.domain.facts import Actor, Facts
from services.command.domain.mailing.state import Mailing
from services.command.domain.mailing.times import Timetable
from services.command.domain.types import Instant, TimeOfDay, ZoneName
from services.command.domain.view.commands import EVERYBODY, ViewRef, contents_of
from services.command.domain.view.state import Contents

TIMES_MAX = 12
Times = Annotated[tuple[TimeOfDay, ...], Field(min_length=1, max_length=TIMES_MAX)]
Weekdays = Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(max_length=7)]
Days = Annotated[tuple[Annotated[int, Field(ge=1, le=31)], ...], Field(max_length=31)]
Somebody = Annotated[Recipients, Field(min_length=1)]


class MailingCommand(Command):
    """What all commands to a mailing share."""

    aggregate: ClassVar[str] = "mailing"
    roles: ClassVar[frozenset[str]] = EVERYBODY


class ScheduleViewMail(MailingCommand):
    """Mail a view by the clock: to each recipient a link to its leads, as you see them then.

    `times` are of the wall clock of `zone`, on `weekdays` (1 Monday to 7 Sunday) or `days` of the
    month (31 is the last one), else every day. With `skip_empty` no mail goes out without leads.
    """

    creates: ClassVar[bool] = True

    view: ViewRef
    times: Times
    zone: ZoneName = "UTC"
    weekdays: Weekdays = ()
    days: Days = ()
    recipients: Somebody
    format: Format = "csv"
    contacts: bool = False
    skip_empty: bool = False


class ChangeViewMail(MailingCommand):
    """Mail it at other times, in another zone or form, or to others; what is left out stays."""

    times: Times | None = None
    zone: ZoneName | None = None
    weekdays: Weekdays | None = None
    days: Days | None = None
    recipients: Somebody | None = None
    format: Format | None = None
    contacts: bool | None = None
    skip_empty: bool | None = None


class PauseViewMail(MailingCommand):
    """Send nothing until it is resumed."""


class ResumeViewMail(MailingCommand):
    """Send again, from the next time on; what was passed over is not sent."""


class StopViewMail(MailingCommand):
    """Send nothing any more, for good. Who set it up may, and admins."""


class SendViewMailNow(MailingCommand):
    """Send it once, now, as it would be sent when due: to see what it is like."""


class FireViewMail(MailingCommand):
    """Send what was due at `at`; of several times that were missed only the last one."""

    roles: ClassVar[frozenset[str]] = frozenset()

    at: Instant


def _known(mailing: Mailing | None, command: Command, facts: Facts) -> Mailing:
    """Return the mailing to who set it up and to admins; others hear of none."""
    admit(command, facts)
    actor = facts.actor
    if (
        mailing is not None
        and mailing.by
        and (actor.role == "admin" or actor.user_id == mailing.by)
    ):
        return mailing
    raise Refused([Reason("unknown-mailing", "There is no such mailing.")])


def _going(mailing: Mailing | None, command: Command, facts: Facts) -> Mailing:
    known = _known(mailing, command, facts)
    if known.state == "stopped":
        raise Refused([Reason("mailing-stopped", "The mailing was stopped; set up another one.")])
    return known


def _table_reasons(table: Timetable) -> Iterable[Reason]:
    if zone_named(table.zone) is None:
        yield Reason("unknown-zone", f"There is no time zone {table.zone}.", "zone")
    if table.weekdays and table.days:
        text = "Say weekdays or days of the month, not both."
        yield Reason("weekdays-and-days", text, "days")
    for name, given in (("times", table.times), ("weekdays", table.weekdays), ("days", table.days)):
        if len(set(given)) != len(given):
            yield Reason("repeated", "Name each only once.", name)


def _refuse(reasons: Iterable[Reason]) -> None:
    found = list(reasons)
    if found:
        raise Refused(found)


@decides(ScheduleViewMail)
def _schedule(
    mailing: Mailing | None, command: ScheduleViewMail, facts: Facts
) -> Iterable[Outcome]:
    admit(command, facts)
    if mailing is not None and mailing.version:
        raise Refused([Reason("mailing-exists", "A mailing with this id exists already.")])
    if facts.actor.user_id is None:
        raise Refused([Reason("no-owner", "A mailing belongs to a person.")])
    table = Timetable(command.times, command.zone, command.weekdays, command.days)
    to = tuple(dict.fromkeys(command.recipients))
    reasons = [*_table_reasons(table), *mail_reasons(to, facts)]
    if zone_named(command.zone) is not None:
        try:
            contents_of(command.view, command.zone, facts)
        except Refused as refused:
            reasons += refused.reasons
    _refuse(reasons)
    yield events.MailingScheduled(
        by=facts.actor.user_id,
        view=command.view,
        times=command.times,
        zone=command.zone,
        next_at=format_instant(table.after(facts.now)),
        weekdays=command.weekdays,
        days=command.days,
        format=command.format,
        contacts=command.contacts,
        skip_empty=command.skip_empty,
        recipients=to,
    )


@decides(ChangeViewMail)
def _change(mailing: Mailing | None, command: ChangeViewMail, facts: Facts) -> Iterable[Event]:
    known = _going(mailing, command, facts)
    given = command.model_dump(exclude_none=True)
    old = known.table
    table = Timetable(
        given.get("times", old.times), given.get("zone", old.zone),
        given.get("weekdays", old.weekdays), given.get("days", old.days),
    )  # fmt: skip
    to = tuple(dict.fromkeys(given.get("recipients", known.recipients)))
    new = () if command.recipients is None else to
    _refuse([*_table_reasons(table), *mail_reasons(new, facts)])
    wanted = replace(
        known,
        table=table,
        recipients=to,
        format=given.get("format", known.format),
        contacts=given.get("contacts", known.contacts),
        skip_empty=given.get("skip_empty", known.skip_empty),
    )
    if wanted == known:
        return
    due = known.next_at if table == old else table.after(facts.now)
    yield events.MailingChanged(
        times=table.times,
        zone=table.zone,
        next_at=format_instant(due) if due is not None and known.state == "active" else None,
        weekdays=table.weekdays,
        days=table.days,
        format=wanted.format,
        contacts=wanted.contacts,
        skip_empty=wanted.skip_empty,
        recipients=to,
    )


@decides(PauseViewMail)
def _pause(mailing: Mailing | None, command: PauseViewMail, facts: Facts) -> Iterable[Event]:
    if _going(mailing, command, facts).state == "active":
        yield events.MailingPaused()


@decides(ResumeViewMail)
def _resume(mailing: Mailing | None, command: ResumeViewMail, facts: Facts) -> Iterable[Event]:
    known = _going(mailing, command, facts)
    if known.state == "paused":
        yield events.MailingResumed(format_instant(known.table.after(facts.now)))


@decides(StopViewMail)
def _stop(mailing: Mailing | None, command: StopViewMail, facts: Facts) -> Iterable[Event]:
    if _known(mailing, command, facts).state != "stopped":
        yield events.MailingStopped("asked")


@decides(SendViewMailNow)
def _send_now(mailing: Mailing | None, command: SendViewMailNow, facts: Facts) -> Iterable[Outcome]:
    known = _going(mailing, command, facts)
    shown, stopped = _shown(known, facts)
    if shown is None:
        text = f"It cannot be sent: {stopped}."
        raise Refused([Reason(stopped, text)])
    _refuse(mail_reasons(known.recipients, facts))
    export = facts.new_ids[0]
    yield events.MailingSentNow(str(export))
    yield _export(known, shown, known.recipients, "It was sent by hand.", facts)


@decides(FireViewMail)
def _fire(mailing: Mailing | None, command: FireViewMail, facts: Facts) -> Iterable[Outcome]:
    if mailing is None or mailing.state != "active" or mailing.next_at != command.at:
        return
    shown, stopped = _shown(mailing, facts)
    to = mailing.recipients
    if facts.mail_domains is not None:
        to = tuple(one for one in to if not list(mail_reasons((one,), facts)))
    if shown is not None and not to:
        shown, stopped = None, "no-recipient"
    if shown is None:
        yield events.MailingStopped(stopped)
        return
    table = mailing.table
    due, missed = table.latest(command.at, facts.now)
    yield events.MailingFired(
        at=format_instant(due),
        export=str(facts.new_ids[0]),
        next_at=format_instant(table.after(due)),
        missed=missed,
    )
    local = due.astimezone(zone_named(table.zone)).strftime("%Y-%m-%d %H:%M")
    note = f"It was due at {local} {table.zone}."
    if missed:
        note += f" {missed} earlier ones were missed while nothing ran, and are not sent."
    yield _export(mailing, shown, to, note, facts)


def _shown(mailing: Mailing, facts: Facts) -> tuple[Contents | None, str]:
    """Return what the view shows its owner now; else why nothing may be sent any more."""
    user = facts.organisation.users.get(mailing.by)
    if user is None or not user.active:
        return None, "user-inactive"
    owner = Actor(f"user:{user.id}", user.role, user.id, user.team, user.rights)
    try:
        return contents_of(mailing.view, mailing.table.zone, replace(facts, actor=owner)), ""
    except Refused:
        gone = facts.view is None or facts.view.deleted
        return None, "view-gone" if gone else "view-out-of-reach"


def _export(
    mailing: Mailing, shown: Contents, to: tuple[str, ...], note: str, facts: Facts
) -> Elsewhere:
    asked = ExportRequested(
        by=mailing.by,
        name=shown.name,
        columns=shown.columns,
        sort=shown.sort,
        contacts=mailing.contacts,
        format=mailing.format,
        view=mailing.view,
        skip_empty=mailing.skip_empty,
        mailing=mailing.id,
        note=note,
        filter=shown.filter,
        recipients=to,
    )
    return Elsewhere(facts.new_ids[0], "export", 0, (asked,))
