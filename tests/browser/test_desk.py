"""What goes wrong at a desk in a long shift, and what must not come of it: typing, dialogs, doubled keys and tabs."""

import json
import re
from typing import Any

from playwright.async_api import CDPSession, Page, expect

from tests.browser.steps import MS, checked, emergency_screen
from tests.browser.test_dialogs import shut_out
from tests.browser.test_pages import AXE
from tests.stories.steps import hears, ready, the_open_one
from tests.support.browser import Console, Operator
from tests.support.instance import Instance
from tests.support.sipp import Caller, until

ELDER, OPERATOR = 440.0, 640.0
PASSWORD = "input[autocomplete=current-password]"
STRANGER = "051288889999"
THEME = "header button:has(.anticon-moon), header button:has(.anticon-sun)"


async def test_given_somebody_types_when_an_emergency_comes_then_nothing_is_answered_closed_or_lost_by_it(
    center: Instance, console: Console
) -> None:
    """B4: letters that go on answer nothing, the form beneath stays, IME's Enter ends no word, long notes say so."""
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("422")
    page, api = op1.page, await center.sign_in("op1")
    await checked(page)
    await ready(center, api, 1)
    await api.post("/intake", {"text": "陪同复查", "kind": "service", "channel": "web", "take": True})
    await page.keyboard.press("Alt+2")
    await page.locator("main tbody button", has_text="办结").click()
    form = page.locator(".ant-modal textarea").first
    await form.fill("已电话联系老人")
    await form.focus()
    press = await center.dial("95120", center.elders[0]["pendant"], seconds=240)
    await press.answered(2)
    press.media.play(ELDER)
    screen = await emergency_screen(page, "ringing")
    await op1.phone("call?.state", "ringing")
    await expect(screen).to_contain_text(re.compile("已等待 [1-9]"), timeout=10 * MS)
    for typed in ("he fell ", "a\n"):
        assert await types_on(page, typed) == "ringing"
    await page.keyboard.press("Escape")
    await expect(form).to_have_value("已电话联系老人")

    async def answered() -> bool:
        await page.keyboard.press("Space")
        return bool(await page.evaluate("window.callcenterPhone.state.call?.state !== 'ringing'"))

    await center.until(answered, 5, "Space to answer, once nobody types any more")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator")

    await page.keyboard.press("Alt+N")
    browser = await page.context.new_cdp_session(page)
    await composed(browser, "老人在卫生间跌倒")
    note = page.get_by_test_id("note")
    await expect(note).to_have_value("老人在卫生间跌倒")
    await note.fill("长" * 10_050)
    await expect(note).to_have_value("长" * 10_050)
    await expect(page.get_by_test_id("note-state")).to_contain_text("超出 50 个字", timeout=15 * MS)
    await note.fill("长" * 10_000)
    await page.locator("[data-testid=note-state][data-state=saved]").wait_for(timeout=15 * MS)
    assert (await the_open_one(center, api))["note"] == "长" * 10_000

    await page.keyboard.press("Alt+C")
    summary = page.get_by_role("textbox", name="小结")
    await summary.fill("女儿已到场")
    await page.keyboard.press("Escape")
    await expect(summary).to_have_count(0)
    await page.keyboard.press("Alt+C")
    await expect(summary).to_have_value("女儿已到场")
    await page.get_by_role("combobox", name="处置结果").press_sequentially("送医")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="确认结案").dblclick()
    await page.get_by_test_id("emergency").wait_for(state="detached", timeout=10 * MS)
    await expect(form).to_have_value("已电话联系老人")


async def types_on(page: Page, letters: str) -> Any:
    """Somebody types on, quicker than any pause, where a field was a moment ago; what the phone does then."""
    return await page.evaluate(
        """letters => {
            for (const letter of letters) {
                const key = letter === "\\n" ? "Enter" : letter;
                const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
                document.activeElement.dispatchEvent(event);
            }
            return window.callcenterPhone.state.call.state;
        }""",
        letters,
    )


async def composed(browser: CDPSession, words: str) -> None:
    """As by an input method: letters, Enter that only chooses, and then the words."""
    await browser.send("Input.imeSetComposition", {"text": "laoren", "selectionStart": 6, "selectionEnd": 6})
    key = {"key": "Process", "code": "Enter", "windowsVirtualKeyCode": 229}
    await browser.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
    await browser.send("Input.insertText", {"text": words})


