"""The console: the page that the set-up built, and what it must know before anybody signs in."""

import re
from pathlib import Path

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from pydantic import BaseModel, Field

from callcenter.api.deps import ServicesDep
from callcenter.api.problems import responses
from callcenter.settings import Settings

DIST = Path(__file__).parent.parent / "console" / "dist"
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".woff2": "font/woff2",
}
_NOT_BUILT = """<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>Console</title>
<p>控制台尚未构建：请运行 <code>scripts/up</code>。</p>
<p>The console has not been built: run <code>scripts/up</code>, which builds it.</p></html>"""

router = APIRouter(include_in_schema=False)
config = APIRouter(prefix="/api/v1/console", tags=["console"])


class ConsoleConfig(BaseModel):
    """What the page needs to know of this centre; nothing here is a secret."""

    center_name: str
    hotline_number: str
    emergency_number: str
    map_tiles: str = Field(description="Tiles of a map, of {z}, {x} and {y}; empty: no map, only a link.")
    map_url: str = Field(description="A link to a map, of {latitude} and {longitude}.")
    human_answer_seconds: float


@config.get("/config", responses=responses())
async def read_config(services: ServicesDep) -> ConsoleConfig:
    """The page's configuration; needs no sign-in."""
    settings = services.settings
    return ConsoleConfig(
        center_name=settings.center_name,
        hotline_number=settings.hotline_number,
        emergency_number=settings.emergency_number,
        map_tiles=settings.map_tiles,
        map_url=settings.map_url,
        human_answer_seconds=settings.human_answer_seconds,
    )


@router.get("/console")
async def bare() -> Response:
    """The page's address without its last slash."""
    return RedirectResponse("/console/")


@router.get("/console/{path:path}")
async def console(path: str, request: Request, services: ServicesDep) -> Response:
    """A file of the built page; every other path is the page itself, which knows its own addresses."""
    file = DIST / path
    if path.startswith("assets/") and re.fullmatch(r"assets/[A-Za-z0-9._-]+", path):
        if file.suffix not in TYPES or not file.is_file():
            return Response(status_code=404)
        # The name holds the content's digest: it never changes.
        headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
        packed = file.with_name(f"{file.name}.gz")
        if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
            file, headers = packed, {**headers, "Content-Encoding": "gzip"}
        return FileResponse(file, media_type=TYPES[(DIST / path).suffix], headers=headers)
    index = DIST / "index.html"
    if not index.is_file():
        return HTMLResponse(_NOT_BUILT, status_code=503)
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": policy(services.settings, request.url.hostname or ""),
    }
    return FileResponse(index, media_type="text/html; charset=utf-8", headers=headers)


def policy(settings: Settings, host: str) -> str:
    """What the page may load: itself, the phone's socket, the map's tiles; styles are set by its components.

    ``host``: the name that the page was asked for by.
    """
    phone = settings.phone_socket(host if re.fullmatch(r"[A-Za-z0-9.:-]+", host) else settings.web_address)
    tiles = re.match(r"https?://[^/]+", settings.map_tiles)
    pictures = f" {tiles.group().replace('{s}', '*')}" if tiles else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; "
        f"img-src 'self' data: blob:{pictures}; media-src 'self' blob: data:; connect-src 'self' {phone}; "
        "worker-src 'self' blob:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    )
