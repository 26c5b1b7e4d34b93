"""Who may give a command about anything but a lead: the roles it names, and our own services."""

from services.command.domain.decider import Command, Reason, Refused
from services.command.domain.facts import Facts


def admit(command: Command, facts: Facts) -> None:
    """Raise Refused unless the actor's role is one of the command's, or the actor is a service.

    The right `lead_admin` makes an admin of leads only, so it does not count here.
    """
    actor = facts.actor
    if actor.user_id is not None and actor.role not in command.roles:
        text = f"Your role ({actor.role}) may not do this; ask an administrator."
        raise Refused([Reason("role-not-allowed", text)])
