"""A filter tree as a condition on a lead `l`: columns from the allow-list, values as parameters.

SQL's unknown is kept out: a leaf that is unknown counts as false, and `not` turns it into true.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from schemas.filters import (
    CONTACTS,
    CUSTOM,
    And,
    Equals,
    In,
    InTeams,
    IsEmpty,
    Kind,
    Logged,
    Not,
    Or,
    Range,
    Search,
    walk,
)
from schemas.relative_time import resolve_instant
from schemas.rights import TeamTree
from services.query.columns import COLUMNS, CONTACT_NUMBERS, THROUGH, Through
from services.query.sql import Arguments, like_anywhere
from services.query.values_sql import TEXTS, Values, digits_of

TRIGRAM_CHARS = 3
"""An index on parts of words cannot help to find shorter ones."""

CALL = "lead.call_recorded"
_FOUND = "exists (select from read.lead_search s where s.lead_id = l.lead_id and ({}))"
_PHONE_LIKE = re.compile(r"[\d\s+()/.-]+", re.ASCII)


Wanted = tuple[str, str]
"""What a condition looks for among the texts of leads: ("search", what was typed) anywhere,
("text", a value) of a template field, or what `logged_wanted` names of the log.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of texts that were looked up before: `few` leads match, and which; or `many`
    do, which the planner would not believe. `total`: of so many leads.
    """

    few: Mapping[Wanted, Sequence[UUID]] = field(default_factory=dict)
    many: Collection[Wanted] = ()
    total: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the words of a filter mean to the caller at a moment.

    kinds: the fields they may name. teams: the organisation. indexed: import names of template
    fields that have an index of their own. phones: whether they may look at numbers; without, a
    search does not, so that nobody can guess what is hidden. found: what was looked up before.
    drawn: the leads are a sample, so the log is asked of each of them, not of all leads at once.
    """

    kinds: Mapping[str, Kind]
    now: datetime
    teams: TeamTree = field(default_factory=TeamTree)
    indexed: Collection[str] = ()
    phones: bool = True
    found: Found = field(default_factory=Found)
    drawn: bool = False


def filter_condition(tree: Any, terms: Terms, arguments: Arguments) -> str:
    """Return the condition for a tree that `check_filter` has passed with the same kinds."""
    return _Compiler(terms, arguments).node(tree)


def mentions(tree: Any, name: str) -> bool:
    """Say whether any condition of the tree is about the field `name`."""
    return any(getattr(node, "field", None) == name for node, _, _ in walk(tree))


def part_beside(tree: Any, name: str) -> tuple[Any, list[Range]]:
    """Return the tree without the bounds on column `name` that must hold, and those bounds."""
    nodes = tree.of if isinstance(tree, And) else (tree,)
    bounds = [one for one in nodes if isinstance(one, Range) and one.field == name]
    if not bounds:
        return tree, []
    rest = tuple(one for one in nodes if one not in bounds)
    return (And(of=rest) if len(rest) > 1 else rest[0] if rest else None), bounds


def without_log(tree: Any) -> Any:
    """Return the tree without the conditions on the log that must hold, or must not."""
    nodes = tree.of if isinstance(tree, And) else (tree,)
    rest = tuple(
        one for one in nodes if not isinstance(one.of if isinstance(one, Not) else one, Logged)
    )
    if len(rest) == len(nodes):
        return tree
    return (And(of=rest) if len(rest) > 1 else rest[0]) if rest else None


def beside_condition(
    bounds: Sequence[Range], now: datetime, arguments: Arguments
) -> tuple[str, str]:
    """Return the bounds on `b`, whose index can use them, and on the lead once more; each begins
    with "and".

    Said of the lead as "not null", because of that the planner believes that it holds for nearly
    every row: counted twice, it takes what matches for so rare that it does not go by the order.
    """
    values = Values(now, arguments)
    there, here = "", ""
    for node in bounds:
        kind: Kind = "number" if node.field == "call_attempts" else "instant"
        there += f" and {values.range(f'b.{node.field}', kind, node)}"
        here += f" and nullif({values.range(f'l.{node.field}', kind, node)}, false) is not null"
    return there, here


def text_wanted(node: Any, kind: Kind, *, indexed: bool) -> str:
    """Return the text that a condition on a template field finds among what a search looks at,
    where there is an index on parts of words; "" when that does not help.
    """
    value = getattr(node, "value", None)
    helps = kind in ("text", "keyword") and isinstance(value, str) and len(value) >= TRIGRAM_CHARS
    return str(value) if helps and not (indexed and isinstance(node, Equals)) else ""


