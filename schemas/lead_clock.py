"""What happens to a lead because time went by: dials and callbacks that fall due, calls nobody
told the end of; and contact sessions that ended, which may start such a time.

Part of the lead's stream; import these from schemas/lead.py. The same rules of storage hold.
"""

from dataclasses import dataclass
from typing import ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class LeadSessionEnded(Event):
    """The user (id) `agent` left the contact page of this session.

    status_after: `unresolved` when they left without a result (rule 8), None when the status stays.
    """

    TOPIC: ClassVar[str] = "lead.session_ended"

    contact_session_id: str
    agent: str | None = None
    status_after: str | None = None
    status_before: str | None = None


@dataclass(frozen=True)
class LeadCallLapsed(Event):
    """A started call was never told the end of: its reservation of the lead ended by itself.

    status_after: the status from before that call, None when the status stays.
    """

    TOPIC: ClassVar[str] = "lead.call_lapsed"

    call_id: str
    status_after: str | None = None
    status_before: str | None = None


@dataclass(frozen=True)
class LeadDialDue(Event):
    """The next retry or scheduled dial, asked for at `at`, has fallen due."""

    TOPIC: ClassVar[str] = "lead.dial_due"

    at: str


@dataclass(frozen=True)
class LeadCallbackDue(Event):
    """The lead waits to be called back since `at`, by this agent (user id) if it names one."""

    TOPIC: ClassVar[str] = "lead.callback_due"

    at: str
    agent: str | None = None


@dataclass(frozen=True)
class LeadCallbackOverdue(Event):
    """The callback promised for `at` is late."""

    TOPIC: ClassVar[str] = "lead.callback_overdue"

    at: str
    agent: str | None = None
