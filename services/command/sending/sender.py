"""Who sends: takes what is due, sends it, and says in the log what became of it.

At least once: after a crash between sending and saying so the letter goes out again, the same to
the byte and under the same id. A channel that cannot be reached pauses; a letter that is deferred
waits longer each time; what could not be sent for a day is given up.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from random import random

import asyncpg
from prometheus_client import Counter, Gauge

from schemas.lead import LeadMessageQueued
from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.lead.dialling import dnc_reasons
from services.command.domain.lead.sending import NoteMessageFailed, NoteMessageSent
from services.command.domain.lead.state import Lead
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.hashes import dnc_stream
from services.command.sending.letter import (
    Channel,
    Later,
    Letter,
    NotSent,
    Refusal,
    Unreachable,
    one_line,
)
from services.command.sending.outbox import Outbox, Overtaken, Waiting
from services.kit.auth import Principal
from services.kit.background import pause
from services.kit.clock import Clock
from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.errors import Problem
from services.kit.failpoints import at
from services.kit.http import failure
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger

POLL_SECONDS = 0.1
LOOK_SECONDS = 5.0
BACK_OFF_SECONDS = (5.0, 900.0)
PAUSE_SECONDS = (1.0, 60.0)
JITTER = 0.2
GIVE_UP = timedelta(hours=24)
SENDER = Actor("service:sender", "admin")

settled = Counter("leads_sender_messages_total", "Messages settled", ["channel", "outcome"])
tries = Counter("leads_sender_tries_failed_total", "Tries in vain", ["channel", "code"])
waiting = Gauge("leads_sender_waiting", "Messages that wait to be sent")
oldest = Gauge("leads_sender_oldest_seconds", "Since when the oldest message waits")
_NOBODY = Principal("", "")
_QUEUED = READ_EVENTS + " where stream_id = $1 and type = $2 order by version"
_FAULTS = (Problem, Overtaken, asyncpg.PostgresError, *RETRYABLE)


class Sender:
    """Sends by some channels what waits in one outbox."""

    def __init__(
        self,
        commanding: Commanding,
        clock: Clock,
        channels: tuple[Channel, ...],
        chance: Callable[[], float] = random,
    ) -> None:
        """Send by `channels`; `chance` gives the jitter of waits, from 0 to 1."""
        self._commanding = commanding
        self._clock = clock
        self._channels = channels
        self._chance = chance
        self.outbox = Outbox(commanding.log)

    async def run(self, stop: asyncio.Event) -> None:
        """Fill the outbox and send until `stop` is set. Raises Overtaken."""
        async with asyncio.TaskGroup() as work:
            work.create_task(self._fill(stop))
            for channel in self._channels:
                work.create_task(self._send_by(channel, stop))

    async def _fill(self, stop: asyncio.Event) -> None:
        looked = 0.0
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            try:
                more = await self.outbox.fill()
                if loop.time() - looked >= LOOK_SECONDS:
                    looked = loop.time()
                    await self._look()
            except Overtaken:
                raise
            except _FAULTS as error:
                logger().warning("outbox-fault", **failure(error))
                more = False
            if not more:
                await pause(stop, POLL_SECONDS)

    async def _look(self) -> None:
        count, since = await self.outbox.waiting()
        waiting.set(count)
        now = self._clock.now()
        oldest.set(0.0 if since is None else max(0.0, (now - since).total_seconds()))

    async def _send_by(self, channel: Channel, stop: asyncio.Event) -> None:
        shortest, longest = PAUSE_SECONDS
        wait = shortest
        try:
            while not stop.is_set():
                try:
                    sent = await self.send_due(channel)
                except Unreachable as error:
                    logger().warning("channel-unreachable", channel=channel.names, why=error.code)
                    await pause(stop, self._jittered(wait))
                    wait = min(wait * 2, longest)
                    continue
                except _FAULTS as error:
                    logger().warning("sender-fault", **failure(error))
                    sent = False
                wait = shortest
                if not sent:
                    await channel.close()
                    await pause(stop, POLL_SECONDS)
        finally:
            await channel.close()

    async def send_due(self, channel: Channel) -> bool:
        """Send what is due by a channel, as many as it takes at once; False when nothing is.

        Raises Unreachable when the channel is not to be used for now.
        """
        due = await self.outbox.due(channel.names, self._clock.now(), channel.width)
        results = await asyncio.gather(
            *(self._send(channel, one) for one in due), return_exceptions=True
        )
        for result in sorted(
            (one for one in results if isinstance(one, BaseException)),
            key=lambda one: isinstance(one, Unreachable),
        ):
            raise result
        return bool(due)

    async def _send(self, channel: Channel, one: Waiting) -> None:
        states = await self._commanding.states.refresh({one.lead_id: "lead"})
        lead: Lead = states[one.lead_id]
        message = lead.outbox.get(one.message_id)
        letter = await self._letter(one) if message and message.state == "queued" else None
        if letter is None:  # settled meanwhile, or its text was erased
            await self.outbox.drop(one)
            return
        hindrance = await self._hindrance(lead, one, letter)
        if hindrance is not None:
            await self._failed(one, hindrance, one.attempts)
            return
        at("sender.before_send")
        try:
            reference = await channel.deliver(letter)
        except Refusal as refusal:
            await self._failed(one, refusal, one.attempts + 1)
        except NotSent as fault:
            await self._later(one, fault)
            if isinstance(fault, Unreachable):
                raise
        except Exception as error:  # noqa: BLE001 - one letter's fault is not the others'
            logger().error("letter-fault", lead=str(one.lead_id), **failure(error))
            await self._later(one, Later("internal", type(error).__name__))
        else:
            at("sender.after_send")
            said = None if reference is None else one_line(reference)
            await self._tell(
                one,
                NoteMessageSent(
                    message_id=one.message_id, attempts=one.attempts + 1, reference=said
                ),
            )
            settled.labels(one.channel, "sent").inc()

    async def _letter(self, one: Waiting) -> Letter | None:
        """Read what the message says from the log; None when it is erased."""
        rows = await self._commanding.log.pool.fetch(_QUEUED, one.lead_id, LeadMessageQueued.TOPIC)
        for recorded in await self._commanding.log.decode([StoredEvent(*row) for row in rows]):
            event = recorded.event
            assert isinstance(event, LeadMessageQueued)
            if event.message_id == one.message_id:
                if event.address is None or event.body is None:
                    return None
                return Letter(
                    event.message_id,
                    one.try_id.replace("/", "."),
                    event.channel,
                    event.address,
                    event.subject,
                    event.body,
                    recorded.happened_at,
                )
        return None

    async def _hindrance(self, lead: Lead, one: Waiting, letter: Letter) -> Refusal | None:
        """Say why the letter must not go out, or not any more."""
        now = self._clock.now()
        if now - one.queued_at > GIVE_UP:
            return Refusal("given-up", one.fault or "It was not tried for a day.")
        if one.channel == "email":
            return None
        stream = dnc_stream(self._commanding.log.keys.master, letter.address)
        states = await self._commanding.states.refresh({stream: "dnc"})
        for reason in dnc_reasons(lead, states[stream].entries, now):
            return Refusal(reason.code, reason.text)
        return None

    async def _later(self, one: Waiting, fault: NotSent) -> None:
        tries.labels(one.channel, fault.code).inc()
        await self.outbox.later(one, self._clock.now() + self._delay(one, fault), fault.code)

    async def _failed(self, one: Waiting, why: Refusal, attempts: int) -> None:
        detail = why.detail or None
        await self._tell(
            one,
            NoteMessageFailed(
                message_id=one.message_id, code=why.code, attempts=attempts, detail=detail
            ),
        )
        settled.labels(one.channel, "failed").inc()

    async def _tell(self, one: Waiting, command: Command) -> None:
        cause = f"event:{one.try_id}"
        order = Order(command, _NOBODY, one.lead_id, SENDER, cause=cause)
        await self._commanding.handle(order)
        await self.outbox.drop(one)

    def _delay(self, one: Waiting, fault: NotSent) -> timedelta:
        shortest, longest = BACK_OFF_SECONDS
        seconds = min(longest, shortest * 2.0 ** min(one.attempts, 20))
        return timedelta(seconds=max(self._jittered(seconds), fault.wait_seconds or 0.0))

    def _jittered(self, seconds: float) -> float:
        return seconds * (1 - JITTER + 2 * JITTER * self._chance())
