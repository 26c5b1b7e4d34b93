"""The do-not-call entries of one number.

Importing it registers its decisions.
"""

from services.command.domain.dnc import commands, erasing

__all__ = ["commands", "erasing"]
