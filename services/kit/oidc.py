"""Tokens of an OpenID Connect provider (JWT) beside API keys: whose they are, checked offline.

The provider's public keys are fetched when first needed, kept ten minutes, and fetched anew when a
token names one that is not known: a provider that rotates its keys needs nobody here. Keys and
addresses a token brings along are never looked at.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, Protocol

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from services.kit.auth import Principal, refused
from services.kit.clock import Clock
from services.kit.errors import Forbidden, Unavailable
from services.kit.outside import OidcSettings, require_web
from services.kit.telemetry import auth_failures, logger

ALGORITHMS = frozenset({"RS256", "ES256", "EdDSA"})
LEEWAY_SECONDS = 60.0
KEYS_FRESH_SECONDS = 600.0
KEYS_USABLE_SECONDS = 3_600.0
"""Keys go on being used this long while the provider does not answer."""

LOOK_AGAIN_SECONDS = 10.0
"""Unknown key ids make us ask the provider this often at most."""

TOKEN_CHARS_MAX = 8_192
ANSWER_BYTES_MAX = 262_144
RSA_BITS_MIN = 2_048
TIMEOUT = httpx.Timeout(5.0)
TYPES = frozenset({"JWT", "AT+JWT", "APPLICATION/AT+JWT", ""})


class UserDirectory(Protocol):
    """Finds users: the command service in the folded organisation, the query service in its
    tables.
    """

    async def user(self, *, email: str = "", user_id: str = "") -> Principal | None:
        """Return the active user with this e-mail address, in any case, or with this id."""


class TokenReader:
    """Turns a token into the user it was made for."""

    def __init__(
        self,
        settings: OidcSettings,
        users: UserDirectory,
        clock: Clock,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        """Believe the provider of the settings; `seconds` is a steady counter."""
        self._settings = settings
        self._users = users
        self._clock = clock
        self._keys = KeySet(settings.issuer, seconds)

    async def principal(self, token: str) -> Principal:
        """Return whose token it is.

        Raises Unauthenticated when it is not valid now, Forbidden when it names nobody we know,
        Unavailable when the provider's keys cannot be had.
        """
        header = _header(token)
        key = await self._keys.key(header.get("kid"), header["alg"])
        if key is None:
            raise refused("token-key-unknown")
        claims = _verified(token, key, self._settings)
        self._require_now(claims)
        return await self._user(claims)

    def _require_now(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        if now >= _seconds(claims, "exp") + LEEWAY_SECONDS:
            raise refused("token-expired")
        for name in ("nbf", "iat"):
            if name in claims and now < _seconds(claims, name) - LEEWAY_SECONDS:
                raise refused("token-not-yet-valid")

    async def _user(self, claims: Mapping[str, Any]) -> Principal:
        claim = self._settings.user_claim
        value = claims.get(claim)
        if not isinstance(value, str) or not value:
            raise _nobody(f"it has no claim {claim}")
        if claim != "email":
            found = await self._users.user(user_id=value)
            what = f"no active user has the id in its claim {claim}"
        elif claims.get("email_verified") is not True:
            raise _nobody("its provider did not verify the e-mail address (email_verified)")
        else:
            found = await self._users.user(email=value)
            what = "no active user has the e-mail address in its claim email"
        if found is None:
            raise _nobody(what)
        return found


class KeySet:
    """The provider's public keys by id, as fetched last."""

    def __init__(self, issuer: str, seconds: Callable[[], float]) -> None:
        """Find the keys through the issuer's own description."""
        self._issuer = issuer
        self._seconds = seconds
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched = self._tried = -math.inf
        self._fetching = asyncio.Lock()

    async def key(self, kid: object, algorithm: str) -> jwt.PyJWK | None:
        """Return the key with this id if it is one for this algorithm.

        A token without an id is taken when the provider has one key only. Raises Unavailable.
        """
        if kid is not None and (not isinstance(kid, str) or len(kid) > 256):
            return None
        async with self._fetching:
            age = self._seconds() - self._fetched
            if age >= KEYS_FRESH_SECONDS or self._find(kid) is None:
                await self._fetch()
            if self._seconds() - self._fetched >= KEYS_USABLE_SECONDS:
                raise Unavailable("The identity provider does not answer; try again.", 5)
            found = self._find(kid)
        return found if found is not None and found.algorithm_name == algorithm else None

    def _find(self, kid: str | None) -> jwt.PyJWK | None:
        if kid is not None:
            return self._keys.get(kid)
        return next(iter(self._keys.values())) if len(self._keys) == 1 else None

    async def _fetch(self) -> None:
        """Fetch the keys, unless that was tried just now; on a failure the old ones stay."""
        if self._seconds() - self._tried < LOOK_AGAIN_SECONDS:
            return
        self._tried = self._seconds()
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False) as client:
                place = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
                told = await _read(client, place)
                if told.get("issuer") != self._issuer:
                    raise ValueError("it says it is another issuer")
                address = str(told.get("jwks_uri"))
                require_web("jwks_uri", address)
                keys = await _read(client, address)
        except (httpx.HTTPError, ValueError, SystemExit) as error:
            logger().warning("identity-provider-fault", why=type(error).__name__)
            return
        self._keys = _usable(keys.get("keys"))
        self._fetched = self._seconds()


async def _read(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """Return a JSON object; raises HTTPError or ValueError. Redirects are not followed."""
    raw = b""
    async with client.stream("GET", address) as answer:
        if answer.status_code != 200:
            raise ValueError("no answer of use")
        async for chunk in answer.aiter_bytes():
            raw += chunk
            if len(raw) > ANSWER_BYTES_MAX:
                raise ValueError("too long")
    found = orjson.loads(raw)
    if not isinstance(found, dict):
        raise ValueError("no object")  # noqa: TRY004 - bad data, not a bad type of ours
    return found


def _usable(told: Any) -> dict[str, jwt.PyJWK]:
    """Return the keys that may sign tokens; others are passed over."""
    keys: dict[str, jwt.PyJWK] = {}
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            key = jwt.PyJWK(one)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        small = isinstance(key.key, RSAPublicKey) and key.key.key_size < RSA_BITS_MIN
        if key.algorithm_name in ALGORITHMS and not small:
            keys[str(one.get("kid", ""))] = key
    return keys


def _header(token: str) -> Mapping[str, Any]:
    """Return the token's header, still unproven, if it asks for nothing we do not do."""
    if len(token) > TOKEN_CHARS_MAX or token.count(".") != 2:
        raise refused("malformed")
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        raise refused("malformed") from None
    if header.get("alg") not in ALGORITHMS:
        raise refused("token-algorithm")
    if "crit" in header or str(header.get("typ", "")).upper() not in TYPES:
        raise refused("token-kind")
    return header


def _verified(token: str, key: jwt.PyJWK, settings: OidcSettings) -> Mapping[str, Any]:
    """Return the claims, once signature, issuer and audience are proven. Times are checked by our
    own clock.
    """
    try:
        return jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=settings.audience,
            issuer=settings.issuer,
            options={
                "require": ["exp", "iss", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
    except jwt.InvalidAudienceError:
        raise refused("token-audience") from None
    except jwt.InvalidIssuerError:
        raise refused("token-issuer") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise refused("token-invalid") from None


def _seconds(claims: Mapping[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused("token-invalid")
    return float(value)


def _nobody(why: str) -> Forbidden:
    auth_failures.labels("token-nobody").inc()
    return Forbidden(f"The token is valid, but {why}. An administrator can mend that.")
