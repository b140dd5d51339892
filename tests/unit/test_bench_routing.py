"""The routing benchmark: who was with an operator when, and what its tables say."""

from bench.routing import Lines, Scenario, simulate, told
from bench.simulation import Stream, operators


def event(name: str, channel: str, number: str, at: float, bridge: str = "") -> dict[str, str]:
    return {
        "Event": name,
        "Channel": channel,
        "CallerIDNum": number,
        "Timestamp": str(at),
        "BridgeUniqueid": bridge,
    }


def test_given_asterisks_events_then_each_caller_meets_her_operator_when_the_second_of_them_enters() -> None:
    lines = Lines()
    for one in (
        event("Newchannel", "PJSIP/trunk-1", "139", 10),
        event("Newchannel", "PJSIP/bench1-2", "bench1", 11),
        event("BridgeEnter", "PJSIP/trunk-1", "139", 11, "her room"),  # ours: she waits in her room
        event("Newchannel", "PJSIP/trunk-3", "138", 12),
        event("BridgeEnter", "PJSIP/bench1-2", "139", 13, "her room"),
        event("BridgeEnter", "PJSIP/bench2-4", "138", 14, "another"),  # app_queue: a bridge of the two, in any order
        event("BridgeEnter", "PJSIP/trunk-3", "138", 15, "another"),
    ):
        lines.take(one)
    assert lines.called == {"139": 10, "138": 12}
    assert lines.channels == {"139": "PJSIP/trunk-1", "138": "PJSIP/trunk-3"}
    assert lines.together == {"139": 13, "138": 15}


def test_given_a_scenario_that_theory_knows_then_its_row_says_whether_they_agree() -> None:
    row = simulate(Scenario("plain", {"all": Stream(0.05, 180, 120)}, operators(10)), 4000)
    assert row["agrees"] == {"service level": True, "wait": True, "abandoned": True, "occupancy": True}
    assert "[73.9]" in told(row)["in time"]


def test_given_streams_of_their_own_then_each_has_its_own_line_and_no_formula() -> None:
    streams = {"care": Stream(0.02, 180, 120, skill="care"), "fees": Stream(0.02, 180, 120, skill="fees")}
    row = simulate(Scenario("skills", streams, operators(9, care=1, fees=2)), 1000)
    assert row["theory"] is None
    assert "agrees" not in row
    assert told(row).keys() >= {"care", "fees", "occupied"}
