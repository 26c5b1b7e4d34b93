"""Who is asking: API keys `lk_<id>_<secret><check>`, of which only a hash is stored, and a rate for
each key.

The secret is 160 random bits, so a plain SHA-256 of it cannot be searched for. The check digits
refuse a mistyped key without a look at any table, and let secret scanners recognise one that
leaked.
"""

import base64
import hashlib
import hmac
import os
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Protocol

from starlette.types import Scope

from services.kit.clock import Clock
from services.kit.errors import Forbidden, TooMany, Unauthenticated
from services.kit.telemetry import auth_failures

FRESH_SECONDS = 3.0
"""How long a key's rights are believed without looking again: a revoked key works at most this much
longer.
"""

KEYS_REMEMBERED_MAX = 10_000
RATE_PER_SECOND = 5_000.0
BURST = 10_000.0

_KEY = re.compile(r"lk_([a-z2-7]{10})_([a-z2-7]{32})([a-z2-7]{6})")


@dataclass(frozen=True, slots=True)
class Principal:
    """The one who asks. Ids are strings, as in events; `rights` and roles are those of
    `schemas/rights.py`.
    """

    user_id: str
    role: str
    rights: frozenset[str] = frozenset()
    team_id: str = ""
    key_id: str = ""

    @property
    def actor(self) -> str:
        """The actor of events this principal causes (rule 12)."""
        return "user:" + self.user_id


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key: the hex of its hash, whose it is, and until when it is good (None:
    until revoked).
    """

    secret_hash: str
    principal: Principal
    expires_at: datetime | None = None


class Tokens(Protocol):
    """Reads tokens of an identity provider (services/kit/oidc.py)."""

    async def principal(self, token: str) -> Principal:
        """Return whose token it is; raises the Problem that says why it opens nothing."""


class KeyDirectory(Protocol):
    """Finds keys: the command service in the folded organisation, the query service in its
    tables.
    """

    async def find(self, key_id: str) -> StoredKey | None:
        """Return the key if it is known, not revoked, and its user active."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. `text` is shown once; `key_id` and `secret_hash` are what gets stored."""

    text: str
    key_id: str
    secret_hash: str


def make_key(random: Callable[[int], bytes] = os.urandom) -> NewKey:
    """Make a key from 160 bits of the system's randomness."""
    key_id = _base32(random(7))[:10]
    secret = _base32(random(20))
    text = f"lk_{key_id}_{secret}"
    return NewKey(text + _check(key_id, secret), key_id, hash_secret(key_id, secret))


def split_key(text: str) -> tuple[str, str] | None:
    """Return (key id, hash of the secret) of a well-formed key whose check digits are right."""
    found = _KEY.fullmatch(text)
    if found is None or _check(found[1], found[2]) != found[3]:
        return None
    return found[1], hash_secret(found[1], found[2])


def hash_secret(key_id: str, secret: str) -> str:
    """Return the hex SHA-256 that is stored in place of the secret."""
    return hashlib.sha256(f"leads api key {key_id} {secret}".encode()).hexdigest()


def _check(key_id: str, secret: str) -> str:
    return _base32(hashlib.sha256(f"check {key_id} {secret}".encode()).digest()[:5])[:6]


def _base32(raw: bytes) -> str:
    return base64.b32encode(raw).decode("ascii").rstrip("=").lower()


@dataclass(slots=True)
class _Known:
    """A key as last looked up, and the tokens left in its bucket."""

    stored: StoredKey | None
    looked_up: float
    tokens: float
    counted: float


