"""What is known of a lead pool. Frozen, so that it can be shared and cached."""

from dataclasses import dataclass, replace

from schemas import pool as events
from services.command.domain.evolution import Evolution


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


EVOLUTION = Evolution(
    Pool(),
    {
        events.PoolCreated: _created,
        events.PoolRenamed: lambda pool, event: replace(pool, name=event.name),
        events.PoolActivated: lambda pool, event: replace(pool, active=True),
        events.PoolDeactivated: lambda pool, event: replace(pool, active=False),
        events.PoolShuffled: lambda pool, event: replace(pool, seed=event.seed),
    },
)
evolve, fold, replay = EVOLUTION.evolve, EVOLUTION.fold, EVOLUTION.replay
