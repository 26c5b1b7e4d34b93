"""Decisions on the catalogue of lead statuses (schemas/statuses.py)."""

from collections.abc import Iterable

from schemas import organisation as events
from schemas.event import Event
from schemas.statuses import BUILT_IN, Status
from services.command.domain.decider import Reason, decides
from services.command.domain.facts import Facts
from services.command.domain.organisation.commands import (
    ActivateStatus,
    AddStatus,
    ChangeStatusCatalogue,
    DeactivateStatus,
)
from services.command.domain.organisation.state import Organisation
from services.command.domain.organisation.teams import known, refuse

_GROUP_OF_KIND = {
    "new": "open",
    "working": "open",
    "redial": "open",
    "waiting": "open",
    "held": "held",
    "won": "closed",
    "lost": "closed",
    "unreachable": "closed",
    "exhausted": "closed",
}


def _only_open_is_dialled(code: str, group: str, dialable: bool) -> Iterable[Reason]:
    if dialable and group != "open":
        text = f"Status {code} is {group}; only open statuses can be dialled."
        yield Reason("status-not-dialable", text, "dialable")


def _unknown(code: str) -> Reason:
    return Reason("unknown-status", f"There is no status {code}.", "code")


def _used_by_rules(code: str, facts: Facts) -> Iterable[Reason]:
    """Yield the campaigns whose follow-up rules set the status, switched off or not."""
    for campaign in facts.campaigns.values():
        rules = [rule.name for rule in campaign.rules.rules if rule.next_status == code]
        if rules:
            text = (
                f"Follow-up rules of campaign {campaign.name} ({campaign.id}) set {code}:"
                f" {', '.join(rules)}; change them first."
            )
            yield Reason("status-in-use", text, "code")


@decides(AddStatus)
def _add(organisation: Organisation | None, command: AddStatus, facts: Facts) -> Iterable[Event]:
    state = known(organisation, command, facts)
    asked = Status(command.code, command.label, command.group, command.dialable, command.kind)
    old = state.statuses.get(command.code)
    if old == asked:
        return
    reasons = list(_only_open_is_dialled(command.code, command.group, command.dialable))
    if old is not None:
        text = f"There is a status {command.code} already; change it, or choose another code."
        if not old.active:
            text = f"There is a status {command.code} already, switched off; activate it."
        reasons.append(Reason("status-exists", text, "code"))
    group = _GROUP_OF_KIND[command.kind]
    if group != command.group:
        text = f"A status of kind {command.kind} is {group}, not {command.group}."
        reasons.append(Reason("status-kind-mismatch", text, "kind"))
    refuse(reasons)
    yield events.StatusAdded(
        command.code, command.label, command.group, command.dialable, command.kind
    )


@decides(ChangeStatusCatalogue)
def _change(
    organisation: Organisation | None, command: ChangeStatusCatalogue, facts: Facts
) -> Iterable[Event]:
    state = known(organisation, command, facts)
    old = state.statuses.get(command.code)
    if old is None:
        refuse([_unknown(command.code)])
        return
    label = command.label or old.label
    dialable = old.dialable if command.dialable is None else command.dialable
    reasons = list(_only_open_is_dialled(old.code, old.group, dialable))
    if old.code in BUILT_IN and dialable != old.dialable:
        text = f"Status {old.code} is built in; rules rely on whether it is dialled."
        reasons.append(Reason("status-built-in", text, "dialable"))
    refuse(reasons)
    if (label, dialable) != (old.label, old.dialable):
        before = {"label": old.label, "dialable": old.dialable}
        yield events.StatusCatalogueChanged(old.code, label, dialable, before)


@decides(ActivateStatus)
def _activate(
    organisation: Organisation | None, command: ActivateStatus, facts: Facts
) -> Iterable[Event]:
    status = known(organisation, command, facts).statuses.get(command.code)
    if status is None:
        refuse([_unknown(command.code)])
    elif not status.active:
        yield events.StatusActivated(command.code)


@decides(DeactivateStatus)
def _deactivate(
    organisation: Organisation | None, command: DeactivateStatus, facts: Facts
) -> Iterable[Event]:
    status = known(organisation, command, facts).statuses.get(command.code)
    if status is None:
        refuse([_unknown(command.code)])
        return
    reasons = list(_used_by_rules(command.code, facts))
    if command.code in BUILT_IN:
        text = f"Status {command.code} is built in; rules rely on it. Show it by another label."
        reasons.append(Reason("status-built-in", text, "code"))
    refuse(reasons)
    if status.active:
        yield events.StatusDeactivated(command.code)
