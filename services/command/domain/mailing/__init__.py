"""The mailing: a view that is mailed at times of the wall clock.

Importing the package registers all of its commands.
"""

from services.command.domain.mailing import commands, state, times

__all__ = ["commands", "state", "times"]
