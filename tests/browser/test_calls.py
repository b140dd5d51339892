"""What an operator does to a call from the page, each seen from the other side too: ears, rooms, API, recordings."""

import re
from functools import partial
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.steps import MS, checked
from tests.stories.steps import hears, ready, verified
from tests.support.audio import seconds_of, tones_in_file
from tests.support.browser import Console, Operator
from tests.support.instance import Api, Instance
from tests.support.sipp import Caller, until

CALLER, OPERATOR, OUTSIDE, COLLEAGUE = 440.0, 640.0, 1200.0, 1500.0
SEAT, QUEUE, NUMBER = "坐席", "队列", "外线号码"
ASK_FIRST, BLIND, THREE = "先沟通再转", "直接转", "三方通话"
GUEST, SECOND = "13700000001", "13700000002"


async def test_given_a_caller_when_taken_back_three_way_parked_fetched_and_sent_outside_then_each_truly_happens(
    center: Instance, console: Console
) -> None:
    """B1, B4, B7: by keys and clicks alone; who hears whom, who is in the room, what is on record."""
    trunk = await center.trunk()
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("422")
    page, api = op1.page, await center.sign_in("op1")
    await checked(page)
    await ready(center, api, 1)
    await page.keyboard.press("Alt+2")
    await page.wait_for_url("**/work")

    caller = await rings(center, op1, 1)
    pop = page.get_by_test_id("screen-pop")
    await expect(pop).to_contain_text(center.elders[1]["name"], timeout=10 * MS)
    print("the first pop after the page was loaded, from another page, ms:", await pops(page))  # noqa: T201
    await page.keyboard.press("F2")
    await together(op1, caller)
    call_id = await only_call(api)
    assert await room(center, api, call_id) == ["op1", "trunk"]

    op2 = await center.seat("op2")
    await ready(center, api, 1)
    await give(page, SEAT, "op2", ASK_FIRST)
    colleague = await (await op2.call(seconds=5)).answer()
    colleague.play(COLLEAGUE)
    await op1.hears(COLLEAGUE)
    assert await room(center, api, call_id) == ["op1", "op2"]
    await expect(page.get_by_test_id("transfer-complete")).to_be_enabled(timeout=10 * MS)
    await page.keyboard.press("Alt+U")
    await colleague.until("ended", 5)
    await together(op1, caller)
    back = await api.get(f"/calls/{call_id}")
    assert (back["held"], back["transfer"]) == (False, None)

    await give(page, NUMBER, "+1 202 555 0123", THREE)
    await expect(page.locator(".ant-message")).to_contain_text("境外和收费号码不能从这里拨打", timeout=10 * MS)
    await page.get_by_role("dialog").get_by_role("textbox").fill(GUEST)
    await page.keyboard.press("Enter")
    guest = await (await trunk.call(GUEST, seconds=5)).answer()
    guest.play(OUTSIDE)
    await op1.hears(CALLER, OUTSIDE)
    await hears(guest, CALLER, OPERATOR, what="the guest to hear both")
    await hears(caller.media, OPERATOR, OUTSIDE, what="her to hear both")
    assert await room(center, api, call_id) == ["op1", "trunk", "trunk"]
    await page.get_by_role("button", name=re.compile(GUEST)).click()
    await guest.until("ended", 5)
    assert await room(center, api, call_id) == ["op1", "trunk"]

    await page.keyboard.press("Alt+P")
    await op1.phone("call", None)
    await until(lambda: caller.media.loudness(1) > 20 and not caller.media.hears(OPERATOR, seconds=1), 5, "music")
    assert (await api.get(f"/calls/{call_id}"))["parked"] == 1
    await page.keyboard.press("Alt+G")
    await page.get_by_role("button", name=re.compile("^取 ?回$")).click()
    await op1.phone("call?.state", "ringing")
    await page.keyboard.press("F2")
    await together(op1, caller)
    assert (await api.get(f"/calls/{call_id}"))["parked"] is None

    await give(page, NUMBER, SECOND, BLIND)
    await op1.phone("call", None)
    second = await (await trunk.call(SECOND, seconds=5)).answer()
    second.play(OUTSIDE)
    await hears(caller.media, OUTSIDE, what="her to hear whom she was given to")
    await hears(second, CALLER, what="him to hear her")
    heard = partial(caller.media.hears, OUTSIDE, OPERATOR, seconds=1)
    await until(lambda: heard() == {OUTSIDE}, 10, "a second of these two, for the record")
    assert await room(center, api, call_id) == ["trunk", "trunk"]
    caller.hangup()
    await second.until("ended", 5)

    legs = [(one["number"], one["reason"]) for one in (await over(center, api, call_id))["legs"]][1:]
    assert legs[:1] + legs[2:4] == [("op1", "parked"), (GUEST, "normal"), ("op1", "transferred")]
    assert [number for number, _ in legs] == ["op1", "op2", GUEST, "op1", SECOND]
    recordings = await verified(center, api, call_id)
    assert sorted(one["kind"] for one in recordings) == ["leg"] * 6 + ["mix"]
    for tones in ({CALLER, OPERATOR}, {CALLER, OPERATOR, OUTSIDE}, {CALLER, OUTSIDE}):
        assert await recorded(center, api, recordings, tones), tones


