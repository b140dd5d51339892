"""What a new journal segment begins with is enough to rebuild all that is open, and not much more (R28)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from callcenter.calls import facts as cf
from callcenter.carry import OpenFacts
from callcenter.clock import ManualClock
from callcenter.emergency import facts as ef
from callcenter.emergency.plan import DEFAULT_PLAN
from callcenter.facts import Body, Fact, record
from callcenter.ledger import Ledger
from callcenter.routing import facts as rf
from tests.support.world import LI, WANG, World, folded

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CALLS, INCIDENTS = ("c1", "c2", "c3"), ("i1", "i2")


class Nowhere:
    def append(self, *facts: Fact) -> None:
        """Nothing is kept."""


def carried(facts: list[Fact]) -> list[Fact]:
    ledger = Ledger(Nowhere(), ManualClock(NOW))
    keep = OpenFacts(ledger)
    ledger.take_in(facts)
    return list(keep())


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """Facts as the services record them: a call is opened once and says nothing after its end but its disposition.

    The clock jumps back and forth, so neither times nor ids are in order (R23).
    """
    facts: list[Fact] = []
    opened: dict[str, str | None] = {}
    incidents: set[str] = set()
    closed: set[str] = set()

    def say(body: Body, call_id: str | None = None, incident_id: str | None = None) -> None:
        at = NOW + timedelta(seconds=draw(st.sampled_from([-100, 0, 100])))
        fact_id = f"{draw(st.integers(0, 9)):02}-{len(facts)}"
        facts.append(record(body, at, "pbx", call_id=call_id, incident_id=incident_id, id=fact_id))

    for _ in range(draw(st.integers(0, 25))):
        call_id = draw(st.sampled_from(CALLS))
        incident_id = draw(st.sampled_from(INCIDENTS))
        match draw(st.integers(0, 7)):
            case 0 if incident_id not in incidents:
                incidents.add(incident_id)
                say(ef.EmergencyOpened(origin="press", room="r", invited_at=NOW, plan=DEFAULT_PLAN), None, incident_id)
            case 1 if call_id not in opened:
                opened[call_id] = draw(st.sampled_from([None, *sorted(incidents - closed)]))
                body = cf.CallOpened(
                    line="x",
                    caller="",
                    did="",
                    room="r",
                    recording="r",
                    invited_at=NOW,
                    leg_id=f"{call_id}-e",
                    channel_id="x",
                )
                say(body, call_id, opened[call_id])
            case 2 if call_id in opened and opened[call_id] is None and incident_id in incidents - closed:
                opened[call_id] = incident_id
                say(cf.LineChanged(line="emergency", room="r"), call_id, incident_id)
            case 3 if call_id in opened:
                added = cf.LegAdded(
                    leg_id=f"{call_id}-{len(facts)}", role="120", number="120", request_id=str(len(facts))
                )
                say(added, call_id, opened[call_id])
            case 4 if call_id in opened:
                say(cf.LegEnded(leg_id=f"{call_id}-e", role="elder", reason="normal"), call_id, opened[call_id])
            case 5 if call_id in opened:
                say(cf.CallEnded(answered=False, seconds=0), call_id, opened[call_id])
            case 6 if incident_id in incidents:
                closed.add(incident_id)
                mine = [one for one, its in opened.items() if its == incident_id]
                say(ef.EmergencyClosed(outcome="o", closed_at=NOW), draw(st.sampled_from([None, *mine])), incident_id)
            case 7:
                say(
                    rf.SeatDeclared(
                        seat=draw(st.sampled_from(["op1", "op2"])), state=draw(st.sampled_from(["ready", "paused"]))
                    )
                )
            case _:
                pass
    return facts


@given(histories())
def test_the_fold_of_what_is_carried_is_the_present_open_state(facts: list[Fact]) -> None:
    calls, incidents = folded(facts)
    kept = carried(facts)
    calls_again, incidents_again = folded(kept)
    for call in calls.values():
        incident = incidents.get(call.incident_id or "")
        if call.open or (incident is not None and incident.open and call.id in incident.calls):
            assert calls_again[call.id] == call
    for incident in incidents.values():
        if incident.open:
            assert incidents_again[incident.id] == incident
        elif any(calls[call_id].open for call_id in incident.calls if call_id in calls):
            assert not incidents_again[incident.id].open
    last = {fact.body.seat: fact.id for fact in facts if isinstance(fact.body, rf.SeatDeclared)}
    assert {fact.body.seat: fact.id for fact in kept if isinstance(fact.body, rf.SeatDeclared)} == last


@given(histories())
def test_each_fact_is_carried_at_most_once_and_in_the_order_in_which_it_was_taken_in(facts: list[Fact]) -> None:
    place = {fact.id: number for number, fact in enumerate(facts)}
    places = [place[fact.id] for fact in carried(facts)]
    assert places == sorted(set(places))


@given(histories())
def test_carrying_what_was_carried_carries_the_same(facts: list[Fact]) -> None:
    """The next segment begins like this one, when nothing happened in between."""
    once = carried(facts)
    assert carried(once) == once


@given(histories())
def test_nothing_is_carried_of_what_is_over(facts: list[Fact]) -> None:
    """Or the segments would grow for ever."""
    everything_over = [
        *facts,
        *(record(cf.CallEnded(answered=False, seconds=0), NOW, "x", call_id=one, id=f"z{one}") for one in CALLS),
        *(
            record(ef.EmergencyClosed(outcome="o", closed_at=NOW), NOW, "x", incident_id=one, id=f"z{one}")
            for one in INCIDENTS
        ),
    ]
    assert all(isinstance(fact.body, rf.SeatDeclared) for fact in carried(everything_over))


def test_a_whole_world_goes_on_from_what_it_carried(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.register("op1", "op2")
    world.pause("op2")
    over = world.hotline(LI)
    world.hang_up(over)
    elder = world.press(WANG)
    world.answer(world.ringing("op1"))
    world.request("120", request_id="click-1")
    world.hotline(LI)
    kept = list(world.controller.open_facts())
    assert over.variables["CC_CALL"] not in {fact.call_id for fact in kept}
    calls = {call.id: call for call in world.controller.calls.open_calls()}
    incident = world.incident()
    world.crash()
    world.journal.lines.clear()
    world.journal.append(*kept)
    world.start()
    assert {call.id: call for call in world.controller.calls.open_calls()} == calls
    assert world.incident() == incident
    assert world.controller.hotline.queue() == [next(one for one, call in calls.items() if call.line == "hotline")]
    assert world.controller.routing.seat("op2").declared == "paused"
    assert world.controller.routing.seat("op1").talking_on == elder.variables["CC_CALL"]
    assert world.dialled("120") == 1
    world.close()


def test_the_journal_is_given_the_carry(world: World) -> None:
    world.press(WANG)
    assert list(world.journal.carry()) == list(world.controller.open_facts())
