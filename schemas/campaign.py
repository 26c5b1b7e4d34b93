"""What can happen to a campaign: its template, rules, limits, hours and range; on and off.

One stream `campaign-<uuid>` each. A template field is stored as `{"import_name", "label", "type",
"values", "required", "default", "personal"}`; a follow-up rule as `{"end_cause", "disposition",
"next_status", "delay_minutes", "max_attempts", "number"}`; hours as `{"windows": seven lists of
[start, end] from Monday, "zone", "holidays"}`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event

Stored = Mapping[str, Any]


@dataclass(frozen=True)
class CampaignCreated(Event):
    """A campaign began, whole: a copy holds all it took over and depends on its source no more.

    duplicate_key: import name whose value one lead of the campaign may hold, `phone` = the
    primary number; fixed for good, because the claims of the leads rest on it (rule 15).
    """

    TOPIC: ClassVar[str] = "campaign.created"

    name: str
    code: str = ""
    project: str = ""
    duplicate_key: str = "phone"
    fields: Sequence[Stored] = ()
    rules: Sequence[Stored] = ()
    limits: Stored | None = None
    hours: Stored | None = None
    active: bool = True
    active_from: str | None = None
    active_until: str | None = None
    copied_from: str | None = None


@dataclass(frozen=True)
class CampaignRenamed(Event):
    """The campaign has this name, code and project now."""

    TOPIC: ClassVar[str] = "campaign.renamed"

    name: str
    code: str = ""
    project: str = ""
    before: Stored | None = None


@dataclass(frozen=True)
class CampaignTemplateChanged(Event):
    """Fields were added or changed (`put`) or taken out (`removed`); `before` is how they were."""

    TOPIC: ClassVar[str] = "campaign.template_changed"

    put: Sequence[Stored] = ()
    removed: Sequence[str] = ()
    before: Sequence[Stored] = ()


@dataclass(frozen=True)
class CampaignFollowUpRulesChanged(Event):
    """These are all the follow-up rules now, in place of those before (rule 19)."""

    TOPIC: ClassVar[str] = "campaign.follow_up_rules_changed"

    rules: Sequence[Stored] = ()
    before: Sequence[Stored] = ()


@dataclass(frozen=True)
class CampaignAttemptLimitsChanged(Event):
    """A lead or number may be tried this often, a dial is reserved this long (rule 10)."""

    TOPIC: ClassVar[str] = "campaign.attempt_limits_changed"

    limits: Stored
    before: Stored | None = None


@dataclass(frozen=True)
class CampaignDiallingHoursChanged(Event):
    """Leads are dialled in these hours only; None = at any time (rule 10)."""

    TOPIC: ClassVar[str] = "campaign.dialling_hours_changed"

    hours: Stored | None = None
    before: Stored | None = None


@dataclass(frozen=True)
class CampaignActivityRangeChanged(Event):
    """The campaign runs between these instants; None = no bound on that side (rule 8)."""

    TOPIC: ClassVar[str] = "campaign.activity_range_changed"

    active_from: str | None = None
    active_until: str | None = None
    before: Sequence[str | None] = ()


@dataclass(frozen=True)
class CampaignActivated(Event):
    """The leads of the campaign may be dialled again."""

    TOPIC: ClassVar[str] = "campaign.activated"


@dataclass(frozen=True)
class CampaignDeactivated(Event):
    """No lead of the campaign is dialled."""

    TOPIC: ClassVar[str] = "campaign.deactivated"


CAMPAIGN_EVENTS: tuple[type[Event], ...] = (
    CampaignCreated,
    CampaignRenamed,
    CampaignTemplateChanged,
    CampaignFollowUpRulesChanged,
    CampaignAttemptLimitsChanged,
    CampaignDiallingHoursChanged,
    CampaignActivityRangeChanged,
    CampaignActivated,
    CampaignDeactivated,
)
