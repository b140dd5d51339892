"""What the stories at the console do again and again."""

from playwright.async_api import Locator, Page

from tests.support.browser import Operator
from tests.support.sipp import PATIENCE

MS = 1000 * PATIENCE


async def checked(page: Page) -> None:
    """The device check of a shift's begin is done."""
    await page.get_by_test_id("check-done").click()
    await page.get_by_test_id("check-done").wait_for(state="detached")


async def emergency_screen(page: Page, how: str) -> Locator:
    """The emergency that fills the screen, once the seat rings for it or talks."""
    screen = page.locator(f"[data-testid=emergency][data-how={how}]")
    await screen.wait_for(timeout=20 * MS)
    return page.get_by_test_id("emergency")


async def answered_by_key(operator: Operator, key: str) -> None:
    """One key, and both are connected."""
    await operator.phone("call?.state", "ringing")
    await operator.page.get_by_test_id("answer-emergency").wait_for(timeout=5 * MS)
    await operator.page.keyboard.press(key)
    await operator.phone("call?.media", "flowing")
    await emergency_screen(operator.page, "talking")
