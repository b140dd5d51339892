"""The public request form (/request): plain HTML that works without JavaScript, in Chinese and English (B5).

Answers to WCAG 2.2 AA: labels, error texts tied to their fields, sizes for old eyes. Nothing of it is cached.
"""

import html
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError

from callcenter.api.deps import Services, ServicesDep, client_address, transaction
from callcenter.api.requests import PublicRequest, accept, limit
from callcenter.errors import CallCenterError, InvalidInput, TooManyAttempts
from callcenter.phone import normalise

router = APIRouter(include_in_schema=False)

LARGEST = 32 * 1024
_FIELDS = ("name", "phone", "elder", "address", "kind", "text", "website")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
_STYLE = (
    "body{font:18px/1.6 system-ui,'Noto Sans CJK SC',sans-serif;max-width:38rem;margin:2rem auto;padding:0 1rem;"
    "color:#1c2733;background:#fff}label{display:block;margin-top:1rem;font-weight:600}"
    "input,select,textarea{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid #56636f;"
    "border-radius:4px;min-height:2.75rem}textarea{min-height:8rem}.check{display:flex;gap:.6rem;font-weight:400}"
    ".check input{width:1.5rem;min-height:1.5rem}button{font:inherit;font-weight:600;margin-top:1.2rem;"
    "padding:.7rem 2rem;border:0;border-radius:4px;background:#0a58b0;color:#fff}"
    "input:focus,select:focus,textarea:focus,button:focus,a:focus{outline:3px solid #d97706;outline-offset:2px}"
    ".error{color:#a40e26;font-weight:600}.box{border:2px solid #a40e26;padding:.6rem 1rem;border-radius:4px}"
    ".done{border:2px solid #116329;padding:.6rem 1rem;border-radius:4px}.hint{color:#4a5763}"
    ".trap{position:absolute;left:-9999px}a{color:#0a58b0}"
)
_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "lang": "zh-CN",
        "title": "服务申请与咨询",
        "lead": "请留下您的需求，工作人员会在工作时间内给您回电。",
        "urgent": "紧急情况请不要填表：请拨打 120，或我们的应急电话",
        "hotline": "也可以拨打服务热线",
        "name": "您的姓名",
        "phone": "联系电话",
        "phone_hint": "手机或带区号的固定电话",
        "elder": "为哪位老人（选填）",
        "address": "地址（选填）",
        "kind": "事项",
        "service": "申请服务",
        "question": "咨询",
        "complaint": "投诉与建议",
        "other": "其他",
        "text": "具体内容",
        "consent": "我同意{center}为办理此事保存并使用以上信息。信息只给经办人员使用，"
        "办结后按规定期限保存，可随时来电要求更正或删除。",
        "send": "提交",
        "wrong": "有几处需要改正：",
        "bad_name": "请填写姓名（60 字以内）",
        "bad_phone": "请填写能接通的电话：11 位手机号（如 13800001001），或带区号的固定电话（如 0512-65001001）",
        "bad_text": "请填写具体内容（2000 字以内）",
        "bad_consent": "需要您同意后才能提交",
        "bad_elder": "老人姓名太长",
        "bad_address": "地址太长",
        "bad_kind": "请选择事项",
        "done": "已收到，我们会尽快与您联系。受理编号：",
        "many": "提交太频繁，请 {minutes} 分钟后再试，或直接拨打热线。",
        "large": "内容太长，请缩短后再提交，或直接拨打热线。",
        "away": "系统暂时无法保存，请稍后再试，或直接拨打热线。",
        "again": "再填一份",
        "other_lang": '<a href="/request?lang=en" lang="en">English</a>',
    },
    "en": {
        "lang": "en",
        "title": "Requests and questions",
        "lead": "Tell us what you need; we call you back in working hours.",
        "urgent": "In an emergency do not use this form: call 120, or our emergency line",
        "hotline": "You may also call the hotline",
        "name": "Your name",
        "phone": "Phone number",
        "phone_hint": "Mobile, or landline with area code",
        "elder": "For which elder (optional)",
        "address": "Address (optional)",
        "kind": "About",
        "service": "A service",
        "question": "A question",
        "complaint": "A complaint or suggestion",
        "other": "Something else",
        "text": "What it is about",
        "consent": "I agree that {center} keeps and uses this to deal with my request. Only those who deal with it "
        "see it; it is kept as long as the rules say, and I may have it corrected or deleted by calling.",
        "send": "Send",
        "wrong": "Please correct:",
        "bad_name": "Your name is needed (at most 60 characters)",
        "bad_phone": "A phone number we can reach is needed: a mobile of 11 digits (13800001001), a landline with "
        "its area code (0512-65001001), or one abroad with + and its country code",
        "bad_text": "Please say what it is about (at most 2000 characters)",
        "bad_consent": "We need your consent",
        "bad_elder": "The elder's name is too long",
        "bad_address": "The address is too long",
        "bad_kind": "Please choose what it is about",
        "done": "Received; we will get in touch soon. Reference: ",
        "many": "Too many requests from here: try again in {minutes} minutes, or call the hotline.",
        "large": "This is too long: please shorten it, or call the hotline.",
        "away": "We cannot keep this at the moment: try again a little later, or call the hotline.",
        "again": "Another request",
        "other_lang": '<a href="/request?lang=zh" lang="zh-CN">中文</a>',
    },
}


def _language(request: Request, asked: str | None) -> str:
    if asked in _WORDS:
        return str(asked)
    return "en" if request.headers.get("Accept-Language", "").lower().startswith("en") else "zh"


