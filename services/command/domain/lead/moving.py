"""Moving a lead to another campaign or pool: its fields must fit there, its claim goes with it."""

from typing import ClassVar, Literal

from schemas.event import Event
from schemas.lead import LeadContactChanged, LeadMoved
from services.command.domain.campaign.state import Campaign
from services.command.domain.decider import Command, Reason, Refused, decides
from services.command.domain.facts import Facts
from services.command.domain.lead.access import LEADERS, admit
from services.command.domain.lead.claims import claim_of
from services.command.domain.lead.cloning import Fit, fit_into
from services.command.domain.lead.creating import duplicate_reason, pool_reasons
from services.command.domain.lead.evolving import evolve
from services.command.domain.lead.fields import fields_changed
from services.command.domain.lead.state import Lead
from services.command.domain.types import Id


class MoveLead(Command):
    """Move a lead to another campaign, to a pool, or to a pool of another campaign.

    Fields go by import name: those the new template lacks are dropped and named in the lead log,
    those it requires and the lead lacks refuse it, each by name. Attempts, status and owner stay;
    in another campaign the lead is in no segment. Where a lead there holds the same duplicate key,
    `duplicate_action` says whether to refuse, to leave this one where it is (`skip`), or to move
    it beside the other (`move_anyway`).
    """

    roles: ClassVar[frozenset[str]] = LEADERS
    bulk: ClassVar[bool] = True

    target_campaign_id: Id | None = None
    pool_id: Id | None = None
    duplicate_action: Literal["refuse", "skip", "move_anyway"] = "refuse"


@decides(MoveLead)
def move_lead(lead: Lead, command: MoveLead, facts: Facts) -> list[Event]:
    """Move the lead, nothing when it is there already; refused with everything that misfits."""
    admit(lead, command, facts)
    target = _target(lead, command, facts)
    pool_id = command.pool_id
    stays = target.id == lead.campaign_id
    if stays and pool_id in (None, lead.pool_id):
        return []
    reasons = [] if pool_id is None else pool_reasons(facts.pool, target.id)
    reasons += _busy_reasons(lead, facts)
    fit = None if stays else fit_into(lead, target)
    if fit is not None:
        reasons += fit.reasons
    moved = _moved(lead, target, pool_id, fit)
    after = evolve(lead, moved)
    if _has_duplicate(lead, after, facts):
        if command.duplicate_action == "skip" and not reasons:
            return []
        if command.duplicate_action == "move_anyway":
            moved = _moved(lead, target, pool_id, fit, claims=False)
        else:
            reasons.append(duplicate_reason(after.key, facts))
    if reasons:
        raise Refused(reasons)
    return [moved, *([] if fit is None else _fitted(after, fit))]


def _target(lead: Lead, command: MoveLead, facts: Facts) -> Campaign:
    """Return the campaign the lead shall be in."""
    if command.target_campaign_id is None and command.pool_id is None:
        text = "Name the campaign or the pool to move the lead to, or both."
        raise Refused([Reason("nowhere-to-move", text, "target_campaign_id")])
    named = command.target_campaign_id not in (None, lead.campaign_id)
    target = facts.target if named else facts.campaign
    if target is None or not target.version:
        text = "There is no such campaign to move into."
        raise Refused([Reason("unknown-campaign", text, "target_campaign_id")])
    return target


def _busy_reasons(lead: Lead, facts: Facts) -> list[Reason]:
    reasons = []
    if lead.is_locked(facts.now):
        reasons.append(Reason("locked", "The lead is locked to a user; unlock it first."))
    if lead.is_being_called(facts.now):
        text = "A call to this lead is going on; wait for its end."
        reasons.append(Reason("call-in-progress", text))
    return reasons


def _moved(
    lead: Lead, target: Campaign, pool_id: str | None, fit: Fit | None, *, claims: bool = True
) -> LeadMoved:
    """Return the move; without `fit` it is one between pools, which changes no claim."""
    return LeadMoved(
        campaign_id=target.id,
        pool_id=pool_id,
        key=lead.key if fit is None else target.template.duplicate_key,
        dropped=() if fit is None else fit.dropped,
        previous=lead.campaign_id,
        previous_pool=lead.pool_id,
        claims=lead.claims if fit is None else claims,
    )


def _has_duplicate(lead: Lead, after: Lead, facts: Facts) -> bool:
    """Say whether another lead holds, still, what this one would claim there (rule 15)."""
    wanted = claim_of(after)
    if wanted is None or wanted == claim_of(lead) or facts.holder is None:
        return False
    return facts.holder_lead is None or claim_of(facts.holder_lead) == wanted


def _fitted(after: Lead, fit: Fit) -> list[Event]:
    """Return what else changes: defaults of the new template, values it types otherwise."""
    changed = fields_changed(after, dict(fit.clean), dict(fit.personal))
    for contact, fitted in zip(after.contacts, fit.contacts, strict=True):
        fields = fitted.get("fields") or {}
        if fields != contact.fields:
            changed.append(
                LeadContactChanged(
                    contact=contact.id,
                    phone=contact.phone,
                    phone_typed=contact.typed,
                    fields=fields or None,
                    before={
                        "phone": contact.phone,
                        "typed": contact.typed,
                        "fields": dict(contact.fields),
                    },
                )
            )
    return changed
