"""Pictures of every page for the documents: the real product with demo data, real calls, Chromium; both languages.

    python -m tests.support.screenshots [--out docs/console] [--png FOLDER] [--only calls]

Takes some three minutes. ``--png`` keeps the pictures unpacked as well, to look at. Each lands below 80 kB.
"""

import argparse
import asyncio
import contextlib
import io
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page

from tests.browser.steps import MS, answered_by_key, checked
from tests.support.browser import Consoles, Operator, build_console, spare_address
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

LARGEST = 80_000
QUALITY = 72
LANGUAGES = ("zh-CN", "en")
SKILLS = {
    "op1": {"medical": 3, "policy": 2},
    "op2": {"policy": 4, "english": 3},
    "op3": {"medical": 4},
    "op4": {"care": 5},
}
_CLOSED = {"to": "voicemail"}
_WORKDAYS = [{"days": [1, 2, 3, 4, 5], "from": "08:30", "to": "17:30"}]
QUEUES: tuple[dict[str, Any], ...] = (
    {"code": "medical", "name": "医疗咨询", "name_en": "Medical advice", "skill": "medical", "min_level": 2}
    | {"priority": 3, "sticky_seconds": 30, "overflow": [{"when": "wait", "over": 90, "to": "callback"}]},
    {"code": "policy", "name": "政策与补贴", "name_en": "Policies and benefits", "skill": "policy"}
    | {"hours": _WORKDAYS, "holidays": "closed", "closed": _CLOSED},
    {"code": "care", "name": "上门服务", "name_en": "Care at home", "skill": "care", "area_first": True}
    | {"service_level_seconds": 15, "overflow": [{"when": "length", "over": 8, "to": "queue:general"}]},
)
ORDERS = (
    ("service", "明天上午上门测血糖", "urgent"), ("service", "午餐改为软食，本周起", "normal"),
    ("enquiry", "居家适老化改造补贴怎么申请", "normal"), ("service", "卫生间扶手松动", "high"),
)  # fmt: skip
INTAKE = (
    ("question", "web", "社区助餐点春节期间开放吗？", "陈晓燕"),
    ("service", "app", "需要陪同去医院复查，下周二上午", "王志强"),
    ("complaint", "web", "护理员连续两次迟到", "李芸"),
    ("question", "terminal", "长护险怎么申请", ""),
    ("other", "phone", "想参加社区的书法班", "何蓉"),
)
COMPLAINTS = (
    ("护理员迟到一小时，没有提前告知", "上门护理员", "平江护理站"),
    ("送餐时饭菜已凉", "助餐配送", "观前助餐点"),
)
IMPORT = (
    "编号,姓名,性别,电话,地址\nE-901,范素珍,女,13900009001,苏州市姑苏区临顿路 12 号\n"
    "E-902,彭国荣,男,不知道,苏州市姑苏区临顿路 14 号\nE-903,鲁秀英,女,13900009003,\nE-904,,女,13900009004,\n"
)


class Camera:
    """Takes a picture of a page in both languages."""

    def __init__(self, out: Path, png: Path | None, only: str) -> None:
        self._out = out
        self._png = png
        self._only = only

    async def take(self, page: Page, name: str, *, dark: bool = False) -> None:
        """One picture for each language; the page stays as it is, so that calls go on."""
        if self._only not in name:
            return
        if dark:
            await _theme(page)
        for language in LANGUAGES:
            await _spoken(page, language)
            await self._settled(page)
            shot = await page.screenshot(animations="disabled", caret="hide")
            self._keep(shot, language, name)
        await _spoken(page, LANGUAGES[0])
        if dark:
            await _theme(page)

    async def _settled(self, page: Page) -> None:
        await page.mouse.move(0, 767)
        await page.locator(".ant-spin-spinning").first.wait_for(state="detached", timeout=15 * MS)
        with contextlib.suppress(Exception):
            await page.wait_for_load_state("networkidle", timeout=1500)
        await page.wait_for_timeout(700)

    def _keep(self, shot: bytes, language: str, name: str) -> None:
        if self._png:
            folder = self._png / language
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.png").write_bytes(shot)
        picture = Image.open(io.BytesIO(shot)).convert("RGB")
        quality = QUALITY
        while len(packed := _webp(picture, quality)) > LARGEST:
            quality -= 8
        folder = self._out / language
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.webp").write_bytes(packed)


def _webp(picture: Image.Image, quality: int) -> bytes:
    with io.BytesIO() as memory:
        picture.save(memory, "WEBP", quality=quality, method=6)
        return memory.getvalue()


