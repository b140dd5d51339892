"""Case files of calls that the fallback took while the controller was away: each on record once, none left there."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from callcenter.calls import facts as cf
from callcenter.calls.model import Call
from callcenter.errors import PbxRefused
from callcenter.fallback.intake import SpooledCall, forget, read_spool
from callcenter.spool import AT_ONCE
from tests.support.fake_pbx import Channel
from tests.support.world import WANG, World


def leave(world: World, event: str, uniqueid: str, at: float | None = None, caller: str = WANG) -> Path:
    """An entry, as the dialplan writes it: ``arrived`` or ``ended``; ``at`` in seconds of the world's clock."""
    moment = f"{world.clock.now().timestamp() if at is None else at:.3f}"
    said = {"as": "uri", "uniqueid": uniqueid, "event": event, "written": moment, "line": "emergency", "caller": caller}
    path = world.settings.spool_dir / f"{uniqueid}-{moment}.{event}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said | {"did": "95120", "start": moment, "recording": "r"}))
    return path


@pytest.fixture
def fallen(world: World) -> tuple[World, Channel]:
    """Grandmother Wang pressed while the controller was dead; the duty desk rings for her, and it is back now."""
    world.register("op1")
    world.crash()
    elder = world.press(WANG)
    leave(world, "arrived", elder.id)
    world.start()
    world.controller.spool.resume()
    return world, elder


def step(world: World) -> None:
    """What the spool's loop does every half second."""
    world.runner.run(world.controller.spool.step())
    world.compare()


def waiting_files(world: World) -> int:
    return len(read_spool(world.settings.spool_dir, world.settings.node))


