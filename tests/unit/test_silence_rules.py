"""The silent elder's table, and the packet counter's arithmetic, as pure functions (R14, R17)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.emergency.silence import RULES, Stage, due, rules, worse
from callcenter.life.flow import Flow, is_dead


@pytest.mark.parametrize(
    ("reached", "quiet", "desk_quiet", "expected"),
    [
        ("", 9.9, 60, None),
        ("", 10, 60, Stage.ASK),
        ("", 10, 2.9, None),  # an operator is speaking: no machine into that sentence
        ("ask", 19.9, 60, None),
        ("ask", 20, 60, Stage.LOUDER),
        ("", 20, 0, Stage.LOUDER),  # ours asked her themselves all the time
        ("louder", 40, 0, Stage.CALL_BACK),
        ("call_back", 60, 0, Stage.SEND),
        ("", 300, 60, Stage.SEND),  # a late look does the worst at once, not four things in a row
        ("send_someone", 3000, 60, None),
    ],
)
def test_r17_silence_table(reached: str, quiet: float, desk_quiet: float, expected: Stage | None) -> None:
    assert due(RULES, reached, quiet, desk_quiet) == expected


@given(st.lists(st.floats(0.1, 20), max_size=40), st.booleans())
def test_r17_in_one_silence_each_stage_comes_once_and_they_only_get_worse(steps: list[float], desk: bool) -> None:
    quiet, reached, entered = 0.0, "", []
    for step in steps:
        quiet += step
        stage = due(RULES, reached, quiet, 0.0 if desk else quiet)
        if stage is not None:
            assert worse(stage, reached)
            reached = stage
            entered.append(stage)
    assert len(entered) == len(set(entered))
    assert (reached == Stage.SEND) == (quiet >= 60)


def test_a_stage_of_no_time_is_left_out() -> None:
    assert [rule.stage for rule in rules(0, 20, 0, 60)] == [Stage.LOUDER, Stage.SEND]


def flow(*readings: tuple[int, float]) -> Flow:
    it = Flow()
    for count, at in readings:
        it = it.read(count, at)
    return it


def test_a_leg_that_never_sent_is_never_still() -> None:
    """R14: a phone without audio, from the start, is never judged."""
    assert flow((0, 0), (0, 10), (0, 100)).still == 0
    assert flow((7, 0), (7, 100)).still == 0


def test_a_leg_that_stops_is_still_from_the_last_reading_that_grew() -> None:
    assert flow((0, 0), (25, 0.5), (30, 1.0), (30, 1.5), (30, 2.0)).still == 1.0
    assert flow((0, 0), (25, 0.5), (25, 1.5), (26, 2.0)).still == 0


def test_who_pauses_and_comes_back_is_known_for_it() -> None:
    assert not flow((0, 0), (25, 0.5), (25, 2.0), (26, 2.5)).pauses
    assert flow((0, 0), (25, 0.5), (25, 2.5), (26, 3.0)).pauses


def test_a_counter_that_begins_anew_is_a_new_leg() -> None:
    assert flow((0, 0), (25, 0.5), (25, 2.0), (3, 3.0), (3, 30)).still == 0


STILL = flow((0, 0), (25, 0.5), (25, 1.5))


@pytest.mark.parametrize(
    ("of", "used_to_answer", "answers", "registered", "dead"),
    [
        (STILL, True, False, True, True),  # power cut, kill -9, cable
        (STILL, True, False, False, True),
        (STILL, True, True, True, False),  # mute, hold, VAD
        (STILL, True, True, False, False),  # its registration ran out, it lives
        (STILL, False, False, True, False),  # never answers an OPTIONS: no evidence
        (STILL, False, None, True, False),  # browser, still connected
        (STILL, False, None, False, True),  # browser closed
        (flow((0, 0), (25, 0.5), (25, 1.0)), True, False, False, False),  # half a second may be a hiccup
        (Flow(), True, False, False, False),
    ],
)
def test_r14_what_a_dead_phone_is(
    of: Flow, used_to_answer: bool, answers: bool | None, registered: bool, dead: bool
) -> None:
    assert is_dead(of, used_to_answer=used_to_answer, answers=answers, registered=registered) == dead
