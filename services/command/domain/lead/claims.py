"""What a lead holds in the outside world: its claim on the duplicate key (rule 15), its numbers.

Both are derived from the state, so the handler finds what to take and to free by comparing the
state before and after.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

from services.command.domain.decider import Claim
from services.command.domain.lead.state import Lead

_KIND = "duplicate-key"

marks = attrgetter(
    "exists",
    "claims",
    "merged_into",
    "campaign_id",
    "key",
    "phone",
    "contacts",
    "fields",
    "personal",
    "numbers_known",
)
"""All that claims and numbers follow from: two states alike in this hold the same. Most commands
touch none of it, and are spared the rest.
"""


def claim_of(lead: Lead) -> Claim | None:
    """Return the claim a lead holds; None without a value, beside its duplicate, or merged."""
    if not lead.exists or not lead.claims or lead.merged_into is not None:
        return None
    return claim_on(lead.campaign_id, lead.key, key_value(lead, lead.key))


def claim_on(campaign_id: str, import_name: str, value: Any) -> Claim | None:
    """Return the claim on a value of a campaign's duplicate key; None when there is no value."""
    normal = _normal(value)
    return Claim(_KIND, campaign_id, f"{import_name}={normal}") if normal else None


def claims_anywhere(lead: Lead, campaigns: Iterable[tuple[str, str]]) -> tuple[Claim, ...]:
    """Return the claims that duplicates of `lead` would hold in these (campaign id, key) pairs.

    The handler looks them up for the duplicate search of a clone (rule 14).
    """
    wanted = (
        claim_on(campaign_id, key, key_value(lead, key))
        for campaign_id, key in campaigns
    )  # fmt: skip
    return tuple(claim for claim in wanted if claim is not None)


def key_value(lead: Lead, import_name: str) -> Any:
    """Return the lead's value of a duplicate key; `phone` is the primary number."""
    return lead.phone if import_name == "phone" else lead.value(import_name)


def numbers_of(lead: Lead) -> frozenset[str]:
    """Return the numbers (E.164) the lead can be dialled on: primary and secondary contacts.

    A merged lead has none: its numbers are dialled as the survivor's.
    """
    if lead.merged_into is not None or (lead.phone is None and not lead.contacts):
        return frozenset()
    numbers = {lead.phone, *(contact.phone for contact in lead.contacts)}
    return frozenset(number for number in numbers if number is not None)


def traces_of(lead: Lead, dialled: frozenset[str] | None = None) -> frozenset[str]:
    """Return the numbers that stand in the lead's history but are not dialled: those it had
    before, its WhatsApp identities, all numbers of a merged lead. None once it is erased.

    dialled: its `numbers_of`, where they are at hand.
    """
    return lead.numbers_known - (numbers_of(lead) if dialled is None else dialled)


def knows_number(lead: Lead, number: str) -> bool:
    """Say whether the number is or ever was the lead's: a late call may be to an old number."""
    return number in lead.numbers_known


def _normal(value: Any) -> str:
    """Equal for people = equal here: letter case and spaces do not make another customer."""
    return "" if value is None else " ".join(str(value).casefold().split())
