"""Verifies an audit package: `python3 offline_verifier.py package.json [public key]`.

It needs no database, no network and nothing but Python, so that an auditor can run it anywhere
and read it in ten minutes. It shows that the events form one unbroken chain, that each sealed one
is part of the signed log (RFC 6962), and that the key's owner signed both the log and this very
package (Ed25519, RFC 8032). `plain` says what a personal field held; that rests on the signature
of the package alone, because the chain is over the encrypted bytes.
"""

import base64
import hashlib
import json
import struct
import sys
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - runs on older Pythons too
_FIELD = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _FIELD - 2, _FIELD) % _FIELD
_SQRT_MINUS_1 = pow(2, (_FIELD - 1) // 4, _FIELD)

Point = tuple[int, int, int, int]


def verify_package(package: dict[str, Any], public_key: bytes) -> list[str]:
    """Return everything that is wrong with the package, in words; an empty list means it holds."""
    return _check_signature(package, public_key) + verify_log(package, public_key, verify_ed25519)


def verify_log(
    package: dict[str, Any], public_key: bytes, is_signed: Callable[[bytes, bytes, bytes], bool]
) -> list[str]:
    """Return what is wrong with chain and proofs; `is_signed` tells by key, signature, message."""
    faults: list[str] = []
    stream = bytes.fromhex(package["lead_id"].replace("-", ""))
    previous = b""
    for expected, event in enumerate(package["events"], 1):
        name = f"event {package['lead_id']}/{event['version']}"
        if event["version"] != expected:
            faults.append(f"{name} stands where version {expected} should")
        found = _link(previous, stream, event)
        if found.hex() != event["hash"]:
            faults.append(f"{name} was changed: its hash does not fit its content")
        previous = bytes.fromhex(event["hash"])
    heads: dict[tuple[str, str], bool] = {}
    for proof in package["proofs"]:
        head, signature = proof["seal"]["head"], proof["seal"]["signature"]
        if (head, signature) not in heads:
            is_good = is_signed(public_key, bytes.fromhex(signature), bytes.fromhex(head))
            heads[head, signature] = is_good
        faults += _check_proof(package, proof, signed=heads[head, signature])
    sealed = {proof["version"] for proof in package["proofs"]}
    last_sealed = max(sealed, default=0)
    if sealed != set(range(1, last_sealed + 1)):
        faults.append("an event before the last sealed one has no proof")
    return faults


def _check_signature(package: dict[str, Any], public_key: bytes) -> list[str]:
    if package.get("format") != "leads-audit-2":
        return [f"this program reads leads-audit-2, not {package.get('format')}"]
    body = {name: value for name, value in package.items() if name != "signature"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    if verify_ed25519(public_key, bytes.fromhex(package.get("signature", "")), text):
        return []
    return ["the package is not as this key signed it"]


def _check_proof(package: dict[str, Any], proof: dict[str, Any], *, signed: bool) -> list[str]:
    version = proof["version"]
    seal = proof["seal"]
    event = package["events"][version - 1]
    name = f"the proof of {package['lead_id']}/{version}"
    node = hashlib.sha256(b"\x00" + bytes.fromhex(event["hash"])).digest()
    for side, sibling in proof["path"]:
        other = bytes.fromhex(sibling)
        pair = other + node if side == "left" else node + other
        node = hashlib.sha256(b"\x01" + pair).digest()
    if node.hex() != seal["root"]:
        return [f"{name} does not lead to the root of its segment"]
    first, last = seal["first_position"], seal["last_position"]
    if not first <= event["position"] <= last:
        return [f"{name} is of a segment that does not hold its position"]
    before = bytes.fromhex(seal["previous_head"])
    body = before + first.to_bytes(8, "big") + last.to_bytes(8, "big") + node
    head = hashlib.sha256(body).digest()
    if head.hex() != seal["head"]:
        return [f"{name}: the seal's head does not fit its root"]
    return [] if signed else [f"{name}: the seal is not signed by this key"]


def _link(previous: bytes, stream: bytes, event: dict[str, Any]) -> bytes:
    """Return the chain hash of an event, from its stored bytes."""
    name = event["type"].encode()
    data, meta = _bytes(event["data"]), _bytes(event["meta"])
    personal = None if event["personal"] is None else _bytes(event["personal"])
    frame = struct.pack(
        ">16sihqIIII",
        stream,
        event["version"],
        event["schema_version"],
        _micros(event["happened_at"]),
        len(name),
        len(data),
        0 if personal is None else len(personal) + 1,
        len(meta),
    )
    digest = hashlib.sha256(frame + name + data + (personal or b"") + meta).digest()
    position = event["position"].to_bytes(8, "big")
    recorded = _micros(event["recorded_at"]).to_bytes(8, "big", signed=True)
    return hashlib.sha256(previous + position + recorded + digest).digest()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _micros(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(microseconds=1)


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether the signature holds (RFC 8032 §5.1.7), in plain integers: slow, easy to check."""
    if len(public_key) != 32 or len(signature) != 64:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _ORDER:
        return False
    digest = hashlib.sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(digest, "little") % _ORDER
    base = _point((4 * pow(5, _FIELD - 2, _FIELD) % _FIELD).to_bytes(32, "little"))
    assert base is not None
    return _equal(_times(scalar, base), _add(commitment, _times(challenge, key)))


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _FIELD
    b = (p[1] + p[0]) * (q[1] + q[0]) % _FIELD
    c = 2 * p[3] * q[3] * _D % _FIELD
    d = 2 * p[2] * q[2] % _FIELD
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _FIELD, g * h % _FIELD, f * g % _FIELD, e * h % _FIELD


def _times(scalar: int, point: Point) -> Point:
    result: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = _add(result, point)
        point = _add(point, point)
        scalar >>= 1
    return result


def _equal(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _FIELD == 0 and (p[1] * q[2] - q[1] * p[2]) % _FIELD == 0


def _point(encoded: bytes) -> Point | None:
    """Return the curve point of 32 bytes, None when there is none."""
    y = int.from_bytes(encoded, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= _FIELD:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _FIELD - 2, _FIELD) % _FIELD
    x = pow(square, (_FIELD + 3) // 8, _FIELD)
    if (x * x - square) % _FIELD:
        x = x * _SQRT_MINUS_1 % _FIELD
    if (x * x - square) % _FIELD or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = _FIELD - x
    return x, y, 1, x * y % _FIELD


def main(arguments: list[str]) -> int:
    """Verify the file named first; exit code 0 when it holds, 1 when not, 2 when called wrongly."""
    if not arguments:
        sys.stderr.write("usage: offline_verifier.py package.json [public key in hexadecimal]\n")
        return 2
    package = json.loads(Path(arguments[0]).read_text("utf-8"))
    given = arguments[1] if len(arguments) > 1 else package["public_key"]
    faults = verify_package(package, bytes.fromhex(given))
    for fault in faults:
        sys.stdout.write(f"FAULT {fault}\n")
    events, proofs = len(package["events"]), len(package["proofs"])
    trust = "" if len(arguments) > 1 else " (key taken from the package itself: compare it)"
    if not faults:
        sys.stdout.write(f"good: {events} events in one chain, {proofs} of them sealed{trust}\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
