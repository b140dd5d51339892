"""Every reason and menu problem that the API names has words in both languages of the console (B4, B7)."""

import json
import re
from pathlib import Path

import pytest

from callcenter.menus.convert import main

PRODUCT = Path(main.__code__.co_filename).parents[1]
WORDS = PRODUCT / "console" / "src" / "i18n"


def named(pattern: str, folder: Path) -> set[str]:
    """What a pattern finds in the sources of a folder."""
    return {found for path in folder.rglob("*.py") for found in re.findall(pattern, path.read_text("utf-8"))}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_given_a_reason_that_the_api_names_then_the_page_has_words_for_it(language: str) -> None:
    """B4: what somebody is refused reads well in the language of the page."""
    problems = json.loads((WORDS / language / "problems.json").read_text("utf-8"))
    # What an alarm is refused for is told to a machine, and no page shows it.
    reasons = {
        reason
        for folder in ("accounts", "api", "control", "devices", "menus", "people", "queues")
        for reason in named(r'\breason="([a-z]+_[a-z_]+)"', PRODUCT / folder)
    } - {"unknown_device"}
    sounds = {f"audio_{word}" for word in named(r'_Unusable\(f?"([a-z]+) ', PRODUCT / "menus")}
    assert len(reasons) > 20
    assert len(sounds) == 3
    assert reasons | sounds <= problems["reason"].keys()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_given_what_may_be_wrong_with_a_menu_then_the_page_has_words_for_it(language: str) -> None:
    """B1, B7: a dead end is refused in a sentence of the page's language."""
    supervisor = json.loads((WORDS / language / "supervisor.json").read_text("utf-8"))
    codes = named(r'MenuProblem\(\s*(?:name|""), "([a-z_]+)"', PRODUCT / "menus")
    codes |= named(r'yield problem\("([a-z_]+)"', PRODUCT / "menus")
    assert len(codes) >= 9
    assert codes <= supervisor["menuProblem"].keys()
