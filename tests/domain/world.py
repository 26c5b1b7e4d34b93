"""The organisation and campaign in which the stories of the lead tests play.

Teams: top > sales > north, and top > support. Numbers are from ranges reserved for fiction.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from schemas import organisation as org
from schemas.lead import LeadCreated
from services.command.domain.campaign.state import (
    AttemptLimits,
    Campaign,
    FollowUpRule,
    FollowUpRules,
)
from services.command.domain.campaign.template import Template, TemplateField
from services.command.domain.dnc.state import DncEntry
from services.command.domain.facts import Actor, Facts
from services.command.domain.organisation.state import Organisation
from services.command.domain.organisation.state import fold as fold_organisation


def an_id(number: int) -> str:
    """Return the id of this number, the same in every run."""
    return str(UUID(int=(0x01920000_0000_7000_8000 << 48) + number))


TOP, SALES, NORTH, SUPPORT = an_id(1), an_id(2), an_id(3), an_id(4)
ANA, BEN, LEE, ADA, AUD, DIA, SUE, OLD = (an_id(number) for number in range(11, 19))
CAMPAIGN, TARGET, POOL = an_id(31), an_id(32), an_id(33)
CLONE, HOLDER = an_id(41), an_id(42)
PHONE, OTHER_PHONE, THIRD_PHONE = "+14155550100", "+14155550101", "+14155550102"
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # a Monday, 09:00 in San Francisco

ORGANISATION: Organisation = fold_organisation(
    [
        org.OrganisationSetUp(TOP, "Everybody"),
        org.TeamAdded(SALES, "Sales", TOP, "S1"),
        org.TeamAdded(NORTH, "North", SALES),
        org.TeamAdded(SUPPORT, "Support", TOP),
        org.UserAdded(ANA, NORTH, "agent", ownership_code="A1"),
        org.UserAdded(BEN, NORTH, "agent"),
        org.UserAdded(LEE, SALES, "team_leader"),
        org.UserAdded(ADA, TOP, "admin"),
        org.UserAdded(AUD, TOP, "auditor"),
        org.UserAdded(DIA, TOP, "dialer"),
        org.UserAdded(SUE, SUPPORT, "agent"),
        org.UserAdded(OLD, NORTH, "agent"),
        org.UserDeactivated(OLD),
    ]
)

TEMPLATE = Template(
    (
        TemplateField("age", "Age", "number"),
        TemplateField("job", "Job", "picklist", ("clerk", "baker"), default="clerk"),
        TemplateField("city", "City", required=False),
        TemplateField("iban", "IBAN", personal=True),
    )
)
RULES = FollowUpRules(
    (
        FollowUpRule("automatic_redial", "NoResponse", delay_minutes=60, max_attempts=2),
        FollowUpRule("no_answer", "Busy", delay_minutes=5, number="next"),
        FollowUpRule("rescheduled", "VoiceMail", delay_minutes=30, max_attempts=1),
        FollowUpRule("success", disposition="sold"),
        FollowUpRule("manual_redial_private", disposition="mine", delay_minutes=1440),
    )
)
SELLING = Campaign(
    id=CAMPAIGN,
    version=3,
    name="Selling",
    active=True,
    template=TEMPLATE,
    rules=RULES,
    rules_version=3,
)


def actor(user: str = ADA) -> Actor:
    """Return this user as who gives a command."""
    known = ORGANISATION.users[user]
    return Actor(f"user:{user}", known.role, user, known.team, known.rights)


def facts(by: str = ADA, **known: Any) -> Facts:
    """Return the facts of a command by this user; more facts by name."""
    base = Facts(now=NOW, actor=actor(by), organisation=ORGANISATION, campaign=SELLING)
    return replace(base, **known)


def limited(**limits: int) -> Campaign:
    """Return the campaign with these attempt limits."""
    return replace(SELLING, limits=AttemptLimits(**limits))


def listed(scope: str = "global", **entry: Any) -> Mapping[str, tuple[DncEntry, ...]]:
    """Return PHONE on a do-not-call list."""
    return {PHONE: (DncEntry(scope, **entry),)}


def created(**changes: Any) -> LeadCreated:
    """Return how the lead of the stories began; sales own it."""
    usual = {
        "campaign_id": CAMPAIGN,
        "owner": f"team:{SALES}",
        "phone": PHONE,
        "phone_typed": PHONE,
    }
    return LeadCreated(**{**usual, **changes})
