"""An audit package convinces who has only Python, and no longer once a byte is changed."""

import copy
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.kit import offline_verifier
from services.kit.audit_package import package_of, plain_of, proofs_of, signed, stored_events
from services.kit.clock import FixedClock
from services.kit.ids import new_id
from services.kit.keys import SigningKey
from services.kit.offline_verifier import verify_ed25519, verify_package
from services.kit.seal import SEGMENT_SECONDS, Sealer
from tests.kit.event_logs import SIGNING, WHEN, append, lead, note, opened, priority


@pytest.fixture
async def package(database_url: str, tmp_path: Path) -> dict[str, Any]:
    """Three events of a lead between those of others, two of them sealed, the last one not yet."""
    subject = new_id()
    async with opened(database_url) as log:
        for neighbour in (new_id(), new_id(), new_id()):
            await log.append(append(neighbour, 0, lead()))
        await log.append(append(subject, 0, lead()))
        await log.append(append(subject, 1, note("asked for a brochure")))
        clock = FixedClock(WHEN)
        sealer = Sealer(log.pool, SIGNING, clock, tmp_path / "seals")
        assert await sealer.step() is None
        clock.at = WHEN.replace(minute=int(SEGMENT_SECONDS))
        assert await sealer.step() is not None
        await log.append(append(subject, 2, priority(7)))
        key = (await log.keys.load([subject]))[subject]
    connection = await asyncpg.connect(database_url, server_settings={"role": "leads_query"})
    try:
        events = await stored_events(connection, subject)
        proofs = await proofs_of(connection, events)
    finally:
        await connection.close()
    plain = plain_of(events, key)
    assert plain_of(events, None) == {}
    return signed(package_of(subject, events, proofs, plain, SIGNING.public), SIGNING)


def test_an_untouched_package_holds(package: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "package.json"
    file.write_text(json.dumps(package), "utf-8")
    program = [sys.executable, "-I", offline_verifier.__file__, str(file)]
    result = subprocess.run([*program, SIGNING.public.hex()], capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (
        0,
        b"good: 3 events in one chain, 2 of them sealed\n",
    )


CHANGES: dict[str, Callable[[dict[str, Any]], object]] = {
    "content": lambda p: p["events"][1].update(data="e30="),
    "time": lambda p: p["events"][0].update(recorded_at="2026-03-01T00:00:00+00:00"),
    "position": lambda p: p["events"][1].update(position=2),
    "plain text": lambda p: p["events"][1].update(plain={"text": "asked for nothing"}),
    "signature": lambda p: p.update(signature="00" * 64),
    "format": lambda p: p.update(format="leads-audit-1"),
    "missing event": lambda p: p["events"].pop(0),
    "missing proof": lambda p: p["proofs"].pop(0),
    "other path": lambda p: p["proofs"][0]["path"][0].__setitem__(1, "00" * 32),
    "other root": lambda p: p["proofs"][0]["seal"].update(root="00" * 32),
    "other head": lambda p: p["proofs"][0]["seal"].update(previous_head="00" * 32),
    "other signature": lambda p: p["proofs"][0]["seal"].update(signature="00" * 64),
}

UNDER_THE_SIGNATURE = ("plain text", "signature")
"""What rests on the package's own signature alone."""


@pytest.mark.parametrize("change", CHANGES)
async def test_a_changed_package_is_found_out(package: dict[str, Any], change: str) -> None:
    changed = copy.deepcopy(package)
    CHANGES[change](changed)
    assert verify_package(package, SIGNING.public) == []
    assert verify_package(changed, SIGNING.public) != []
    if change not in UNDER_THE_SIGNATURE:  # signed anew by the key's owner, it still does not hold
        assert verify_package(signed(changed, SIGNING), SIGNING.public) != []


def test_a_seal_of_ones_own_beside_a_true_one_is_found_out(package: dict[str, Any]) -> None:
    """The second proof leads to a seal over the same events, which is true but for its signer."""
    changed = copy.deepcopy(package)
    seal = changed["proofs"][1]["seal"] = dict(changed["proofs"][1]["seal"])
    seal["previous_head"] = "11" * 32
    body = bytes.fromhex(seal["previous_head"]) + seal["first_position"].to_bytes(8)
    body += seal["last_position"].to_bytes(8) + bytes.fromhex(seal["root"])
    seal["head"] = hashlib.sha256(body).hexdigest()
    faults = verify_package(signed(changed, SIGNING), SIGNING.public)
    assert any("not signed by this key" in fault for fault in faults)


async def test_a_package_signed_by_somebody_else_is_found_out(package: dict[str, Any]) -> None:
    faults = verify_package(package, SigningKey(bytes(32)).public)
    assert any("not signed by this key" in fault for fault in faults)


def test_a_package_says_what_personal_fields_held(package: dict[str, Any]) -> None:
    plain = [event["plain"] for event in package["events"]]
    assert plain[1:] == [{"text": "asked for a brochure"}, None]


@pytest.mark.parametrize("length", [0, 1, 32, 200])
def test_plain_python_agrees_with_the_library_on_signatures(length: int) -> None:
    message = bytes(range(200))[:length]
    signature = SIGNING.sign(message)
    assert verify_ed25519(SIGNING.public, signature, message)
    assert not verify_ed25519(SIGNING.public, signature, message + b"!")
    assert not verify_ed25519(SIGNING.public, bytes(64), message)
