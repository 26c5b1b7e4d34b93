"""Decisions on the catalogue of lead statuses (schemas/statuses.py)."""

from collections.abc import Iterable

from schemas import organisation as events
from schemas.event import Event
from schemas.statuses import BUILT_IN, Status
from services.command.domain.decider import Reason, decides
from services.command.domain.facts import Facts
from services.command.domain.organisation.commands import AddStatus, ChangeStatusCatalogue
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
        text = f"There is no status {command.code}."
        refuse([Reason("unknown-status", text, "code")])
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
