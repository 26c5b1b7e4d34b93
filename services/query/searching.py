"""Texts a list looks for are looked up first: where few leads match, the list is made of those.
So is what few have in the log (log_lookup.py).

The planner cannot know how rare a part of a word is. Where it is common a list finds its page by
going along its order; where it is rare that would pass by nearly every lead.

The index keeps, for each three characters, where they are. For a long text it would read as many
lists as the text has such parts, most of them of characters that many leads have. So it is asked
for the few parts that are rare, by a sample, and the whole text is compared where they meet.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from schemas.filters import CUSTOM, And, Logged, Search
from services.query.filters_sql import (
    TRIGRAM_CHARS,
    Found,
    Wanted,
    logged_wanted,
    search_condition,
    search_texts,
    text_condition,
    text_wanted,
)
from services.query.log_lookup import few_logged
from services.query.reading import Asked
from services.query.sql import Arguments, like_anywhere
from services.query.wall import beside_wall

FEW = 20_000
"""Up to so many leads are looked at one by one sooner than a list is walked along."""

DRAWN = 2_000
"""So many leads tell at once that something is far too common to be looked up, and which parts of
it are rare.
"""

DRAWN_MORE = 10_000
"""So many are asked where DRAWN leave it open: to look up in vain costs as much as a page."""

PARTS_MAX = 8
"""Of so many parts of a text is told how rare they are; each costs a look at all that is drawn."""

PARTS_USED = 4
RARER = 1.5
"""A part is used when so many times fewer leads have it besides those before."""

_PART = re.compile(r"(?=([a-z0-9]{3}))")


@dataclass(frozen=True, slots=True)
class Sought:
    """What a text looks for: the condition on a row `s`, which holds only where one of `texts`, in
    small letters, is found.
    """

    condition: Callable[[Arguments], str]
    texts: tuple[str, ...]


async def look_up(asked: Asked, tree: Any) -> Found:
    """Return what matches the texts and conditions on the log that must hold: the leads where few
    do, or of texts that many do.

    Looked up beside the wall, which does not let the index on parts of words be used: whoever
    takes the leads from there reads them behind it.
    """
    nodes = tree.of if isinstance(tree, And) else (tree,)
    wanted = dict(pair for pair in (_wanted(one, asked) for one in nodes) if pair is not None)
    logged = [one for one in nodes if isinstance(one, Logged) and logged_wanted(one)]
    if not wanted and not logged:
        return Found()
    few: dict[Wanted, Sequence[UUID]] = {}
    async with beside_wall(asked.connection, asked.sight):
        total = int(await asked.connection.fetchval(_TOTAL))
        for node in logged:
            few.update(await few_logged(asked.connection, node, asked.terms.now))
        for text, sought in wanted.items():
            rare = await _rare_parts(asked.connection, sought, total)
            if rare is not None:
                leads = await _some_of(asked.connection, sought, rare)
                if len(leads) <= FEW:
                    few[text] = leads
    return Found(few, wanted.keys() - few.keys(), total)


def _wanted(node: Any, asked: Asked) -> tuple[Wanted, Sought] | None:
    if isinstance(node, Search):
        if len(node.value) < TRIGRAM_CHARS:
            return None
        condition = partial(search_condition, node.value)
        return ("search", node.value), Sought(condition, search_texts(node.value))
    name = getattr(node, "field", "")
    if not name.startswith(CUSTOM):
        return None
    indexed = name.removeprefix(CUSTOM) in asked.directory.indexed
    text = text_wanted(node, asked.kinds[name], indexed=indexed)
    if not text:
        return None
    return ("text", text), Sought(
        partial(text_condition, text), (text.lower() if text.isascii() else text,)
    )


def parts_of(text: str) -> tuple[str, ...]:
    """Return parts of a text that the index on parts of words has lists of, evenly taken where
    there are many; none where they are not plain enough to be sure.
    """
    parts = tuple(dict.fromkeys(_PART.findall(text)))
    if not text.isascii() or len(text) <= TRIGRAM_CHARS + 1:
        return ()
    return parts[:: max(1, -(-len(parts) // PARTS_MAX))]


async def _rare_parts(connection: Any, sought: Sought, total: int) -> list[tuple[str, ...]] | None:
    """Return of each text the parts to ask the index for, none where the whole text is best; or
    None when more than FEW of the `total` leads match, from a sample of whole pages.
    """
    whole: list[tuple[str, ...]] = [() for _ in sought.texts]
    if total < DRAWN:
        return whole
    parts = [parts_of(text) for text in sought.texts]
    known = list(dict.fromkeys(part for some in parts for part in some)) if all(parts) else []
    arguments = Arguments()
    marks = [sought.condition(arguments), *(_having(one, arguments) for one in known)]
    cases = (f"case when {one} then {1 << bit} else 0 end" for bit, one in enumerate(marks))
    mask = " | ".join(cases)
    seen: list[tuple[int, int]] = []
    for leads, clearly in ((DRAWN, 2), (DRAWN_MORE, 1)):
        share = min(100 * leads / total, 100)
        drawn = f"read.lead_search s tablesample system ({share:.6f}) repeatable (1)"
        pieces = ("select", mask, "as mask, count(*) as leads from", drawn, "group by 1")
        rows = await connection.fetch(" ".join(pieces), *arguments.values)
        seen = [(row["mask"], row["leads"]) for row in rows]
        matching = sum(leads for mask, leads in seen if mask & 1)
        expected = matching * total / max(sum(leads for _, leads in seen), 1)
        if expected > clearly * FEW:
            return None
        if expected <= FEW:
            break
    if not known:
        return whole
    bits = {part: 1 << bit for bit, part in enumerate(known, 1)}
    return [_rarest(seen, {part: bits[part] for part in some}) for some in parts]


def _having(part: str, arguments: Arguments) -> str:
    return f"s.found like {arguments.add(like_anywhere(part), 'text')}"


def _rarest(seen: Sequence[tuple[int, int]], bits: Mapping[str, int]) -> tuple[str, ...]:
    """Return the parts that the fewest of the leads `seen`, by masks, have together."""
    chosen: dict[str, int] = {}

    def having(part: str) -> int:
        every = sum({**chosen, part: bits[part]}.values())
        return sum(leads for mask, leads in seen if mask & every == every)

    left = sum(leads for _, leads in seen)
    while left and len(chosen) < PARTS_USED:
        best = min(bits, key=having)
        if chosen and having(best) * RARER > left:
            break
        left = having(best)
        chosen[best] = bits[best]
    return tuple(chosen)


_TOTAL = "select reltuples from pg_class where oid = 'read.lead_search'::regclass"


async def _some_of(connection: Any, sought: Sought, rare: Sequence[tuple[str, ...]]) -> list[UUID]:
    """Return the leads that match, FEW and one more at most."""
    arguments = Arguments()
    condition = sought.condition(arguments)
    if all(rare):
        # As a case it is not asked of the index.
        condition = f"case when {condition} then true else false end"
        met = (" and ".join(_having(one, arguments) for one in some) for some in rare)
        condition = f"({' or '.join(f'({one})' for one in met)}) and {condition}"
    # Materialized: planned as if all were wanted, so that it goes by the index.
    pieces = (
        "with found as materialized (select s.lead_id from read.lead_search s where",
        condition,
        ") select array(select lead_id from found limit",
        arguments.add(FEW + 1, "int8"),
        ")",
    )
    found: list[UUID] = await connection.fetchval(" ".join(pieces), *arguments.values)
    return found
