"""The built web UI on the origin of the API it speaks to: `/ui/` and every page below it.

The files are read once, at the start, and found by their names: nothing of an address becomes a
path on the disk.
"""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import RedirectResponse, Response

from services.kit import errors

DIST = Path(__file__).parent / "dist"
INDEX = "index.html"
_HASHED = "assets/"
"""The build puts here what has the hash of its content in its name."""

_TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
"""What a build may hold; the machine's own table of types is not asked, for it differs."""

_PACKED_FROM_BYTES = 1_400
"""What fits into a packet gets there no sooner when it is smaller."""

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # Mantine writes its theme's variables and its responsive sizes into <style> elements. What
        # an inline style could do for an attacker needs a way out, and img, font and connect have
        # none to another origin.
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the build, as it is and packed; `packed` is empty where that is no shorter."""

    raw: bytes
    packed: bytes
    headers: Mapping[str, str]

    def answer(self, request: Request) -> Response:
        if self.packed and "gzip" in request.headers.get("accept-encoding", ""):
            headers = {**self.headers, "Content-Encoding": "gzip"}
            return Response(self.packed, headers=headers)
        return Response(self.raw, headers=dict(self.headers))


def _read(folder: Path) -> dict[str, _File]:
    """Return every file below `folder` by its path from there; none when it is not built."""
    places = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _file(path, folder) for path in places}


def _file(path: Path, folder: Path) -> _File:
    raw = path.read_bytes()
    packed = gzip.compress(raw, mtime=0) if len(raw) > _PACKED_FROM_BYTES else b""
    hashed = path.relative_to(folder).as_posix().startswith(_HASHED)
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cache-Control": "public, max-age=31536000, immutable" if hashed else "no-cache",
        "Vary": "Accept-Encoding",
    }
    return _File(raw, packed if len(packed) < len(raw) else b"", headers)


def install(app: FastAPI, folder: Path = DIST) -> None:
    """Add the pages to `app`; no route of the API changes.

    A page's address has no extension and is answered with index.html, in which the router of the
    UI takes over; a file that is not there is a problem, as everywhere. So is every page while
    nothing is built: Unavailable, which says what to run.
    """
    files = _read(folder)

    async def to_the_ui() -> Response:
        return RedirectResponse("/ui/")

    async def page(request: Request, path: str) -> Response:
        """Answer a file of the build, or index.html for a page."""
        found = files.get(path)
        if found is None and "." not in path.rpartition("/")[2] and not path.startswith(_HASHED):
            found = files.get(INDEX)
            if found is None:
                raise errors.Unavailable("The web UI is not built here; run ./leads ui.")
        if found is None:
            raise errors.NotFound
        return found.answer(request)

    for path in ("/", "/ui"):
        app.add_api_route(path, to_the_ui, methods=["GET", "HEAD"], include_in_schema=False)
    app.add_api_route("/ui/{path:path}", page, methods=["GET", "HEAD"], include_in_schema=False)
