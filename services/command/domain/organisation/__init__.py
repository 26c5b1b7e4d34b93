"""The organisation: teams, users, API keys, statuses."""
