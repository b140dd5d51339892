"""The console as the api serves it (B4): its files, what it may load, what it must know before anybody signs in."""

import gzip
from pathlib import Path

import httpx
import pytest

from callcenter.api import console
from callcenter.settings import load_settings


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built console in place of the real one."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>", "utf-8")
    (tmp_path / "assets" / "index-1a2b.js").write_text("let x = 1", "utf-8")
    (tmp_path / "assets" / "index-1a2b.js.gz").write_bytes(gzip.compress(b"let x = 1"))
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    monkeypatch.setattr(console, "DIST", tmp_path)
    return tmp_path


async def test_given_a_built_console_then_every_address_below_it_is_the_page(
    built: Path, client: httpx.AsyncClient
) -> None:
    for path in (
        "/console/",
        "/console/desk",
        "/console/admin/elders",
        "/console/%2e%2e/secret.txt",
        "/console/secret.txt",
    ):
        answer = await client.get(path)
        assert (answer.status_code, "page" in answer.text) == (200, True), path
        assert "secret" not in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        assert "script-src 'self';" in answer.headers["content-security-policy"]


async def test_given_an_asset_then_it_is_packed_and_kept_for_ever(built: Path, client: httpx.AsyncClient) -> None:
    answer = await client.get("/console/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert (answer.text, answer.headers["content-encoding"]) == ("let x = 1", "gzip")
    assert "immutable" in answer.headers["cache-control"]
    plain = await client.get("/console/assets/index-1a2b.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"].startswith("text/javascript")
    for path in ("index-9.js", "..%2Fsecret.txt", "index-1a2b.js.gz"):
        answer = await client.get(f"/console/assets/{path}")
        assert "secret" not in answer.text
        assert answer.status_code == 404 or "page" in answer.text


async def test_given_no_built_console_then_the_page_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, client: httpx.AsyncClient
) -> None:
    monkeypatch.setattr(console, "DIST", tmp_path)
    answer = await client.get("/console/")
    assert answer.status_code == 503
    assert "scripts/up" in answer.text


async def test_given_nobody_signed_in_then_the_configuration_is_told(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/console/config")
    assert answer.json()["emergency_number"] == "95120"
    assert answer.json()["map_tiles"] == ""


@pytest.mark.parametrize(
    ("tiles", "allowed"),
    [("", ""), ("https://{s}.tiles.example/{z}/{x}/{y}.png", " https://*.tiles.example;"),
     ("http://10.0.0.9:8080/t/{z}/{x}/{y}.png", " http://10.0.0.9:8080;")],
)  # fmt: skip
def test_only_the_maps_own_host_may_send_pictures(tmp_path: Path, tiles: str, allowed: str) -> None:
    policy = console.policy(load_settings(data=tmp_path, map_tiles=tiles, _env_file=None), "desk.example")
    pictures = next(part for part in f"{policy};".split("; ") if part.startswith("img-src"))
    assert allowed in f"{pictures};"


@pytest.mark.parametrize(
    ("bind", "url", "host", "socket"),
    [
        ("127.0.0.1", "", "localhost", "ws://127.0.0.1:8088/ws"),
        ("0.0.0.0", "", "10.0.0.5", "ws://10.0.0.5:8088/ws"),
        ("0.0.0.0", "wss://desk.example/ws", "10.0.0.5", "wss://desk.example/ws"),
        ("0.0.0.0", "", "x; script-src *", "ws://0.0.0.0:8088/ws"),
    ],
)
def test_the_page_reaches_nothing_but_us_and_the_phones_socket(
    tmp_path: Path, bind: str, url: str, host: str, socket: str
) -> None:
    settings = load_settings(data=tmp_path, bind=bind, ws_url=url, _env_file=None)
    assert f"connect-src 'self' {socket};" in console.policy(settings, host)
