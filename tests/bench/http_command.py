"""Commands over HTTP by 64 clients to one process, beside an empty POST of the same framework."""

from collections.abc import Sequence
from statistics import median

import orjson

from services.command.first_start import team_id
from services.kit.settings import read_settings
from tests.bench.harness import Result, Stack, compared, percentile
from tests.bench.http_load import Load, connect, drive, post
from tests.bench.served import environ, listening, make_leads

CLIENTS = 64
REQUESTS = 6_400
ROUNDS = 4
TEAMS = (team_id("North"), team_id("South"))


async def run(stack: Stack) -> Result:
    """Each client changes the owner of leads of its own, through the log and back."""
    database = await stack.database()
    environment = environ(database, stack.folder / "data")
    leads, key = await make_leads(read_settings(environment), CLIENTS * 10)
    headers = f"authorization: Bearer {key}\r\n"
    empty = post("/v1/empty", b'{"owner":"x"}', headers)
    done = 0

    def command(client: int, number: int) -> bytes:
        nonlocal done
        done += 1
        lead = leads[client * 10 + number % 10]
        body = orjson.dumps({"owner": f"team:{TEAMS[done // len(leads) % 2]}"})
        return post(f"/v1/leads/{lead}/change-owner", body, headers)

    ours: list[Load] = []
    reference: list[Load] = []
    folder = stack.folder
    async with (
        listening("services.command", environment, folder) as port,
        listening("tests.bench.empty_app", {}, folder, by_argument=True) as empty_port,
    ):
        commands, empties = await connect(port, CLIENTS), await connect(empty_port, CLIENTS)
        await drive(commands, 1_280, command)
        for _ in range(ROUNDS):
            ours.append(await drive(commands, REQUESTS, command))
            reference.append(await drive(empties, REQUESTS, lambda client, number: empty))
        for connection in (*commands, *empties):
            connection.close()
    for load in (*ours, *reference):
        assert set(load.statuses) == {200}, load.statuses
    took = [seconds for load in ours for seconds in load.took]
    rates = {"ours": rate(ours), "empty FastAPI POST": rate(reference)}
    detail = {"p50 ms": percentile(took, 0.5) * 1e3, "p99 ms": percentile(took, 0.99) * 1e3}
    return compared("http-command", "commands/s", rates, 0.5, detail)


def rate(loads: Sequence[Load]) -> float:
    """The median of their rates."""
    return median(load.rate for load in loads)
