"""What can be asked of a lead pool. Pools are an admin's work, and of who has `lead_pools`."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from schemas import pool as events
from schemas.event import Event
from services.command.domain.admission import admit
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.pool.state import Pool
from services.command.domain.types import Id, Name

Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]


class PoolCommand(Command):
    """What all commands to a pool share."""

    aggregate: ClassVar[str] = "pool"
    roles: ClassVar[frozenset[str]] = frozenset({"admin"})


class CreatePool(PoolCommand):
    """Begin a lead pool in a campaign; leads name it when they are created or moved."""

    creates: ClassVar[bool] = True

    campaign_id: Id
    name: Name
    source: Literal["upload", "api", "manual"] = "upload"
    active: bool = True


class RenamePool(PoolCommand):
    """Give the pool another name."""

    name: Name


class ActivatePool(PoolCommand):
    """Let the leads of the pool be dialled again."""


class DeactivatePool(PoolCommand):
    """Let no lead of the pool be dialled, except Private and VIP redials (rule 17)."""


class ShufflePool(PoolCommand):
    """Dial leads of the pool that are equally urgent in an order drawn by lot.

    The same seed gives the same order; without one it is drawn anew.
    """

    seed: Seed | None = None


def _known(pool: Pool | None, command: Command, facts: Facts) -> Pool:
    admit(command, facts)
    if pool is None or pool.version == 0:
        raise Refused([Reason("unknown-pool", "There is no such pool.")])
    return pool


@decides(CreatePool)
def _create(pool: Pool | None, command: CreatePool, facts: Facts) -> Iterable[Event]:
    admit(command, facts)
    reasons = []
    if pool is not None and pool.version:
        reasons.append(Reason("pool-exists", "A pool with this id exists already."))
    if facts.campaign is None or not facts.campaign.version:
        reasons.append(Reason("unknown-campaign", "There is no such campaign.", "campaign_id"))
    if reasons:
        raise Refused(reasons)
    yield events.PoolCreated(command.name, command.campaign_id, command.source, command.active)


@decides(RenamePool)
def _rename(pool: Pool | None, command: RenamePool, facts: Facts) -> Iterable[Event]:
    known = _known(pool, command, facts)
    if known.name != command.name:
        yield events.PoolRenamed(command.name, previous=known.name)


@decides(ActivatePool)
def _activate(pool: Pool | None, command: ActivatePool, facts: Facts) -> Iterable[Event]:
    if not _known(pool, command, facts).active:
        yield events.PoolActivated()


@decides(DeactivatePool)
def _deactivate(pool: Pool | None, command: DeactivatePool, facts: Facts) -> Iterable[Event]:
    if _known(pool, command, facts).active:
        yield events.PoolDeactivated()


@decides(ShufflePool)
def _shuffle(pool: Pool | None, command: ShufflePool, facts: Facts) -> Iterable[Event]:
    known = _known(pool, command, facts)
    seed = command.seed
    if seed is None:  # A fresh id is as good as a die, and handed in, so deciding stays pure.
        seed = int.from_bytes(facts.new_ids[0].bytes[-6:])
    if seed != known.seed:
        yield events.PoolShuffled(seed, previous=known.seed)
