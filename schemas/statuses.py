"""The statuses a lead can have and the ways a call can end. Data, not code.

An organisation adds statuses of its own. 36 are built in. Rules ask a status for its group, its
kind and whether it may be dialled, never for its name, except where a rule itself names one (rules
4, 6, 7, 8, 16).
"""

from dataclasses import dataclass
from typing import Literal

StatusGroup = Literal["open", "held", "closed"]
StatusKind = Literal[
    "new", "working", "redial", "personal_redial", "waiting", "held", "won", "lost", "unreachable",
    "exhausted", "gone", "do_not_call",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Status:
    """One entry of the catalogue.

    group: `open` = still to be worked on, `held` = set aside by a person, `closed` = done with.
    dialable: whether a lead with it may be dialled at all, before any other check (rule 10).
    kind: what the status says of the lead. `personal_redial` are the two that keep their owner
    (rule 4) and are dialled although their pool is off (rule 17); `won` counts as success.
    active: whether it may be given to leads; those that have one that is switched off keep it.
    """

    code: str
    label: str
    group: StatusGroup
    dialable: bool
    kind: StatusKind
    active: bool = True


_OPEN: tuple[tuple[str, str, bool, StatusKind], ...] = (
    ("created", "Created", True, "new"),
    ("unprocessed", "Unprocessed", True, "new"),
    ("ready", "Ready", True, "new"),
    # A call in progress holds the dial by its reservation, so that a lost call frees the lead.
    ("processing", "Processing", True, "working"),
    ("contacted", "Contacted", True, "working"),
    ("interested", "Interested", True, "working"),
    ("qualified", "Qualified", True, "working"),
    ("no_answer", "No answer", True, "redial"),
    ("callback", "Callback", True, "redial"),
    ("scheduled", "Scheduled", True, "redial"),
    ("rescheduled", "Rescheduled", True, "redial"),
    ("automatic_redial", "Automatic redial", True, "redial"),
    ("manual_redial_common", "Manual redial, common", True, "redial"),
    ("manual_redial_private", "Manual redial, private", True, "personal_redial"),
    ("manual_redial_vip", "Manual redial, VIP", True, "personal_redial"),
    ("follow_up_redial", "Follow-up redial", True, "redial"),
    ("pending_validation", "Pending validation", False, "waiting"),
    # Locked to the user who left the session without a result (rule 8); that user may dial.
    ("unresolved", "Unresolved", True, "waiting"),
)
_CLOSED: tuple[tuple[str, str, StatusKind], ...] = (
    ("success", "Success", "won"),
    ("completed", "Completed", "won"),
    ("not_interested", "Not interested", "lost"),
    ("unqualified", "Unqualified", "lost"),
    ("invalid", "Invalid", "lost"),
    ("invalid_phone_number", "Invalid phone number", "unreachable"),
    ("wrong_number", "Wrong number", "unreachable"),
    ("duplicate", "Duplicate", "gone"),
    ("max_call_attempts", "Max. call attempts", "exhausted"),
    ("max_retries", "Max. retries", "exhausted"),
    ("abandoned", "Abandoned", "exhausted"),
    ("expired", "Expired", "exhausted"),
    ("removed", "Removed", "gone"),
    ("anonymised", "Anonymised", "gone"),
    ("in_do_not_call_list", "In do not call list", "do_not_call"),
    ("in_global_do_not_call_list", "In global do not call list", "do_not_call"),
)

BUILT_IN: dict[str, Status] = {
    status.code: status
    for status in (
        *(Status(code, label, "open", dialable, kind) for code, label, dialable, kind in _OPEN),
        Status("paused", "Paused", "held", False, "held"),
        Status("cancelled", "Cancelled", "held", False, "held"),
        *(Status(code, label, "closed", False, kind) for code, label, kind in _CLOSED),
    )
}
"""The 36 built-in statuses by code, in the order in which people see them."""

PERSONAL_REDIALS: frozenset[str] = frozenset({"manual_redial_private", "manual_redial_vip"})
"""The two redials that make the acting user the owner and keep that owner (rule 4)."""

END_CAUSES: dict[str, str] = {
    "NotApplicable": "The call is still in progress, or how it ended could not be determined",
    "NormalDisconnect": "The call was ended normally, by the lead or the agent",
    "NoResponse": "Nobody answered",
    "Busy": "The number was busy",
    "VoiceMail": "The agent marked the call as voice mail",
    "DroppedCall": "The system hung up before an agent was connected",
    "DialingCancelled": "The agent cancelled while it was dialling or ringing",
}
"""The seven ways a call can end, by code, each with what it means."""
