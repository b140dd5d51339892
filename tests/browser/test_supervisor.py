"""A supervisor's shift at the pages: whispering, the wallboard, queues, an import, the knowledge base."""

import re
from pathlib import Path

from playwright.async_api import Page, expect

from tests.browser.steps import MS
from tests.stories.test_call_control import CALLER, FIRST, THIRD, over, ready, with_operator
from tests.support.browser import Console
from tests.support.instance import Instance
from tests.support.sipp import until


async def test_given_an_operator_talks_when_the_supervisor_whispers_by_a_button_then_the_caller_does_not_hear_it(
    center: Instance, console: Console
) -> None:
    """B7: whisper, listen and the end of it by the buttons of the live list; proved by tones in everybody's ears."""
    api = await center.sign_in("op1")
    op1 = await center.seat("op1")
    sup1 = await console("sup1", voice=THIRD)
    page = sup1.page
    await ready(center, api, "op1", "sup1")
    caller, desk, call_id = await with_operator(center, api, op1)
    await page.get_by_role("link", name="通话").click()
    row = page.locator("[data-row-key]").filter(has_text="051288889999")
    await expect(row).to_contain_text("通话中", timeout=10 * MS)

    await row.get_by_role("button", name="耳语").click()
    await sup1.phone("call?.state", "ringing")
    await page.keyboard.press("F2")
    await sup1.hears(CALLER, FIRST)
    await until(
        lambda: desk.hears(CALLER, THIRD) == {CALLER, THIRD}, 5, "the operator to hear the whisper and the caller"
    )
    assert not caller.media.hears(THIRD, seconds=1.0), "the caller hears nothing of it"
    assert caller.media.hears(FIRST)
    await expect(row).to_contain_text("sup1 正在耳语", timeout=5 * MS)

    await row.get_by_role("button", name="监听", exact=True).click()
    await until(lambda: not desk.hears(THIRD, seconds=1.0), 5, "the whisper to end")
    await sup1.hears(CALLER, FIRST)
    await row.get_by_role("button", name="停止监听").click()
    await sup1.phone("call", None)
    await expect(row).not_to_contain_text("sup1", timeout=5 * MS)
    assert desk.hears(CALLER)
    caller.hangup()
    await over(center, api, call_id)
    await expect(row).to_have_count(0, timeout=10 * MS)


async def figure(page: Page, title: str, value: str) -> None:
    """Wait until a figure of the wallboard is so."""
    shown = page.locator(f"[data-figure='{title}']")
    await expect(shown).to_have_text(value, timeout=10 * MS)


async def test_given_a_queue_made_by_the_form_when_callers_wait_and_are_answered_then_the_wallboard_counts_them(
    center: Instance, console: Console
) -> None:
    """B1, B3, B7: a queue is made and changed; who waits is on the wall within seconds, who was answered is counted."""
    sup1 = await console("sup1", voice=None)
    page, api = sup1.page, await center.sign_in("sup1")
    await page.get_by_role("link", name="队列与菜单").click()
    await page.get_by_role("button", name="新建队列").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("代码").fill("medical")
    await form.get_by_label("名称", exact=True).fill("医疗咨询")
    await form.get_by_role("button", name="保存").click()
    row = page.get_by_role("row").filter(has_text="medical")
    await expect(row).to_contain_text("医疗咨询", timeout=10 * MS)
    await row.get_by_role("button", name="修改队列").click()
    await form.get_by_label("服务水平（秒）").fill("15")
    await form.get_by_label("非营业时").fill("voicemail")
    await form.get_by_role("button", name="保存").click()
    await expect(row).to_contain_text("15 s", timeout=10 * MS)
    saved = await api.get("/queues/medical")
    assert (saved["name"], saved["service_level_seconds"], saved["closed"]) == ("医疗咨询", 15, {"to": "voicemail"})

    await page.keyboard.press("Alt+4")
    await figure(page, "waiting", "0")
    # The supervisor's own phone takes no call of the queue: she is paused.
    await api.call("PUT", "/seats/me/state", json={"state": "paused", "reason": "meeting"})
    caller = await center.dial("12349", "051288889999", seconds=180)
    await caller.answered(1)
    caller.media.key("3")
    await figure(page, "waiting", "1")
    op1 = await center.seat("op1")
    desk = await (await op1.call(seconds=15)).answer()
    await figure(page, "waiting", "0")
    caller.hangup()
    await desk.until("ended", 10)
    await expect(page.locator("[data-figure=abandoned] ~ *")).to_contain_text(re.compile("接听 1"), timeout=10 * MS)


