"""What happens to a lead because it is dialled: calls, reservations, schedules, callbacks, locks.

Part of the lead's stream; import these from schemas/lead.py. The same rules of storage hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class LeadDialScheduled(Event):
    """The lead is not dialled before this time; `zone` is the zone it was asked in.

    contact: id of the contact to dial then, where an undo restores one; None leaves it as it is.
    """

    TOPIC: ClassVar[str] = "lead.dial_scheduled"

    at: str
    zone: str | None = None
    previous: str | None = None
    contact: int | None = None


@dataclass(frozen=True)
class LeadScheduledDialCancelled(Event):
    """Neither a scheduled dial nor a retry is waiting any more."""

    TOPIC: ClassVar[str] = "lead.scheduled_dial_cancelled"

    previous: str | None = None


@dataclass(frozen=True)
class LeadCallbackSet(Event):
    """The lead asked to be called back then, perhaps by this agent (user id); retries are off."""

    TOPIC: ClassVar[str] = "lead.callback_set"

    at: str
    agent: str | None = None
    status_before: str = ""
    previous: str | None = None


@dataclass(frozen=True)
class LeadCallbackCancelled(Event):
    """No callback is due any more, and no retry either."""

    TOPIC: ClassVar[str] = "lead.callback_cancelled"

    status: str = ""
    previous: str | None = None


@dataclass(frozen=True)
class LeadReserved(Event):
    """Only this agent (user id) may call the lead."""

    TOPIC: ClassVar[str] = "lead.reserved"

    agent: str
    previous: str | None = None


@dataclass(frozen=True)
class LeadUnreserved(Event):
    """Any agent with the right may call the lead again."""

    TOPIC: ClassVar[str] = "lead.unreserved"

    previous: str | None = None


@dataclass(frozen=True)
class LeadLocked(Event):
    """The lead is locked to this user (id), until unlocked or until `until`."""

    TOPIC: ClassVar[str] = "lead.locked"

    user: str
    until: str | None = None
    previous: str | None = None


@dataclass(frozen=True)
class LeadUnlocked(Event):
    """The lock is lifted.

    part_of: `status` or `call` when it comes with an edited status or a call (lead_modified.py).
    """

    TOPIC: ClassVar[str] = "lead.unlocked"

    previous: str | None = None
    part_of: str | None = None


@dataclass(frozen=True)
class LeadDialTimeLimited(Event):
    """Dialled only between these times of day, `HH:MM`, in that zone; None = the number's zones."""

    TOPIC: ClassVar[str] = "lead.dial_time_limited"

    start: str
    end: str
    zone: str | None = None
    before: Sequence[str | None] = ()


@dataclass(frozen=True)
class LeadDialTimeLimitRemoved(Event):
    """Only the campaign's dialling hours count again."""

    TOPIC: ClassVar[str] = "lead.dial_time_limit_removed"

    before: Sequence[str | None] = ()


@dataclass(frozen=True)
class LeadCallStarted(Event):
    """A dial is reserved for one agent and one number until its call is recorded (rule 10).

    expires_at: when the reservation ends by itself. status_after: None when the status stays.
    rules_version: version of the campaign whose limits and hours allowed it, for audits.
    """

    TOPIC: ClassVar[str] = "lead.call_started"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"number"})

    call_id: str
    expires_at: str
    number: str | None = None
    agent: str | None = None
    contact_session_id: str | None = None
    status_after: str | None = None
    status_before: str | None = None
    rules_version: int = 0


@dataclass(frozen=True)
class LeadCallRecorded(Event):
    """A dialer's fact: this call took place (rule 9), and what the follow-up rules made of it.

    It happened at `started_at`, however late it arrived. rule: what decided the follow-up
    (`campaign:<rule>` or `built-in:<end cause>`), None when there was none to decide because a
    later call is known already. Only with a rule do the next two count: `status_after` (None =
    the status stays) and `next_dial_at` (None = nothing waits). next_contact: id of the contact
    to dial then, 0 = the primary number, None = free.
    """

    TOPIC: ClassVar[str] = "lead.call_recorded"
    PERSONAL: ClassVar[frozenset[str]] = frozenset(
        {"number", "recording", "transcript", "extracted"}
    )

    call_id: str
    campaign_id: str
    started_at: str
    number: str | None = None
    agent: str | None = None
    ended_at: str | None = None
    end_cause: str = "NotApplicable"
    disposition: str | None = None
    talk_seconds: int = 0
    contact_session_id: str | None = None
    recording: str | None = None
    transcript: str | None = None
    extracted: Fields | None = None
    rule: str | None = None
    status_after: str | None = None
    status_before: str | None = None
    next_dial_at: str | None = None
    next_contact: int | None = None


@dataclass(frozen=True)
class LeadManualPassRecorded(Event):
    """Somebody entered an attempt by hand; it counts like a call."""

    TOPIC: ClassVar[str] = "lead.manual_pass_recorded"

    agent: str | None = None
    disposition: str | None = None
    rule: str | None = None
    status_after: str | None = None
    status_before: str | None = None
    next_dial_at: str | None = None
    next_contact: int | None = None


@dataclass(frozen=True)
class LeadAttemptsRestored(Event):
    """A reset was undone: the attempts from before it count again. `previous` counted till now."""

    TOPIC: ClassVar[str] = "lead.attempts_restored"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"by_number"})

    attempts: int
    reset_at: str | None = None
    by_rule: Mapping[str, int] | None = None
    by_number: Mapping[str, int] | None = None
    previous: int = 0


@dataclass(frozen=True)
class LeadResultRecorded(Event):
    """The user (id) finished working on the lead with this result, a status code.

    ends_waiting: it closes the lead, so that no dial, retry or callback waits any more.
    """

    TOPIC: ClassVar[str] = "lead.result_recorded"

    result: str
    processed_by: str
    previous: str = ""
    ends_waiting: bool = False
