"""The view: a saved filter with columns, sort and layout, private unless it is shared.

Importing the package registers all of its commands.
"""

from services.command.domain.view import commands, sharing, state

__all__ = ["commands", "sharing", "state"]
