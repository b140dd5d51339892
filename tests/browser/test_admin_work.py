"""The administrator's and the supervisor's work at the pages: menus, days, staff, who is out (B1, B3, B7, I3)."""

from typing import Any

from playwright.async_api import Locator, Page, expect

from callcenter.accounts.service import seat_accounts
from callcenter.db import Database
from tests.browser.steps import MS
from tests.support.browser import Console
from tests.support.instance import Instance

GONE = ("401", "403", "404", "409", "422", "WebSocket")
"""What the browser itself logs of answers that refuse."""


async def chosen(page: Page, within: Locator, label: str, nth: int, text: str) -> None:
    """Choose from a list by what it says."""
    await within.get_by_label(label).nth(nth).click()
    await page.locator(".ant-select-dropdown:visible .ant-select-item-option").filter(has_text=text).first.click()


async def told(page: Page, text: str) -> None:
    """The page says so."""
    await expect(page.locator(".ant-message-notice").filter(has_text=text).first).to_be_visible(timeout=10 * MS)


async def secrets(center: Instance) -> dict[str, str]:
    """What the seats' phones sign in with."""
    database = Database(center.settings.database)
    async with database.transaction() as session:
        seats = await seat_accounts(session)
    await database.close()
    return {seat.user: seat.sip_ha1 for seat in seats}


async def test_given_a_menu_with_dead_ends_then_it_is_refused_in_clear_words_until_it_is_mended(
    center: Instance, console: Console
) -> None:
    """B1, B7: no node is written over by another of its name; what keeps a menu from going live is said in Chinese;
    a queue of the live menu stays; a day said for one year leaves those of the others."""
    sup1 = await console("sup1", voice=None, wait=False)
    sup1.forgiven.extend(GONE)
    page, api = sup1.page, await center.sign_in("sup1")
    await api.post("/queues", {"code": "medical", "name": "医疗咨询"})
    await page.get_by_role("link", name="队列与菜单").click()
    await page.get_by_role("tab", name="语音菜单").click()
    await page.get_by_role("button", name="复制为新版本").first.click()
    form = page.get_by_role("dialog")
    await chosen(page, form, "动作", 1, "进入节点")
    await form.get_by_label("去向").nth(1).fill("nowhere")
    await form.get_by_role("button", name="添加节点").click()
    await form.get_by_label("节点").nth(1).fill("main")
    await form.get_by_role("button", name="保存草稿").click()
    await expect(form.get_by_text("已有同名的节点").first).to_be_visible(timeout=10 * MS)
    await form.get_by_label("节点").nth(1).fill("more")
    await form.get_by_role("button", name="保存草稿").click()
    await expect(form).to_be_hidden(timeout=10 * MS)

    draft = page.get_by_role("row").filter(has_text="草稿")
    asked = page.locator(".ant-modal-confirm")
    await draft.get_by_role("button", name="启用").click()
    await asked.get_by_role("button", name="确定").click()
    await expect(asked.filter(has_text="没有名为“nowhere”的节点，来电者会走进死路")).to_be_visible(timeout=10 * MS)
    await expect(asked.filter(has_text="节点 more")).to_contain_text("没有按键通向这里")
    await asked.get_by_role("button", name="知道了").click()
    assert (await api.get("/menus/live"))["id"] == "built-in"

    await draft.get_by_role("button", name="修改").click()
    await chosen(page, form, "动作", 1, "进入队列")
    await form.get_by_label("去向").nth(1).fill("medical")
    # Its last node, and with it the bin of that node.
    await form.locator(".ant-card").last.locator(".ant-card-extra button").click()
    await form.get_by_role("button", name="保存草稿").click()
    await expect(form).to_be_hidden(timeout=10 * MS)
    await draft.get_by_role("button", name="启用").click()
    await asked.get_by_role("button", name="确定").click()
    await expect(page.get_by_role("row").filter(has_text="热线菜单")).to_contain_text("启用中", timeout=10 * MS)
    live = await api.get("/menus/live")
    assert live["nodes"]["main"]["choices"]["1"] == {"do": "queue", "to": "medical"}

    await page.get_by_role("tab", name="队列", exact=True).click()
    await page.get_by_role("row").filter(has_text="medical").get_by_role("button", name="删除").click()
    await page.locator(".ant-popconfirm:visible .ant-btn-primary").click()
    await told(page, "启用中的语音菜单“热线菜单”有按键通向这里")

    await api.call("PUT", "/holidays/2027-01-04", json={"kind": "closed", "name": "盘点"})
    await page.get_by_role("tab", name="节假日").click()
    date = page.get_by_placeholder("日期", exact=True)
    await date.fill("2026-12-28")
    await date.press("Enter")
    await page.get_by_role("button", name="添加日期").click()
    await expect(page.get_by_role("row").filter(has_text="2026-12-28")).to_be_visible(timeout=10 * MS)
    kept = [day for day in (await api.get("/holidays?year=2027"))["items"] if day["own"]]
    assert [(day["date"], day["name"]) for day in kept] == [("2027-01-04", "盘点")]


