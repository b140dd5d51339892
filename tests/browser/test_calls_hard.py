"""An operator's page where it is hard: another window in front, a slow network, another account at the computer."""

import re
from typing import Any

from playwright.async_api import Page, Request, Route, expect

from tests.browser.steps import MS, answered_by_key, checked, emergency_screen
from tests.stories.steps import attempts, hears, ready, the_open_one
from tests.support.browser import Console, Operator
from tests.support.instance import Instance

ELDER, OPERATOR = 440.0, 640.0
LATENCY_MS = 200
NOTE = "儿子出差，钥匙在邻居王阿姨处"

WITNESS = """
const { start } = AudioBufferSourceNode.prototype;
const { play } = HTMLMediaElement.prototype;
const Real = Notification;
const seen = window.seen = { alarms: 0, told: [], help: [], notices: [], closed: 0, elements: new Set() };
AudioBufferSourceNode.prototype.start = function (...all) { seen.alarms++; return start.apply(this, all); };
HTMLMediaElement.prototype.play = function () { seen.elements.add(this); return play.call(this); };
window.Notification = class extends Real {
  constructor(title, options) { super(title, options); seen.notices.push(title); }
  close() { seen.closed++; super.close(); }
};
window.hide = (hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => hidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
};
const note = (list, selector) => {
  const text = document.querySelector(selector)?.textContent;
  if (text && list.at(-1) !== text) list.push(text);
};
document.addEventListener("DOMContentLoaded", () => new MutationObserver(() => {
  note(seen.told, "[data-testid=answering]");
  note(seen.help, "[data-testid=help-120] [role=status]");
}).observe(document.body, { subtree: true, childList: true, characterData: true }));
"""
"""Tells a test what was sounded, shown and notified, and brings another window in front: a browser without a screen
always takes its page for the one in front."""


async def test_given_another_window_in_front_and_a_slow_network_when_she_presses_then_nobody_can_miss_it_or_dial_twice(
    center: Instance, console: Console
) -> None:
    """A1, A2, B4: notification, title and urgent sound; one key answers, one 120 is dialled, and each wait is told."""
    trunk = await center.trunk()
    op1 = await console("op1", voice=OPERATOR)
    await op1.context.grant_permissions(["microphone", "notifications"])
    await op1.context.add_init_script(WITNESS)
    page, api = op1.page, await center.sign_in("op1")
    await page.reload()
    await op1.phone("status", "registered")
    await checked(page)
    await slow(op1)
    await ready(center, api, 1)
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url) if dials(sent) else None)

    await page.evaluate("hide(true)")
    elder = center.elders[0]
    press = await center.dial("95120", elder["pendant"], seconds=240)
    await press.answered(2)
    press.media.play(ELDER)
    await emergency_screen(page, "ringing")
    await page.wait_for_function("name => document.title.includes(name)", arg=elder["name"], timeout=10 * MS)
    await page.wait_for_function("name => seen.notices.at(-1)?.includes(name)", arg=elder["name"], timeout=10 * MS)
    # Two tones of 1.2 s are the urgent ones; the calm ring lasts 5 s.
    await page.wait_for_function(
        "() => [...seen.elements].some(one => !one.paused && one.loop && one.duration < 2 && one.currentTime > 0.1)",
        timeout=10 * MS,
    )
    await page.evaluate("hide(false)")
    before = await page.evaluate("(seen.told.length = 0, seen.alarms)")
    await answered_by_key(op1, "Space")
    await op1.hears(ELDER)
    await hears(press.media, OPERATOR, what="her to hear the operator")
    seen = await page.evaluate(
        "({ ...seen, elements: [...seen.elements].filter(one => !one.paused && one.loop).length })"
    )
    assert (seen["told"], seen["alarms"], seen["elements"]) == (["正在接通…"], before, 0)
    assert seen["closed"] == len(seen["notices"])
    assert elder["name"] not in await page.title()

    # Three keys and a click, faster than any page could be painted.
    await page.evaluate(
        """() => {
            seen.help.length = 0;
            const key = { key: "1", code: "Digit1", altKey: true, bubbles: true };
            for (let n = 0; n < 3; n++) document.body.dispatchEvent(new KeyboardEvent("keydown", key));
            document.querySelector("[data-testid=help-120]").click();
        }"""
    )
    ambulance = await (await trunk.call("120")).answer()
    await page.locator("[data-standing=in] [data-testid=help-120]").wait_for(timeout=10 * MS)
    told = await page.evaluate("seen.help")
    assert told[0].startswith("正在请求呼叫"), told
    assert not [words for words in told if "点击呼叫" in words], told
    assert len(asked) == 1
    emergency = await the_open_one(center, api)
    assert len([one for one in await attempts(api, emergency["id"]) if one["number"] == "120"]) == 1
    assert [one.number for one in trunk.calls] == ["120"]
    ambulance.hangup()


