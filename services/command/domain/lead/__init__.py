"""The lead: state.py and evolving.py say what it is, each other module is a family of commands.

Importing the package registers all of its commands.
"""

from services.command.domain.lead import (
    activity,
    callbacks,
    calls,
    clock,
    cloning,
    contacts,
    contracts,
    creating,
    erasure,
    fields,
    locking,
    merging,
    messages,
    moving,
    notes,
    numbers,
    ownership,
    results,
    scheduling,
    segments,
    sessions,
    status,
)

__all__ = [
    "activity",
    "callbacks",
    "calls",
    "clock",
    "cloning",
    "contacts",
    "contracts",
    "creating",
    "erasure",
    "fields",
    "locking",
    "merging",
    "messages",
    "moving",
    "notes",
    "numbers",
    "ownership",
    "results",
    "scheduling",
    "segments",
    "sessions",
    "status",
]
