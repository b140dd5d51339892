"""How a Chinese name is typed: every pinyin a name may have, whole and in initials, for searching (B4)."""

import os
from functools import cache
from itertools import islice, product

# Single characters only, with all their readings: the dictionary of phrases would cost 45 MB and names are not in it.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

from pypinyin import Style, pinyin

_MOST = 12
"""Combinations of readings kept for one name."""
LENGTH = 400


def sounds(name: str) -> str:
    """``|shanxiuying|sxy|…|xiuying|xy|``: all readings of the name, and of it without the surname; '' for none.

    单 (shàn as a surname, dān else) and 曾 are found by either reading. ü is written v, as on a keyboard.
    """
    characters = [character for character in name.lower() if character.isalnum()][:12]
    readings = [_readings(character) for character in characters]
    tokens: dict[str, None] = {}
    for part in (readings, readings[1:]) if len(readings) > 1 else (readings,):
        for spelling in islice(product(*part), _MOST):
            tokens["".join(spelling)] = None
            tokens["".join(syllable[0] for syllable in spelling)] = None
    text = "|"
    for token in tokens:
        if token and len(text) + len(token) < LENGTH:
            text += f"{token}|"
    return text if len(text) > 1 else ""


@cache
def _readings(character: str) -> tuple[str, ...]:
    """At most four readings without tones; what has none stands for itself."""
    (found,) = pinyin(character, style=Style.NORMAL, heteronym=True) or [[character]]
    return tuple(dict.fromkeys(found))[:4] or (character,)
