"""The favourite: which view opens first for a user, at most one.

Importing the package registers all of its commands.
"""

from services.command.domain.favourite import commands, state

__all__ = ["commands", "state"]
