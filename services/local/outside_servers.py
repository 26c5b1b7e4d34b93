"""Servers that are there already: PostgreSQL of LEADS_DATABASE_URL, the broker of LEADS_KAFKA.

What is wrong with them is said in a sentence, and never with the password of an address.
"""

import asyncio

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from services.kit.migrate import migrate
from services.local.postgres import MAJOR_MIN, PostgresUnavailable

CONNECT_SECONDS = 10.0
BROKER_SECONDS = 5.0


async def migrate_outside(url: str, *, login: str = "", dry_run: bool = False) -> list[str]:
    """Look at the server, migrate its database and return the names of what was applied.

    Raises PostgresUnavailable when nobody answers, the server is too old, or the user may not make
    the roles that services act as.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
        major = connection.get_server_version().major
        await connection.close()
        if major < MAJOR_MIN:
            raise PostgresUnavailable(
                f"LEADS_DATABASE_URL: that is PostgreSQL {major}; it must be {MAJOR_MIN} or newer"
            )
        return await migrate(url, login=login, dry_run=dry_run)
    except asyncpg.InsufficientPrivilegeError as error:
        raise PostgresUnavailable(
            f"LEADS_DATABASE_URL: {error}. Migrations are for the database's owner, and the first"
            " ones for an owner who may create roles"
        ) from error
    except (OSError, TimeoutError, ValueError, asyncpg.PostgresError) as error:
        text = str(error) or type(error).__name__
        raise PostgresUnavailable(f"LEADS_DATABASE_URL: {text}") from error


async def broker_answers(bootstrap: str) -> bool:
    """Whether the broker names itself to a client within some seconds."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await asyncio.wait_for(client.start(), BROKER_SECONDS)
    except (KafkaError, OSError, TimeoutError, ValueError):
        return False
    else:
        return True
    finally:
        await client.close()