async def test_given_an_unsent_note_when_somebody_else_signs_in_then_it_waits_for_its_author_and_is_sent_as_hers(
    center: Instance, console: Console
) -> None:
    """B4, C10: what one wrote is never sent or shown as another's; at the next sign-in it is shown, and goes out."""
    op1 = await console("op1", voice=OPERATOR)
    page, api = op1.page, await center.sign_in("op1")
    op1.forgiven.append("ERR_FAILED")
    await checked(page)
    await ready(center, api, 1)
    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=240)
    await caller.answered(1)
    caller.media.key("0")
    await op1.phone("call?.state", "ringing", 30)
    (call,) = (await api.get("/calls?live=true"))["items"]
    await page.keyboard.press("F2")
    await op1.phone("call?.media", "flowing")

    await page.route(re.compile("/note$"), abort)
    await page.keyboard.press("Alt+N")
    await page.keyboard.type(NOTE)
    await page.locator("[data-testid=note-state][data-state=offline]").wait_for(timeout=15 * MS)
    await page.get_by_test_id("intake-text").fill("只有她自己写的")
    caller.hangup()
    await op1.phone("call", None)
    await sign_out(page)
    await page.unroute(re.compile("/note$"))
    sent: list[str] = []
    page.on("request", lambda one: sent.append(one.method) if one.url.endswith("/note") else None)

    await as_user(op1, "op2")
    await checked(page)
    await page.get_by_test_id("idle-desk").wait_for(timeout=10 * MS)
    await op1.phone("status", "registered")
    assert not await page.get_by_text(NOTE).count()
    assert not await page.get_by_text("只有她自己写的").count()
    await sign_out(page)
    assert sent == []
    assert (await api.get(f"/calls/{call['id']}"))["note"] == ""

    await as_user(op1, "op1")
    unsent = page.get_by_test_id("unsent-notes")
    await expect(unsent).to_contain_text(NOTE, timeout=10 * MS)
    await unsent.locator("[data-state=saved]").wait_for(timeout=15 * MS)
    assert (await api.get(f"/calls/{call['id']}"))["note"] == NOTE
    noted = [one for one in (await timeline(center, api, call["id"])) if one["kind"] == "call.noted"]
    assert {one["actor"] for one in noted} == {"op1"}
    await unsent.get_by_role("button", name="查看").click()
    await expect(page.get_by_test_id("note")).to_have_value(NOTE, timeout=10 * MS)
    await expect(page.get_by_test_id("intake-text")).to_have_value("只有她自己写的")


# --- steps -------------------------------------------------------------------------------------------------------


async def slow(operator: Operator) -> None:
    """Each way of the page's network takes 200 ms longer."""
    devtools = await operator.context.new_cdp_session(operator.page)
    await devtools.send("Network.enable")
    unlimited = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    await devtools.send("Network.emulateNetworkConditions", {**unlimited, "latency": LATENCY_MS})


def dials(sent: Request) -> bool:
    return sent.method == "POST" and sent.url.endswith("/legs")


async def abort(route: Route) -> None:
    await route.abort()


async def sign_out(page: Page) -> None:
    await page.get_by_role("button", name="退出", exact=True).click()
    await page.locator("input[autocomplete=username]").wait_for(timeout=10 * MS)


async def as_user(operator: Operator, user: str) -> None:
    """Somebody signs in at the same tab of the same browser."""
    operator.user = user
    await operator.sign_in(operator.page)


async def timeline(center: Instance, api: Any, call_id: str) -> list[dict[str, Any]]:
    """The facts of a call, once the note is among them."""

    async def there() -> Any:
        facts = (await api.get(f"/calls/{call_id}/timeline"))["items"]
        return facts if any(fact["kind"] == "call.noted" for fact in facts) else None

    found: list[dict[str, Any]] = await center.until(there, 20, "the note on record")
    return found