def text_condition(value: str, arguments: Arguments) -> str:
    """Return the condition on a row `s` of `read.lead_search` that holds wherever a template field
    has this text in it.
    """
    return f"s.found like lower({arguments.add(like_anywhere(value), 'text')})"


def logged_wanted(node: Logged) -> list[Wanted]:
    """Return what of a condition on the log can be looked up. Each is so wherever it holds: an
    entry has one of the dispositions and is by one of the actors, and as many calls as are asked
    for are counted of the lead.
    """
    wanted = []
    if node.dispositions:
        wanted.append(("dispositions", "\n".join(sorted(set(node.dispositions)))))
    if node.actors:
        kinds = " ".join(sorted(set(node.kinds)))
        wanted.append(("actors", "\n".join((kinds, *sorted(set(node.actors))))))
    if node.at_least > 1 and _of_calls(node):
        wanted.append(("calls", str(node.at_least)))
    within = (*sorted(set(node.end_causes)), node.since or "", node.until or "")
    if wanted and _of_calls(node) and any(within):  # alone the planner knows how rare it is
        wanted.append(("times", "\n".join(within)))
    return wanted


def _of_calls(node: Logged) -> bool:
    return bool(node.end_causes) or set(node.kinds) == {CALL}


def search_digits(value: str) -> str:
    """Return the digits a search means, "" when it is not about a number.

    A leading 0 is how a number is dialled at home; it is not part of the number in E.164.
    """
    if not _PHONE_LIKE.fullmatch(value):
        return ""
    digits = digits_of(value)
    return digits.lstrip("0") or digits


def search_texts(value: str) -> tuple[str, ...]:
    """Return the texts of which a search finds any."""
    digits = search_digits(value)
    return tuple(dict.fromkeys((value.lower(), digits) if digits else (value.lower(),)))


def search_condition(value: str, arguments: Arguments) -> str:
    """Return the condition on a row `s` of `read.lead_search` that matches what was typed."""
    parts = [
        f"s.found like {arguments.add(like_anywhere(one), 'text')}" for one in search_texts(value)
    ]
    return f"({' or '.join(parts)})"


