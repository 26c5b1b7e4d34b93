"""What is known of a campaign. Frozen, so that it can be shared and cached."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Literal

from schemas import campaign as events
from schemas.dialling_hours import DiallingHours
from schemas.event import Event
from schemas.instants import parse_instant
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.evolution import Change, Evolution


def _known_to(kind: Any, stored: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what newer code wrote, so that an older process can still fold."""
    return {one.name: stored[one.name] for one in fields(kind) if one.name in stored}


@dataclass(frozen=True, slots=True)
class FollowUpRule:
    """What becomes of a lead after a call with this end cause or disposition (rule 19).

    delay_minutes: from the end of the call to the next dial; None = no next dial. max_attempts:
    how often the rule may bring the lead back, None = as often as the limits allow. number:
    whether the next dial takes the `same` number or the `next` one in order.
    """

    next_status: str
    end_cause: str | None = None
    disposition: str | None = None
    delay_minutes: int | None = None
    max_attempts: int | None = None
    number: Literal["same", "next"] = "same"

    @property
    def name(self) -> str:
        """What the rule is called in events: what it is about, which no two rules share."""
        return "+".join(one for one in (self.end_cause, self.disposition) if one is not None)

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any]) -> "FollowUpRule":
        """Return the rule that `stored` once described."""
        return cls(**_known_to(cls, stored))

    def stored(self) -> dict[str, Any]:
        """Return the rule as an event holds it."""
        return {
            "end_cause": self.end_cause,
            "disposition": self.disposition,
            "next_status": self.next_status,
            "delay_minutes": self.delay_minutes,
            "max_attempts": self.max_attempts,
            "number": self.number,
        }


@dataclass(frozen=True)
class FollowUpRules:
    """All rules of a campaign, at most one per pair of end cause and disposition."""

    rules: tuple[FollowUpRule, ...] = ()
    _by_pair: Mapping[tuple[str | None, str | None], FollowUpRule] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        pairs = {(rule.end_cause, rule.disposition): rule for rule in self.rules}
        object.__setattr__(self, "_by_pair", pairs)

    def find(self, end_cause: str, disposition: str | None) -> FollowUpRule | None:
        """Return the rule for both, else the disposition's, else the end cause's, else None."""
        pairs = self._by_pair
        if disposition is not None:
            found = pairs.get((end_cause, disposition)) or pairs.get((None, disposition))
            if found is not None:
                return found
        return pairs.get((end_cause, None))


