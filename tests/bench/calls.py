"""Dialer calls, from the topic `dialer.calls` to the read model: everything on real servers."""

from schemas.dialer_call import TOPIC
from services.local.sample import load_sample
from tests.bench.bare_kafka import consume_and_copy
from tests.bench.harness import Result, Stack, reached, tell

CLIENTS = 20_000


async def run(stack: Stack) -> Result:
    """Load the sample's leads, let the dialer tell their calls, wait until all are visible."""
    services = await stack.services()
    assert services.servers.transport == "kafka", "this is about Kafka"
    loading = await load_sample(services, tell, limit=CLIENTS)
    assert loading is not None, "loaded before"
    servers = services.servers
    bare = await consume_and_copy(
        servers.environ["LEADS_KAFKA"], servers.owner_url, TOPIC, loading.calls
    )
    detail = {"calls": loading.calls, "leads/s": loading.leads_per_second}
    return reached(
        "calls", loading.calls_per_second, "calls/s", 5_000, detail, {"bare consume + COPY": bare}
    )
