"""The synthetic press: nobody's phone rings, nobody's emergency is touched, a crash leaves nothing behind."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from callcenter.errors import Conflict
from callcenter.telephony.events import ChannelAnswered, DialFailed, HangupReason, SeatCode
from callcenter.telephony.fastagi import AgiCall
from callcenter.watchdog import facts as f
from callcenter.watchdog.press import TONES, Result, SyntheticPress
from tests.support.world import WANG, FakeAgi, World


class Chain:
    """The way of a press through a simulated world, step by step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.channel_id = ""
        self.keys = ""

    @property
    def press(self) -> SyntheticPress:
        return self.world.controller.watch.press

    def run(self, *steps: Callable[[], None]) -> Result:
        """Press, take the steps, and wait for what becomes of it."""

        async def run() -> Result:
            task = asyncio.create_task(self.press.press())
            await self.world._settle()
            dial = self.world.board.dialled[-1]
            assert (dial.target, dial.context) == ("PJSIP/95120@synthetic", "cc-synthetic")
            self.channel_id = dial.channel_id
            self.keys = keys_of(dial.variables["CC_TONES"])
            for step in steps:
                step()
                await self.world._settle()
            while not task.done():
                await self.world._settle()
                await asyncio.wait({task}, timeout=0.005)
            return task.result()

        return self.world.runner.run(run())

    def arrive(self, role: str = "synthetic", number: str = "press-1") -> None:
        """Asterisk's other half asks where the call belongs."""
        channel = self.world.board.call_in("emergency")
        epoch = f"{self.world.clock.now().timestamp():.6f}"
        agi = FakeAgi(("emergency", "95120", epoch, role), {"callerid": number, "uniqueid": channel.id})

        async def answer() -> None:
            self.world.journal.flush()
            await self.world.controller.arrivals.arrive(cast(AgiCall, agi))
            self.world.board.admitted(channel, agi.variables)

        answering = asyncio.ensure_future(answer())
        answering.add_done_callback(lambda done: done.result())

    def answered(self) -> None:
        self.world.controller.hear(ChannelAnswered(self.channel_id))

    def recorded(self) -> None:
        (call,) = [call for call in self.world.controller.calls.known() if call.via == "synthetic" and call.open]
        mix = self.world.settings.recordings_dir / f"{call.recording}.wav"
        mix.parent.mkdir(parents=True, exist_ok=True)
        for path in (mix, mix.with_name(f"{mix.stem}-leg.wav")):
            path.write_bytes(b"RIFF" * 100)

    def heard(self, keys: str = "") -> None:
        keys = keys or self.keys
        self.world.controller.hear(SeatCode("synthetic", self.channel_id, f"heard-{(keys * 3)[2:9]}"))

    def refused(self) -> None:
        self.world.controller.hear(DialFailed(self.channel_id, HangupReason.REJECTED))

    def good(self) -> Result:
        return self.run(self.arrive, self.answered, self.recorded, self.heard)

    def hold(self) -> None:
        """From now on Asterisk takes no dial."""
        self.world.pbx.held.add("originate")


def keys_of(tones: str) -> str:
    """The keys whose sounds these are."""
    names = {f"{low}+{high}/80": key for key, (low, high) in TONES.items()}
    return "".join(names[one] for one in tones.split(",") if one != "0/80")


def test_a_press_rings_the_test_seat_only_and_is_over_when_it_has_heard_itself(world: World) -> None:
    world.register("op1", "sup1")
    chain = Chain(world)
    result = chain.good()
    assert isinstance(result, f.PressDone)
    assert (result.recorded, result.human_ms) == (True, 0)
    assert len(set(chain.keys)) == 4
    assert world.bodies(f.PressDone) == [result]
    assert {dial.target for dial in world.board.dialled} == {"PJSIP/95120@synthetic", "Local/s@cc-test-seat/n"}
    incident = world.incident()
    assert (incident.open, incident.outcome, incident.elder_id, incident.caller) == (False, "synthetic", None, "")
    assert world.board.channels == {}
    assert not list(world.settings.recordings_dir.rglob("*.wav"))
    assert not [line for line in world.journal.facts() if line.kind.startswith("recording.")]
    assert Chain(world).good() != result


def test_it_is_no_part_of_anybodys_emergency_however_long_it_takes(world: World) -> None:
    """A9: given a test seat that does not answer, when a minute passes, then nobody else is called for it."""
    chain = Chain(world)
    world.register("op1", "sup1")

    def wait() -> None:
        for _ in range(240):
            world.clock.pass_time(0.25)
            world.controller.beat()
        assert {dial.target for dial in world.board.dialled} == {"PJSIP/95120@synthetic"}

    result = chain.run(chain.hold, chain.arrive, chain.answered, wait, world.pbx.release, chain.refused)
    assert isinstance(result, f.PressFailed)
    assert {dial.target for dial in world.board.dialled} <= {"PJSIP/95120@synthetic", "Local/s@cc-test-seat/n"}
    assert not world.incident().open


def test_given_somebody_who_presses_meanwhile_then_she_is_rung_for_at_once_and_both_are_answered(world: World) -> None:
    """A1: the watchdog delays nobody."""
    world.register("op1")
    chain = Chain(world)
    rung: list[bool] = []
    result = chain.run(
        chain.arrive,
        lambda: chain.arrive("", WANG),
        lambda: rung.append(world.rings("op1")),
        lambda: world.board.pick_up(world.ringing("op1")),
        chain.answered,
        chain.recorded,
        chain.heard,
    )
    assert isinstance(result, f.PressDone)
    assert rung == [True]
    hers = next(one for one in world.controller.emergencies.known() if one.origin == "press")
    assert (hers.open, hers.answered_by, hers.human_answer_ms) == (True, "op1", 0)
    assert [leg.number for call in world.controller.calls.open_calls() for leg in call.live_legs] == [WANG, "op1"]


