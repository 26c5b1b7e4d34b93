"""Texts a list looks for are looked up first: where few leads match, the list is made of those.

The planner cannot know how rare a part of a word is. Where it is common a list finds its page by
going along its order; where it is rare that would pass by nearly every lead.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from schemas.filters import CUSTOM, And, Search
from services.query.filters_sql import (
    TRIGRAM_CHARS,
    Found,
    Wanted,
    search_condition,
    text_condition,
    text_wanted,
)
from services.query.reading import Asked
from services.query.sql import Arguments
from services.query.wall import beside_wall

FEW = 20_000
"""Up to so many leads are looked at one by one sooner than a list is walked along."""

DRAWN = 2_000
"""So many leads tell at once that something is far too common to be looked up."""

Condition = Callable[[Arguments], str]


async def look_up(asked: Asked, tree: Any) -> Found:
    """Return what matches the texts that must hold: the leads where few do, or that many do.

    Looked up beside the wall, which does not let the index on parts of words be used: whoever
    takes the leads from there reads them behind it.
    """
    nodes = tree.of if isinstance(tree, And) else (tree,)
    wanted = dict(pair for pair in (_wanted(one, asked) for one in nodes) if pair is not None)
    if not wanted:
        return Found()
    few: dict[Wanted, list[UUID]] = {}
    async with beside_wall(asked.connection, asked.sight):
        for text, condition in wanted.items():
            if not await _is_common(asked.connection, condition):
                leads = await _some_of(asked.connection, condition)
                if len(leads) <= FEW:
                    few[text] = leads
    return Found(few, wanted.keys() - few.keys())


def _wanted(node: Any, asked: Asked) -> tuple[Wanted, Condition] | None:
    if isinstance(node, Search):
        if len(node.value) < TRIGRAM_CHARS:
            return None
        return ("search", node.value), partial(search_condition, node.value)
    name = getattr(node, "field", "")
    if not name.startswith(CUSTOM):
        return None
    indexed = name.removeprefix(CUSTOM) in asked.directory.indexed
    text = text_wanted(node, asked.kinds[name], indexed=indexed)
    return (("text", text), partial(text_condition, text)) if text else None


async def _is_common(connection: Any, condition: Condition) -> bool:
    """Say whether far more than FEW leads match, from a sample of whole pages."""
    total = await connection.fetchval(_TOTAL)
    if total < DRAWN:
        return False
    arguments = Arguments()
    matching = condition(arguments)
    share = 100 * DRAWN / total
    drawn = f"read.lead_search s tablesample system ({share:.6f}) repeatable (1)"
    counts = f"count(*) filter (where {matching}) as found, count(*) as drawn"
    row = await connection.fetchrow(" ".join(("select", counts, "from", drawn)), *arguments.values)
    return bool(row["found"] * total > 2 * FEW * max(row["drawn"], 1))


_TOTAL = "select reltuples from pg_class where oid = 'read.lead_search'::regclass"


async def _some_of(connection: Any, condition: Condition) -> list[UUID]:
    """Return the leads that match, FEW and one more at most."""
    arguments = Arguments()
    # Materialized: planned as if all were wanted, so that it goes by the index.
    pieces = (
        "with found as materialized (select s.lead_id from read.lead_search s where",
        condition(arguments),
        ") select array(select lead_id from found limit",
        arguments.add(FEW + 1, "int8"),
        ")",
    )
    found: list[UUID] = await connection.fetchval(" ".join(pieces), *arguments.values)
    return found
