"""Chinese full text: terms, questions, rank and snippets (B4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.knowledge.text import MOST_TERMS, SNIPPET, TERM_LENGTH, asked, needed, plain, snippet, terms, weights


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("长护险怎么申请", ["长护", "护险", "申请"]),
        ("药", ["药"]),
        ("１２０ 急救", ["120", "急救"]),
        ("What is ICU", ["what", "is", "icu"]),
        ("怎么", ["怎么"]),
        ("%_'\";--", []),
        ("<b>价格</b>", ["b", "价格"]),
    ],
)
def test_given_a_question_when_cut_then_its_terms(question: str, wanted: list[str]) -> None:
    assert asked(question) == wanted


def test_given_a_text_when_cut_then_characters_pairs_and_words() -> None:
    assert set(terms("长护险ABC")) == {"长", "护", "险", "长护", "护险", "abc"}


def test_given_a_title_then_it_counts_more_than_the_body_and_repeating_helps_less_and_less() -> None:
    assert weights("助餐", (), "x")["助餐"] > weights("x", (), "助餐")["助餐"]
    once, twice, often = (weights("", (), "助餐，" * n)["助餐"] for n in (1, 2, 9))
    assert once < twice < often < 2.3


@pytest.mark.parametrize(("count", "least"), [(1, 1), (2, 1), (3, 2), (6, 3), (7, 4)])
def test_given_so_many_terms_then_so_many_are_needed(count: int, least: int) -> None:
    assert needed(count) == least


def test_given_markdown_when_shown_in_a_snippet_then_without_its_marks() -> None:
    assert plain("# 价格\n- **助浴** [说明](http://x)\n1. `80 元`") == "价格 助浴 说明 80 元"


def test_given_a_long_text_when_searched_then_the_best_place_is_cut_out_and_marked_in_utf16() -> None:
    text = "前言" * 100 + "𠮷日助浴每次80元，需预约。" + "后记" * 100
    found = snippet(text, asked("助浴 80"))
    units = found.text.encode("utf-16-le")
    marked = [units[2 * a : 2 * b].decode("utf-16-le") for a, b in found.matches]
    assert marked == ["助浴", "80"]
    assert found.text.startswith("…")
    assert found.text.endswith("…")
    assert len(found.text) <= SNIPPET + 2


def test_given_html_in_a_text_when_cut_out_then_it_stays_text() -> None:
    found = snippet("<img src=x onerror=alert(1)> 助浴", ["助浴"])
    assert "<img" in found.text  # offsets, never markup of ours: whoever shows it escapes it


@given(st.text(max_size=400), st.text(max_size=60))
def test_given_any_text_and_question_then_terms_and_places_are_in_bounds(text: str, question: str) -> None:
    wanted = asked(question)
    assert len(wanted) <= MOST_TERMS
    assert all(0 < len(term) <= TERM_LENGTH for term in {*wanted, *terms(text)})
    found = snippet(text, wanted)
    last = 0
    for start, end in found.matches:
        assert last <= start < end <= len(found.text.encode("utf-16-le", "surrogatepass")) // 2
        last = end