async def test_given_a_file_with_a_bad_row_when_it_is_imported_then_the_report_names_it_and_the_rest_is_written(
    center: Instance, console: Console, tmp_path: Path
) -> None:
    """I4, B4: nothing is written before the report is confirmed; the bad row is skipped."""
    sup1 = await console("sup1", voice=None)
    page, api = sup1.page, await center.sign_in("sup1")
    file = tmp_path / "老人.csv"
    file.write_text(
        "编号,姓名,电话\nE-901,范素珍,13900009001\nE-902,彭国荣,不知道\nE-903,鲁秀英,13900009003\n", "utf-8"
    )
    await page.goto(f"{page.url.partition('/console')[0]}/console/admin/imports")
    await page.locator("input[type=file]").set_input_files(file)
    report = page.get_by_role("dialog")
    await expect(report).to_contain_text("共 3 行，可导入 2 行（新增 2，修改 0）", timeout=10 * MS)
    await expect(report.get_by_role("row").filter(has_text="不是电话号码")).to_contain_text("3")
    apply = report.get_by_role("button", name="确认导入")
    await expect(apply).to_be_disabled()
    assert not (await api.get("/elders?query=范素珍"))["items"]
    await report.get_by_role("checkbox").check()
    await apply.click()
    await expect(report.get_by_role("alert")).to_contain_text("已导入", timeout=10 * MS)
    found = [(await api.get(f"/elders?query={name}"))["items"] for name in ("范素珍", "彭国荣", "鲁秀英")]
    assert [[elder["code"] for elder in items] for items in found] == [["E-901"], [], ["E-903"]]


async def test_given_an_article_is_written_and_rewritten_then_it_is_found_and_both_versions_stay(
    console: Console,
) -> None:
    """B4: full-text search in Chinese, who wrote what when, versions."""
    sup1 = await console("sup1", voice=None)
    page = sup1.page
    await page.get_by_role("link", name="知识库").click()
    await page.get_by_role("button", name="新建条目").click()
    form = page.get_by_role("dialog")
    await form.get_by_label("标题").fill("冬季取暖补贴")
    await form.get_by_label("内容").fill("## 谁可以申请\n\n独居老人，每户 **300 元**。")
    await form.get_by_role("button", name="保存").click()
    article = page.locator("article")
    await expect(article.get_by_role("heading", name="谁可以申请")).to_be_visible(timeout=10 * MS)
    await expect(article.locator("strong")).to_have_text("300 元")

    await article.get_by_role("button", name="编辑").click()
    await form.get_by_label("内容").fill("## 谁可以申请\n\n独居老人，每户 **500 元**。")
    await form.get_by_role("button", name="保存").click()
    await expect(article.locator("strong")).to_have_text("500 元", timeout=10 * MS)
    await expect(article).to_contain_text("第 2 版")
    await article.get_by_role("combobox").click()
    await page.get_by_title(re.compile("第 1 版")).click()
    await expect(article.locator("strong")).to_have_text("300 元")

    await page.get_by_role("searchbox").fill("取暖")
    items = page.locator("button[aria-pressed]")
    await expect(items).to_have_count(1, timeout=10 * MS)
    await page.get_by_role("searchbox").fill("独居")
    await expect(items.filter(has_text="冬季取暖补贴").locator("mark")).to_have_text("独居", timeout=10 * MS)
