"""Keeping a number from being called, and lifting that again."""

from collections.abc import Iterable
from typing import ClassVar, Literal

from schemas.dnc import DncAdded, DncRemoved
from schemas.event import Event
from schemas.instants import format_instant
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.dnc.state import DncNumber
from services.command.domain.facts import Facts
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.domain.types import Id, Instant, Line, Name, PhoneText

Scope = Literal["campaign", "global"]


class AddToDoNotCall(Command):
    """Let nobody call this number (E.164): in one campaign, or in all (`global`).

    It holds for every lead with the number, now and later, until `expires_at` or until lifted.
    Given again it takes the place of what was said before.
    """

    aggregate: ClassVar[str] = "dnc"
    roles: ClassVar[frozenset[str]] = frozenset({"agent", "team_leader", "admin", "dialer"})

    number: PhoneText
    scope: Scope
    campaign_id: Id | None = None
    reason: Line = ""
    expires_at: Instant | None = None


class RemoveFromDoNotCall(Command):
    """Let the number be called again. Say why: somebody once asked not to be called."""

    aggregate: ClassVar[str] = "dnc"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})

    number: PhoneText
    scope: Scope
    campaign_id: Id | None = None
    reason: Name


class ExpireDoNotCall(Command):
    """End an entry whose time, `at`, is over. Given by the scheduler; the cause names the rule."""

    aggregate: ClassVar[str] = "dnc"

    scope: Scope
    campaign_id: Id | None = None
    at: Instant


def _number(command: AddToDoNotCall | RemoveFromDoNotCall, reasons: list[Reason]) -> str:
    if command.scope == "campaign" and command.campaign_id is None:
        text = "Name the campaign, or use the scope global."
        reasons.append(Reason("campaign-missing", text, "campaign_id"))
    if command.scope == "global" and command.campaign_id is not None:
        text = "An entry for all campaigns names none; use the scope campaign for one."
        reasons.append(Reason("campaign-not-allowed", text, "campaign_id"))
    try:
        return parse_phone(command.number)
    except NotAPhone as problem:
        reasons.append(Reason(problem.reason.code, problem.reason.text, "number"))
        return ""


@decides(AddToDoNotCall)
def _add(state: DncNumber | None, command: AddToDoNotCall, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    known = state or DncNumber()
    reasons: list[Reason] = []
    number = _number(command, reasons)
    asked = command.scope == "campaign" and command.campaign_id is not None
    if asked and (facts.campaign is None or facts.campaign.id != command.campaign_id):
        reasons.append(Reason("unknown-campaign", "There is no such campaign.", "campaign_id"))
    if command.expires_at is not None and command.expires_at <= facts.now:
        text = "The entry would have expired already; choose a later time, or none."
        reasons.append(Reason("time-is-past", text, "expires_at"))
    if reasons:
        raise Refused(reasons)
    expires_at = None if command.expires_at is None else format_instant(command.expires_at)
    old = known.entry(command.scope, command.campaign_id, facts.now)
    if old is not None and (old.reason, old.expires_at) == (command.reason, expires_at):
        return
    yield DncAdded(
        scope=command.scope,
        campaign_id=command.campaign_id,
        reason=command.reason,
        expires_at=expires_at,
        number=None if known.erased else number,
        before=None if old is None else {"reason": old.reason, "expires_at": old.expires_at},
    )


@decides(RemoveFromDoNotCall)
def _remove(state: DncNumber | None, command: RemoveFromDoNotCall, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    known = state or DncNumber()
    reasons: list[Reason] = []
    number = _number(command, reasons)
    if reasons:
        raise Refused(reasons)
    if known.entry(command.scope, command.campaign_id, facts.now) is not None:
        shown = None if known.erased else number
        yield DncRemoved(command.scope, command.campaign_id, command.reason, shown)


@decides(ExpireDoNotCall)
def _expire(state: DncNumber, command: ExpireDoNotCall, facts: Facts) -> Iterable[Event]:
    """End exactly the entry that ends then: one given anew meanwhile has another end."""
    if command.at > facts.now:
        raise Refused([Reason("not-due", "The time of this rule has not come yet.", "at")])
    ends = format_instant(command.at)
    for entry in state.entries:
        if (entry.scope, entry.campaign_id, entry.expires_at) == (
            command.scope,
            command.campaign_id,
            ends,
        ):
            yield DncRemoved(command.scope, command.campaign_id, "Its time is over.")
