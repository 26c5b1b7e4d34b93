"""Searches that few leads match are looked up first, and the list is made of what was found.

The planner cannot know how rare a part of a word is. Where it is common a list finds its page by
going along its order; where it is rare that would pass by nearly every lead.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from schemas.filters import And, Search
from services.query.filters_sql import TRIGRAM_CHARS, search_condition
from services.query.sql import Arguments

FEW = 20_000
"""Up to so many leads are looked at one by one sooner than a list is walked along."""

Found = Mapping[str, list[UUID]]


async def look_up(connection: Any, tree: Any) -> Found:
    """Return the leads that match the searches which must hold, by what is searched for; those that
    many match are left out.
    """
    nodes = tree.of if isinstance(tree, And) else (tree,)
    found: dict[str, list[UUID]] = {}
    for node in nodes:
        if not isinstance(node, Search) or len(node.value) < TRIGRAM_CHARS:
            continue
        arguments = Arguments()
        matching = search_condition(node.value, arguments)
        # Materialized: planned as if all were wanted, so that it goes by the index.
        pieces = (
            "with found as materialized (select s.lead_id from read.lead_search s where",
            matching,
            ") select array(select lead_id from found limit",
            arguments.add(FEW + 1, "int8"),
            ")",
        )
        leads = await connection.fetchval(" ".join(pieces), *arguments.values)
        if len(leads) <= FEW:
            found[node.value] = leads
    return found
