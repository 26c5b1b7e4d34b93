"""The bulk job as an aggregate: what was asked, planned, started, cancelled, finished.

Importing the package registers all of its commands.
"""

from services.command.domain.bulk import commands, state

__all__ = ["commands", "state"]
