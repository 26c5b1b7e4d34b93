"""What every read needs to know of the organisation: who stands where, and which fields leads have.

Small, so it is kept in memory and read anew whenever one of its tables has moved.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from schemas.filters import CONTACTS, CUSTOM, Kind
from schemas.rights import TeamTree
from services.query.columns import COLUMNS, CONTACT_NUMBERS, FIELD_KINDS, SYSTEM


@dataclass(frozen=True, slots=True)
class Directory:
    """The organisation as read at `stamp`. `kinds` are all names a filter may use, `indexed` the
    template fields that have an index of their own, `statuses` those the organisation has of its
    own or changed, `campaigns` how many there are.
    """

    stamp: tuple[int, ...]
    teams: TeamTree
    kinds: Mapping[str, Kind]
    indexed: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    campaigns: int = 0

    @property
    def single_kinds(self) -> dict[str, Kind]:
        """Names of which a lead has one value each: not those of its contacts."""
        return {name: kind for name, kind in self.kinds.items() if not name.startswith(CONTACTS)}

    @property
    def kinds_without_phones(self) -> dict[str, Kind]:
        """Names for callers who may not see numbers: what is hidden cannot be asked about
        either. Fields of contacts are masked by what they look like, so none can be.
        """
        return {
            name: kind
            for name, kind in self.kinds.items()
            if kind != "phone" and not name.startswith(CONTACTS)
        }


EMPTY = Directory(
    (),
    TeamTree(),
    {
        **{name: column.kind for name, column in SYSTEM.items()},
        **{CONTACTS + name: "phone" for name in CONTACT_NUMBERS},
        **{CONTACTS + name: "text" for name in ("name", "email")},
    },
)

STAMP = (
    "(select array[coalesce(max(position), 0), count(*)] from read.team)"
    " || (select array[coalesce(max(position), 0), count(*)] from read.app_user)"
    " || (select array[coalesce(max(position), 0), count(*)] from read.campaign)"
    " || (select array[coalesce(max(position), 0), count(*)] from read.status)"
    " || (select array[coalesce(sum(hashtext(name)), 0), count(*)] from read.chosen_fields)"
)
"""SQL that is another value as soon as a directory read before is out of date."""


async def read_directory(
    connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", stamp: tuple[int, ...]
) -> Directory:
    """Read the organisation. `stamp` was read before, so a change in between is seen next time."""
    teams = await connection.fetch("select team_id, parent_id from read.team")
    users = await connection.fetch("select user_id, team_id from read.app_user")
    members: dict[str, list[str]] = {}
    for user_id, team_id in users:
        members.setdefault(team_id, []).append(user_id)
    tree = TeamTree({row["team_id"]: row["parent_id"] for row in teams}, members)
    chosen = await connection.fetch("select name from read.chosen_fields")
    statuses = await connection.fetch("select code from read.status")
    templates = await connection.fetch("select fields from read.campaign order by campaign_id")
    kinds = {**EMPTY.kinds, **_field_kinds(templates)}
    indexed = frozenset(name for (name,) in chosen)
    known = frozenset(code for (code,) in statuses)
    return Directory(stamp, tree, kinds, indexed, known, len(templates))


def _field_kinds(templates: Sequence[Any]) -> dict[str, Kind]:
    """Return the kind of every template field; of one name with two types the older campaign's."""
    kinds: dict[str, Kind] = {}
    for (fields,) in templates:
        for field in orjson.loads(fields):
            name, kind = field["import_name"], FIELD_KINDS.get(field["type"], "text")
            if name not in COLUMNS:
                kinds.setdefault(CUSTOM + name, kind)
            if name not in CONTACT_NUMBERS:
                kinds.setdefault(CONTACTS + name, kind)
    return kinds
