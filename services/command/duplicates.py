"""Looking for a lead's duplicates in other campaigns, as CloneLead may ask for (rule 14)."""

from uuid import UUID

from services.command.domain.campaign.state import Campaign
from services.command.domain.lead.claims import claims_anywhere
from services.command.domain.lead.state import Lead
from services.command.hashes import claim_hash
from services.command.state_cache import StateCache
from services.kit.eventlog import EventLog


async def find_duplicate(
    log: EventLog, states: StateCache, lead: Lead, target: Campaign, *, project_only: bool
) -> UUID | None:
    """Return a lead that holds the same duplicate key: in the target if there, else the oldest.

    Looks into the campaigns of the target's project, or into all. Duplicates within the target
    alone need no search: the claim on the key finds them at the append.
    """
    campaigns = await _campaigns(log, states)
    searched = [
        (one.id, one.template.duplicate_key)
        for one in campaigns
        if not project_only or one.project == target.project
    ]
    claims = claims_anywhere(lead, searched)
    by_hash = {claim_hash(log.keys.master, claim): claim for claim in claims}
    holders = await log.holders(by_hash)
    found = {by_hash[key]: holder for key, holder in holders.items() if str(holder) != lead.id}
    for claim, holder in found.items():
        if claim.scope == target.id:
            return holder
    return min(found.values(), default=None)


async def _campaigns(log: EventLog, states: StateCache) -> list[Campaign]:
    ids = await log.streams_of("campaign")
    if not ids:
        return []
    campaigns, _ = await states.get(dict.fromkeys(ids, "campaign"))
    return list(campaigns.values())