async def test_given_a_checked_phone_when_dialling_out_and_giving_a_caller_away_then_each_reaches_whom_it_should(
    center: Instance, console: Console
) -> None:
    """B1, B4: the test call, a call outside, a colleague who is busy, the queue; refusals in words."""
    trunk = await center.trunk()
    op1 = await console("op1", voice=OPERATOR)
    op1.forgiven.append("422")
    page, api, other = op1.page, await center.sign_in("op1"), await center.sign_in("op2")
    await page.get_by_test_id("test-call").click()
    await expect(page.get_by_role("dialog")).to_contain_text("应能听到自己的声音", timeout=20 * MS)
    await op1.hears(OPERATOR)
    await page.get_by_test_id("test-call").click()
    await op1.phone("call", None)
    await checked(page)
    await ready(center, api, 1)

    op2 = await center.seat("op2")
    await ready(center, api, 2)
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "培训"})
    caller = await center.dial("12349", center.elders[1]["phones"][0], seconds=240)
    await caller.answered(1)
    caller.media.play(CALLER)
    caller.media.key("0")
    colleague = await (await op2.call(seconds=30)).answer()

    await page.keyboard.press("Alt+O")
    number = page.get_by_role("dialog").get_by_role("textbox")
    await number.fill("12x")
    await page.keyboard.press("Enter")
    await expect(page.locator(".ant-message")).to_contain_text("这不是可以拨打的电话号码", timeout=10 * MS)
    await number.fill(GUEST)
    await page.keyboard.press("Enter")
    await op1.phone("call?.state", "ringing")
    await page.keyboard.press("F2")
    outside = await (await trunk.call(GUEST, seconds=10)).answer()
    outside.play(OUTSIDE)
    await op1.hears(OUTSIDE)
    await hears(outside, OPERATOR, what="whom he called to hear him")
    made = next(one for one in (await api.get("/calls?live=true"))["items"] if one["line"] == "outbound")
    assert (made["caller"], await room(center, api, made["id"])) == (GUEST, ["op1", "trunk"])
    await page.keyboard.press("Alt+T")
    await page.get_by_role("dialog").get_by_role("combobox").press_sequentially("op2")
    taken = page.locator(".ant-select-item-option", has_text="op2 · 通话中")
    await expect(taken).to_have_class(re.compile("option-disabled"), timeout=10 * MS)
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("^取 ?消$")).click()
    await page.get_by_role("dialog").wait_for(state="detached")
    await page.keyboard.press("F4")
    await op1.phone("call", None)
    await outside.until("ended", 5)
    assert await recorded(center, api, await verified(center, api, made["id"]), {OPERATOR, OUTSIDE})

    await page.keyboard.press("Alt+R")
    await page.locator("[data-testid=seat-state][data-state=ready]").wait_for(timeout=10 * MS)
    call_id = await only_call(api)
    await other.post(f"/calls/{call_id}/transfer", {"to": "seat:op1", "mode": "blind"})
    await colleague.until("ended", 5)
    await op1.phone("call?.state", "ringing")
    await page.keyboard.press("F2")
    await together(op1, caller)
    await give(page, SEAT, "op2", BLIND)
    (await op2.call(seconds=5)).busy()
    await expect(page.locator(".ant-notification")).to_contain_text("没有转给 op2：占线", timeout=10 * MS)
    await op1.phone("call?.state", "ringing")
    await page.keyboard.press("F2")
    await together(op1, caller)

    await page.keyboard.press("Alt+R")
    await other.call("PUT", "/seats/me/state", json={"state": "ready", "reason": ""})
    await give(page, QUEUE, "综合", None)
    await op1.phone("call", None)
    colleague = await (await op2.call(seconds=30)).answer()
    colleague.play(COLLEAGUE)
    await hears(caller.media, COLLEAGUE, what="her to hear who took her from the queue")
    assert await room(center, api, call_id) == ["op2", "trunk"]
    shown = await api.get(f"/calls/{call_id}")
    assert [one["number"] for one in shown["legs"] if one["joined_at"] and not one["ended_at"]][-1] == "op2"


