"""Settings of systems outside: read whole or refused with a sentence; secrets in no text."""

from pathlib import Path

import pytest

from services.kit.outside import (
    LinkSettings,
    SettingsError,
    read_gateway,
    read_links,
    read_mail,
    read_oidc,
)
from services.kit.webhook import is_signed, sign

FROM = {"LEADS_MAIL_FROM": "Sales <sales@leads.example>"}
SECRET = "0123456789abcdef0123456789abcdef"
GATEWAY = {
    "LEADS_MESSAGE_GATEWAY_URL": "https://gateway.example/send",
    "LEADS_MESSAGE_GATEWAY_SECRET": SECRET,
}


def test_nothing_set_is_nothing_there() -> None:
    assert (read_mail({}), read_gateway({}), read_oidc({}), read_links({})) == (None,) * 4


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("smtp://mail.example", ("mail.example", 587, "starttls")),
        ("smtps://mail.example:4650", ("mail.example", 4650, "direct")),
        ("smtp://127.0.0.1:25?tls=none", ("127.0.0.1", 25, "none")),
    ],
)
def test_mail(url: str, place: tuple[str, int, str]) -> None:
    mail = read_mail({"LEADS_SMTP_URL": url, **FROM})
    assert mail is not None
    assert (mail.host, mail.port, mail.tls) == place
    assert (mail.sender, mail.domain) == ("Sales <sales@leads.example>", "leads.example")


def test_secrets_come_from_files_and_show_nowhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    environ = {**FROM, "LEADS_SMTP_URL": "smtp://me%40x@mail.example"}
    mail = read_mail({**environ, "LEADS_SMTP_PASSWORD_FILE": str(secret)})
    assert mail is not None
    assert (mail.username, mail.password) == ("me@x", SECRET)
    gateway = read_gateway(GATEWAY)
    assert gateway is not None
    assert SECRET not in repr(mail) + repr(gateway)


@pytest.mark.parametrize(
    "environ",
    [
        FROM,
        {"LEADS_SMTP_URL": "smtp://mail.example"},
        {"LEADS_SMTP_URL": "http://mail.example", **FROM},
        {"LEADS_SMTP_URL": "smtp://", **FROM},
        {"LEADS_SMTP_URL": "smtp://mail.example:x", **FROM},
        {"LEADS_SMTP_URL": "smtp://me:pw@mail.example", **FROM},
        {"LEADS_SMTP_URL": "smtp://me@mail.example", **FROM},
        {"LEADS_SMTP_URL": "smtp://mail.example?tls=none", **FROM},
        {"LEADS_SMTP_URL": "smtp://mail.example?tls=maybe", **FROM},
        {"LEADS_SMTP_URL": "smtp://mail.example", "LEADS_MAIL_FROM": "nobody"},
        {"LEADS_SMTP_URL": "smtp://mail.example", "LEADS_MAIL_FROM": "a@b.example, c@d.example"},
        {"LEADS_SMTP_URL": "smtp://mail.example", "LEADS_MAIL_FROM": "a@b.example\nBcc: c@d.e"},
        {**FROM, "LEADS_SMTP_URL": "smtp://a@b.example", "LEADS_SMTP_PASSWORD_FILE": "/nowhere"},
    ],
)
def test_half_or_odd_mail_settings_stop_the_process(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"LEADS_(SMTP|MAIL)_"):
        read_mail(environ)


@pytest.mark.parametrize(
    "change",
    [
        {"LEADS_MESSAGE_GATEWAY_URL": ""},
        {"LEADS_MESSAGE_GATEWAY_SECRET": ""},
        {"LEADS_MESSAGE_GATEWAY_SECRET": "short"},
        {"LEADS_MESSAGE_GATEWAY_URL": "http://gateway.example/send"},
        {"LEADS_MESSAGE_GATEWAY_URL": "ftp://gateway.example/send"},
        {"LEADS_MESSAGE_GATEWAY_URL": "https://user@gateway.example/send"},
    ],
)
def test_half_or_odd_gateway_settings_stop_the_process(change: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="LEADS_MESSAGE_GATEWAY_") as stopped:
        read_gateway({**GATEWAY, **change})
    assert SECRET not in str(stopped.value)


def test_a_signature_is_of_one_body_and_of_now() -> None:
    header = sign(b"secret", 1_000, b"{}")
    assert is_signed(b"secret", header, b"{}", 1_000)
    assert is_signed(b"secret", header, b"{}", 1_300)
    assert not is_signed(b"secret", header, b"{}", 1_301)
    assert not is_signed(b"secret", header, b"{} ", 1_000)
    assert not is_signed(b"other", header, b"{}", 1_000)
    assert not is_signed(b"secret", header.replace("t=1000", "t=1001"), b"{}", 1_000)
    for odd in ("", "v1=00", header + ",", header.upper(), "t=１,v1=" + "0" * 64):
        assert not is_signed(b"secret", odd, b"{}", 1_000)


def test_where_links_lead_and_whom_they_may_be_mailed_to() -> None:
    url = {"LEADS_PUBLIC_URL": "https://leads.example.com/"}
    assert read_links(url) == LinkSettings("https://leads.example.com")
    listed = {**url, "LEADS_EXPORT_DOMAINS": "Partner.example, other.example,"}
    found = read_links(listed)
    assert found is not None
    assert found.domains == {"partner.example", "other.example"}
    for wrong in (
        {"LEADS_EXPORT_DOMAINS": "partner.example"},
        {**url, "LEADS_EXPORT_DOMAINS": "a@partner.example"},
        {**url, "LEADS_EXPORT_DOMAINS": "*"},
        {"LEADS_PUBLIC_URL": "http://leads.example.com"},
        {"LEADS_PUBLIC_URL": "https://leads.example.com?x=1"},
    ):
        with pytest.raises(SettingsError, match=r"LEADS_(PUBLIC_URL|EXPORT_DOMAINS)"):
            read_links(wrong)
