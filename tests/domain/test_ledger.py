"""The ledger: written, known everywhere, then reacted to, strictly in order, whatever a reactor does (C10)."""

from datetime import UTC, datetime

from callcenter.clock import ManualClock
from callcenter.facts import Body, Fact, kind, record
from callcenter.ledger import Ledger

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@kind("test.said")
class Said(Body, frozen=True):
    word: str


class Paper:
    """A journal that is a list."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def append(self, *facts: Fact) -> None:
        self.words += [word(fact) for fact in facts]


def word(fact: Fact) -> str:
    assert isinstance(fact.body, Said)
    return fact.body.word


def made() -> tuple[Ledger, Paper, list[str]]:
    paper, seen = Paper(), list[str]()
    ledger = Ledger(paper, ManualClock(NOW))
    ledger.on_apply(lambda fact: seen.append(f"apply {word(fact)}"))
    return ledger, paper, seen


def test_facts_made_together_are_written_then_all_known_before_anybody_reacts() -> None:
    ledger, paper, seen = made()
    ledger.on_react(lambda fact: seen.append(f"react {word(fact)}"))
    facts = ledger.record(Said(word="a"), Said(word="b"), actor="op1", call_id="c", incident_id="i")
    assert paper.words == ["a", "b"]
    assert seen == ["apply a", "apply b", "react a", "react b"]
    assert {(fact.at, fact.actor, fact.call_id, fact.incident_id) for fact in facts} == {(NOW, "op1", "c", "i")}


def test_what_a_reactor_records_is_known_at_once_but_reacted_to_in_its_turn() -> None:
    ledger, paper, seen = made()

    def first(fact: Fact) -> None:
        seen.append(f"first {word(fact)}")
        if word(fact) == "a":
            ledger.record(Said(word="a2"), actor="system")
            assert paper.words[-1] == "a2"
            assert seen[-1] == "apply a2"

    ledger.on_react(first)
    ledger.on_react(lambda fact: seen.append(f"second {word(fact)}"))
    ledger.record(Said(word="a"), Said(word="b"), actor="system")
    assert [entry for entry in seen if not entry.startswith("apply")] == [
        "first a",
        "second a",
        "first b",
        "second b",
        "first a2",
        "second a2",
    ]


def test_one_reactors_mistake_keeps_nobody_else_from_reacting_and_the_next_fact_is_reacted_to() -> None:
    """One policy's mistake must not keep the others from helping the caller."""
    ledger, _, seen = made()

    def broken(fact: Fact) -> None:
        raise ValueError(word(fact))

    ledger.on_react(broken)
    ledger.on_react(lambda fact: seen.append(f"react {word(fact)}"))
    ledger.record(Said(word="a"), actor="system")
    ledger.record(Said(word="b"), actor="system")
    assert seen == ["apply a", "react a", "apply b", "react b"]


def test_facts_taken_in_keep_their_id_and_time() -> None:
    ledger, paper, _ = made()
    kept: list[Fact] = []
    ledger.on_react(kept.append)
    fact = record(Said(word="spooled"), datetime(2026, 2, 1, tzinfo=UTC), "fallback", id="id-1")
    ledger.take_in([fact])
    assert (paper.words, kept) == (["spooled"], [fact])


def test_replayed_facts_are_known_but_neither_written_nor_reacted_to() -> None:
    ledger, paper, seen = made()
    ledger.on_react(lambda fact: seen.append(f"react {word(fact)}"))
    ledger.replay([record(Said(word="old"), NOW, "system")])
    assert (paper.words, seen) == ([], ["apply old"])