async def test_given_an_administrator_at_the_pages_then_phones_stay_and_who_is_switched_off_is_out_at_once(
    center: Instance, console: Console
) -> None:
    """I3, B3, B7: a new name is no new password of the phone on the desk; an account that is switched off loses page
    and seat; care workers are registered by a form, and the ratios count them."""
    admin, op1 = await console("admin", voice=None, wait=False), await console("op1", voice=None)
    for one in (admin, op1):
        one.forgiven.extend(GONE)
    page, api = admin.page, await center.sign_in("admin")
    phones = await secrets(center)
    await page.get_by_role("link", name="管理").click()
    await page.get_by_role("tab", name="员工与坐席").click()
    form = page.get_by_role("dialog")

    async def account(user: str) -> dict[str, Any]:
        found: dict[str, Any] = next(one for one in (await api.get("/accounts"))["items"] if one["user"] == user)
        return found

    async def edit(user: str) -> None:
        await page.get_by_role("row").filter(has_text=user).get_by_role("button", name="编辑").click()
        await form.get_by_label("姓名").wait_for()

    await edit("op2")
    await form.get_by_label("姓名").fill("钱丽丽")
    await form.get_by_role("button", name="确定").click()
    await expect(form).to_be_hidden(timeout=10 * MS)
    assert (await account("op2"))["name"] == "钱丽丽"
    assert await secrets(center) == phones

    await edit("op1")
    await form.get_by_label("启用").click()
    await form.get_by_role("button", name="确定").click()
    await expect(form).to_be_hidden(timeout=10 * MS)
    await expect(op1.page.locator("input[type=password]")).to_be_visible(timeout=15 * MS)

    async def no_seat() -> bool:
        return all(seat["user"] != "op1" for seat in (await api.get("/seats"))["items"])

    await center.until(no_seat, 10, "the seat of op1 to be gone")

    await page.get_by_role("tab", name="服务人员").click()
    await page.get_by_role("button", name="登记人员").click()
    await form.get_by_label("姓名").fill("孙桂兰")
    await form.get_by_label("电话").fill("12ab")
    await form.get_by_role("button", name="确定").click()
    await told(page, "请检查：电话（请填 11 位手机号")
    await form.get_by_label("电话").fill("139 0000 7777")
    await form.get_by_role("button", name="确定").click()
    row = page.get_by_role("row").filter(has_text="孙桂兰")
    await expect(row).to_contain_text("13900007777", timeout=10 * MS)

    async def counted() -> bool:
        return bool((await api.get("/wallboard"))["ratios"]["workers"]["have"] == 1)

    await center.until(counted, 10, "the ratios to count her")
    await row.get_by_role("button", name="编辑").click()
    await form.get_by_label("最后一天").fill("2026-01-31")
    await form.get_by_label("最后一天").press("Enter")
    await form.get_by_role("button", name="确定").click()
    await expect(row).to_contain_text("2026-01-31", timeout=10 * MS)
    await row.get_by_role("button", name="删除").click()
    await page.locator(".ant-popconfirm:visible .ant-btn-primary").click()
    await expect(row).to_have_count(0, timeout=10 * MS)
