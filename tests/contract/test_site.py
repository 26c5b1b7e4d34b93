"""The web UI as it is served: pages, files, what browsers are told of them, and nothing else."""

import asyncio
import gzip
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from services.admin import site
from services.kit.http import create_app
from services.kit.openapi import openapi
from services.local.ports import choose_port

ROOT = Path(__file__).parents[2]
INDEX = '<!doctype html><script type="module" src="/ui/assets/index-abc.js"></script>'
SCRIPT = "export const numbers = [" + "1," * 2_000 + "];"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "index-abc.js").write_text(SCRIPT)
    (folder / "assets" / "index-abc.css").write_text("a{}")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


def _client(folder: Path) -> httpx.AsyncClient:
    app = create_app("test")
    site.install(app, folder)
    assert openapi(app)["paths"] == {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://leads")


@pytest.fixture
async def client(built: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with _client(built) as client:
        yield client


async def test_the_root_leads_to_the_ui(client: httpx.AsyncClient) -> None:
    for path in ("/", "/ui"):
        for method in ("GET", "HEAD"):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.headers["location"]) == (307, "/ui/")


@pytest.mark.parametrize("path", ["/ui/", "/ui/leads", "/ui/leads/0192?tab=log", "/ui/index.html"])
async def test_every_page_is_the_index_and_asked_for_anew(
    client: httpx.AsyncClient, path: str
) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache"
    assert (await client.get(path)).text == INDEX


async def test_hashed_files_are_kept_for_a_year_and_packed_for_who_takes_it(
    client: httpx.AsyncClient,
) -> None:
    script = await client.get("/ui/assets/index-abc.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == SCRIPT
    plain = await client.get("/ui/assets/index-abc.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT
    assert {script.headers["vary"], plain.headers["vary"]} == {"Accept-Encoding"}
    style = await client.get("/ui/assets/index-abc.css")
    assert (style.headers["content-type"], style.text) == ("text/css; charset=utf-8", "a{}")
    assert len(gzip.compress(SCRIPT.encode(), mtime=0)) == int(script.headers["content-length"])


async def test_a_page_runs_its_own_scripts_only(client: httpx.AsyncClient) -> None:
    answer = await client.get("/ui/leads")
    (policy,) = answer.headers.get_list("content-security-policy")
    allowed = dict(part.split(" ", 1) for part in policy.split("; "))
    assert allowed == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self' 'unsafe-inline'",
        "connect-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert len(answer.headers.get_list("cache-control")) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/ui/assets/gone.js",
        "/ui/assets/gone",
        "/ui/leads.txt",
        "/ui/../secret.txt",
        "/ui/%2e%2e/secret.txt",
        "/ui/..%2fsecret.txt",
        "/ui/assets/..%5c..%5csecret.txt",
        "/ui//etc/passwd.txt",
        "/uix",
        "/v1/nothing",
    ],
)
async def test_what_is_not_there_is_a_problem(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; frame")


async def test_pages_take_no_other_method(client: httpx.AsyncClient) -> None:
    answer = await client.post("/ui/leads", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


async def test_while_nothing_is_built_pages_say_what_to_run(tmp_path: Path) -> None:
    async with _client(tmp_path / "none") as client:
        answer = await client.get("/ui/leads")
        assert answer.status_code == 503
        assert "./leads ui" in answer.json()["detail"]


async def test_it_runs_by_itself_without_database_or_keys(tmp_path: Path) -> None:
    port = choose_port(tmp_path / "http.port")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.admin"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LEADS_HTTP_PORT": str(port)},
    )
    try:
        async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
            while True:
                try:
                    ready = await client.get(f"http://127.0.0.1:{port}/readyz")
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                break
            assert ready.json()["status"] == "ready"
            root = await client.get(f"http://127.0.0.1:{port}/")
            assert root.headers["location"] == "/ui/"
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
