"""Which commands are offered in bulk, and what a job's batch has to load for each."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson

from services.command.catalogue import offered_commands
from services.command.domain.decider import Command
from services.command.domain.lead.activity import Activate, Deactivate, Suppress, Unsuppress
from services.command.domain.lead.callbacks import CancelCallback, Reserve, SetCallback, Unreserve
from services.command.domain.lead.cloning import CloneLead
from services.command.domain.lead.locking import UnlockLead
from services.command.domain.lead.ownership import ChangeOwner
from services.command.domain.lead.scheduling import (
    CancelScheduledDial,
    RemoveDialTimeLimit,
    ScheduleDial,
    SetDialTimeLimit,
    SetPriority,
)
from services.command.domain.lead.status import (
    Cancel,
    ChangeStatus,
    Pause,
    Ready,
    Reset,
    RestoreStatus,
)

PLAIN: frozenset[type[Command]] = frozenset(
    {
        Activate,
        Cancel,
        CancelCallback,
        CancelScheduledDial,
        ChangeOwner,
        ChangeStatus,
        Deactivate,
        Pause,
        Ready,
        RemoveDialTimeLimit,
        Reserve,
        Reset,
        RestoreStatus,
        ScheduleDial,
        SetCallback,
        SetDialTimeLimit,
        SetPriority,
        Suppress,
        UnlockLead,
        Unreserve,
        Unsuppress,
    }
)
"""Commands decided on the lead, the organisation and the lead's campaign, and on no personal field:
their batches share facts and decrypt nothing. Any other command gets the facts of a single one.
"""

CALLS_CLOSED: frozenset[type[Command]] = frozenset({CloneLead})
"""Commands that need personal fields, but none of calls: those stay encrypted."""

UNDO_NEEDS_PERSONAL: frozenset[type[Command]] = frozenset({Reset})
"""Plain commands whose undo restores something personal: attempts are counted by number."""


@cache
def offered_in_bulk() -> Mapping[str, type[Command]]:
    """Return the commands offered in bulk, by name."""
    return {command.__name__: command for command in offered_commands() if command.bulk}


def bulk_command(name: str, fields: Mapping[str, Any]) -> Command:
    """Return the command of a job; KeyError for an unknown name, ValidationError for its fields."""
    return offered_in_bulk()[name].model_validate_json(orjson.dumps(dict(fields)))
