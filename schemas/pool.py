"""What can happen to a lead pool: the leads of one upload, one batch or one person's day.

One stream `pool-<uuid>` each. A lead says itself which pool it is in (`lead.created`,
`lead.moved`); the pool says what holds for all of its leads.
"""

from dataclasses import dataclass
from typing import ClassVar

from schemas.event import Event


@dataclass(frozen=True)
class PoolCreated(Event):
    """A pool began in a campaign. source: upload, api or manual."""

    TOPIC: ClassVar[str] = "pool.created"

    name: str
    campaign_id: str
    source: str = "upload"
    active: bool = True


@dataclass(frozen=True)
class PoolRenamed(Event):
    """The pool has this name now."""

    TOPIC: ClassVar[str] = "pool.renamed"

    name: str
    previous: str = ""


@dataclass(frozen=True)
class PoolActivated(Event):
    """The leads of the pool may be dialled again."""

    TOPIC: ClassVar[str] = "pool.activated"


@dataclass(frozen=True)
class PoolDeactivated(Event):
    """The leads of the pool are not dialled, except Private and VIP redials (rule 17)."""

    TOPIC: ClassVar[str] = "pool.deactivated"


@dataclass(frozen=True)
class PoolShuffled(Event):
    """Leads of the pool that are equally urgent are dialled in an order drawn from this seed."""

    TOPIC: ClassVar[str] = "pool.shuffled"

    seed: int
    previous: int | None = None


POOL_EVENTS: tuple[type[Event], ...] = (
    PoolCreated,
    PoolRenamed,
    PoolActivated,
    PoolDeactivated,
    PoolShuffled,
)
