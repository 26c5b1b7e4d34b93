"""What a decision may know beside the stream it decides on: handed in, so that deciding stays pure.

The handler loads only what the command needs; what it did not load stands at its default.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from schemas.frozen import frozen
from services.command.domain.written_out import copier

if TYPE_CHECKING:  # The packages of the aggregates import this module.
    from services.command.domain.campaign.state import Campaign
    from services.command.domain.dnc.state import DncEntry
    from services.command.domain.export.state import Export
    from services.command.domain.lead.state import Lead
    from services.command.domain.organisation.state import Organisation
    from services.command.domain.pool.state import Pool
    from services.command.domain.quarantine.state import HeldPayload
    from services.command.domain.segment.state import Segment
    from services.command.domain.view.state import View


@dataclass(frozen=True, slots=True)
class Actor:
    """Who gives the command.

    id: as the envelope has it, `user:<uuid>` or `service:<name>`. user_id and team_id: None for
    services. role: agent, team_leader, admin, auditor or dialer. rights: the extra ones.
    """

    id: str
    role: str
    user_id: str | None = None
    team_id: str | None = None
    rights: frozenset[str] = frozenset()

    @property
    def is_admin(self) -> bool:
        """Whether they may edit every lead: admins, our services, and the right `lead_admin`."""
        if self.role == "admin" or "lead_admin" in self.rights:
            return True
        return self.id.startswith("service:")


@frozen
class Facts:
    """The world at the moment of a decision.

    now: aware, UTC. campaign: the lead's, or the one a lead is created in. target: the campaign
    cloned or moved into. dnc: entries by E.164 number. new_ids: fresh ids for what the decision
    may create. holder: the lead that holds the duplicate key wanted; holder_lead: its state, for
    clone and move. other: the lead to merge or unmerge. leads: those a number to be erased is or
    was of, by stream. pool, segment, view: those the command names. pool_active: whether the lead's
    own pool is (rule 17). channels: by which messages can be
    sent here. payloads: those in quarantine that hold a number to be erased;
    views, segments, exports: those whose filter does. campaigns: all there are, where a status
    goes off. mail_domains: to addresses in which links to exports may be mailed beside those of
    users; None = none can be mailed here. files_kept: whether something of a file is kept by an
    import, in which a number may stand that nothing else tells of.
    """

    now: datetime
    actor: Actor
    organisation: "Organisation"
    campaign: "Campaign | None" = None
    target: "Campaign | None" = None
    dnc: "Mapping[str, tuple[DncEntry, ...]]" = field(default_factory=dict)
    new_ids: tuple[UUID, ...] = ()
    holder: UUID | None = None
    holder_lead: "Lead | None" = None
    other: "Lead | None" = None
    leads: "Mapping[UUID, Lead]" = field(default_factory=dict)
    payloads: "Mapping[UUID, HeldPayload]" = field(default_factory=dict)
    views: "Mapping[UUID, View]" = field(default_factory=dict)
    segments: "Mapping[UUID, Segment]" = field(default_factory=dict)
    campaigns: "Mapping[UUID, Campaign]" = field(default_factory=dict)
    pool: "Pool | None" = None
    segment: "Segment | None" = None
    view: "View | None" = None
    pool_active: bool = True
    exports: "Mapping[UUID, Export]" = field(default_factory=dict)
    channels: frozenset[str] = frozenset()
    mail_domains: frozenset[str] | None = None
    files_kept: bool = False


_same = copier(Facts)


def with_ids(facts: Facts, new_ids: tuple[UUID, ...]) -> Facts:
    """Return the same facts for another decision that may create something."""
    twin = _same(facts)
    object.__setattr__(twin, "new_ids", new_ids)
    return twin