@dataclass(frozen=True, slots=True)
class AttemptLimits:
    """How often may be tried (None = without limit) and how long a dial is reserved (rule 10)."""

    per_lead: int | None = None
    per_number: int | None = None
    per_day: int | None = None
    reservation_minutes: int = 30

    @classmethod
    def from_stored(cls, stored: Mapping[str, Any] | None) -> "AttemptLimits":
        """Return the limits that `stored` once described; None = the usual ones."""
        return cls(**_known_to(cls, stored or {}))

    def stored(self) -> dict[str, Any]:
        """Return the limits as an event holds them."""
        return {
            "per_lead": self.per_lead,
            "per_number": self.per_number,
            "per_day": self.per_day,
            "reservation_minutes": self.reservation_minutes,
        }


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign. `version` 0 = there is none.

    rules_version: the version at which rules, limits or hours last changed. active_from and
    active_until: instants as text, the second outside the range (rule 8).
    """

    id: str = ""
    version: int = 0
    name: str = ""
    code: str = ""
    project: str = ""
    active: bool = False
    template: Template = field(default_factory=Template)
    rules: FollowUpRules = field(default_factory=FollowUpRules)
    limits: AttemptLimits = field(default_factory=AttemptLimits)
    hours: DiallingHours | None = None
    rules_version: int = 0
    active_from: str | None = None
    active_until: str | None = None

    def has_begun(self, at: datetime) -> bool:
        """Say whether the range had begun at that instant."""
        return self.active_from is None or at >= parse_instant(self.active_from)

    def has_ended(self, at: datetime) -> bool:
        """Say whether the range was over at that instant: its leads are expired (rule 8)."""
        return self.active_until is not None and at >= parse_instant(self.active_until)

    def runs(self, at: datetime) -> bool:
        """Say whether the campaign is on and `at` within its range."""
        return self.active and self.has_begun(at) and not self.has_ended(at)


def _hours(stored: Mapping[str, Any] | None) -> DiallingHours | None:
    return None if stored is None else DiallingHours.from_stored(stored)


def _rules(stored: Iterable[Mapping[str, Any]]) -> FollowUpRules:
    return FollowUpRules(tuple(FollowUpRule.from_stored(one) for one in stored))


_Changes = dict[str, Any]


def _created(campaign: Campaign, event: events.CampaignCreated) -> _Changes:
    own = tuple(TemplateField.from_stored(one) for one in event.fields)
    return {
        "id": str(event.originator_id),
        "name": event.name,
        "code": event.code,
        "project": event.project,
        "active": event.active,
        "template": Template(own, event.duplicate_key),
        "rules": _rules(event.rules),
        "limits": AttemptLimits.from_stored(event.limits),
        "hours": _hours(event.hours),
        "rules_version": campaign.version + 1,
        "active_from": event.active_from,
        "active_until": event.active_until,
    }


def _renamed(campaign: Campaign, event: events.CampaignRenamed) -> _Changes:
    return {"name": event.name, "code": event.code, "project": event.project}


def _template_changed(campaign: Campaign, event: events.CampaignTemplateChanged) -> _Changes:
    old = campaign.template
    put = {one["import_name"]: TemplateField.from_stored(one) for one in event.put}
    kept = [
        put.pop(one.import_name, one) for one in old.fields if one.import_name not in event.removed
    ]
    own = (*kept, *put.values())
    names = {one.import_name for one in own}
    removed = tuple(one for one in (*old.removed, *old.fields) if one.import_name not in names)
    return {"template": Template(own, old.duplicate_key, removed)}


def _rules_changed(campaign: Campaign, event: events.CampaignFollowUpRulesChanged) -> _Changes:
    return {"rules": _rules(event.rules), "rules_version": campaign.version + 1}


def _limits_changed(campaign: Campaign, event: events.CampaignAttemptLimitsChanged) -> _Changes:
    limits = AttemptLimits.from_stored(event.limits)
    return {"limits": limits, "rules_version": campaign.version + 1}


def _hours_changed(campaign: Campaign, event: events.CampaignDiallingHoursChanged) -> _Changes:
    return {"hours": _hours(event.hours), "rules_version": campaign.version + 1}


def _range_changed(campaign: Campaign, event: events.CampaignActivityRangeChanged) -> _Changes:
    return {"active_from": event.active_from, "active_until": event.active_until}


def _activated(campaign: Campaign, event: events.CampaignActivated) -> _Changes:
    return {"active": True}


def _deactivated(campaign: Campaign, event: events.CampaignDeactivated) -> _Changes:
    return {"active": False}


_CHANGES: dict[type[Event], Callable[[Campaign, Any], _Changes]] = {
    events.CampaignCreated: _created,
    events.CampaignRenamed: _renamed,
    events.CampaignTemplateChanged: _template_changed,
    events.CampaignFollowUpRulesChanged: _rules_changed,
    events.CampaignAttemptLimitsChanged: _limits_changed,
    events.CampaignDiallingHoursChanged: _hours_changed,
    events.CampaignActivityRangeChanged: _range_changed,
    events.CampaignActivated: _activated,
    events.CampaignDeactivated: _deactivated,
}


def _changing(changes: Callable[[Campaign, Any], _Changes]) -> Change[Campaign]:
    return lambda campaign, event: replace(campaign, **changes(campaign, event))


EVOLUTION = Evolution(Campaign(), {kind: _changing(changes) for kind, changes in _CHANGES.items()})
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
