"""Whatever a value holds, Asterisk reads it back from our AGI commands (R22)."""

from hypothesis import given
from hypothesis import strategies as st

from callcenter.telephony import fastagi
from callcenter.telephony.fastagi import agi_quoted
from tests.wire.asterisk_syntax import agi_words, variables

ONE_LINE = st.characters(blacklist_characters="\r\n\0", blacklist_categories=["Cs"])


@given(st.text(alphabet=ONE_LINE, max_size=60))
def test_given_any_value_when_quoted_then_asterisk_reads_it_back(value: str) -> None:
    assert agi_words(f"SET VARIABLE A {agi_quoted(value)}") == ["SET", "VARIABLE", "A", value]


@given(
    st.dictionaries(
        st.from_regex(r"CC_[A-Z]{1,8}", fullmatch=True),
        st.text(alphabet=ONE_LINE, max_size=400),
        min_size=1,
        max_size=8,
    )
)
def test_given_any_variables_when_batched_then_asterisk_reads_them_all_back(values: dict[str, str]) -> None:
    seen: dict[str, str] = {}
    for batch in fastagi._batches(values):
        line = f"EXEC MSet {agi_quoted(batch)}"
        assert len(line.encode()) <= fastagi.COMMAND_BYTES
        seen |= variables(agi_words(line)[2])
    assert seen == values
