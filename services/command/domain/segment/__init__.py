"""The segment: a named filter, and the agents who may pick it when they dial (rule 17).

Importing the package registers all of its commands.
"""

from services.command.domain.segment import commands, state

__all__ = ["commands", "state"]
