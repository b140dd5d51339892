"""Phone numbers: every spelling of one number is one number, and nothing that comes in breaks it (A8, R20)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.phone import PHONE_PATTERN, is_emergency_service, is_ordinary, normalise

# Prefixes of Chinese mobiles and area codes with the length of their local numbers.
MOBILES = st.builds(
    "{}{}".format,
    st.sampled_from(["138", "139", "150", "186", "177", "199"]),
    st.from_regex(r"[0-9]{8}", fullmatch=True),
)
LANDLINES = st.builds(
    "{}{}".format, st.sampled_from(["512", "10", "21", "25"]), st.from_regex(r"6[0-9]{7}", fullmatch=True)
)
WRAPPINGS = ("{}", " {} ", "tel:{}", "sip:{}@198.51.100.7:5060;user=phone", '"Li" <sip:{}@example.org>', "SIPS:{}@h")


def _spaced(digits: str, gaps: list[int], mark: str) -> str:
    for gap in sorted({1 + gap % (len(digits) - 1) for gap in gaps}, reverse=True):
        digits = digits[:gap] + mark + digits[gap:]
    return digits


@given(
    MOBILES,
    st.sampled_from(["", "+86", "0086", "86", "0", "+86 ", "+860"]),
    st.sampled_from(WRAPPINGS),
    st.lists(st.integers(0, 10), max_size=3),
    st.sampled_from([" ", "-", ".", "‐"]),
)
def test_given_a_mobile_in_any_spelling_when_normalised_then_it_is_the_eleven_digits(
    mobile: str, prefix: str, wrapping: str, gaps: list[int], mark: str
) -> None:
    assert normalise(wrapping.format(prefix + _spaced(mobile, gaps, mark))) == mobile


@given(LANDLINES, st.sampled_from(["", "+86", "0086", "86", "0", "+860"]), st.sampled_from(WRAPPINGS))
def test_given_a_landline_in_any_spelling_when_normalised_then_it_is_dialled_with_its_zero(
    landline: str, prefix: str, wrapping: str
) -> None:
    assert normalise(wrapping.format(prefix + landline)) == "0" + landline


@given(
    st.one_of(
        st.text(max_size=40),
        st.from_regex(r"(\+86|0086|86|0|00|\+)*[0-9 ()-]{0,20}", fullmatch=True),
        st.from_regex(r"(sip:|tel:)?\+?[0-9]{0,18}(@[a-z]{1,5})?", fullmatch=True),
    )
)
def test_given_any_text_when_normalised_twice_then_nothing_changes(text: str) -> None:
    once = normalise(text)
    assert once is None or normalise(once) == once


@given(st.from_regex(PHONE_PATTERN, fullmatch=True))
def test_given_what_a_form_lets_through_when_normalised_then_there_is_a_number(text: str) -> None:
    assert normalise(text) is not None


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("１３８００００１００１", "13800001001"),
        ("(0512) 6500-1001", "051265001001"),
        ("+86 (0)512 65001001", "051265001001"),
        ("sip:%2B8613800001001@trunk", "13800001001"),
        ("400-812-3456", "4008123456"),
        ("+852 2345 6789", "+85223456789"),
        ("0044 20 7946 0958", "+442079460958"),
        ("+1 (202) 555-0123", "+12025550123"),
        ("120", "120"),
        ("12349", "12349"),
        ("+8612349", "12349"),
        ("95120", "95120"),
        ("1064812345678", "1064812345678"),
        ("+86 10648 1234 5678", "1064812345678"),
        ("87654321", "87654321"),
    ],
)
def test_given_a_spelling_that_trunks_send_when_normalised_then_the_canonical_form(raw: str, canonical: str) -> None:
    assert normalise(raw) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        *(None, "", " ", "anonymous", "unknown", "Restricted", "sip:anonymous@anonymous.invalid", "<script>"),
        *("+", "00", "0", "138000010x1", "1380000\r\n1001", "+86", "0" * 12, "1" * 20, "1" * 5000),
        *("٣٨", "1+3800001001", "\x00", "'; DROP"),
    ],
)
def test_given_a_withheld_or_malformed_number_when_normalised_then_none(raw: str | None) -> None:
    assert normalise(raw) is None


@pytest.mark.parametrize(
    ("raw", "ordinary"),
    [
        *(("13800001001", True), ("0512-65001001", True), ("65001001", True), ("400-812-3456", True), ("12349", True)),
        *(("1064812345678", True), ("120", True)),
        *(("+1 202 555 0123", False), ("17951 0044 207 123 45", False), ("16812345", False), ("16812345678", False)),
        *(("9001234567", False), ("12590123", False), ("125901", False), ("021-16812345", False), ("021120", True)),
        *(("17951 0044 2071 23", False), ("17951", True)),
    ],
)
def test_given_who_may_spend_our_money_when_a_number_goes_abroad_or_earns_then_it_is_not_dialled(
    raw: str, *, ordinary: bool
) -> None:
    """Toll fraud; 17951 is a carrier's prefix: what follows may be anywhere."""
    assert is_ordinary(normalise(raw) or "+") is ordinary


@pytest.mark.parametrize("raw", ["110", "120", "021120", "0512119"])
def test_given_an_emergency_service_of_here_or_of_another_city_then_it_is_known(raw: str) -> None:
    assert is_emergency_service(normalise(raw) or "")
    assert not is_emergency_service("12012")
