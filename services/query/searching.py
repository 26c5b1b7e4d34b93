"""Searches that few leads match are looked up first, and the list is made of what was found.

The planner cannot know how rare a part of a word is. Where it is common a list finds its page by
going along its order; where it is rare that would pass by nearly every lead.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from schemas.filters import And, Search
from services.query.filters_sql import TRIGRAM_CHARS, search_condition
from services.query.reading import Asked
from services.query.sql import Arguments
from services.query.wall import beside_wall

FEW = 20_000
"""Up to so many leads are looked at one by one sooner than a list is walked along."""

Found = Mapping[str, list[UUID]]


async def look_up(asked: Asked, tree: Any) -> Found:
    """Return the leads that match the searches which must hold, by what is searched for; those that
    many match are left out.

    Looked up beside the wall, which does not let the index on parts of words be used: whoever
    takes the leads from there reads them behind it.
    """
    nodes = tree.of if isinstance(tree, And) else (tree,)
    wanted = [one.value for one in nodes if isinstance(one, Search)]
    wanted = [value for value in wanted if len(value) >= TRIGRAM_CHARS]
    if not wanted:
        return {}
    async with beside_wall(asked.connection, asked.sight):
        return await _few_of(asked.connection, wanted)


async def _few_of(connection: Any, wanted: list[str]) -> Found:
    found: dict[str, list[UUID]] = {}
    for value in wanted:
        arguments = Arguments()
        matching = search_condition(value, arguments)
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
            found[value] = leads
    return found
