"""What tests stand on: a real PostgreSQL, a real Kafka broker, started when the first test asks.

`database_url` is a fresh migrated database per test, `kafka` a broker, `topic_prefix` a name of
one's own in it. Tests in tests/domain get no network at all.

A run says whether the code is right, not whether one was lucky: Hypothesis tries the same examples
every time, none of them is too slow on a busy machine. `--hypothesis-profile=explore` tries others.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg import sql

from services.local.kafka import BrokerUnavailable, LocalKafka
from services.local.postgres import LocalPostgres
from tests.containers import containers_asked_for, kafka_container, postgres_container

Result = TypeVar("Result")
TEMPLATE = "leads_template"
DOMAIN_TESTS = Path(__file__).parent / "domain"
BROWSER_TESTS = Path(__file__).parent / "browser"

_PATIENT = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,  # examples share a database, each with ids of its own
    ],
)
settings.register_profile("fixed", _PATIENT, derandomize=True, database=None)
settings.register_profile("explore", _PATIENT, derandomize=False)
settings.load_profile("fixed")


def pytest_report_header() -> str:
    """Names what the tests run on."""
    parts = "containers" if containers_asked_for() else "embedded PostgreSQL and Kafka"
    return f"servers: {parts}; transport: {os.environ.get('LEADS_TRANSPORT', 'kafka')}"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The browser's tests come last, so that their stack and browser run while they do, no more."""
    items.sort(key=lambda item: item.path.is_relative_to(BROWSER_TESTS))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs a coroutine from a fixture that outlives the loops of single tests."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(work)


class PostgresServer:
    """Where roles connect on the server of this test run."""

    def __init__(self, local: LocalPostgres | None, container_url: str = "") -> None:
        self._local = local
        self._container_url = container_url

    def url(self, role: str, database: str) -> str:
        """`role` is `postgres`, `leads` (owner) or `leads_app` (what services sign in as)."""
        if self._local is not None:
            return self._local.url_of(role, database)
        return self._container_url.format(role=role, database=database)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server for the whole run, with a migrated template database."""
    if containers_asked_for():
        with postgres_container() as url:
            server = PostgresServer(None, url)
            _make_template(server)
            yield server
        return
    local = LocalPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    run(local.start())
    try:
        server = PostgresServer(local)
        _make_template(server)
        yield server
    finally:
        run(local.stop())


@pytest.fixture
def empty_database_url(postgres: PostgresServer) -> Iterator[str]:
    """A fresh database without any table, for its owner."""
    with _database(postgres, "template1") as name:
        yield postgres.url("leads", name)


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """The name of a fresh, migrated database."""
    with _database(postgres, TEMPLATE) as name:
        yield name


@pytest.fixture
def database_url(postgres: PostgresServer, database: str) -> str:
    """A fresh, migrated database as services see it: no right to change or delete events."""
    return postgres.url("leads_app", database)


@pytest.fixture
def owner_url(postgres: PostgresServer, database: str) -> str:
    """The same database for its owner, who may do anything: to tamper, to look."""
    return postgres.url("leads", database)


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`host:port` of a broker for the whole run.

    Without a broker the test fails; only a run that asked for LEADS_TRANSPORT=log goes without.
    """
    if os.environ.get("LEADS_TRANSPORT") == "log":
        pytest.skip("LEADS_TRANSPORT=log was asked for")
    if containers_asked_for():
        with kafka_container() as bootstrap:
            yield bootstrap
        return
    broker = LocalKafka(tmp_path_factory.mktemp("kafka"), say=print)
    try:
        bootstrap = run(broker.start())
    except BrokerUnavailable as reason:
        pytest.fail(f"no Kafka broker to test with: {reason}")
    try:
        yield bootstrap
    finally:
        run(broker.stop())


@pytest.fixture
def topic_prefix() -> str:
    """A name no other test uses in the shared broker, ending in a dot."""
    return f"t{secrets.token_hex(6)}."


@pytest.fixture(autouse=True)
def no_network_for_the_domain(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decisions are pure: a domain test that reaches for a socket fails."""
    if not request.path.is_relative_to(DOMAIN_TESTS):
        return

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("domain tests have no network")

    for name in ("connect", "connect_ex", "sendto", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)


def _make_template(server: PostgresServer) -> None:
    from services.kit.migrate import migrate

    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("create database {} owner leads").format(sql.Identifier(TEMPLATE))
        )
    run(migrate(server.url("leads", TEMPLATE), login="leads_app"))


@contextmanager
def _database(server: PostgresServer, template: str) -> Iterator[str]:
    """A database for one test, dropped with whoever is still connected."""
    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {} owner leads").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield name
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
