"""`python -m services.command.sending`: sends messages to leads and settles exports, in a process
of its own.

There may be several of these; one at a time sends.
"""

import asyncio
import sys

import asyncpg
from prometheus_client import Gauge

from services.command.app import open_commanding
from services.command.exports.clerk import Clerk
from services.command.exports.post import Post
from services.command.handler import Commanding
from services.command.sending.gateway import Gateway
from services.command.sending.letter import Channel
from services.command.sending.mail import Mailer
from services.command.sending.outbox import Overtaken
from services.command.sending.sender import Sender
from services.kit.background import pause, run_service, say_ready
from services.kit.clock import Clock, SystemClock
from services.kit.leadership import leadership
from services.kit.postgres import RETRYABLE
from services.kit.settings import Settings
from services.kit.telemetry import logger

LEADER_LOCK = 7_005_007
AGAIN_SECONDS = 0.5
STOP_SECONDS = 2.0

leading = Gauge("leads_sender_leading", "Whether this process is the one that sends")


async def main(settings: Settings, stop: asyncio.Event) -> None:
    """Send whenever nobody else does, until stopped."""
    clock = SystemClock()
    if not settings.channels:
        logger().info("idle", note="neither LEADS_SMTP_URL nor LEADS_MESSAGE_GATEWAY_URL is set")
    async with open_commanding(settings, clock) as commanding:
        say_ready()
        while not stop.is_set():
            try:
                async with leadership(
                    settings.database_url, LEADER_LOCK, "sender", leading, stop
                ) as lost:
                    await _lead(settings, commanding, clock, stop, lost)
            except (Overtaken, *RETRYABLE, asyncpg.PostgresError) as error:
                logger().warning("not-leading", why=type(error).__name__)
                await pause(stop, AGAIN_SECONDS)


async def _lead(
    settings: Settings,
    commanding: Commanding,
    clock: Clock,
    stop: asyncio.Event,
    lost: asyncio.Event,
) -> None:
    """Send until told to stop, or until the lock is gone."""
    if stop.is_set():
        return
    channels: list[Channel] = []
    if settings.mail is not None:
        channels.append(Mailer(settings.mail))
    if settings.gateway is not None:
        channels.append(Gateway(settings.gateway, clock))
    over = asyncio.Event()
    work: list[Sender | Clerk | Post] = [
        Sender(commanding, clock, tuple(channels)),
        Clerk(commanding, clock),
    ]
    if settings.mail is not None and settings.links is not None:
        work.append(Post(commanding, clock, Mailer(settings.mail), settings.links.url))
    working = [asyncio.create_task(one.run(over)) for one in work]
    ends = [asyncio.create_task(event.wait()) for event in (stop, lost)]
    try:
        await asyncio.wait([*working, *ends], return_when=asyncio.FIRST_COMPLETED)
    finally:
        over.set()
        for end in ends:
            end.cancel()
        await asyncio.wait(working, timeout=STOP_SECONDS)
        for one in working:
            one.cancel()  # waiting for a server that does not answer
        results = await asyncio.gather(*working, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseExceptionGroup):
            raise result.exceptions[0]
        if isinstance(result, Exception):
            raise result


if __name__ == "__main__":
    sys.exit(run_service("sender", main))