async def _theme(page: Page) -> None:
    await page.evaluate(
        "document.querySelector('header button:has(.anticon-moon), header button:has(.anticon-sun)').click()"
    )


async def _spoken(page: Page, language: str) -> None:
    """By the button's own handler: it works beneath a drawer too."""
    if await page.evaluate("document.documentElement.lang") != language:
        await page.evaluate("document.querySelector('[data-testid=language]').click()")
        await page.wait_for_function("wanted => document.documentElement.lang === wanted", arg=language)


async def seen(page: Page) -> None:
    """Every page once, so that its part of the program is there."""
    for link in await page.locator("header nav a").all():
        await link.click()
        await page.wait_for_timeout(400)


async def go(page: Page, path: str) -> None:
    """To a page, without loading the program anew."""
    await page.evaluate(
        "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }", f"/console/{path}"
    )
    await page.wait_for_timeout(600)


# --- data --------------------------------------------------------------------------------------------------------


async def fill(center: Instance, boss: Api, folder: Path) -> None:
    """Queues, skills, work of all kinds, a roster, an import with bad rows: through the API, as people do."""
    ids = [elder["id"] for elder in center.elders]
    for queue in QUEUES:
        await boss.post("/queues", queue)
    for user, skills in SKILLS.items():
        await boss.call(
            "PUT", f"/seats/{user}/skills", json={"skills": skills, "area": "姑苏区" if user == "op1" else ""}
        )
    for number, (kind, summary, priority) in enumerate(ORDERS):
        order = {"kind": kind, "summary": summary, "priority": priority, "elder_id": ids[number]}
        await boss.post("/work-orders", order)
    for number, (kind, channel, text, contact) in enumerate(INTAKE):
        item = {"text": text, "kind": kind, "channel": channel, "elder_id": ids[number], "take": number == 1}
        await boss.post("/intake", item | ({"contact": contact} if contact else {}))
    for number, (text, about, organisation) in enumerate(COMPLAINTS):
        await boss.post(
            "/complaints", {"text": text, "about": about, "organisation": organisation, "elder_id": ids[number]}
        )
    now = datetime.now(UTC)
    for number, (name, phone) in enumerate((("值班 沈洁", "13800008001"), ("值班 韩磊", "13800008002"))):
        times = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(hours=12)).isoformat()}
        await boss.post("/roster", {"name": name, "phone": phone, "position": number} | times)
    menu = await boss.post("/menus/built-in/copy")
    assert menu["state"] == "draft"
    (folder / "老人名册.csv").write_text(IMPORT, "utf-8")


async def a_past_call(center: Instance, number: str, *, waits: float, talks: float) -> None:
    """A hotline call that is over: answered by a phone that picks up by itself, or given up."""
    caller = await center.dial("12349", number, seconds=120)
    await caller.answered(2)
    caller.media.key("3")
    await asyncio.sleep(waits + talks)
    caller.hangup()


async def waiting(center: Instance, number: str, key: str) -> Caller:
    """Somebody on the hotline who has pressed a key."""
    caller = await center.dial("12349", number, seconds=600)
    await caller.answered(2)
    await until(lambda: caller.media.last_heard_at > 0, 3, "the welcome")
    caller.media.key(key)
    caller.media.play(440)
    return caller


# --- pictures ----------------------------------------------------------------------------------------------------


async def pages_of_rest(camera: Camera, sup: Operator, admin: Operator, folder: Path) -> None:
    """What shows data and no calls."""
    page = sup.page
    for path, name in (("seats", "seats"), ("queues", "queues"), ("work", "work"), ("history", "history")):
        await go(page, path)
        await camera.take(page, name)
    await go(page, "queues")
    await page.get_by_role("row").filter(has_text="care").locator("button").first.click()
    await camera.take(page, "queue-form")
    await page.keyboard.press("Escape")
    await page.get_by_role("tab").nth(1).click()
    await page.get_by_role("row").filter(has=page.locator(".ant-tag-warning")).locator("button").first.click()
    await camera.take(page, "menu-editor")
    await page.keyboard.press("Escape")
    await go(page, "knowledge")
    await page.locator("button[aria-pressed]").first.click()
    await camera.take(page, "knowledge")
    await go(page, "work")
    await page.get_by_role("tab").nth(5).click()
    await camera.take(page, "complaints")
    page = admin.page
    for tab in ("elders", "devices", "staff", "roster"):
        await go(page, f"admin/{tab}")
        await camera.take(page, f"admin-{tab}")
    await go(page, "admin/imports")
    await page.locator("input[type=file]").set_input_files(folder / "老人名册.csv")
    await page.get_by_role("dialog").get_by_role("row").nth(1).wait_for(timeout=10 * MS)
    await camera.take(page, "import")


