"""Answers of the whole API to what comes before a question: who asks, and by which method."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.command.app import install as install_commands
from services.command.first_start import set_up
from services.command.handler import Commanding
from services.kit.clock import FixedClock
from services.kit.cursors import Cursors
from services.kit.http import create_app
from services.kit.methods import Methods
from services.query.app import install as install_reads
from services.query.reading import Reading
from services.query.wall import Pools
from tests.contract.command_service import KEYS, NOON
from tests.kit.event_logs import SIGNING, opened


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[httpx.AsyncClient]:
    clock = FixedClock(NOON)
    async with opened(database_url, largest=4) as log:
        commanding = Commanding(log, clock)
        await set_up(commanding, KEYS)
        app = create_app("test")
        authenticator = install_commands(app, commanding, clock)
        pools = Pools(log.pool, log.pool)
        install_reads(app, Reading(pools, log, authenticator, Cursors(bytes(32)), clock, SIGNING))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://leads") as client:
            client.headers["authorization"] = f"Bearer {KEYS['admin']}"
            yield client


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("OPTIONS", "/v1/pools", "GET, POST"),
        ("GET", "/v1/campaigns/copy", "POST"),
        ("GET", "/v1/leads/count", "POST"),
        ("GET", "/v1/leads/01920000-0000-7000-8000-000000000001/suppress", "POST"),
        ("DELETE", "/v1/leads/01920000-0000-7000-8000-000000000001", "GET"),
    ],
)
async def test_another_method_hears_all_that_the_path_takes(
    client: httpx.AsyncClient, method: str, path: str, taken: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, taken)
    assert answer.json()["code"] == "method-not-allowed"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/leads?limit=0"),
        ("GET", "/v1/pools?limit=none"),
        ("POST", "/v1/leads/search"),
        ("POST", "/v1/leads/breakdown"),
        ("POST", "/v1/selections"),
    ],
)
async def test_a_stranger_hears_nothing_about_the_request(
    client: httpx.AsyncClient, method: str, path: str
) -> None:
    body = {"field": 1} if method == "POST" else None
    known = await client.request(method, path, json=body)
    assert known.status_code == 422
    del client.headers["authorization"]
    stranger = await client.request(method, path, json=body)
    assert stranger.status_code == 401


def test_a_path_written_out_comes_before_one_with_a_blank() -> None:
    methods = Methods([("/a/{id}", {"GET"}), ("/a/b", {"PUT"}), ("/a/b", {"POST"})])
    assert methods.of("/a/b") == ["POST", "PUT"]
    assert methods.of("/a/c") == ["GET"]
    assert methods.of("/nowhere") == []
    assert methods.refuses("GET", "/a/b")
    assert not methods.refuses("GET", "/a/c")
