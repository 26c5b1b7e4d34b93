"""Systems outside that may be named by settings: mail server, message gateway, token issuer.

Each is None when it is not set; half of one is a mistake and stops the process with a sentence.
Secrets come from files (`…_FILE`) or the environment, and never appear in a text of ours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address, AddressHeader
from email.policy import SMTP as POLICY
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

SECRET_CHARS_MIN = 32
_DOMAIN = re.compile(r"[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+")
_SMTP_PORTS = {"smtp": 587, "smtps": 465}


class SettingsError(SystemExit):
    """A setting is missing or wrong; the message says which and what it should be."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Where mail goes out. tls: `starttls` (asked for and insisted on), `direct` or `none`.

    sender: From of every message, as header text; domain: the one message ids are made in.
    """

    host: str
    port: int
    tls: str
    sender: str
    domain: str
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Where links in mails point to, and domains whose addresses may be mailed one beside those of
    users.
    """

    url: str
    domains: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Where SMS and WhatsApp messages are handed over, and the secret both sides sign with."""

    url: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Whose tokens are taken, for whom they must be made, and by which claim a user is named.

    user_claim: `email` is compared with users' e-mail addresses, any other one with their ids.
    """

    issuer: str
    audience: str
    user_claim: str = "email"


def read_mail(environ: Mapping[str, str]) -> MailSettings | None:
    """Read LEADS_SMTP_URL, LEADS_SMTP_PASSWORD and LEADS_MAIL_FROM."""
    text, sender = environ.get("LEADS_SMTP_URL", ""), environ.get("LEADS_MAIL_FROM", "")
    if not text and not sender:
        return None
    if not text or not sender:
        raise SettingsError("LEADS_SMTP_URL and LEADS_MAIL_FROM belong together; set both")
    url = _split("LEADS_SMTP_URL", text, ("smtp", "smtps"))
    if url.password is not None:
        raise SettingsError("LEADS_SMTP_URL holds a password; use LEADS_SMTP_PASSWORD_FILE")
    if url.query not in ("", "tls=none") or url.path not in ("", "/"):
        raise SettingsError("LEADS_SMTP_URL: after the port there may only be ?tls=none")
    plain = url.query == "tls=none"
    if plain and not _is_here(url.hostname or ""):
        raise SettingsError("LEADS_SMTP_URL: ?tls=none is for a server on this machine only")
    tls = "direct" if url.scheme == "smtps" else "none" if plain else "starttls"
    header, domain = _sender(sender)
    username = unquote(url.username or "")
    password = _secret(environ, "LEADS_SMTP_PASSWORD")
    if bool(username) != bool(password):
        raise SettingsError("LEADS_SMTP_URL's user and LEADS_SMTP_PASSWORD_FILE belong together")
    port = url.port or _SMTP_PORTS[url.scheme]
    return MailSettings(url.hostname or "", port, tls, header, domain, username, password)


def read_links(environ: Mapping[str, str]) -> LinkSettings | None:
    """Read LEADS_PUBLIC_URL and LEADS_EXPORT_DOMAINS."""
    text, listed = environ.get("LEADS_PUBLIC_URL", ""), environ.get("LEADS_EXPORT_DOMAINS", "")
    if not text:
        if listed:
            raise SettingsError("LEADS_EXPORT_DOMAINS needs LEADS_PUBLIC_URL, where links point to")
        return None
    if require_web("LEADS_PUBLIC_URL", text).query:
        raise SettingsError("LEADS_PUBLIC_URL must be an address without a query")
    domains = frozenset(one.strip().lower() for one in listed.split(",") if one.strip())
    wrong = sorted(one for one in domains if not _DOMAIN.fullmatch(one))
    if wrong:
        raise SettingsError(f"LEADS_EXPORT_DOMAINS: {wrong[0]!r} is no domain, as example.com")
    return LinkSettings(text.rstrip("/"), domains)


def read_gateway(environ: Mapping[str, str]) -> GatewaySettings | None:
    """Read LEADS_MESSAGE_GATEWAY_URL and LEADS_MESSAGE_GATEWAY_SECRET."""
    text = environ.get("LEADS_MESSAGE_GATEWAY_URL", "")
    secret = _secret(environ, "LEADS_MESSAGE_GATEWAY_SECRET")
    if not text and not secret:
        return None
    if not text or not secret:
        raise SettingsError(
            "LEADS_MESSAGE_GATEWAY_URL and LEADS_MESSAGE_GATEWAY_SECRET_FILE belong together"
        )
    if len(secret) < SECRET_CHARS_MIN:
        raise SettingsError(
            f"LEADS_MESSAGE_GATEWAY_SECRET must have at least {SECRET_CHARS_MIN} characters"
        )
    require_web("LEADS_MESSAGE_GATEWAY_URL", text)
    return GatewaySettings(text, secret.encode())


def read_oidc(environ: Mapping[str, str]) -> OidcSettings | None:
    """Read LEADS_OIDC_ISSUER, LEADS_OIDC_AUDIENCE and LEADS_OIDC_USER_CLAIM."""
    issuer = environ.get("LEADS_OIDC_ISSUER", "")
    audience = environ.get("LEADS_OIDC_AUDIENCE", "")
    if not issuer and not audience:
        return None
    if not issuer or not audience:
        raise SettingsError("LEADS_OIDC_ISSUER and LEADS_OIDC_AUDIENCE belong together; set both")
    if require_web("LEADS_OIDC_ISSUER", issuer).query:
        raise SettingsError("LEADS_OIDC_ISSUER must be an address without a query")
    return OidcSettings(issuer, audience, environ.get("LEADS_OIDC_USER_CLAIM", "") or "email")


def require_web(name: str, text: str) -> SplitResult:
    """Return an address that may be asked: https, or http on this machine; raises SettingsError."""
    url = _split(name, text, ("https", "http"))
    if url.username is not None or url.fragment:
        raise SettingsError(f"{name} must hold neither user nor fragment")
    if url.scheme == "http" and not _is_here(url.hostname or ""):
        raise SettingsError(f"{name} must begin with https:// (http:// on this machine only)")
    return url


def _split(name: str, text: str, schemes: tuple[str, ...]) -> SplitResult:
    wanted = f"{name} must be an address that begins with {' or '.join(schemes)}"
    try:
        url = urlsplit(text)
        _ = url.port  # raises for a port that is no number
    except ValueError:
        raise SettingsError(wanted) from None
    if url.scheme not in schemes or not url.hostname or not text.isprintable():
        raise SettingsError(wanted)
    return url


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _sender(text: str) -> tuple[str, str]:
    """Return the From header and the domain of its one address."""
    wanted = 'LEADS_MAIL_FROM must be one address, like "Sales <sales@example.com>"'
    try:
        header = POLICY.header_factory("from", text)
    except (HeaderParseError, ValueError):
        raise SettingsError(wanted) from None
    addresses: tuple[Address, ...] = header.addresses if isinstance(header, AddressHeader) else ()
    if header.defects or len(addresses) != 1 or not addresses[0].domain.isascii():
        raise SettingsError(wanted)
    if not addresses[0].domain or not addresses[0].username:
        raise SettingsError(wanted)
    return str(addresses[0]), addresses[0].domain


def _secret(environ: Mapping[str, str], name: str) -> str:
    path = environ.get(f"{name}_FILE", "")
    if not path:
        return environ.get(name, "").strip()
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE cannot be read: {type(error).__name__}") from None
