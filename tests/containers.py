"""The same servers in containers, when LEADS_TESTS=containers and a Docker engine answers.

The library is imported only then: it is slow to import and of no use without an engine.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import psycopg

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "confluentinc/cp-kafka:8.0.0"
PASSWORD = "only-for-tests"


@cache
def containers_asked_for() -> bool:
    """Whether to use containers; says so when they were asked for and no engine answers."""
    if os.environ.get("LEADS_TESTS") != "containers":
        return False
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient

    try:
        DockerClient().client.ping()
    except DockerException as reason:
        print(f"LEADS_TESTS=containers, but no Docker engine answers: {reason}")
        return False
    return True


@contextmanager
def postgres_container() -> Iterator[str]:
    """A server with the roles of LocalPostgres; yields a URL with places for role and database."""
    from testcontainers.community.postgres import PostgresContainer

    container = PostgresContainer(
        POSTGRES_IMAGE, username="postgres", password=PASSWORD, dbname="postgres", driver=None
    )
    with container as server:
        with psycopg.connect(server.get_connection_url(), autocommit=True) as connection:
            connection.execute(f"create role leads login createrole password '{PASSWORD}'")
            connection.execute(f"create role leads_app login password '{PASSWORD}'")
        host, port = server.get_container_host_ip(), server.get_exposed_port(5432)
        yield f"postgresql://{{role}}:{PASSWORD}@{host}:{port}/{{database}}"


@contextmanager
def kafka_container() -> Iterator[str]:
    """A KRaft broker; yields `host:port`."""
    from testcontainers.community.kafka import KafkaContainer

    with KafkaContainer(KAFKA_IMAGE).with_kraft() as broker:
        yield broker.get_bootstrap_server()
