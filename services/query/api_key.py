"""API keys as the query service knows them: whose a key or a token is, from the read models."""

import asyncpg
import orjson

from services.kit.auth import Principal, StoredKey


class KeyTable:
    """Finds keys in `read.api_key` (a KeyDirectory), users in `read.app_user`."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Read through `pool`."""
        self._pool = pool

    async def find(self, key_id: str) -> StoredKey | None:
        """Return a key that is neither revoked nor of an inactive user."""
        row = await self._pool.fetchrow(
            "select k.secret_hash, k.expires_at, u.user_id, u.role, u.rights, u.team_id"
            " from read.api_key k join read.app_user u using (user_id)"
            " where k.key_id = $1 and k.revoked_at is null and u.active",
            key_id,
        )
        if row is None:
            return None
        rights = frozenset(orjson.loads(row["rights"]))
        principal = Principal(row["user_id"], row["role"], rights, row["team_id"], key_id)
        return StoredKey(row["secret_hash"], principal, row["expires_at"])

    async def user(self, *, email: str = "", user_id: str = "") -> Principal | None:
        """Return the active user with this e-mail address or id (a UserDirectory)."""
        row = await self._pool.fetchrow(
            "select user_id, role, rights, team_id from read.app_user"
            " where active and case when $1 <> '' then lower(email) = $1 else user_id = $2 end",
            email.lower(),
            user_id,
        )
        if row is None:
            return None
        rights = frozenset(orjson.loads(row["rights"]))
        return Principal(row["user_id"], row["role"], rights, row["team_id"], "token")
