"""Every command that is offered in bulk, with the fields it may be given: what sequences draw from.

Names of things that each lead has of its own (`TARGET`, `POOL`, `SEGMENT`) are filled in by
whoever gives the command.
"""

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from tests.contract.command_service import NORTH, SOUTH, TOP, USER_IDS

AGENT = USER_IDS["agent"]
FIRST, LATER = "2026-03-03T09:00:00Z", "2026-03-04T09:00:00Z"
Fields = dict[str, Any]
Step = tuple[str, Fields, str]


def _fields(**each: Any) -> st.SearchStrategy[Fields]:
    """Fields by name, each with a strategy or the values it may have; None = left out."""
    given = {
        name: one if isinstance(one, st.SearchStrategy) else st.sampled_from(one)
        for name, one in each.items()
    }
    filled = st.fixed_dictionaries(given)
    return filled.map(lambda all_: {name: one for name, one in all_.items() if one is not None})


_NONE = st.just(Fields())
STARRED: Mapping[str, st.SearchStrategy[Fields]] = {
    "Activate": _NONE,
    "AddToSegment": _fields(segment_id=["SEGMENT"]),
    "AnonymiseLead": _fields(reason=["asked for"]),
    "Cancel": _NONE,
    "CancelCallback": _NONE,
    "CancelScheduledDial": _NONE,
    "ChangeOwner": _fields(owner=[NORTH, SOUTH, TOP], retain_private_vip=[True, False]),
    "ChangeStatus": _fields(
        status=["created", "success", "rescheduled", "scheduled", "manual_redial_vip", "none_such"]
    ),
    "CloneLead": _fields(
        target_campaign_id=["TARGET"], duplicate_action=["skip", "update", "clone_anyway"]
    ),
    "CreateManualPass": _fields(disposition=["sold", "left"], agent=[None, AGENT]),
    "Deactivate": _NONE,
    "DeleteLead": _NONE,
    "DeleteUnprocessed": _fields(pool_id=["POOL"]),
    "MoveLead": _fields(target_campaign_id=["TARGET"], duplicate_action=["refuse", "move_anyway"]),
    "Pause": _NONE,
    "Ready": _NONE,
    "RemoveDialTimeLimit": _NONE,
    "RemoveFromSegment": _fields(segment_id=["SEGMENT"]),
    "Reserve": _fields(agent=[AGENT]),
    "Reset": _NONE,
    "RestoreStatus": _NONE,
    "ScheduleDial": _fields(at=[FIRST, LATER], zone=[None, "Europe/Lisbon"]),
    "SetCallback": _fields(at=[FIRST, LATER], agent=[None, AGENT]),
    "SetDialTimeLimit": _fields(start=["09:00", "10:00"], end=["17:00"]),
    "SetPriority": _fields(priority=[1, 5, 10]),
    "Suppress": _fields(until=[None, LATER]),
    "UnlockLead": _fields(release_to=[None, SOUTH]),
    "Unreserve": _NONE,
    "Unsuppress": _NONE,
    "UpdateFields": _fields(set=[{"age": 1}, {"age": 2, "name": "Zoe"}, {"shoe": 4}]),
}

STARRED_STEPS: st.SearchStrategy[Step] = st.sampled_from(sorted(STARRED)).flatmap(
    lambda name: st.tuples(
        st.just(name), STARRED[name], st.sampled_from(["admin", "admin", "team_leader"])
    )
)


def filled(fields: Fields, own: Mapping[str, str]) -> Fields:
    """Return the fields with a lead's own names in them."""
    return {
        name: own.get(one, one) if isinstance(one, str) else one for name, one in fields.items()
    }
