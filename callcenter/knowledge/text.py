"""Chinese full text in plain terms: how a text is cut for the index, a question for the search, and the snippet.

A run of Chinese characters becomes its pairs and single characters: no dictionary to keep, new words (长护险) are
found at once, and any word of two characters, which trigram indexes of either database miss, is one term. The terms
lie in a table of our own, so SQLite and PostgreSQL answer alike.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

TERM_LENGTH = 32
MOST_TERMS = 40
SNIPPET = 120
_CJK = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[a-z0-9]+")
_IS_CJK = re.compile(rf"[{_CJK}]")
# Words of a question that say nothing of what is asked about.
_EMPTY = re.compile(
    r"怎么样|怎么|多少钱|怎样|如何|什么|多少|哪里|哪儿|哪些|请问|可以|能不能|有没有|需要|我们|您好|你好|[的了吗呢吧啊我您你是在]"
)
_TITLE, _TAG, _BODY = 4.0, 3.0, 1.0
_SATURATION, _LENGTH_WEIGHT, _USUAL_LENGTH = 1.2, 0.4, 600


class Snippet(msgspec.Struct, frozen=True):
    """A part of a text. ``matches``: [start, end) in it, in UTF-16 units, as JavaScript counts."""

    text: str
    matches: list[tuple[int, int]]


def folded(text: str) -> str:
    """Full-width letters and case do not matter."""
    return unicodedata.normalize("NFKC", text).lower()


def terms(text: str) -> Counter[str]:
    """Every term of a text, and how often: single Chinese characters, their pairs, words of letters and digits."""
    found: Counter[str] = Counter()
    for run in _RUN.findall(folded(text)):
        if _IS_CJK.match(run):
            found.update(run)
            found.update(run[i : i + 2] for i in range(len(run) - 1))
        else:
            found[run[:TERM_LENGTH]] += 1
    return found


def weights(title: str, tags: Sequence[str], body: str) -> dict[str, float]:
    """How much an article is about each of its terms: BM25's saturation, the title and tags counting more."""
    counted: Counter[str] = Counter()
    for text, factor in ((title, _TITLE), (" ".join(tags), _TAG), (body, _BODY)):
        for term, count in terms(text).items():
            counted[term] += count * factor  # type: ignore[assignment]
    length = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(body) / _USUAL_LENGTH
    return {
        term: round(count * (_SATURATION + 1) / (count + _SATURATION * length), 4) for term, count in counted.items()
    }


def asked(question: str) -> list[str]:
    """The terms of a question: pairs, single characters only where they stand alone, words; at most `MOST_TERMS`."""
    wanted = _cut(_EMPTY.sub(" ", folded(question))) or _cut(folded(question))
    return list(dict.fromkeys(wanted))[:MOST_TERMS]


def _cut(question: str) -> list[str]:
    wanted: list[str] = []
    for run in _RUN.findall(question):
        if not _IS_CJK.match(run):
            wanted.append(run[:TERM_LENGTH])
        elif len(run) == 1:
            wanted.append(run)
        else:
            wanted += [run[i : i + 2] for i in range(len(run) - 1)]
    return wanted


def needed(count: int) -> int:
    """How many of a question's terms an article must have, of those that are in any: half.

    Nobody asks in the article's own words, and a pair across two words of the question is in none.
    """
    return math.ceil(count / 2)


def rarity(articles: int, having: Mapping[str, int]) -> dict[str, float]:
    """How much each term tells apart (BM25's idf); ``having``: in how many articles it is."""
    return {term: math.log(1 + (articles - count + 0.5) / (count + 0.5)) for term, count in having.items()}


def plain(markdown: str) -> str:
    """Markdown without its marks, in one line, for a snippet."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    text = re.sub(r"^[ \t]*(#{1,6}|[-*+>]|\d+[.)]|\|)[ \t]*", "", text, flags=re.MULTILINE)
    return " ".join(re.sub(r"[*_`~|]{1,3}", "", text).split())


def snippet(markdown: str, wanted: Sequence[str]) -> Snippet:
    """The part of a text with the most of the wanted terms, and where they are in it."""
    text = plain(markdown)
    # One character each, so that places in the folded text are places in the text.
    flat = "".join(folded(character)[:1] or " " for character in text)
    places = sorted({(at, at + len(term)) for term in wanted for at in _places(flat, term)})
    starts = [start for start, _ in places] or [0]
    best = max(
        starts,
        key=lambda start: (len({flat[a:b] for a, b in places if start <= a and b <= start + SNIPPET - 20}), -start),
    )
    begin = max(0, min(best - 20, len(text) - SNIPPET))
    end = min(len(text), begin + SNIPPET)
    cut = text[begin:end]
    matches: list[tuple[int, int]] = []
    for start, stop in places:
        if start < begin or stop > end:
            continue
        if matches and start - begin <= matches[-1][1]:
            matches[-1] = (matches[-1][0], max(matches[-1][1], stop - begin))
        else:
            matches.append((start - begin, stop - begin))
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    shown = before + cut + after
    return Snippet(shown, [(_units(shown, a + len(before)), _units(shown, b + len(before))) for a, b in matches])


def _places(text: str, term: str) -> list[int]:
    found: list[int] = []
    at = text.find(term)
    while at >= 0 and len(found) < 50:
        found.append(at)
        at = text.find(term, at + 1)
    return found


def _units(text: str, index: int) -> int:
    return len(text[:index].encode("utf-16-le", "surrogatepass")) // 2
