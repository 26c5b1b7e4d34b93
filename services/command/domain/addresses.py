"""E-mail and web addresses: one spelling each, so that equal addresses are equal text."""

import re
from urllib.parse import urlsplit

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]{1,64}@([^@\s.,:;<>()\[\]\\\"]{1,63}\.)+[^@\s.]{2,63}")
_MAX_EMAIL = 254
_MAX_URL = 2_000


def parse_email(text: str) -> str:
    """Return the address with its domain in lower case; ValueError when it is none."""
    text = text.strip()
    if len(text) > _MAX_EMAIL or not _EMAIL.fullmatch(text):
        raise ValueError("Write an e-mail address like ana@example.com.")
    mailbox, _, domain = text.rpartition("@")
    return f"{mailbox}@{domain.lower()}"


def parse_url(text: str) -> str:
    """Return the address of a web page, trimmed; ValueError unless it is http(s) with a host."""
    text = text.strip()
    problem = ValueError("Write a web address like https://example.com/page.")
    if len(text) > _MAX_URL or any(one.isspace() for one in text):
        raise problem
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise problem from None
    if parts.scheme.lower() not in {"http", "https"} or not host:
        raise problem
    return text
