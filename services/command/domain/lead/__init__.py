"""The lead: state.py and evolving.py say what it is, each other module is a family of commands.

Importing the package registers all of its commands.
"""

from services.command.domain.lead import (
    activity,
    calls,
    cloning,
    creating,
    erasure,
    fields,
    locking,
    notes,
    numbers,
    ownership,
    status,
)

__all__ = [
    "activity",
    "calls",
    "cloning",
    "creating",
    "erasure",
    "fields",
    "locking",
    "notes",
    "numbers",
    "ownership",
    "status",
]
