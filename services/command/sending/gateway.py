"""SMS and WhatsApp by a webhook: one signed POST per message to a gateway that knows the providers.

Any 2xx means: taken. The same `Idempotency-Key` comes with every try of one message, so a gateway
that has taken it says so again and sends nothing twice.
"""

from typing import ClassVar

import httpx
import orjson

from schemas.instants import format_instant
from services.command.sending.letter import Later, Letter, Refusal, Unreachable
from services.kit.clock import Clock
from services.kit.outside import GatewaySettings
from services.kit.webhook import HEADER, sign

TIMEOUT = httpx.Timeout(15.0, connect=5.0)
ANSWER_BYTES_MAX = 65_536
WAIT_SECONDS_MAX = 900.0
_TRY_AGAIN = frozenset({408, 425, 429})
_REFERENCE_CHARS_MAX = 128


class Gateway:
    """The channels `sms` and `whatsapp`."""

    names: ClassVar[tuple[str, ...]] = ("sms", "whatsapp")
    width: ClassVar[int] = 8

    def __init__(self, settings: GatewaySettings, clock: Clock) -> None:
        """Send to the gateway of the settings, signing with the time of `clock`."""
        self._settings = settings
        self._clock = clock
        self._open: httpx.AsyncClient | None = None

    async def deliver(self, letter: Letter) -> str | None:
        """Hand one letter over; return the gateway's name for it, if it gave one."""
        body = orjson.dumps(
            {
                "id": letter.message_id,
                "channel": letter.channel,
                "to": letter.address,
                "body": letter.body,
                "queued_at": format_instant(letter.queued_at),
            }
        )
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": letter.try_id,
            HEADER: sign(self._settings.secret, int(self._clock.now().timestamp()), body),
        }
        try:
            async with self._client().stream(
                "POST", self._settings.url, content=body, headers=headers
            ) as answer:
                said = await _read(answer)
        except httpx.HTTPError as error:
            raise Unreachable("gateway-unreachable", type(error).__name__) from None
        if answer.is_success:
            return _reference(said)
        detail = f"{answer.status_code} {said.decode('utf-8', 'replace')}"
        if answer.is_server_error or answer.status_code in _TRY_AGAIN:
            wait = _seconds(answer.headers.get("retry-after", ""))
            raise Later("gateway-deferred", detail, wait_seconds=wait)
        raise Refusal("gateway-refused", detail)

    async def close(self) -> None:
        """Close the connections; the next letter opens new ones."""
        client, self._open = self._open, None
        if client is not None:
            await client.aclose()

    def _client(self) -> httpx.AsyncClient:
        if self._open is None:
            limits = httpx.Limits(max_connections=self.width)
            self._open = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, limits=limits)
        return self._open


async def _read(answer: httpx.Response) -> bytes:
    """Return the answer's body, cut where no gateway has any more to say."""
    said = b""
    async for chunk in answer.aiter_bytes():
        said += chunk
        if len(said) > ANSWER_BYTES_MAX:
            break
    return said[:ANSWER_BYTES_MAX]


def _reference(said: bytes) -> str | None:
    try:
        found = orjson.loads(said)
    except orjson.JSONDecodeError:
        return None
    name = found.get("id") if isinstance(found, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= _REFERENCE_CHARS_MAX:
        return None
    return name if name.isprintable() else None


def _seconds(retry_after: str) -> float | None:
    if not retry_after.isascii() or not retry_after.isdigit():
        return None
    return min(float(retry_after[:6]), WAIT_SECONDS_MAX)
