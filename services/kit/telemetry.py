"""What a process tells of itself: structured log lines on stderr and Prometheus metrics. Neither
holds personal data.

Ids, codes, counts and durations may be logged; names, numbers, texts, bodies and query strings may
not.
"""

import asyncio
import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, BinaryIO

import orjson
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from services.kit.clock import SystemClock

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

http_seconds = Histogram(
    "leads_http_request_seconds",
    "Time from the request's head to the end of the answer",
    ["method", "route", "status"],
    buckets=SECONDS,
)
http_in_flight = Gauge("leads_http_requests_in_flight", "Requests being answered now")
commands_total = Counter("leads_commands_total", "Commands by outcome", ["command", "outcome"])
command_retries = Counter(
    "leads_command_retries_total", "Decisions repeated because the stream had moved", ["command"]
)
auth_failures = Counter("leads_auth_failures_total", "Refused credentials", ["why"])


def metrics(registry: CollectorRegistry = REGISTRY) -> bytes:
    """Return all metrics of this process in Prometheus' text form."""
    return generate_latest(registry)


def set_up_logging(service: str, level: int = logging.INFO) -> None:
    """Send this process's log lines, ours and the libraries', as JSON objects to stderr.

    JSON also encodes control characters, so a value cannot forge a line.
    """
    global _access  # noqa: PLW0603 - set once, at the start of the process
    _access = AccessLog(service, sys.stderr.buffer) if level <= logging.INFO else None
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _named(service),
            structlog.processors.JSONRenderer(serializer=_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(file=sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_LibraryLine(service))
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


class AccessLog:
    """The lines of the access log, by a short way, because there is one for every request.

    Requests that end together, as those of one group commit do, are written together.
    """

    def __init__(self, service: str, file: BinaryIO) -> None:
        """Write the lines of `service` to `file`."""
        self._common = {"level": "info", "service": service, "event": "request"}
        self._file = file
        self._lines: list[bytes] = []

    def add(self, loop: asyncio.AbstractEventLoop, entry: Mapping[str, Any]) -> None:
        """Write a line once `loop` has done what is ready now."""
        if not self._lines:
            loop.call_soon(self._write)
        line = {**entry, **self._common, "timestamp": _CLOCK.now()}
        self._lines.append(orjson.dumps(line, option=_LINE))

    def _write(self) -> None:
        lines, self._lines = self._lines, []
        self._file.write(b"".join(lines))
        self._file.flush()


_CLOCK = SystemClock()
_LINE = orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE
_access: AccessLog | None = None


def log_request(entry: Mapping[str, Any]) -> None:
    """Write a line of the access log; before logging is set up there is none."""
    if _access is not None:
        _access.add(asyncio.get_running_loop(), entry)


def logger() -> Any:
    """Return the logger: `logger().info("event-name", key=value)`."""
    return structlog.get_logger()


def _dumps(entry: Any, **_: Any) -> bytes:
    return orjson.dumps(entry, default=str)


def _named(service: str) -> Any:
    def add(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["service"] = service
        return entry

    return add


class _LibraryLine(logging.Formatter):
    """Renders a library's log record as one JSON object."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "service": self._service,
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return _dumps(entry).decode()
