"""`leads index`: which template fields have an index of their own, for filters and sorts by them.

Works beside a running `leads up`; when none runs, PostgreSQL is started for as long as needed.
"""

from collections.abc import Callable

from services.kit.postgres import connect_pool
from services.kit.settings import read_settings
from services.local.data_folder import data_folder
from services.local.stack import found_servers
from services.projections.field_indexes import NotChosen, choose, chosen_fields, drop

Say = Callable[[str], None]


async def index_fields(name: str, say: Say, *, drop_it: bool = False) -> int:
    """Prints the fields that have an index, after giving `name` one or taking it away; 1 when that
    cannot be.
    """
    async with found_servers(data_folder(), say) as (environ, _):
        settings = read_settings(environ)
        pool = await connect_pool(
            settings.database_url, "leads_projections", largest=2, statement_timeout_ms=0
        )
        try:
            if name:
                await (drop if drop_it else choose)(pool, name)
            async with pool.acquire() as connection:
                chosen = await chosen_fields(connection)
        except NotChosen as reason:
            say(f"leads: {reason}")
            return 1
        finally:
            await pool.close()
    for one in chosen:
        print(one)
    if not chosen:
        print("no template field has an index; `leads index NAME` makes one")
    return 0
