"""The users of the organisation: people and dialers. Addresses are for those who administer
them.
"""

from typing import Any

import orjson

from services.query import answers
from services.query.reading import Asked

SEE_ADDRESSES = frozenset({"admin", "auditor"})


class User(answers.Shape):
    """A user; `email` is null for callers who do not administer users."""

    user_id: str
    team_id: str
    role: str
    rights: list[str]
    ownership_code: str | None
    active: bool
    name: str
    email: str | None


async def users(asked: Asked) -> list[dict[str, Any]]:
    """Return all users, by name."""
    found = await asked.connection.fetch(
        "select u.user_id, u.team_id, u.role, u.rights, u.ownership_code, u.active, u.name, u.email"
        " from read.app_user u order by u.name, u.user_id"
    )
    addresses = asked.principal.role in SEE_ADDRESSES
    return [_shown(row, addresses) for row in found]


def _shown(row: Any, addresses: bool) -> dict[str, Any]:
    user = {**row, "rights": orjson.Fragment(row["rights"])}
    return user if addresses or row["email"] is None else {**user, "email": None}