class Authenticator:
    """Turns the Authorization header into a Principal, remembering keys for 3 s and counting each
    key's requests.
    """

    def __init__(
        self,
        directory: KeyDirectory,
        clock: Clock,
        *,
        rate_per_second: float = RATE_PER_SECOND,
        burst: float = BURST,
        seconds: Callable[[], float] = monotonic,
        tokens: Tokens | None = None,
    ) -> None:
        """Look keys up in `directory`; `seconds` is a steady counter, not a time of day. What is no
        key is read by `tokens`, if there are any.
        """
        self._directory = directory
        self._clock = clock
        self._rate = rate_per_second
        self._burst = burst
        self._seconds = seconds
        self._tokens = tokens
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._proven: dict[bytes, tuple[_Known, StoredKey]] = {}

    async def principal_of(self, scope: Scope) -> Principal:
        """Return who sent this request. Raises Unauthenticated, or TooMany when the key is over its
        rate. A request counts once, however often it is asked for.
        """
        told: Principal | None = scope.get("principal")
        if told is not None:
            return told
        for name, value in scope["headers"]:
            if name == b"authorization":
                # By its hash, so that no secret stays in memory; taking a key apart and checking it
                # costs four times as much.
                mark = hashlib.sha256(value).digest()
                principal = self._proven_lately(mark)
                if principal is None:
                    principal = await self.principal(value.decode("latin-1"), mark)
                scope["key_id"] = principal.key_id
                scope["principal"] = principal
                return principal
        raise refused("missing")

    def _proven_lately(self, mark: bytes) -> Principal | None:
        """Return whose header this is, if it was checked against what is believed of its key
        still.
        """
        known, stored = self._proven.get(mark, (None, None))
        if known is None or stored is None or known.stored is not stored:
            return None
        if self._seconds() - known.looked_up >= FRESH_SECONDS:
            return None
        self._require_unexpired(stored)
        self._spend(known)
        return stored.principal

    async def principal(self, authorization: str, mark: bytes = b"") -> Principal:
        """Return who holds the key of an Authorization header; remember it by `mark`, if any."""
        scheme, _, text = authorization.partition(" ")
        found = _KEY.fullmatch(text.strip()) if scheme.lower() == "bearer" else None
        if found is None:
            if self._tokens is not None and scheme.lower() == "bearer":
                return await self._of_token(self._tokens, text.strip())
            raise refused("malformed")
        key_id, secret, check = found.groups()
        # A key that is known needs no check digits: its hash is compared below.
        if key_id not in self._known and _check(key_id, secret) != check:
            raise refused("malformed")
        known = await self._look_up(key_id)
        stored = known.stored
        if stored is None:
            raise refused("unknown")
        if not hmac.compare_digest(stored.secret_hash, hash_secret(key_id, secret)):
            raise refused("wrong-secret")
        self._require_unexpired(stored)
        if mark:
            if len(self._proven) >= KEYS_REMEMBERED_MAX:
                self._proven.clear()
            self._proven[mark] = known, stored
        self._spend(known)
        return stored.principal

    def _require_unexpired(self, stored: StoredKey) -> None:
        if stored.expires_at is not None and stored.expires_at <= self._clock.now():
            raise refused("expired")

    async def _of_token(self, tokens: Tokens, text: str) -> Principal:
        """Return whose token it is; each user has a rate as each key has."""
        principal = await tokens.principal(text)
        name = f"user {principal.user_id}"
        known = self._known.get(name)
        if known is None:
            now = self._seconds()
            known = self._known[name] = _Known(None, now, self._burst, now)
            if len(self._known) > KEYS_REMEMBERED_MAX:
                self._known.popitem(last=False)
        self._spend(known)
        return principal

    async def _look_up(self, key_id: str) -> _Known:
        now = self._seconds()
        known = self._known.get(key_id)
        if known is not None and now - known.looked_up < FRESH_SECONDS:
            return known
        stored = await self._directory.find(key_id)
        if known is None:
            known = self._known[key_id] = _Known(stored, now, self._burst, now)
            if len(self._known) > KEYS_REMEMBERED_MAX:
                self._known.popitem(last=False)
        else:
            known.stored, known.looked_up = stored, now
            self._known.move_to_end(key_id)
        return known

    def _spend(self, known: _Known) -> None:
        now = self._seconds()
        known.tokens = min(self._burst, known.tokens + (now - known.counted) * self._rate)
        known.counted = now
        if known.tokens < 1.0:
            wait = (1.0 - known.tokens) / self._rate
            raise TooMany(
                f"This key may send {self._rate:.0f} requests a second.",
                retry_after_seconds=max(1, round(wait + 0.5)),
            )
        known.tokens -= 1.0


def require_role(principal: Principal, roles: frozenset[str]) -> None:
    """Raise Forbidden unless the principal's role is one of `roles`."""
    if principal.role not in roles:
        allowed = ", ".join(sorted(roles)) or "nobody"
        raise Forbidden(f"The role {principal.role} may not do this; it takes: {allowed}.")


def refused(why: str) -> Unauthenticated:
    """Count a refused credential by why, and return the problem, which does not say why."""
    auth_failures.labels(why).inc()
    return Unauthenticated()
