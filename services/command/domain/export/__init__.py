"""The export: a file of leads, asked for, written by a job, taken by who may, and gone in a day.

Importing the package registers all of its commands.
"""

from services.command.domain.export import commands, settling, state

__all__ = ["commands", "settling", "state"]
