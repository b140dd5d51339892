"""Messages that are left while nobody listens: found again, listed once, from the right moment (A10, B1, B6)."""

from datetime import timedelta
from pathlib import Path

import pytest

from callcenter.menus.model import Action, Do
from callcenter.telephony.events import SeatCode
from callcenter.voicemail import facts as f
from callcenter.voicemail.service import BEGUN, ENDED
from callcenter.voicemail.tones import forget_tone, read_tones
from tests.domain.test_menu_flow import menu, publish
from tests.support.fake_pbx import Channel
from tests.support.wav import tone, write_wav
from tests.support.world import WANG, World


def at_the_intro(world: World) -> Channel:
    publish(world, menu("m", k6=Action(Do.VOICEMAIL)))
    caller = world.hotline(WANG, "6")
    assert caller.context == "cc-voicemail"
    world.wait(5)
    return caller


def tone_sounds(world: World, caller: Channel, *, heard: bool = True) -> Path:
    """The dialplan leaves the moment in the spool, and tells whoever listens."""
    world.settings.spool_dir.mkdir(parents=True, exist_ok=True)
    left = world.settings.spool_dir / f"{caller.variables['CC_CALL']}.tone"
    left.write_text(f"{world.clock.now().timestamp():.3f}")
    if heard:
        world.run(lambda: world.board.events.append(SeatCode("voicemail", caller.id, BEGUN)))
    return left


def key(world: World, caller: Channel) -> None:
    world.run(lambda: world.board.events.append(SeatCode("voicemail", caller.id, ENDED)))
    world.hang_up(caller)


def look(world: World) -> None:
    world.runner.run(world.controller.voicemails.look())


def audio(world: World, caller: Channel, seconds: float) -> None:
    """So much is recorded of the whole call."""
    path = world.settings.recordings_dir / f"{world.call_of(caller).recording}.wav"
    write_wav(path, tone(seconds))


def left(world: World) -> list[tuple[str, float, float]]:
    return [(b.ended, round(b.offset_seconds), round(b.seconds)) for b in world.bodies(f.VoicemailLeft)]


def test_a_tone_that_was_heard_leaves_nothing_behind(world: World) -> None:
    caller = at_the_intro(world)
    spooled = tone_sounds(world, caller)
    world.wait(6)
    look(world)
    assert len(world.bodies(f.VoicemailBegun)) == 1
    key(world, caller)
    look(world)
    assert left(world) == [("key", 5, 6)]
    assert not spooled.exists()


def test_a_message_begun_while_the_controller_was_dead_goes_on_and_is_listed_from_the_tone(world: World) -> None:
    """The channel is in the voicemail still; what she said meanwhile counts, and she is not cut off."""
    caller = at_the_intro(world)
    world.crash()
    world.wait(3)
    tone_sounds(world, caller, heard=False)
    world.wait(20)
    world.start()
    look(world)
    assert [body.begun_at for body in world.bodies(f.VoicemailBegun)] == [world.clock.now() - timedelta(seconds=20)]
    world.wait(30)
    assert caller.context == "cc-voicemail", "she may be speaking for all we know"
    assert world.controller.hotline.queue() == []
    world.run(lambda: world.board.hush(caller))
    world.wait(9)
    assert left(world) == [("silence", 8, 50)]
    for _ in range(2):
        look(world)
        world.crash()
        world.start()
    assert len(left(world)) == 1
    assert not list(world.settings.spool_dir.glob("*.tone"))


@pytest.mark.parametrize("begun", ["heard", "not heard"])
def test_a_message_that_ended_while_the_controller_was_dead_is_as_long_as_its_recording_says(
    world: World, begun: str
) -> None:
    """Neither the crash nor the restart is when she hung up."""
    caller = at_the_intro(world)
    if begun == "heard":
        tone_sounds(world, caller)
    world.crash()
    if begun == "not heard":
        tone_sounds(world, caller, heard=False)
    world.wait(12)
    audio(world, caller, 17)
    world.board.hang_up(caller)
    world.wait(300)
    world.start()
    world.wait(1)
    look(world)
    assert left(world) == [("hangup", 5, 12)]
    world.wait(20)
    look(world)
    world.crash()
    world.start()
    look(world)
    world.wait(1)
    assert len(left(world)) == 1


def test_who_hung_up_at_the_tone_while_the_controller_was_dead_left_no_message(world: World) -> None:
    caller = at_the_intro(world)
    world.crash()
    tone_sounds(world, caller, heard=False)
    audio(world, caller, 6)
    world.board.hang_up(caller)
    world.wait(60)
    world.start()
    look(world)
    assert left(world) == []
    assert len(world.bodies(f.VoicemailAbandoned)) == 1


def test_who_hung_up_before_the_tone_left_no_message(world: World) -> None:
    caller = at_the_intro(world)
    world.crash()
    world.board.hang_up(caller)
    world.wait(60)
    world.start()
    look(world)
    assert world.bodies(f.VoicemailBegun) == []


def test_a_message_whose_recording_cannot_be_read_is_listed_all_the_same(world: World) -> None:
    caller = at_the_intro(world)
    world.crash()
    tone_sounds(world, caller, heard=False)
    world.wait(12)
    world.board.hang_up(caller)
    world.start()
    look(world)
    assert left(world) == [("hangup", 5, 12)]


def test_a_tone_whose_event_was_dropped_is_found_though_nothing_was_restarted(world: World) -> None:
    """R3: the link to Asterisk was away, or it dropped an event."""
    caller = at_the_intro(world)
    world.lose_link()
    tone_sounds(world, caller, heard=False)
    world.wait(4)
    world.regain_link()
    look(world)
    world.wait(6)
    key(world, caller)
    assert left(world) == [("key", 5, 10)]


def test_who_said_all_of_it_before_the_crash_and_nothing_after_is_listed(world: World) -> None:
    """What was heard before is forgotten; her message must not be taken for silence."""
    caller = at_the_intro(world)
    tone_sounds(world, caller)
    world.run(lambda: world.board.talk(caller))
    world.wait(10)
    world.crash()
    world.start()
    world.run(lambda: world.board.hush(caller))
    world.wait(9)
    assert [ended for ended, _, _ in left(world)] == ["silence"]


def test_9_in_a_message_that_was_not_heard_is_an_emergency_and_no_message(world: World) -> None:
    caller = at_the_intro(world)
    world.lose_link()
    tone_sounds(world, caller, heard=False)
    world.regain_link()
    caller.variables["CC_NODE"] = "emergency"
    world.choose(caller, "")
    world.wait(5)
    look(world)
    look(world)
    assert world.bodies(f.VoicemailBegun) == []
    assert not list(world.settings.spool_dir.glob("*.tone"))


def test_a_torn_tone_counts_from_when_it_was_written(tmp_path: Path) -> None:
    """R8: a full disk."""
    torn = tmp_path / "call-1.tone"
    torn.write_text("")
    (tmp_path / "call-2.tone").write_text("1767225600.250")
    found = read_tones(tmp_path)
    assert found["call-1"].timestamp() == pytest.approx(torn.stat().st_mtime)
    assert found["call-2"].timestamp() == pytest.approx(1767225600.25)
    assert forget_tone(tmp_path, "call-1")
    assert forget_tone(tmp_path, "call-1")
    assert list(read_tones(tmp_path)) == ["call-2"]
