"""Every drawer and dialog of the supervisor's and the administrator's pages is open to everybody (B4, B7)."""

import json

import pytest
from playwright.async_api import Page, expect

from tests.browser.steps import MS
from tests.browser.test_pages import AXE, serious
from tests.support.browser import Console
from tests.support.instance import Instance

DIALOGS = {
    "queue, new": ("sup1", "queues", [".ant-btn-primary"]),
    "queue, changed": ("sup1", "queues", ["tbody tr.ant-table-row button"]),
    "queue, deleted": ("sup1", "queues", ["tbody .ant-btn-dangerous"]),
    "menus": ("sup1", "queues", ["[role=tab] >> nth=1"]),
    "menu, copied and edited": ("sup1", "queues", ["[role=tab] >> nth=1", "tbody button:has-text('复制')"]),
    "menu, checked": ("sup1", "queues", ["[role=tab] >> nth=1", "tbody button:has-text('检查')"]),
    "menu, published": ("sup1", "queues", ["[role=tab] >> nth=1", "tbody .ant-btn-primary"]),
    "prompts": ("sup1", "queues", ["[role=tab] >> nth=2", "tbody tr.ant-table-row button"]),
    "holidays": ("sup1", "queues", ["[role=tab] >> nth=3"]),
    "emergencies' history": ("sup1", "history", ["[role=tab] >> nth=1"]),
    "seats' history": ("sup1", "history", ["[role=tab] >> nth=2"]),
    "seat, paused": ("sup1", "seats", ["tbody .ant-space button >> nth=0"]),
    "seat, skills": (
        "sup1",
        "seats",
        ["tbody .ant-space button >> nth=1", "[role=dialog] .ant-btn:has(.anticon-plus)"],
    ),
    "article": ("sup1", "knowledge", ["section button[aria-pressed]"]),
    "article, edited": ("sup1", "knowledge", ["section button[aria-pressed]", "article button:has-text('编辑')"]),
    "article, new": ("sup1", "knowledge", ["section button:has(.anticon-plus)"]),
    "request, settled": ("sup1", "work", ["tbody button:has-text('办结')"]),
    "call-backs": ("sup1", "work", ["[role=tab] >> nth=1"]),
    "messages": ("sup1", "work", ["[role=tab] >> nth=2"]),
    "follow-ups": ("sup1", "work", ["[role=tab] >> nth=3"]),
    "order, returned": ("sup1", "work", ["[role=tab] >> nth=4", "tbody button >> nth=1"]),
    "complaint": ("sup1", "work", ["[role=tab] >> nth=5", ".ant-table-row-expand-icon", "tbody .ant-space button"]),
    "elder": ("admin", "admin/elders", ["tbody .ant-btn-link"]),
    "elder, deleted": ("admin", "admin/elders", ["tbody .ant-btn-link", "[role=dialog] .ant-btn-dangerous"]),
    "device, new": ("admin", "admin/devices", [".ant-btn-primary"]),
    "device, changed": ("admin", "admin/devices", ["tbody button:has-text('编辑')"]),
    "account, new": ("admin", "admin/staff", [".ant-btn-primary", "[role=dialog] .ant-btn-primary"]),
    "account, changed": ("admin", "admin/staff", ["tbody button:has-text('编辑')"]),
    "account's phone": (
        "admin",
        "admin/staff",
        ["tbody button:has-text('话机设置')", "[role=dialog] .ant-btn-primary", "[role=dialog] img"],
    ),
    "care staff, new": ("admin", "admin/care", [".ant-btn-primary"]),
    "care staff, changed": ("admin", "admin/care", ["tbody button:has-text('编辑')"]),
    "care staff, deleted": ("admin", "admin/care", ["tbody .ant-btn-dangerous"]),
    "shift, new": ("admin", "admin/roster", [".ant-btn-primary"]),
    "shift, once": ("admin", "admin/roster", [".ant-btn-primary", "[role=dialog] .ant-radio-button-wrapper >> nth=1"]),
    "import": ("admin", "admin/imports", ["tbody .ant-btn-link"]),
    "import's warnings": ("admin", "admin/imports", ["tbody .ant-btn-link", "[role=dialog] [role=tab] >> nth=1"]),
    "import's preview": ("admin", "admin/imports", ["tbody .ant-btn-link", "[role=dialog] [role=tab] >> nth=2"]),
}
"""What is opened: by whom, on which page, and by clicks at what; the first match of each."""
_IN_THE_PAGE = ("article", "prompts")
"""What opens within the page itself."""
ROWS = "编号,姓名,电话\nE-901,范素珍,13900009001\nE-902,彭国荣,不知道\nE-903,鲁秀英,\n"


