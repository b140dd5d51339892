"""Two pages for people: where to click first (/), and the API's documentation (/api/docs), both without any CDN."""

import base64
import hashlib
import html
import re
from importlib.resources import files

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from callcenter.api.deps import ServicesDep
from callcenter.api.probes import Readiness, readiness

router = APIRouter(include_in_schema=False)

_ASSETS = {
    "swagger-ui-bundle.js": "application/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_WORDS = {
    "asterisk": "电话交换 Asterisk",
    "watchdog": "监视 Watchdog",
    "journal": "事实日志 Journal",
    "seats": "坐席话机 Seat phones",
    "messages": "短信通知 Messages",
    "database": "数据库 Database",
    "directory": "老人档案 Directory",
    "bus": "消息总线 Bus",
    "relay": "入库 Relay",
}
_STYLE = (
    "body{font:16px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;"
    "color:#1c2733}h1{font-size:1.5rem}table{border-collapse:collapse;width:100%}td{padding:.35rem .6rem;"
    "border-top:1px solid #d8dee4}.ok{color:#116329}.bad{color:#a40e26;font-weight:600}a{color:#0a58b0}"
)
_POLICY = "default-src 'none'; frame-ancestors 'none'; style-src 'unsafe-inline'"


@router.get("/")
async def home(services: ServicesDep) -> HTMLResponse:
    """How the product is, and the ways in."""
    state = await readiness(services)
    settings = services.settings
    page = f"""<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>{html.escape(settings.center_name)}</title>
<style>{_STYLE}</style></head><body><h1>{html.escape(settings.center_name)}</h1>
<p class="{"ok" if state.ready else "bad"}">{
        "应急线路正常 The emergency line is up"
        if state.ready
        else "应急线路由 Asterisk 兜底 The emergency line is on its fallback"
    }</p>
<table>{_rows(state)}</table>
<p>应急 Emergency <b>{settings.emergency_number}</b> · 热线 Hotline <b>{settings.hotline_number}</b></p>
<p><a href="/console/"><b>登录坐席台 Sign in to the console</b></a></p>
<p><a href="/api/docs">接口文档 API documentation</a> · <a href="/readyz">状态 Readiness</a> ·
<a href="/metrics">指标 Metrics</a></p></body></html>"""
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _rows(state: Readiness) -> str:
    rows = []
    for name, part in state.parts.items():
        detail = f" · {part['registered']}" if "registered" in part else ""
        light = '<td class="ok">正常 ok' if part["ok"] else '<td class="bad">异常 down'
        rows.append(f"<tr><td>{_WORDS.get(name, name)}</td>{light}{detail}</td></tr>")
    return "".join(rows)


@router.get("/api/docs")
async def docs() -> HTMLResponse:
    """The API's documentation, to be tried out in the browser."""
    answer = get_swagger_ui_html(
        openapi_url="/api/openapi.json",
        title="API",
        swagger_js_url="/api/docs/swagger-ui-bundle.js",
        swagger_css_url="/api/docs/swagger-ui.css",
        swagger_favicon_url="/api/docs/favicon-32x32.png",
        swagger_ui_parameters={"persistAuthorization": False, "filter": True},
    )
    # The page's one inline script is allowed by its digest; nothing else may run or load from elsewhere.
    (script,) = re.findall(r"<script>(.*?)</script>", bytes(answer.body).decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'self'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; frame-ancestors 'none'"
    )
    return answer


@router.get("/api/docs/{name}")
async def docs_asset(name: str) -> Response:
    """Swagger UI's files, from the package that carries them."""
    media_type = _ASSETS.get(name)
    if media_type is None:
        return Response(status_code=404)
    content = files("fastapi_swagger").joinpath("resources", name).read_bytes()
    return Response(content, media_type=media_type, headers={"Cache-Control": "public, max-age=86400"})
