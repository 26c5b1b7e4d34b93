"""What is known of a lead pool. Frozen, so that it can be shared and cached."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from schemas import pool as events
from schemas.envelope import Recorded
from schemas.event import Event


@dataclass(frozen=True, slots=True)
class Pool:
    """One pool. `version` 0 = there is none. seed: of the order drawn last, None = as they came."""

    id: str = ""
    version: int = 0
    name: str = ""
    campaign_id: str = ""
    source: str = ""
    active: bool = True
    seed: int | None = None


def _created(pool: Pool, event: events.PoolCreated) -> Pool:
    return replace(
        pool,
        id=str(event.originator_id),
        name=event.name,
        campaign_id=event.campaign_id,
        source=event.source,
        active=event.active,
    )


_CHANGES: dict[type[Event], Callable[[Pool, Any], Pool]] = {
    events.PoolCreated: _created,
    events.PoolRenamed: lambda pool, event: replace(pool, name=event.name),
    events.PoolActivated: lambda pool, event: replace(pool, active=True),
    events.PoolDeactivated: lambda pool, event: replace(pool, active=False),
    events.PoolShuffled: lambda pool, event: replace(pool, seed=event.seed),
}


def evolve(pool: Pool, event: Event) -> Pool:
    """Return the pool after one more event; an unknown event only counts."""
    change = _CHANGES.get(type(event))
    changed = pool if change is None else change(pool, event)
    return replace(changed, version=pool.version + 1)


def fold(happened: Iterable[Event], pool: Pool | None = None) -> Pool:
    """Return the pool after these events, from `pool` or from nothing."""
    state = Pool() if pool is None else pool
    for event in happened:
        state = evolve(state, event)
    return state


def replay(recorded: Iterable[Recorded], pool: Pool | None = None) -> Pool:
    """Return the pool after these events as they stand in the log."""
    return fold((one.event for one in recorded), pool)
