"""Every command there is. Modules of the domain register their decisions when they are imported."""

import importlib
import pkgutil

from services.command import domain
from services.command.domain import decider
from services.command.domain.decider import Command


def all_commands() -> list[type[Command]]:
    """Return every command that has a decision, having imported all of the domain."""
    for module in pkgutil.walk_packages(domain.__path__, domain.__name__ + "."):
        importlib.import_module(module.name)
    return decider.commands()


def offered_commands() -> list[type[Command]]:
    """Return the commands people or dialers may give; those without roles are our own services'."""
    return [command for command in all_commands() if command.roles]
