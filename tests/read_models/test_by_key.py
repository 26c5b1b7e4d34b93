"""Sessions that look everything up by its key: what many leads take grows with their number, not
with its square.
"""

from services.kit.postgres import connect_pool

LEADS = 4_000
ALLOWED = "1500ms"
"""A hundred times what it takes to look each lead up, a third of what comparing each with each
takes.
"""
ALLOWED_CALLS = "6s"
_CALL = """
    update read.lead set version = 2, status = 'no_answer', call_attempts = 1,
      latest_call_at = now(), next_dial_at = case when position % 2 = 0 then now() end
"""
_MAKE = """
    insert into read.lead (
      lead_id, version, position, campaign_id, owner, status, active, suppressed, priority, passes,
      call_attempts, contact_attempts, contact_sessions, talk_seconds, last_activity_at, phone,
      contacts, notes, fields, personal_fields, anonymised, deleted)
    select gen_random_uuid(), 1, number, gen_random_uuid(), 'team:x', 'ready', true, false, 5, 0,
           0, 0, '[]', 0, now(), '+1202555' || number, '[]', '{}', '{}', '[]', false, false
      from generate_series(1, $1) as number
"""


async def test_leads_that_stay_on_the_dial_list_are_looked_up_one_by_one(database_url: str) -> None:
    pool = await connect_pool(database_url, "leads_projections", largest=1, by_key=True)
    try:
        await pool.execute(_MAKE, LEADS)
        assert await pool.fetchval("select count(*) from read.lead_dial") == LEADS
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"set local statement_timeout = '{ALLOWED}'")
            await connection.execute("select read.set_dial(array(select lead_id from read.lead))")
        assert await pool.fetchval("select count(*) from read.lead_dial") == LEADS
    finally:
        await pool.close()


async def test_leads_that_are_called_are_looked_up_one_by_one(database_url: str) -> None:
    """What stands beside them too, on tables that nobody has looked at yet."""
    pool = await connect_pool(database_url, "leads_projections", largest=1, by_key=True)
    try:
        for _ in range(8):  # plans are kept from the sixth time on
            await pool.execute(_MAKE, LEADS // 8)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"set local statement_timeout = '{ALLOWED_CALLS}'")
            await connection.execute(_CALL)
        assert await pool.fetchval("select count(*) from read.lead_due") == LEADS // 2
    finally:
        await pool.close()
