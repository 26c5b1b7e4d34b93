"""The lead pool: the leads of one upload, one batch or one person's day (rule 17).

Importing the package registers all of its commands.
"""

from services.command.domain.pool import commands, state

__all__ = ["commands", "state"]