def test_given_other_keys_than_its_own_then_it_has_not_heard_itself(world: World) -> None:
    """An echo of somebody else's press, or music taken for keys, is no proof."""
    chain = Chain(world)
    other = "1234" if "1234" not in "1234" * 2 else "9876"
    result = chain.run(chain.arrive, chain.answered, lambda: chain.heard(other), chain.refused)
    assert isinstance(result, f.PressFailed)
    assert (result.stage, result.why) == ("human", "rejected")


def test_given_that_nobody_answers_then_it_failed_and_says_how_far_it_came(world: World) -> None:
    chain = Chain(world)
    result = chain.run(chain.refused)
    assert isinstance(result, f.PressFailed)
    assert (result.stage, result.why) == ("called", "rejected")
    assert not chain.press.good
    world.run(world.controller.watch.watchdog.check)
    assert [one.finding.check for one in world.controller.watch.watchdog.active()] == ["press_failed"]
    assert world.controller.watch.trouble() == "press_failed"


def test_given_a_link_that_breaks_then_it_failed(world: World) -> None:
    async def press() -> Result:
        world.pbx.down = True
        return await world.controller.watch.press.press()

    result = world.runner.run(press())
    assert isinstance(result, f.PressFailed)
    assert result.why == "pbx_unavailable"


def test_given_somebody_who_waits_then_it_is_skipped_and_that_is_said_once(world: World) -> None:
    world.press(WANG)
    dialled = len(world.board.dialled)

    async def press() -> list[Result]:
        return [await world.controller.watch.press.press() for _ in range(3)]

    assert world.runner.run(press()) == [f.PressSkipped(why="emergency")] * 3
    assert world.bodies(f.PressSkipped) == [f.PressSkipped(why="emergency")]
    assert len(world.board.dialled) == dialled
    assert world.controller.watch.press.good


def test_given_a_press_under_way_then_a_second_one_is_refused(world: World) -> None:
    chain = Chain(world)
    refused: list[str] = []

    def again() -> None:
        async def press() -> None:
            try:
                await chain.press.press()
            except Conflict as error:
                refused.append(error.code)

        asyncio.ensure_future(press()).add_done_callback(lambda done: done.result())

    assert isinstance(chain.run(chain.arrive, again, chain.answered, chain.recorded, chain.heard), f.PressDone)
    assert refused == ["conflict"]


def test_given_a_crash_in_the_middle_then_the_next_life_closes_it_and_calls_nobody(world: World) -> None:
    world.register("op1")
    chain = Chain(world)

    async def begin() -> None:
        task = asyncio.create_task(chain.press.press())
        await world._settle()
        chain.arrive()
        await world._settle()
        task.cancel()

    press = chain.press
    press._end = _nothing  # type: ignore[method-assign,assignment]  # kill -9 leaves no time to clear up
    world.runner.run(begin())
    assert world.incident().open
    world.crash()
    world.start()
    world.wait(30)
    world.run(world.controller.watch.press.tidy)
    world.wait(10)
    assert not world.incident().open
    assert not world.rings("op1")
    assert world.dialled("op1") == 0
    assert world.controller.calls.open_calls() == []


async def _nothing(_: object) -> None:
    pass


@pytest.mark.parametrize("role", ["", "elder", "test", "Synthetic"])
def test_given_any_other_role_then_a_call_is_a_persons(world: World, role: str) -> None:
    channel = world.board.call_in("emergency")
    agi = FakeAgi(("emergency", "95120", "0", role), {"callerid": "synthetic", "uniqueid": channel.id})

    async def arrive() -> None:
        await world.controller.arrivals.arrive(cast(AgiCall, agi))

    world.runner.run(arrive())
    assert world.incident().origin == "press"


def test_presses_come_by_the_clock_and_sooner_after_one_that_failed(world: World) -> None:
    press = world.controller.watch.press
    press.every_seconds = 900
    outcomes = iter([True, False, True])

    def step() -> int:
        """Go on by a second; how many presses there were by then."""
        world.clock.pass_time(1)
        world.runner.run(press.step())
        return len(world.bodies(f.PressDone)) + len(world.bodies(f.PressFailed))

    async def measured(_: object) -> Result:
        if next(outcomes):
            return f.PressDone(system_ms=1, human_ms=2, heard_ms=3, recorded=True, press_id="p")
        return f.PressFailed(stage="called", why="busy", press_id="p")

    press._measure = measured  # type: ignore[method-assign, assignment]  # how a press goes is tested above; here it is when
    presses = [step() for _ in range(1800)]
    assert [presses.count(number) for number in range(4)] == [29, 900, 30, 1800 - 29 - 900 - 30]


def test_given_no_asterisk_or_presses_switched_off_then_none_is_made(world: World) -> None:
    press = world.controller.watch.press
    press.every_seconds = 900
    world.lose_link()
    world.clock.pass_time(5000)
    world.runner.run(press.step())
    press.every_seconds = 0
    world.regain_link()
    world.runner.run(press.step())
    assert press.last is None
    assert world.board.dialled == []
    # … and the first thing is said, the second is as it was wanted.
    press.every_seconds = 900
    world.run(world.controller.watch.watchdog.check)
    assert [one.finding.check for one in world.controller.watch.watchdog.active()] == ["press_late"]


def test_given_a_restart_after_a_failed_press_then_it_is_not_taken_for_good(world: World) -> None:
    chain = Chain(world)
    chain.run(chain.refused)
    assert [fact.kind for fact in world.controller.open_facts()] == ["watchdog.press_failed"]
    world.crash()
    world.start()
    assert not world.controller.watch.press.good
    assert not world.controller.watch.well()