def test_r1_who_waits_in_the_fallback_is_fetched_into_her_room_and_seats_ring(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")
    assert waiting_files(world) == 0
    assert len(world.bodies(cf.TakenOver)) == 1


def test_r9_while_the_journal_cannot_be_written_the_spool_is_read_again_and_changes_nothing(
    fallen: tuple[World, Channel],
) -> None:
    """The ladder of a caller who is in her room by now must not be stopped by her own spool file."""
    world, elder = fallen
    world.journal.full = True
    step(world)
    ring = world.ringing("op1")
    for _ in range(3):
        step(world)
        assert waiting_files(world) == 1
    assert world.all_ringing("op1") == [ring]
    world.journal.full = False
    step(world)
    assert waiting_files(world) == 0
    assert elder.room == world.incident().room
    assert (len(world.bodies(cf.CallOpened)), len(world.bodies(cf.TakenOver))) == (1, 1)


def test_r3_a_link_that_breaks_while_she_is_fetched_does_not_leave_her_there(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    world.pbx.refuses.add("redirect")
    with pytest.raises(PbxRefused):
        world.runner.run(world.controller.spool.step())
    assert elder.room is None
    world.pbx.refuses.clear()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")


def test_r1_a_crash_between_taking_in_and_fetching_does_not_leave_her_there(fallen: tuple[World, Channel]) -> None:
    world, elder = fallen
    world.pbx.refuses.add("redirect")
    with pytest.raises(PbxRefused):
        world.runner.run(world.controller.spool.step())
    world.crash()
    world.start()
    world.controller.spool.resume()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")


def test_r1_a_crash_after_fetching_and_before_that_was_told_finds_her_in_her_room(
    fallen: tuple[World, Channel],
) -> None:
    world, elder = fallen
    step(world)
    told = [isinstance(fact.body, cf.TakenOver) for fact in world.journal.facts()].index(True)
    del world.journal.lines[told:]
    world.crash()
    world.start()
    world.controller.spool.resume()
    step(world)
    assert world.call_of(elder).via == "controller"
    assert world.rings("op1")


def test_a10_one_spooled_call_that_cannot_be_taken_in_keeps_no_other_out(
    fallen: tuple[World, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, elder = fallen
    leave(world, "arrived", "1600000000.1", at=1_600_000_000)
    take_in = world.controller.spool.take_in

    def failing(item: SpooledCall) -> Call:
        if item.uniqueid == "1600000000.1":
            raise ValueError("a defect of ours")
        return take_in(item)

    monkeypatch.setattr(world.controller.spool, "take_in", failing)
    step(world)
    assert elder.room == world.incident().room
    assert waiting_files(world) == 1


def test_r18_who_was_opened_late_fell_back_and_hung_up_before_her_file_came_is_one_call(world: World) -> None:
    """A starved controller opens her call after the dialplan has stopped waiting; the file knows nothing of it."""
    elder = world.press(WANG)
    world.hang_up(elder)
    for event in ("arrived", "ended"):
        leave(world, event, elder.id)
        step(world)
    assert [body.channel_id for body in world.bodies(cf.CallOpened) if body.via != "callback"] == [elder.id]
    assert waiting_files(world) == 0


class Killed(BaseException):
    """kill -9 in the middle of it."""


CROWD = 2 * AT_ONCE + 3


@pytest.mark.parametrize("part", [1, 2, 3])
@pytest.mark.parametrize("moment", ["before the journal has it", "before the files go", "while the files go"])
def test_r1_killed_at_any_moment_of_the_intake_each_call_is_on_record_once(
    world: World, monkeypatch: pytest.MonkeyPatch, moment: str, part: int
) -> None:
    """R18: a crowd who pressed and gave up while we were away; what we did before we died is not done again."""
    world.register("op1")
    world.crash()
    lines = [f"1772352{number:03}.{number}" for number in range(CROWD)]
    for number, line in enumerate(lines):
        leave(world, "arrived", line, caller=f"139{number:08}")
        leave(world, "ended", line, caller=f"139{number:08}")
    world.start()
    parts: list[Sequence[SpooledCall]] = []
    durable = world.journal.durable

    async def written(*, within: float = 0.5) -> bool:
        if moment == "before the journal has it" and len(parts) + 1 == part:
            raise Killed
        return await durable(within=within)

    def deleted(calls: Sequence[SpooledCall]) -> None:
        parts.append(calls)
        if len(parts) == part:
            if moment == "while the files go":
                calls[0].files[0].unlink()
                forget(calls[1:2])
            raise Killed
        forget(calls)

    with monkeypatch.context() as dying:
        dying.setattr(world.journal, "durable", written)
        dying.setattr("callcenter.spool.forget", deleted)
        with pytest.raises(Killed):
            world.runner.run(world.controller.spool.step())
    assert len([call for call in world.controller.calls.known() if call.via == "fallback"]) <= part * AT_ONCE
    world.crash(lost=10_000)
    world.start()
    world.controller.spool.resume()
    step(world)
    opened = [body.channel_id for body in world.bodies(cf.CallOpened) if body.via == "fallback"]
    assert sorted(opened) == sorted(lines)
    assert not any(call.open for call in world.controller.calls.known() if call.via == "fallback")
    assert waiting_files(world) == 0


def test_a10_who_still_waits_is_fetched_before_the_calls_of_those_who_gave_up_are_taken_in(
    fallen: tuple[World, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, elder = fallen
    for number in range(3):
        leave(world, "ended", f"160000000{number}.1", at=1_600_000_000 + number, caller=f"139{number:08}")
    order: list[str] = []
    take_in = world.controller.spool.take_in

    def noted(item: SpooledCall) -> Call:
        order.append(item.uniqueid)
        assert order == [elder.id] or elder.room is not None
        return take_in(item)

    monkeypatch.setattr(world.controller.spool, "take_in", noted)
    step(world)
    assert len(order) == 4
    assert waiting_files(world) == 0


def test_r9_files_that_cannot_be_deleted_keep_nobody_in_the_fallback_and_are_taken_in_once(
    fallen: tuple[World, Channel], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is read-only since; the journal may lie on another."""
    world, elder = fallen

    def refused(calls: Sequence[SpooledCall]) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as disk:
        disk.setattr("callcenter.spool.forget", refused)
        step(world)
        step(world)
        assert elder.room == world.incident().room
        assert world.rings("op1")
        assert waiting_files(world) == 1
    step(world)
    assert waiting_files(world) == 0
    assert (len(world.bodies(cf.CallOpened)), len(world.bodies(cf.TakenOver))) == (1, 1)


def test_r9_whom_no_file_tells_of_is_found_on_her_line_and_fetched(fallen: tuple[World, Channel]) -> None:
    """The disk was full, and memory too; a file may still come in the first moments, so two looks are taken."""
    world, elder = fallen
    for file in world.settings.spool_dir.iterdir():
        file.unlink()
    world.runner.run(world.controller.spool.step())
    assert world.bodies(cf.CallOpened) == []
    world.compare()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")
    assert [body.channel_id for body in world.bodies(cf.CallOpened)] == [elder.id]
    step(world)
    assert len(world.bodies(cf.TakenOver)) == 1


def test_r9_whom_the_controller_knew_and_no_file_tells_of_is_fetched_back(world: World) -> None:
    """Her lease ran out while we were away, and nothing could be written."""
    elder = world.press(WANG)
    world.crash()
    world.board.fall_back(elder)
    world.register("op1")
    world.start()
    world.controller.spool.resume()
    world.compare()
    step(world)
    assert elder.room == world.incident().room
    assert world.rings("op1")
    assert len(world.bodies(cf.CallOpened)) == 1
