"""Settings come from the environment (`LEADS_…`), once, at the start of a process; a secret may
come as `…_FILE`.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from services.kit.outside import (
    GatewaySettings,
    LinkSettings,
    MailSettings,
    OidcSettings,
    SettingsError,
    read_gateway,
    read_links,
    read_mail,
    read_oidc,
)

__all__ = ["Settings", "SettingsError", "read_settings"]

PORT_MAX = 65_535
IMPORT_BYTES_MAX = 256 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a process needs to know of its surroundings.

    database_url: PostgreSQL, user with membership in the `leads_…` roles.
    kafka: bootstrap servers, "" when transport is "log".
    transport: "kafka", or "log" where projections read the event log directly.
    master_key: 32 bytes that wrap every lead's data key; signing_key: 32 bytes, Ed25519 seed.
    http_host: the address it answers on, loopback until told otherwise; metrics too.
    import_bytes_max: how large a file of leads may be.
    mail, gateway, oidc, links: systems outside, None where there is none (services/kit/outside.py).
    """

    database_url: str
    kafka: str
    transport: str
    master_key: bytes
    signing_key: bytes
    http_port: int
    metrics_port: int
    data_dir: Path
    http_host: str = "127.0.0.1"
    import_bytes_max: int = IMPORT_BYTES_MAX
    mail: MailSettings | None = None
    gateway: GatewaySettings | None = None
    oidc: OidcSettings | None = None
    links: LinkSettings | None = None

    @property
    def channels(self) -> frozenset[str]:
        """By what messages can be sent: `email`, `sms`, `whatsapp`."""
        mail = {"email"} if self.mail is not None else set()
        return frozenset(mail | ({"sms", "whatsapp"} if self.gateway is not None else set()))

    @property
    def mail_domains(self) -> frozenset[str] | None:
        """To addresses in which links may be mailed beside users'; None = no links are mailed."""
        return None if self.mail is None or self.links is None else self.links.domains


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings, or stop the process with a sentence for each that is missing or wrong."""
    faults = [text for read in _READERS if (text := _fault_of(read, environ))]
    if faults:
        raise SettingsError("\n".join(faults))
    http_host, http_port = read_address(environ)
    return Settings(
        database_url=_database(environ),
        kafka=_kafka(environ),
        transport=_transport(environ),
        master_key=_master_key(environ),
        signing_key=_signing_key(environ),
        http_port=http_port,
        metrics_port=_metrics_port(environ),
        data_dir=Path(environ.get("LEADS_DATA_DIR", ".leads")),
        http_host=http_host,
        import_bytes_max=_import_bytes(environ),
        mail=read_mail(environ),
        gateway=read_gateway(environ),
        oidc=read_oidc(environ),
        links=read_links(environ),
    )


def read_address(environ: Mapping[str, str] = os.environ) -> tuple[str, int]:
    """Read host and port alone, for a process that needs nothing else; raises SettingsError."""
    return environ.get("LEADS_HTTP_HOST") or "127.0.0.1", _http_port(environ)


def _fault_of(read: Callable[[Mapping[str, str]], object], environ: Mapping[str, str]) -> str:
    try:
        read(environ)
    except SettingsError as fault:
        return str(fault)
    return ""


def _database(environ: Mapping[str, str]) -> str:
    return _required(environ, "LEADS_DATABASE_URL")


def _transport(environ: Mapping[str, str]) -> str:
    transport = environ.get("LEADS_TRANSPORT", "kafka")
    if transport not in ("kafka", "log"):
        raise SettingsError(f"LEADS_TRANSPORT is {transport!r}; it must be kafka or log")
    return transport


def _kafka(environ: Mapping[str, str]) -> str:
    kafka = environ.get("LEADS_KAFKA", "")
    if not kafka and environ.get("LEADS_TRANSPORT", "kafka") == "kafka":
        raise SettingsError("LEADS_KAFKA is not set; give host:port, or LEADS_TRANSPORT=log")
    return kafka


def _master_key(environ: Mapping[str, str]) -> bytes:
    return _key(environ, "LEADS_MASTER_KEY")


def _signing_key(environ: Mapping[str, str]) -> bytes:
    return _key(environ, "LEADS_SIGNING_KEY")


def _http_port(environ: Mapping[str, str]) -> int:
    return _port(environ, "LEADS_HTTP_PORT", 8080)


def _metrics_port(environ: Mapping[str, str]) -> int:
    return _port(environ, "LEADS_METRICS_PORT", 0)


def _import_bytes(environ: Mapping[str, str]) -> int:
    value = environ.get("LEADS_IMPORT_MB_MAX", str(IMPORT_BYTES_MAX >> 20))
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= 4_096):
        raise SettingsError(f"LEADS_IMPORT_MB_MAX is {value!r}; it must be 1 to 4096 (MiB)")
    return int(value) << 20


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and int(value) <= PORT_MAX):
        raise SettingsError(f"{name} is {value!r}; it must be a port, 0 to {PORT_MAX}")
    return int(value)


def _key(environ: Mapping[str, str], name: str) -> bytes:
    path = environ.get(f"{name}_FILE", "")
    try:
        text = Path(path).read_text("ascii") if path else _required(environ, name)
        key = bytes.fromhex(text.strip())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{name}: {error}; it must be 64 hexadecimal digits") from None
    if len(key) != 32:
        raise SettingsError(f"{name} has {len(key)} bytes; it must have 32")
    return key


_READERS: tuple[Callable[[Mapping[str, str]], object], ...] = (
    _database,
    _transport,
    _kafka,
    _master_key,
    _signing_key,
    _http_port,
    _metrics_port,
    _import_bytes,
    read_mail,
    read_gateway,
    read_oidc,
)