async def test_given_a_caller_in_need_when_raised_then_the_emergency_has_this_call_and_120_joins_it(
    center: Instance, console: Console
) -> None:
    """A2, B4: she is on the line, so nobody calls her; the operator is with her all the time."""
    trunk = await center.trunk()
    op1 = await console("op1", voice=OPERATOR)
    page, api = op1.page, await center.sign_in("op1")
    await checked(page)
    await ready(center, api, 1)
    caller = await rings(center, op1, 1)
    await page.keyboard.press("F2")
    await together(op1, caller)
    call_id = await only_call(api)
    await page.get_by_role("button", name="转紧急").click()
    await page.get_by_role("dialog").get_by_role("button", name="转紧急").click()
    await page.get_by_test_id("emergency").wait_for(timeout=10 * MS)
    await page.get_by_test_id("help-120").click()
    ambulance = await (await trunk.call("120")).answer()
    ambulance.play(OUTSIDE)
    await op1.hears(CALLER, OUTSIDE)
    await hears(caller.media, OPERATOR, OUTSIDE, what="her to hear both")
    (incident,) = (await api.get("/emergencies?state=open"))["items"]
    assert incident["calls"] == [call_id]
    assert [leg["role"] for leg in incident["legs"]] == ["elder", "seat", "120"]
    await expect(page.get_by_test_id("emergency")).to_contain_text(center.elders[1]["name"])


# --- steps -------------------------------------------------------------------------------------------------------


async def rings(center: Instance, op1: Operator, elder: int) -> Caller:
    """An elder calls the hotline, asks for a human, and the page's phone rings."""
    caller = await center.dial("12349", center.elders[elder]["phones"][0], seconds=240)
    await caller.answered(1)
    caller.media.play(CALLER)
    caller.media.key("0")
    await op1.phone("call?.state", "ringing", 30)
    return caller


async def together(op1: Operator, caller: Caller) -> None:
    """Both hear each other, and the page shows that it is so."""
    await op1.phone("call?.media", "flowing")
    await op1.hears(CALLER)
    await hears(caller.media, OPERATOR, what="her to hear the operator")
    await op1.page.get_by_test_id("hold").wait_for(timeout=10 * MS)


async def give(page: Page, kind: str, to: str, how: str | None) -> None:
    """The dialog of transfers, by key: whom, and how."""
    await page.get_by_test_id("transfer").wait_for(timeout=10 * MS)  # an earlier one is over
    await page.keyboard.press("Alt+T")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("tab", name=kind).click()
    if kind == NUMBER:
        await dialog.get_by_role("textbox").fill(to)
    else:
        await dialog.get_by_role("combobox").press_sequentially(to)
        await page.locator(".ant-select-item-option-active", has_text=to).wait_for(timeout=10 * MS)
        await page.keyboard.press("Enter")
    if how:
        await dialog.locator("label").filter(has_text=how).click()
    await dialog.get_by_role("button", name=re.compile("^(转 ?接|三方通话)$")).click()


async def only_call(api: Api) -> str:
    """The id of the one call that is up."""
    (call,) = (await api.get("/calls?live=true"))["items"]
    return str(call["id"])


async def room(center: Instance, api: Api, call_id: str) -> list[str]:
    """Who is in the call's bridge, as Asterisk itself says: seats by user, lines from outside as ``trunk``."""
    name = (await api.get(f"/calls/{call_id}"))["room"]
    assert center.asterisk is not None
    return sorted(re.findall(r"^PJSIP/([a-z0-9]+)", center.asterisk.cli(f"confbridge list {name}"), re.MULTILINE))


async def over(center: Instance, api: Api, call_id: str) -> Any:
    async def ended() -> Any:
        found = await api.get(f"/calls/{call_id}")
        return found if found["ended_at"] else None

    return await center.until(ended, 10, "the call to be over")


async def recorded(center: Instance, api: Api, recordings: list[dict[str, Any]], tones: set[float]) -> bool:
    """Whether just these tones are on the record of the whole call at some moment."""
    mix = next(one for one in recordings if one["kind"] == "mix")
    audio = center.folder / f"{mix['id']}.wav"
    if not audio.exists():
        audio.write_bytes((await api.raw(f"/recordings/{mix['id']}/audio")).content)
    known = [CALLER, OPERATOR, OUTSIDE]
    starts = [n / 4 for n in range(int(seconds_of(audio) * 4) - 1)]
    return any(tones_in_file(audio, known, start, start + 0.5) == tones for start in starts)


async def pops(page: Page) -> list[dict[str, float]]:
    """How long (ms) after the first word of ringing each file was asked for, answered and painted."""
    found: list[dict[str, float]] = await page.evaluate(
        """() => performance.getEntriesByType("measure").filter(({ name }) => name.startsWith("desk-pop")).map(pop => {
            const of = ({ name }) => name.endsWith(`${pop.name.replace("desk-pop-", "")}/screen`);
            const { requestStart = NaN, responseEnd = NaN } = performance.getEntriesByType("resource").find(of) ?? {};
            const after = at => Math.round(at - pop.startTime);
            return { asked: after(requestStart), answered: after(responseEnd), painted: Math.round(pop.duration) };
        })"""
    )
    return found
