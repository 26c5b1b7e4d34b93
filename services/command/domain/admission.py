"""Who may give a command about anything but a lead: the roles it names, and our own services.

Two rights make somebody an admin of one kind of thing, whatever their role.
"""

from collections.abc import Collection

from services.command.domain.decider import Command, Reason, Refused
from services.command.domain.facts import Facts

ADMIN_BY_RIGHT = {"lead": "lead_admin", "pool": "lead_pools"}
"""The extra right that counts as the role admin, by aggregate."""


def role_suffices(command: type[Command], role: str, rights: Collection[str]) -> bool:
    """Say whether a role with these rights may give this command at all."""
    if role in command.roles:
        return True
    return "admin" in command.roles and ADMIN_BY_RIGHT.get(command.aggregate) in rights


def admit(command: Command, facts: Facts) -> None:
    """Raise Refused unless role or right of the actor suffices, or the actor is a service."""
    actor = facts.actor
    if actor.user_id is not None and not role_suffices(type(command), actor.role, actor.rights):
        text = f"Your role ({actor.role}) may not do this; ask an administrator."
        raise Refused([Reason("role-not-allowed", text)])
