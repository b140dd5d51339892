"""Every page of the console as it is seen: accessible, small, and honest when it fails."""

import gzip
import json
import re
from typing import Any

import pytest
from playwright.async_api import Page, Response, expect

from tests.browser.steps import MS, checked
from tests.support.browser import SOURCE, Console, Operator

AXE = SOURCE / "node_modules" / "axe-core" / "axe.min.js"
WORDS = SOURCE / "src" / "i18n"
BUDGET = 500_000
"""Bytes of program and style, gzipped, that the operator's page fetches at its first load."""

PAGES = {
    "desk": "[data-testid=idle-desk]",
    "work": "[role=tablist]",
    "knowledge": "section button[aria-pressed]",
    "wallboard": "section table",
    "calls": "section h1",
    "seats": "section table",
    "queues": "table",
    "history": "section table",
    "admin/elders": "table",
    "admin/devices": "table",
    "admin/staff": "table",
    "admin/roster": "table",
    "admin/imports": "table",
}
"""Each page and what it shows when it is there; a supervisor sees all of them."""


async def shown(page: Page, name: str) -> None:
    """Go to a page as its link would, without loading the program anew."""
    await page.evaluate(
        "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }", f"/console/{name}"
    )
    await page.locator(PAGES[name]).first.wait_for(timeout=15 * MS)
    await expect(page.locator("main [role=status]", has=page.locator(".ant-spin"))).to_have_count(0, timeout=15 * MS)


def keys() -> list[str]:
    """How a key looks that was shown in place of its word: ``area.key``, for the areas of one language."""
    trees = [json.loads(path.read_text("utf-8")) for path in (WORDS / "en").glob("*.json")]
    return sorted({area for tree in trees for area, words in tree.items() if isinstance(words, dict)})


@pytest.fixture
async def boss(console: Console) -> Operator:
    """A supervisor, who sees every page, at the smallest screen there is."""
    operator = await console("sup1", voice=None)
    await operator.page.evaluate(AXE.read_text("utf-8"))
    return operator


async def test_given_both_languages_and_themes_then_no_page_has_what_keeps_somebody_out(boss: Operator) -> None:
    """B4, B7: axe finds nothing serious; no page is wider than 1366 pixels; no key stands where a word should."""
    page = boss.page
    raw = re.compile(rf"(?<![\w@/.-])(?:{'|'.join(keys())})\.[a-zA-Z_]+(?![\w/])")
    found: dict[str, Any] = {}
    for theme in ("light", "dark"):
        for language in ("zh-CN", "en"):
            await spoken(page, language)
            for name in PAGES:
                await shown(page, name)
                where = f"{name} {language} {theme}"
                found |= {f"{where} {rule}": nodes for rule, nodes in (await serious(page)).items()}
                wide = await page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                found |= {f"{where} is too wide": wide} if wide > 0 else {}
                unsaid = raw.findall(await page.inner_text("body"))
                found |= {f"{where} shows keys": unsaid} if unsaid else {}
        await page.locator("header button:has(.anticon-moon), header button:has(.anticon-sun)").click()
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)


async def spoken(page: Page, language: str) -> None:
    """Change the language as people do."""
    if await page.evaluate("document.documentElement.lang") == language:
        return
    await page.get_by_test_id("language").click()
    await page.wait_for_function("wanted => document.documentElement.lang === wanted", arg=language)


_AT_REST = """() => Promise.allSettled(document.getAnimations()
    .filter(one => one.effect?.getComputedTiming().endTime !== Infinity).map(one => one.finished))"""
_SERIOUS = """async () => {
    const asked = {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']};
    const {violations} = await axe.run(document, asked);
    const seen = node => `${node.html.slice(0, 200)} :: ${node.any[0]?.message ?? ''}`;
    return violations.filter(one => ['serious', 'critical'].includes(one.impact))
        .map(one => [one.id, one.nodes.slice(0, 4).map(seen)]);
}"""


async def serious(page: Page) -> dict[str, list[str]]:
    """What axe finds that is serious or worse: rule to the elements. Moving colours are waited for."""
    await page.evaluate(_AT_REST)
    found = await page.evaluate(_SERIOUS)
    return dict(found)


async def test_given_an_empty_cache_when_the_operators_page_loads_then_it_is_small(console: Console) -> None:
    """B4: charts, waves, maps and Markdown are fetched when a page needs them, not before."""
    sizes: dict[str, int] = {}
    op1 = await console("op1", voice=None, wait=False)
    page = await op1.context.new_page()

    async def weighed(answer: Response) -> None:
        if answer.request.resource_type in ("script", "stylesheet") and answer.ok:
            sizes[answer.url.rpartition("/")[2]] = len(gzip.compress(await answer.body(), 6))

    page.on("response", weighed)
    await op1.page.close()
    await (await page.context.new_cdp_session(page)).send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(f"http://127.0.0.1:{op1.center.settings.http_port}/console/desk")
    await op1.sign_in(page)
    await checked(page)
    await page.locator(PAGES["desk"]).wait_for(timeout=15 * MS)
    await page.wait_for_load_state("networkidle")
    assert sizes, "the page fetches its program"
    assert sum(sizes.values()) < BUDGET, sizes
    lazy = re.compile("|".join(("echarts", "HistoryPage", "Listen", "Map", "KnowledgePage", "wavesurfer")))
    assert not [name for name in sizes if lazy.match(name)], sizes


async def test_given_a_request_fails_then_the_page_says_so_and_tries_again(boss: Operator) -> None:
    """B4: the states of error and offline are designed; nothing that is old pretends to be of now."""
    page = boss.page
    boss.forgiven += ["500", "ERR_FAILED", "ERR_INTERNET_DISCONNECTED", "WebSocket", "dynamically imported module"]
    await page.route(re.compile(r"/api/v1/(knowledge|queues|statistics|elders|imports|complaints)(\?|$|/)"), broken)
    for name in ("knowledge", "queues", "history", "admin/elders", "admin/imports"):
        await page.evaluate(
            "path => { history.pushState({}, '', path); dispatchEvent(new PopStateEvent('popstate')) }",
            f"/console/{name}",
        )
        alert = page.locator("main [role=alert]").first
        await expect(alert).to_contain_text("存储已满", timeout=15 * MS)
        await expect(alert.get_by_role("button", name="重试")).to_be_visible()
    await page.unroute_all()
    await page.locator("main [role=alert]").first.get_by_role("button", name="重试").click()
    await page.locator(PAGES["admin/imports"]).first.wait_for(timeout=15 * MS)

    await page.route("**/assets/SeatsPage*", lambda route: route.abort())
    await page.get_by_role("link", name="坐席", exact=True).click()
    await expect(page.locator("main [role=alert]")).to_contain_text("重新载入", timeout=15 * MS)
    await page.get_by_role("link", name="大屏").click()
    await page.locator(PAGES["wallboard"]).first.wait_for(timeout=15 * MS)

    await boss.cut()
    banner = page.get_by_role("alert").filter(has_text="画面停留在")
    await expect(banner).to_be_visible(timeout=20 * MS)
    await boss.mend()
    await expect(banner).to_have_count(0, timeout=20 * MS)


async def broken(route: Any) -> None:
    """What a server says that has no room left."""
    await route.fulfill(
        status=500, json={"code": "full", "detail": "存储已满"}, content_type="application/problem+json"
    )