async def desk_pictures(camera: Camera, center: Instance, op1: Operator) -> None:
    """The operator's page: idle, a hotline call with the caller's file."""
    await go(op1.page, "desk")
    await camera.take(op1.page, "desk")
    await waiting(center, center.elders[1]["phones"][0], "1")
    await op1.phone("call?.state", "ringing", 30)
    await op1.page.get_by_test_id("screen-pop").wait_for(timeout=10 * MS)
    await camera.take(op1.page, "desk-ringing")
    await op1.page.keyboard.press("F2")
    await op1.phone("call?.media", "flowing")
    await op1.page.get_by_test_id("intake-text").fill("明天上午上门测血糖，家属要求电话确认")
    await camera.take(op1.page, "desk-call")
    await camera.take(op1.page, "desk-call-dark", dark=True)


async def emergency_pictures(camera: Camera, center: Instance, op1: Operator) -> None:
    """A press: the whole screen, before and after the answer, and with help on the line."""
    await op1.page.keyboard.press("F4")
    await op1.phone("call", None)
    await op1.page.locator("[data-testid=seat-state][data-state=ready]").wait_for(timeout=20 * MS)
    trunk = await center.trunk({"120": "answer"})
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=600)
    await press.answered(2)
    press.media.play(440)
    await op1.page.locator("[data-testid=emergency][data-how=ringing]").wait_for(timeout=30 * MS)
    await camera.take(op1.page, "emergency-ringing")
    await answered_by_key(op1, "Space")
    await op1.page.get_by_test_id("help-120").click()
    await op1.page.locator("[data-standing=in] [data-testid=help-120]").wait_for(timeout=20 * MS)
    await op1.page.keyboard.press("Alt+2")
    await trunk.call(center.elders[0]["contacts"][0]["phone"])
    await op1.page.get_by_text("不要让老人自行起身").click()
    await op1.page.keyboard.press("Alt+N")
    await op1.page.keyboard.type("老人在卫生间跌倒，左腿不能动，意识清楚。")
    await camera.take(op1.page, "emergency")
    await camera.take(op1.page, "emergency-dark", dark=True)


async def wall_pictures(camera: Camera, sup: Operator) -> None:
    """The supervisor's view of what is going on."""
    await go(sup.page, "wallboard")
    await camera.take(sup.page, "wallboard")
    await camera.take(sup.page, "wallboard-dark", dark=True)
    await go(sup.page, "calls")
    await camera.take(sup.page, "calls")


async def main(camera: Camera, folder: Path) -> None:
    """The whole round."""
    build_console()
    spare_address()
    async with Instance(folder, wrap_up_seconds=1) as center, Consoles.of(center) as consoles:
        boss = await center.sign_in("sup1")
        await fill(center, boss, folder)
        await boss.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "meeting"})
        admin = await consoles("admin", None, wait=False)
        assert admin.context.browser is not None
        signed_out = await admin.context.browser.new_page()
        await signed_out.set_viewport_size({"width": 1366, "height": 768})
        await signed_out.goto(f"http://127.0.0.1:{center.settings.http_port}/console/")
        await signed_out.get_by_test_id("language").wait_for()
        await camera.take(signed_out, "sign-in")
        await signed_out.close()
        phones = [await center.seat(user, "answer") for user in ("op2", "op3")]
        numbers = [elder["phones"][0] for elder in center.elders[2:]]
        for number, (waits, talks) in zip(numbers, ((1, 6), (1, 3), (0.4, 0), (1, 8), (1, 2)), strict=False):
            await a_past_call(center, number, waits=waits, talks=talks)
        sup = await consoles("sup1", None)
        await seen(sup.page)
        await pages_of_rest(camera, sup, admin, folder)
        await admin.page.close()
        op1 = await consoles("op1", 640)
        await checked(op1.page)
        for number in numbers[:2]:
            await waiting(center, number, "3")
        await until(lambda: all(phone.calls for phone in phones), 20, "both colleagues to talk")
        await desk_pictures(camera, center, op1)
        await emergency_pictures(camera, center, op1)
        await waiting(center, numbers[2], "3")
        await wall_pictures(camera, sup)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Pictures of the console's pages.")
    parser.add_argument("--out", type=Path, default=Path("docs/console"))
    parser.add_argument("--png", type=Path)
    parser.add_argument("--only", default="")
    return parser.parse_args()


if __name__ == "__main__":
    asked = _arguments()
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(Camera(asked.out, asked.png, asked.only), Path(place)))