@router.get("/request")
async def form(
    request: Request, services: ServicesDep, lang: str | None = None, done: str | None = None
) -> HTMLResponse:
    """The empty form, or that it was received."""
    language = _language(request, lang)
    if done is not None:
        words = _WORDS[language]
        reference = html.escape("".join(filter(str.isalnum, done))[:6])
        said = f'<p class="done" role="status">{words["done"]}<b>{reference}</b></p>'
        return _page(services, language, f'{said}<p><a href="/request?lang={language}">{words["again"]}</a></p>')
    return _page(services, language, _form(services, language, {}, {}))


@router.post("/request")
async def send(request: Request, services: ServicesDep, lang: str | None = None) -> Response:
    """Take the form in; what is wrong is said beside its field, and what was written stays."""
    language = _language(request, lang)
    words = _WORDS[language]
    if int(request.headers.get("Content-Length", "0") or 0) > LARGEST or len(await request.body()) > LARGEST:
        return _refused(services, language, 413, words["large"])
    try:
        limit(request, services)
    except TooManyAttempts as error:
        return _too_many(services, language, error)
    sent = await request.form(max_files=0, max_fields=20)
    given = {name: value.strip() for name in _FIELDS if isinstance(value := sent.get(name, ""), str)}
    values: dict[str, Any] = {**given, "consent": bool(sent.get("consent"))}
    values["text"] = values["text"].replace("\r\n", "\n")
    values["phone"] = normalise(given.get("phone")) or given.get("phone", "")  # brackets, dots, full-width digits
    values["kind"] = values["kind"] or "other"
    try:
        body = PublicRequest(**values)
        async with transaction(request, services) as session:
            reference = await accept(session, services, body, client_address(request))
    except ValidationError as error:
        wrong = {str(item["loc"][0]): words.get(f"bad_{item['loc'][0]}", words["bad_text"]) for item in error.errors()}
        return _page(services, language, _form(services, language, given, wrong), 422)
    except InvalidInput:
        return _page(services, language, _form(services, language, given, {"consent": words["bad_consent"]}), 422)
    except TooManyAttempts as error:
        return _too_many(services, language, error)
    except CallCenterError as error:
        return _page(services, language, _form(services, language, given, {"": words["away"]}), error.status)
    # Reloading the page that follows sends nothing twice.
    return RedirectResponse(f"/request?lang={language}&done={reference}", 303)


def _too_many(services: Services, language: str, error: TooManyAttempts) -> HTMLResponse:
    wait = int(str(error.extra["retry_after"]))
    refused = _refused(services, language, 429, _WORDS[language]["many"].format(minutes=-(-wait // 60)))
    refused.headers["Retry-After"] = str(wait)
    return refused


def _refused(services: Services, language: str, status: int, text: str) -> HTMLResponse:
    return _page(services, language, f'<p class="box error" role="alert">{html.escape(text)}</p>', status)


def _form(services: Services, language: str, given: Mapping[str, str], wrong: Mapping[str, str]) -> str:
    words = _WORDS[language]

    def field(name: str, control: str) -> str:
        bad = wrong.get(name)
        error = f'<span class="error" id="bad-{name}">{html.escape(bad)}</span>' if bad else ""
        return f'<label for="{name}">{html.escape(words[name])}</label>{control}{error}'

    def mark(name: str) -> str:
        return f' aria-invalid="true" aria-describedby="bad-{name}"' if name in wrong else ""

    def line(name: str, rest: str) -> str:
        value = html.escape(given.get(name, ""))
        return field(name, f'<input id="{name}" name="{name}" value="{value}"{rest}{mark(name)}>')

    options = "".join(
        f'<option value="{kind}"{" selected" if given.get("kind") == kind else ""}>{html.escape(words[kind])}</option>'
        for kind in ("service", "question", "complaint", "other")
    )
    text = f'<textarea id="text" name="text" required maxlength="2000"{mark("text")}>'
    agreed = words["consent"].format(center=services.settings.center_name)
    bad_consent = (
        f'<span class="error" id="bad-consent">{html.escape(wrong["consent"])}</span>' if "consent" in wrong else ""
    )
    alert = "".join(f"<li>{html.escape(said)}</li>" for said in wrong.values())
    summary = f'<div class="box" role="alert">{words["wrong"]}<ul>{alert}</ul></div>' if wrong else ""
    return f"""{summary}<form method="post" action="/request?lang={language}">
{line("name", ' required maxlength="60" autocomplete="name"')}
{line("phone", ' required maxlength="40" type="tel" autocomplete="tel"')}<span class="hint">{words["phone_hint"]}</span>
{line("elder", ' maxlength="60" autocomplete="off"')}
{line("address", ' maxlength="200" autocomplete="street-address"')}
{field("kind", f'<select id="kind" name="kind">{options}</select>')}
{field("text", f"{text}{html.escape(given.get('text', ''))}</textarea>")}
<p class="trap" aria-hidden="true"><label for="website">Website</label>
<input id="website" name="website" tabindex="-1" autocomplete="off"></p>
<label class="check"><input type="checkbox" name="consent" value="1" required{mark("consent")}>
<span>{html.escape(agreed)}</span></label>{bad_consent}
<button type="submit">{words["send"]}</button></form>"""


def _page(services: Services, language: str, content: str, status: int = 200) -> HTMLResponse:
    words, settings = _WORDS[language], services.settings
    page = f"""<!doctype html><html lang="{words["lang"]}"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{words["title"]} – {
        html.escape(settings.center_name)
    }</title><style>{_STYLE}</style></head><body><main><p>{words["other_lang"]}</p><h1>{words["title"]}</h1>
<p>{words["lead"]}</p><p><strong>{words["urgent"]} {html.escape(settings.emergency_number)}</strong><br>{
        words["hotline"]
    } {html.escape(settings.hotline_number)}</p>{content}</main></body></html>"""
    return HTMLResponse(page, status, headers={"Content-Security-Policy": _POLICY})