async def test_given_a_call_of_a_stranger_when_keys_tabs_and_reloads_are_doubled_then_each_counts_once(
    center: Instance, console: Console
) -> None:
    """B1, B4: found only by what is typed now, one order for three keys, nobody signed out by a reload or a copy."""
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("ERR_FAILED")
    page, api = op1.page, await center.sign_in("op1")
    await checked(page)
    await ready(center, api, 1)
    await reloaded_twice(page)
    await op1.phone("status", "registered")
    await ready(center, api, 1)
    caller = await rings(center, op1)
    await page.keyboard.press("F2")
    await op1.phone("call?.media", "flowing")

    search = page.get_by_role("searchbox", name="查找老人")
    await search.fill(center.elders[0]["phones"][0][-4:])
    await expect(page.get_by_test_id("screen-pop")).to_contain_text(center.elders[0]["name"], timeout=10 * MS)
    # The list is that of the last word still.
    await search.press_sequentially("99")
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="快速建档").click()
    await page.get_by_role("textbox", name="姓名").first.fill("周阿婆")

    await page.get_by_role("button", name="退出").click()
    await page.get_by_role("button", name="继续通话").click()
    await op1.phone("call?.state", "up")
    await page.locator("label").filter(has_text=re.compile("^工单$")).click()
    await page.get_by_test_id("intake-text").fill("明天上午上门测血糖")
    await page.evaluate(
        """() => {
            const keys = { key: "Enter", ctrlKey: true, bubbles: true, cancelable: true };
            for (let n = 0; n < 3; n++) document.activeElement.dispatchEvent(new KeyboardEvent("keydown", keys));
        }"""
    )
    await expect(page.get_by_text("已处理：工单")).to_be_visible(timeout=15 * MS)
    await expect(page.get_by_role("textbox", name="姓名").first).to_have_value("周阿婆")
    orders = (await api.get("/work-orders"))["items"]
    assert [(order["summary"], order["elder_id"]) for order in orders] == [("明天上午上门测血糖", None)]

    async with page.context.expect_page() as opened:
        await page.evaluate("open(location.href)")
    copy = await opened.value
    await copy.locator(PASSWORD).wait_for(timeout=20 * MS)
    await copy.close()
    await op1.phone("call?.state", "up")
    await reloaded_twice(page)
    await op1.phone("status", "registered")
    await caller.sipp.kill()


async def reloaded_twice(page: Page) -> None:
    """F5, and again while the page is being signed in anew: the answer to that goes nowhere."""
    asked: list[str] = []

    async def swallow(route: Any) -> None:
        asked.append(route.request.post_data)
        await route.fetch()
        await route.abort()

    await page.route("**/api/v1/auth/refresh", swallow)
    await page.reload()
    await until(lambda: asked, 10, "the page to ask who it is")
    await page.unroute_all(behavior="wait")
    await page.reload()
    await page.get_by_test_id("phone-bar").wait_for(timeout=20 * MS)


async def rings(center: Instance, op1: Operator, digit: str = "1") -> Caller:
    """A stranger has chosen a service, and the operator sees the call."""
    caller = await center.dial("12349", STRANGER, seconds=240)
    await caller.answered(1)
    await until(lambda: caller.media.last_heard_at > 0, 2, "the welcome")
    caller.media.key(digit)
    await op1.phone("call?.state", "ringing", 20)
    await op1.page.get_by_test_id("answer").wait_for(timeout=10 * MS)
    return caller


async def test_given_both_themes_when_a_shift_is_worked_then_no_screen_of_it_keeps_somebody_out(
    center: Instance, console: Console
) -> None:
    """B4, B7: axe at the sign-in, the check, a stranger's call with its forms, an emergency and its closing."""
    trunk = await center.trunk()
    op1 = await console("op1", voice=OPERATOR)
    page, api = op1.page, await center.sign_in("op1")
    await page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[str]] = {}

    async def looked_at(what: str) -> None:
        for theme in ("one theme", "the other"):
            found.update({f"{what}, {theme}, {rule}": nodes for rule, nodes in (await shut_out(page)).items()})
            # By the button's own handler: something may lie over it.
            await page.evaluate("which => document.querySelector(which)?.click()", THEME)

    await page.evaluate(AXE.read_text("utf-8"))
    await looked_at("device check")
    await checked(page)
    await ready(center, api, 1)
    await rings(center, op1)
    await page.keyboard.press("F2")
    await op1.phone("call?.media", "flowing")
    await page.get_by_role("searchbox", name="查找老人").fill("桂英")
    await expect(page.get_by_test_id("screen-pop")).to_contain_text("陈桂英", timeout=10 * MS)
    await looked_at("search")
    await page.get_by_role("button", name="快速建档").click()
    for outcome in ("工单", "投诉"):
        await page.locator("label").filter(has_text=re.compile(f"^{outcome}$")).click()
        await looked_at(f"intake {outcome}")
    await page.keyboard.press("F4")
    await op1.phone("call", None)

    press = await center.dial("95120", center.elders[0]["pendant"], seconds=240)
    await press.answered(2)
    await emergency_screen(page, "ringing")
    await op1.phone("call?.state", "ringing")
    await looked_at("emergency")
    await page.keyboard.press("F2")
    await emergency_screen(page, "talking")
    await page.get_by_test_id("help-120").click()
    await (await trunk.call("120")).answer()
    await page.get_by_test_id("help-doctor").click()
    (await trunk.call(center.elders[0]["contacts"][2]["phone"])).busy()
    await page.locator("[data-standing=in] [data-testid=help-120]").wait_for(timeout=10 * MS)
    await looked_at("emergency with help")
    await page.keyboard.press("Alt+C")
    await page.get_by_role("button", name="确认结案").click()
    await expect(page.get_by_text("请选择处置结果")).to_be_visible()
    await looked_at("close")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="短信通知").click()
    await looked_at("texts")
    await page.evaluate("sessionStorage.clear()")
    for theme in ("light", "dark"):
        await page.evaluate("theme => localStorage['callcenter.theme'] = theme", theme)
        await page.reload()
        await page.locator(PASSWORD).wait_for(timeout=15 * MS)
        await page.evaluate(AXE.read_text("utf-8"))
        found.update({f"sign-in, {theme}, {rule}": nodes for rule, nodes in (await shut_out(page)).items()})
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)