async def filled(center: Instance) -> None:
    """Something of everything that a dialog is about."""
    boss, admin = await center.sign_in("sup1"), await center.sign_in("admin")
    elder = center.elders[0]["id"]
    await boss.post("/menus/built-in/copy")
    await boss.post("/work-orders", {"kind": "service", "summary": "测血糖", "elder_id": elder})
    await boss.post("/complaints", {"text": "送餐时饭菜已凉", "about": "助餐", "elder_id": elder})
    await boss.post("/intake", {"text": "陪同复查", "kind": "service", "channel": "web", "take": True})
    await admin.post("/staff", {"name": "孙桂兰", "kind": "worker"})
    await admin.call(
        "POST", "/imports", files={"file": ("老人.csv", ROWS.encode())}, data={"kind": "elders"}, timeout=60
    )


async def at(page: Page, path: str) -> None:
    """A page as it is at first: nothing open, nothing chosen."""
    await page.goto(f"{page.url.partition('/console')[0]}/console/{path}")
    await page.locator("main :is(table, section)").first.wait_for(timeout=15 * MS)
    await page.evaluate(AXE.read_text("utf-8"))


async def shut_out(page: Page) -> dict[str, list[str]]:
    """What axe finds once the page has come to rest: a colour on its way is no finding."""
    found = await serious(page)
    for _ in range(6):
        if not found:
            break
        await page.wait_for_timeout(500)
        found = await serious(page)
    return found


@pytest.mark.parametrize("user", ["sup1", "admin"])
async def test_given_each_dialog_in_both_themes_then_it_has_nothing_that_keeps_somebody_out(
    center: Instance, console: Console, user: str
) -> None:
    """B4, B7: axe finds nothing serious in what opens over a page either; `DIALOGS` names all of it."""
    await filled(center)
    page = (await console(user, voice=None, wait=False)).page
    await page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[str]] = {}
    for name, (who, path, clicks) in DIALOGS.items():
        if who != user:
            continue
        await at(page, path)
        for what in clicks:
            await page.locator(what if what.startswith("[role=dialog]") else f"main {what}").first.click(
                timeout=15 * MS
            )
        if "role=tab" not in clicks[-1] and name not in _IN_THE_PAGE:
            await page.locator("[role=dialog]:visible, .ant-popconfirm:visible").first.wait_for(timeout=15 * MS)
        for theme in ("light", "dark"):
            found |= {f"{name} {theme} {rule}": nodes for rule, nodes in (await shut_out(page)).items()}
            # By the button's own handler: a dialog lies over it.
            switch = "header button:has(.anticon-moon), header button:has(.anticon-sun)"
            await page.evaluate("which => document.querySelector(which).click()", switch)
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)


async def test_given_calls_are_up_when_the_list_is_read_aloud_then_each_is_a_row_with_its_cells(
    center: Instance, console: Console
) -> None:
    """B7: the list of live calls is a table to a screen reader, with a row for each call."""
    sup1 = await console("sup1", voice=None)
    await sup1.page.get_by_role("link", name="通话").click()
    caller = await center.dial("12349", "051288889999", seconds=60)
    await caller.answered(2)
    row = sup1.page.get_by_role("table").get_by_role("row").filter(has_text="051288889999")
    await expect(row.get_by_role("cell")).to_have_count(7, timeout=10 * MS)
    await expect(row.get_by_role("button", name="监听", exact=True)).to_be_visible()
    heads = sup1.page.get_by_role("table").get_by_role("columnheader")
    await expect(heads).to_have_count(7)
