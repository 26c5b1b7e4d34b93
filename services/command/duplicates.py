"""Looking for leads' duplicates in other campaigns, as CloneLead may ask for (rule 14)."""

from collections.abc import Collection
from uuid import UUID

from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Claim
from services.command.domain.lead.claims import claims_anywhere
from services.command.domain.lead.state import Lead
from services.command.hashes import claim_hash
from services.command.state_cache import StateCache
from services.kit.eventlog import EventLog


async def find_duplicates(
    log: EventLog,
    states: StateCache,
    leads: Collection[Lead],
    target: Campaign,
    *,
    project_only: bool,
) -> dict[str, UUID]:
    """Return by lead id who holds the same duplicate key: in the target if there, else the oldest.

    Looks into the campaigns of the target's project, or into all, for all leads at once.
    Duplicates within the target alone need no search: the claim on the key finds them at the
    append.
    """
    searched = [
        (one.id, one.template.duplicate_key)
        for one in await _campaigns(log, states)
        if not project_only or one.project == target.project
    ]
    claims: dict[str, dict[bytes, Claim]] = {}
    for lead in leads:
        hashed = {claim_hash(log.keys.master, one): one for one in claims_anywhere(lead, searched)}
        claims[lead.id] = hashed
    holders = await log.holders({key for hashed in claims.values() for key in hashed})
    found = {}
    for lead_id, hashed in claims.items():
        others = {
            claim: holders[key]
            for key, claim in hashed.items()
            if key in holders and str(holders[key]) != lead_id
        }
        if others:
            there = [holder for claim, holder in others.items() if claim.scope == target.id]
            found[lead_id] = there[0] if there else min(others.values())
    return found


async def _campaigns(log: EventLog, states: StateCache) -> list[Campaign]:
    ids = await log.streams_of("campaign")
    if not ids:
        return []
    campaigns, _ = await states.get(dict.fromkeys(ids, "campaign"))
    return list(campaigns.values())
