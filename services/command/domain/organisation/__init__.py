"""The organisation: teams, users, API keys, statuses.

Importing it registers its decisions.
"""

from services.command.domain.organisation import catalogue, teams, users

__all__ = ["catalogue", "teams", "users"]
