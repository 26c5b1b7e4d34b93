"""The import: a file of leads on its way into a campaign.

Importing the package registers all of its commands.
"""

from services.command.domain.imports import commands, state

__all__ = ["commands", "state"]
