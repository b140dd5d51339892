"""Compares the configuration that Asterisk runs on with what the settings say now, item by item (R24).

Read with pyst2's parser, wrapped: it leaves the file open, reads it in the locale's encoding, and takes a section that
is a template or is made from one (``[line](!)``, ``[trunk](line)``) and a ``#include`` for errors.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from asterisk.config import Config

from callcenter.asterisk_config import files_of, layout
from callcenter.asterisk_runtime import AsteriskRuntime
from callcenter.settings import Settings

BY_SEATS = frozenset({("extensions.conf", "globals", "CC_DUTY_DESK")})
"""Items that follow the seats, which `callcenter render` knows and the settings do not."""

Items = Mapping[tuple[str, str], Counter[str]]
"""Section and item's name → its values."""


class _Conf(Config):  # type: ignore[misc]
    """A configuration's text, parsed."""

    def load(self) -> None:
        lines = self.filename.splitlines()
        self.raw_lines = [re.sub(r"^(\[[^]]*\])\(.*\)$", r"\1", line.strip()) for line in lines if line[:1] != "#"]


def outdated(settings: Settings, runtime: AsteriskRuntime) -> list[str]:
    """What restarting or ``callcenter render --reload`` would change, as ``file [section] item``; never the values,
    some of which are secrets. Seats are left out. Raises `OSError` when there is no configuration in force."""
    etc = layout(settings).etc
    return [
        f"{name} [{section}] {item}".strip()
        for name, text in sorted(files_of(settings, (), runtime).items())
        for section, item in _differing(_items(text), _items((etc / name).read_text("utf-8")))
        if (name, section, item) not in BY_SEATS
    ]


def _items(text: str) -> Items:
    found: dict[tuple[str, str], Counter[str]] = {}
    for section in _Conf(text).categories:
        for item in section.items:
            found.setdefault((section.name, item.name), Counter())[item.value.strip()] += 1
    return found


def _differing(wanted: Items, there: Items) -> Iterator[tuple[str, str]]:
    """What is other than wanted; sections that nobody asked for are the seats'."""
    sections = {section for section, _ in wanted}
    for key in sorted({*wanted, *there}):
        if key[0] in sections and wanted.get(key) != there.get(key):
            yield key
