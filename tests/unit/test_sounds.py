"""A name as it is typed: all readings, whole and in initials (B4)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.people.sounds import LENGTH, sounds


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("单秀英", ["shanxiuying", "danxiuying", "sxy", "dxy", "xiuying", "xy"]),
        ("曾国", ["zengguo", "zg", "guo", "g"]),
        ("吕布", ["lvbu", "lb"]),
        ("欧阳修", ["ouyangxiu", "oyx", "yangxiu"]),
        ("O'Brien", ["obrien"]),
        ("王", ["wang", "w"]),
    ],
)
def test_given_a_name_when_spelled_then_every_way_of_typing_it_is_there(name: str, typed: list[str]) -> None:
    spelled = sounds(name)
    assert [way for way in typed if f"|{way}|" not in spelled] == []


@given(st.text(max_size=60))
def test_given_any_text_when_spelled_then_it_fits_its_column(name: str) -> None:
    spelled = sounds(name)
    assert len(spelled) <= LENGTH
    assert spelled == "" or (spelled.startswith("|") and spelled.endswith("|"))
