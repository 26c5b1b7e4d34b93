"""Tokens of a real provider on this machine: good ones open, hostile ones do not, keys rotate."""

import asyncio
import hmac
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import get_default_algorithms

from schemas.organisation import ORGANISATION_ID, UserChanged
from services.kit.errors import Forbidden
from services.kit.oidc import KEYS_USABLE_SECONDS, LOOK_AGAIN_SECONDS, TokenReader
from services.kit.outside import OidcSettings
from services.kit.postgres import connect_pool
from services.query.api_key import KeyTable
from tests.contract import query_service
from tests.contract.command_service import KEYS, NOON, TOP, USER_IDS, Service, running
from tests.contract.query_service import named

NOW = int(NOON.timestamp())
KINDS: dict[str, Any] = {"RS256": rsa.generate_private_key(65537, 2048),
         "ES256": ec.generate_private_key(ec.SECP256R1()),
         "EdDSA": ed25519.Ed25519PrivateKey.generate()}  # fmt: skip
STRANGER = rsa.generate_private_key(65537, 2048)


def jwk(algorithm: str, key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """The public half, as a provider shows it."""
    text = get_default_algorithms()[algorithm].to_jwk(key.public_key())
    return {**orjson.loads(text), "kid": kid, "use": "sig", **more}


def base64(raw: bytes) -> str:
    """As tokens are written."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def part(told: dict[str, Any]) -> str:
    """A part of a token made by hand."""
    return base64(orjson.dumps(told))


class Provider:
    """A provider on a port of its own, that counts how often it was asked for its keys."""

    def __init__(self) -> None:
        self.port = self.asked = 0
        self.keys: list[Any] = [jwk(name, key, name) for name, key in KINDS.items()]
        self.status, self.says = 200, ""

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        told: Any = {"issuer": self.says or self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        if path.endswith("/keys"):
            self.asked += 1
            told = {"keys": self.keys}
        raw = orjson.dumps(told)
        head = f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(raw)}\r\nconnection: close\r\n"
        writer.write(f"{head}\r\n".encode() + raw)
        await writer.drain()
        writer.close()

    def token(self, algorithm: str = "RS256", key: Any = None, **change: Any) -> str:
        """A token; `headers` and claims as changed, None leaves one out."""
        headers = {"kid": algorithm, **change.pop("headers", {})}
        claims = {
            "iss": self.issuer, "aud": "leads", "sub": "u1", "iat": NOW, "exp": NOW + 300,
            "email": "Admin@Leads.Example", "email_verified": True, **change,
        }  # fmt: skip
        kept = {name: value for name, value in claims.items() if value is not None}
        sent = {name: value for name, value in headers.items() if value is not None}
        signing = KINDS[algorithm] if key is None else key
        return jwt.encode(kept, signing, algorithm=algorithm, headers=sent)


@asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()


class Given:
    """A service that believes a provider, and the steady counter of its token reader."""

    def __init__(self, service: Service, provider: Provider, seconds: list[float]) -> None:
        self.service, self.provider, self._seconds = service, provider, seconds

    async def ask(self, token: str) -> Any:
        headers = {"authorization": f"Bearer {token}"}
        return await self.service.client.get("/v1/bulk-jobs", headers=headers)

    async def opens(self, token: str) -> bool:
        status = (await self.ask(token)).status_code
        assert status in (200, 401), status
        return bool(status == 200)

    def later(self, seconds: float) -> None:
        self._seconds[0] += seconds


@pytest.fixture
async def given(database_url: str) -> AsyncIterator[Given]:
    async with provider() as made:
        oidc = OidcSettings(made.issuer, "leads")
        async with running(database_url, oidc=oidc) as service:
            body = {"user": USER_IDS["admin"], "email": "admin@leads.example"}
            await service.done("/v1/organisation/change-user", body)
            seconds = [0.0]
            assert isinstance(service.authenticator._tokens, TokenReader)
            service.authenticator._tokens._keys._seconds = lambda: seconds[0]
            yield Given(service, made, seconds)


async def test_tokens_of_all_allowed_algorithms_open_beside_keys(given: Given) -> None:
    for algorithm in KINDS:
        assert await given.opens(given.provider.token(algorithm))
    assert await given.opens(KEYS["admin"])
    assert given.provider.asked == 1
    made = {"name": "By token"}
    headers = {"authorization": f"Bearer {given.provider.token()}"}
    answer = await given.service.client.post("/v1/campaigns", json=made, headers=headers)
    assert answer.status_code == 201
    (event,) = [
        one for one in await given.service.commanding.log.read(0, 1_000)
        if getattr(one.event, "name", "") == "By token"
    ]  # fmt: skip
    assert event.origin.actor == f"user:{USER_IDS['admin']}"


async def test_times_are_taken_with_a_minute_of_leeway(given: Given) -> None:
    make = given.provider.token
    assert await given.opens(make(exp=NOW - 59))
    assert not await given.opens(make(exp=NOW - 60))
    assert await given.opens(make(nbf=NOW + 60))
    assert not await given.opens(make(nbf=NOW + 61))
    assert not await given.opens(make(iat=NOW + 61))
    for odd in (None, "soon", True, [NOW + 9]):
        assert not await given.opens(make(exp=odd)), odd


async def test_hostile_tokens_open_nothing(given: Given) -> None:
    make, issuer = given.provider.token, given.provider.issuer
    rs = KINDS["RS256"]
    assert isinstance(rs, rsa.RSAPrivateKey)
    good = make()
    head, claims, signature = good.split(".")
    none = f"{part({'alg': 'none', 'kid': 'RS256'})}.{claims}."
    signed = f"{part({'alg': 'HS256', 'kid': 'RS256'})}.{claims}"
    public = rs.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs = f"{signed}.{base64(hmac.digest(public, signed.encode(), 'sha256'))}"
    hostile = {
        "none": none,
        "none, signed": none + signature,
        "public key as secret": hs,
        "another key": make(key=STRANGER),
        "another key of another kind": make("ES256", headers={"kid": "RS256"}),
        "a key of its own": make(key=STRANGER, headers={"jwk": jwk("RS256", STRANGER, "RS256")}),
        "a place of its own": make(key=STRANGER, headers={"jku": "http://127.0.0.1:9/keys"}),
        "unknown key": make(headers={"kid": "nobody"}),
        "no key named": make(headers={"kid": None}),
        "odd key id": make(headers={"kid": "x" * 300}),
        "path as key id": make(headers={"kid": "../../dev/null"}),
        "RS512": make(key=rs, headers={"alg": "RS512"}),
        "critical": make(headers={"crit": ["x"], "x": 1}),
        "another kind": make(headers={"typ": "logout+jwt"}),
        "wrong audience": make(aud="other"),
        "no audience": make(aud=None),
        "wrong issuer": make(iss=issuer + "x"),
        "no issuer": make(iss=None),
        "without signature": f"{head}.{claims}.",
        "other claims": f"{head}.{make(email='eve@leads.example').split('.')[1]}.{signature}",
        "two parts": f"{head}.{claims}",
        "four parts": f"{good}.x",
        "not base64": "a.b.c",
        "long": "a." + "b" * 9_000 + ".c",
        "empty": "..",
    }
    for name, token in hostile.items():
        answer = await given.ask(token)
        assert answer.status_code == 401, (name, answer.text)
        assert "Bearer" in answer.headers["www-authenticate"]
    assert await given.opens(make(aud=["x", "leads"]))


async def test_a_valid_token_of_nobody_is_told_why(given: Given) -> None:
    make = given.provider.token
    for token, why in (
        (make(email="eve@leads.example"), "no active user"),
        (make(email=None), "no claim email"),
        (make(email_verified=False), "email_verified"),
        (make(email_verified=None), "email_verified"),
        (make(email_verified="true"), "email_verified"),
    ):
        answer = await given.ask(token)
        assert answer.status_code == 403
        assert why in answer.json()["detail"]
        assert "eve@" not in answer.text
    settings = OidcSettings(given.provider.issuer, "leads", "sub")
    reader = TokenReader(settings, _users(given), given.service.clock)
    assert (await reader.principal(make(sub=USER_IDS["admin"]))).role == "admin"
    with pytest.raises(Forbidden):
        await reader.principal(make(sub="u1"))


def _users(given: Given) -> Any:
    tokens = given.service.authenticator._tokens
    assert isinstance(tokens, TokenReader)
    return tokens._users


async def test_who_is_deactivated_is_out_at_once(given: Given) -> None:
    token = given.provider.token(email="boss@leads.example")
    team = TOP.removeprefix("team:")
    added = {"team": team, "role": "admin", "name": "Boss", "email": "boss@leads.example"}
    await given.service.done("/v1/organisation/add-user", added)
    tokens = _users(given)
    tokens._read_at = -10.0
    assert await given.opens(token)
    user = (await tokens.user(email="boss@leads.example")).user_id
    await given.service.done("/v1/organisation/deactivate-user", {"user": user})
    tokens._read_at = -10.0
    assert (await given.ask(token)).status_code == 403


async def test_keys_rotate_and_are_asked_for_seldom(given: Given) -> None:
    make, provider = given.provider.token, given.provider
    assert await given.opens(make())
    for number in range(5):
        assert not await given.opens(make(headers={"kid": f"guess {number}"}))
    assert provider.asked == 1
    fresh = rsa.generate_private_key(65537, 2048)
    provider.keys = [jwk("RS256", fresh, "new")]
    rotated = make(key=fresh, headers={"kid": "new"})
    assert not await given.opens(rotated)
    given.later(LOOK_AGAIN_SECONDS)
    assert await given.opens(rotated)
    assert await given.opens(make(key=fresh, headers={"kid": None}))
    assert not await given.opens(make())
    assert provider.asked == 2


async def test_a_provider_that_is_away_is_done_without_for_a_while(given: Given) -> None:
    make, provider = given.provider.token, given.provider
    provider.status = 500
    assert (await given.ask(make())).status_code == 503
    provider.status = 200
    given.later(LOOK_AGAIN_SECONDS)
    assert await given.opens(make())
    provider.says = "https://evil.example"
    given.later(KEYS_USABLE_SECONDS - 1)
    assert await given.opens(make())
    given.later(LOOK_AGAIN_SECONDS)
    assert (await given.ask(make())).status_code == 503


async def test_weak_foreign_and_broken_keys_are_passed_over(given: Given) -> None:
    provider = given.provider
    weak = rsa.generate_private_key(65537, 1024)
    provider.keys = [
        jwk("RS256", weak, "weak"), jwk("RS256", STRANGER, "enc", use="enc"), {"kty": "oct"},
        {"kty": "RSA", "n": "!"}, "x", {"kty": "oct", "k": "c2VjcmV0", "kid": "HS256"},
    ]  # fmt: skip
    with pytest.warns(UserWarning, match="2048"):
        weakly = provider.token(key=weak, headers={"kid": "weak"})
    assert not await given.opens(weakly)
    assert not await given.opens(provider.token(key=STRANGER, headers={"kid": "enc"}))


async def test_reads_know_the_same_users(database_url: str) -> None:
    async with query_service.running(database_url) as world:
        changed = UserChanged(named("agent"), "agent", name="Ann", email="Ann@leads.example")
        await world.happen(str(ORGANISATION_ID), changed)
        pool = await connect_pool(database_url, "leads_query", largest=1)
        try:
            table = KeyTable(pool)
            found = await table.user(email="ann@LEADS.example")
            assert found is not None
            assert found == await table.user(user_id=named("agent"))
            assert (found.user_id, found.role) == (named("agent"), "agent")
            assert await table.user(email="eve@leads.example") is None
            assert await table.user(email="") is None
        finally:
            await pool.close()
