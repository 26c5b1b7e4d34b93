"""Who sees which leads (rule 2), as one SQL condition that stands in every statement on leads."""

from uuid import UUID

from schemas.rights import Sight, may_unmask_phones, sight_of
from services.kit.auth import Principal
from services.query.directory import Directory
from services.query.sql import Arguments


def sight_for(principal: Principal, directory: Directory) -> Sight:
    """Return what the caller may see in the organisation as it stands."""
    return sight_of(
        principal.role, principal.rights, principal.user_id, principal.team_id, directory.teams
    )


def sight_condition(sight: Sight, arguments: Arguments) -> str:
    """Return the condition on a lead `l` that holds for the leads in sight."""
    if sight.everything:
        return "true"
    return f"({' or '.join(sight_parts(sight, arguments)) or 'false'})"


def sight_parts(sight: Sight, arguments: Arguments) -> list[str]:
    """Return the conditions on a lead `l` of which one at least holds for each lead in sight, of a
    `sight` of not everything.
    """
    parts = []
    if sight.owners:
        owned = f"l.owner = any({arguments.add(sorted(sight.owners), 'text[]')})"
        parts.append(owned if sight.inactive else f"(l.active and {owned})")
    if sight.processed_by:
        processed = f"l.user_processed_by = {arguments.add(UUID(sight.processed_by), 'uuid')}"
        parts.append(f"(l.active and {processed})")
    return parts


def among(sight: Sight, arguments: Arguments) -> str:
    """Return what selects ids of leads, all those in sight and a few more, from indexes alone. For
    a `sight` of not everything; deleted leads are left out.
    """
    conditions = ["false"]
    if sight.owners:
        owners = arguments.add(sorted(sight.owners), "text[]")
        conditions.append(f"s.owner = any({owners}) and not s.deleted")
    if sight.processed_by:
        user = arguments.add(UUID(sight.processed_by), "uuid")
        conditions.append(f"s.user_processed_by = {user}")
    return " union all ".join(
        f"select s.lead_id from read.lead s where {condition}"  # noqa: S608 - all of it ours
        for condition in conditions
    )


def shows_phones(principal: Principal) -> bool:
    """Say whether the caller gets numbers in full."""
    return may_unmask_phones(principal.role, principal.rights)


def sight_then_condition(sight: Sight, arguments: Arguments) -> str:
    """Return the same for a lead `l` as it was: what counts is who may see it now.

    The quoted name is the present lead, wherever the statement is asked (services/query/pasts).
    """
    if sight.everything:
        return "true"
    seen = sight_condition(sight, arguments)
    return f'l.lead_id in (select l.lead_id from read."lead" l where {seen})'  # noqa: S608 - ours
