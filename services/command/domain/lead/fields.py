"""The fields of a lead: what the campaign's template asks for, and name, e-mail and WhatsApp."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from schemas.event import Event
from schemas.lead import LeadFieldsChanged
from services.command.domain.decider import Command, Reason, Refused, decides, within
from services.command.domain.facts import Facts
from services.command.domain.lead.access import AGENTS, admit
from services.command.domain.lead.state import Lead
from services.command.domain.types import FieldMap, ImportName


class UpdateFields(Command):
    """Set and empty fields, by import name. Values must fit the field's type in the template.

    `name`, `email` and `whatsapp` are fields of every lead. A required field cannot be emptied.
    """

    roles: ClassVar[frozenset[str]] = AGENTS
    bulk: ClassVar[bool] = True

    set: FieldMap = Field(default_factory=dict)
    unset: Annotated[tuple[ImportName, ...], Field(max_length=200)] = ()


@decides(UpdateFields)
def update_fields(lead: Lead, command: UpdateFields, facts: Facts) -> list[Event]:
    """Change what differs; refused with everything that does not fit."""
    admit(lead, command, facts)
    if facts.campaign is None:
        raise Refused([Reason("unknown-campaign", "The lead's campaign is not known.")])
    clean, personal, reasons = facts.campaign.template.check_change(command.set, command.unset)
    inside = [reason for reason in reasons if reason.field in command.set]
    outside = [reason for reason in reasons if reason.field not in command.set]
    reasons = [*within("set", inside), *(replace(one, field="unset") for one in outside)]
    if lead.phone is None and "whatsapp" in command.unset:
        text = "The lead has no phone number; without WhatsApp nobody could reach it."
        reasons.append(Reason("unreachable", text, "unset"))
    if reasons:
        raise Refused(reasons)
    return fields_changed(lead, clean, personal, command.unset)


def fields_changed(
    lead: Lead,
    clean: dict[str, object],
    personal: dict[str, object],
    unset: tuple[str, ...] = (),
) -> list[Event]:
    """Return the event of what really differs, nothing when all is so already (rule 11)."""
    open_set = {name: one for name, one in clean.items() if differs(lead.fields, name, one)}
    own_set = {name: one for name, one in personal.items() if differs(lead.personal, name, one)}
    gone = tuple(name for name in dict.fromkeys(unset) if lead.value(name) is not None)
    if not (open_set or own_set or gone):
        return []
    touched = (*open_set, *own_set, *gone)
    before = {name: lead.fields[name] for name in touched if name in lead.fields}
    own_before = {name: lead.personal[name] for name in touched if name in lead.personal}
    return [
        LeadFieldsChanged(
            set=open_set or None,
            unset=gone,
            before=before or None,
            personal_set=own_set or None,
            personal_before=own_before or None,
        )
    ]


def differs(known: Mapping[str, Any], name: str, value: object) -> bool:
    """Say whether the value is another one; 1, 1.0 and true are three values."""
    old = known.get(name)
    return type(old) is not type(value) or old != value
