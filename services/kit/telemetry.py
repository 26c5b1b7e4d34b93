"""What a process tells of itself: structured log lines on stderr and Prometheus metrics. Neither
holds personal data.

Ids, codes, counts and durations may be logged; names, numbers, texts, bodies and query strings may
not.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

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
    _access = structlog.wrap_logger(
        structlog.BytesLogger(sys.stderr.buffer),
        processors=[_stamped(service), structlog.processors.JSONRenderer(serializer=_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
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


_access: Any = structlog.get_logger()


def log_request(**entry: Any) -> None:
    """Write a line of the access log: by a short way, because there is one for every request."""
    _access.info("request", **entry)


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


def _stamped(service: str) -> Any:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)

    def add(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        entry["level"] = "info"
        entry["service"] = service
        return stamp(_, __, entry)

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