class _Compiler:
    def __init__(self, terms: Terms, arguments: Arguments) -> None:
        self._terms = terms
        self._arguments = arguments
        self._add = arguments.add
        self._values = Values(terms.now, arguments)

    def node(self, node: Any) -> str:
        match node:
            case And():
                return "(" + " and ".join(self.node(child) for child in node.of) + ")"
            case Or():
                return "(" + " or ".join(self.node(child) for child in node.of) + ")"
            case Not(of=IsEmpty(field=field)) if field in COLUMNS and self._is_null(field):
                return f"l.{field} is not null"  # as partial indexes say it
            case Not():
                return f"(({self.node(node.of)}) is not true)"
            case Search():
                return self._search(node.value)
            case Logged():
                return self._logged(node)
            case InTeams():
                return self._in_teams(node)
        name, kind = node.field, self._terms.kinds[node.field]
        if name.startswith(CUSTOM):
            return self._custom(name.removeprefix(CUSTOM), kind, node)
        if name.startswith(CONTACTS):
            return self._contacts(name.removeprefix(CONTACTS), kind, node)
        if name in THROUGH:
            return self._through(THROUGH[name], kind, node)
        return self._values.column(f"l.{name}", kind, node)

    def _is_null(self, field: str) -> bool:
        """Say whether a column is empty only by having no value; a text may be empty besides."""
        return self._terms.kinds[field] not in TEXTS

    def _search(self, value: str) -> str:
        known, wanted = self._terms.found, ("search", value)
        if wanted in known.few:
            found = self._one_of(known.few[wanted])
        else:
            matches = search_condition(value, self._arguments)
            if wanted in known.many:
                # As a case the planner takes it for common, as it is.
                matches = f"case when {matches} then true else false end"
            found = _FOUND.format(matches)
        if self._terms.phones:
            return found
        # Whatever a name or an address holds, the text to search holds too, and has an index.
        pattern = f"lower({self._add(like_anywhere(value), 'text')})"
        return f"({found} and (lower(l.name) like {pattern} or lower(l.email) like {pattern}))"

    def _logged(self, node: Logged) -> str:
        few = self._terms.found.few
        known = [few[wanted] for wanted in logged_wanted(node) if wanted in few]
        entries = self._entries(node)
        return f"({self._one_of(min(known, key=len))} and {entries})" if known else entries

    def _entries(self, node: Logged) -> str:
        """Of calls alone only what the index on calls holds is asked, so that it is enough."""
        calls = _of_calls(node)
        if calls and CALL not in node.kinds:
            return "false"
        parts = []
        if node.end_causes:
            parts.append(f"g.end_cause = any({self._add(list(node.end_causes), 'text[]')})")
        elif calls:
            parts.append("g.end_cause is not null")
        else:
            parts.append(f"g.kind = any({self._add(list(node.kinds), 'text[]')})")
            if CALL not in node.kinds:
                parts.append("g.end_cause is null")
        if node.dispositions:
            wanted = self._add(list(node.dispositions), "text[]")
            parts.append(f"g.data ->> 'disposition' = any({wanted})")
        if node.actors:
            parts.append(f"g.actor = any({self._add(list(node.actors), 'text[]')})")
        for sign, time in ((">=", node.since), ("<", node.until)):
            if time is not None:
                moment = self._add(resolve_instant(time, self._terms.now), "timestamptz")
                parts.append(f"g.happened_at {sign} {moment}")
        condition = " and ".join(parts)
        once = f"exists (select from read.lead_log g where g.lead_id = l.lead_id and {condition})"
        if node.at_least == 1 and not self._terms.drawn:
            return once
        # The first offset has each lead's own entries read, and not all that the index on calls
        # has of that time; the second is the number. Neither lets a join over all leads be made.
        least = self._add(node.at_least - 1, "int8")
        own = "(select * from read.lead_log g where g.lead_id = l.lead_id offset 0)"
        often = f"exists (select from {own} g where {condition} offset {least})"
        return often if self._terms.drawn else f"({once} and {often})"

    def _in_teams(self, node: InTeams) -> str:
        tree = self._terms.teams
        teams = set(node.teams)
        if node.below:
            teams |= {team for one in node.teams for team in tree.subtree(one)}
        people = sorted(user for team in teams for user in tree.members.get(team, ()))
        if self._terms.kinds[node.field] == "user":
            wanted = self._add([UUID(user) for user in people], "uuid[]")
        else:
            owners = [f"team:{team}" for team in sorted(teams)]
            wanted = self._add([*owners, *(f"user:{user}" for user in people)], "text[]")
        return f"l.{node.field} = any({wanted})"

    def _through(self, through: Through, kind: Kind, node: Any) -> str:
        """Return a condition on the few rows a lead can point at, asked once a statement."""
        value = f"t.{through.value}"
        empty = isinstance(node, IsEmpty)
        if not empty:
            condition = self._values.column(value, kind, node)
        elif kind == "boolean":
            condition = f"{value} is not null"
        else:
            condition = f"{value} <> ''"
        rows = ("select", f"t.{through.key} from read.{through.table} t where", condition)
        among = f"l.{through.key} = any(array({' '.join(rows)}))"
        return f"(({among}) is not true)" if empty else among

    def _custom(self, name: str, kind: Kind, node: Any) -> str:
        indexed = name in self._terms.indexed
        condition = self._values.document("l.fields", name, kind, node, indexed=indexed)
        if indexed and isinstance(node, Equals | In | Range):
            # No deleted lead has a value: as the field's index says it.
            condition = f"({condition} and l.deleted is false)"
        text = text_wanted(node, kind, indexed=indexed)
        known, wanted = self._terms.found, ("text", text)
        if not text or wanted in known.many:
            return condition
        if wanted in known.few:
            return f"({condition} and {self._one_of(known.few[wanted])})"
        # The text is also among what a search looks at: that has an index.
        return f"({condition} and {_FOUND.format(text_condition(text, self._arguments))})"

    def _one_of(self, leads: Sequence[UUID]) -> str:
        return f"l.lead_id = any({self._add(list(leads), 'uuid[]')})"

    def _contacts(self, name: str, kind: Kind, node: Any) -> str:
        """Return what holds when it does for any of the contacts; empty: when none has a value."""
        empty = isinstance(node, IsEmpty)
        if name in CONTACT_NUMBERS:
            column = f"(c.value ->> '{name}')"
            condition = (
                f"coalesce({column}, '') <> ''" if empty
                else self._values.column(column, kind, node)
            )  # fmt: skip
        else:
            condition = self._values.document(
                "(c.value -> 'fields')", name, kind, node, indexed=False
            )
            condition = f"not {condition}" if empty else condition
        exists = f"exists (select from jsonb_array_elements(l.contacts) c where {condition})"
        return f"not {exists}" if empty else exists
