"""The campaign: template, follow-up rules, limits, hours, range.

Importing it registers its decisions.
"""

from services.command.domain.campaign import commands

__all__ = ["commands"]
