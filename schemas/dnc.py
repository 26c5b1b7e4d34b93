"""What can happen to a number that asked not to be called. One stream per number, by keyed hash.

So the entry belongs to the number and outlives every lead; it blocks even after the number itself
was erased.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class DncAdded(Event):
    """The number is not called, in one campaign or in all, for this reason, until `expires_at`.

    Takes the place of an earlier entry of the same scope and campaign, which `before` holds.
    """

    TOPIC: ClassVar[str] = "dnc.added"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"number"})

    scope: str
    campaign_id: str | None = None
    reason: str = ""
    expires_at: str | None = None
    number: str | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class DncRemoved(Event):
    """The entry of this scope and campaign was lifted, for this reason."""

    TOPIC: ClassVar[str] = "dnc.removed"
    PERSONAL: ClassVar[frozenset[str]] = frozenset({"number"})

    scope: str
    campaign_id: str | None = None
    reason: str = ""
    number: str | None = None


@dataclass(frozen=True)
class DncNumberErased(Event):
    """The number was erased, here and in so many leads; entries about it go on blocking it."""

    TOPIC: ClassVar[str] = "dnc.number_erased"
    DESTROYS_KEY: ClassVar[bool] = True

    reason: str = ""
    leads: int = 0


DNC_EVENTS: tuple[type[Event], ...] = (DncAdded, DncRemoved, DncNumberErased)
