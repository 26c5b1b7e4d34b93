"""Settings of a process: read whole, or refused with a sentence for everything that is wrong."""

from pathlib import Path

import pytest

from services.kit.settings import SettingsError, read_settings

KEY = "0f" * 32
WHOLE = {
    "LEADS_DATABASE_URL": "postgresql://here/leads",
    "LEADS_KAFKA": "127.0.0.1:9092",
    "LEADS_MASTER_KEY": KEY,
    "LEADS_SIGNING_KEY": KEY,
}


def test_what_is_not_given_has_its_default() -> None:
    settings = read_settings(WHOLE)
    assert settings.transport == "kafka"
    assert (settings.http_host, settings.http_port, settings.metrics_port) == ("127.0.0.1", 8080, 0)
    assert settings.channels == frozenset()


def test_a_key_comes_from_its_file_first(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("AB" * 32 + "\n")
    settings = read_settings({**WHOLE, "LEADS_MASTER_KEY_FILE": str(key)})
    assert settings.master_key == b"\xab" * 32
    assert settings.signing_key == b"\x0f" * 32


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(
            {
                "LEADS_TRANSPORT": "pigeon",
                "LEADS_MASTER_KEY": "short",
                "LEADS_SIGNING_KEY": KEY,
                "LEADS_HTTP_PORT": "70000",
                "LEADS_MAIL_FROM": "sales@leads.example",
                "LEADS_OIDC_ISSUER": "https://tokens.example",
            }
        )
    said = str(refused.value).splitlines()
    assert [line.split(" ")[0].rstrip(":") for line in said] == [
        "LEADS_DATABASE_URL",
        "LEADS_TRANSPORT",
        "LEADS_MASTER_KEY",
        "LEADS_HTTP_PORT",
        "LEADS_SMTP_URL",
        "LEADS_OIDC_ISSUER",
    ]


@pytest.mark.parametrize("port", ["", "abc", "-1", "65536", "8080.0", "٨"])
def test_a_port_is_a_port(port: str) -> None:
    with pytest.raises(SettingsError, match="LEADS_HTTP_PORT"):
        read_settings({**WHOLE, "LEADS_HTTP_PORT": port})


def test_only_the_log_transport_goes_without_a_broker() -> None:
    without = {**WHOLE, "LEADS_KAFKA": ""}
    with pytest.raises(SettingsError, match="LEADS_TRANSPORT=log"):
        read_settings(without)
    assert read_settings({**without, "LEADS_TRANSPORT": "log"}).kafka == ""
