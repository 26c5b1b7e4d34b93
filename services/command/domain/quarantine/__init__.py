"""Dialer payloads that could not be taken in.

Importing it registers its decisions.
"""

from services.command.domain.quarantine import commands

__all__ = ["commands"]
