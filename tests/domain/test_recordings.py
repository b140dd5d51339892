"""Every call is recorded, and provably so: what is missing is seen, what was changed is found out (B6, E3, R8)."""

import asyncio
import contextlib
import hashlib
import itertools
import wave
from array import array
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from callcenter.bus import FACTS, LocalBus, Message
from callcenter.calls.tables import CallRow
from callcenter.clock import ManualClock
from callcenter.db import Database
from callcenter.errors import Conflict, IllegalTransition, InvalidInput
from callcenter.facts import Body, Fact, record
from callcenter.migrations import upgrade_async
from callcenter.recordings.audio import examine, read_header
from callcenter.recordings.facts import RecordingStarted, RecordingStopped
from callcenter.recordings.model import TRANSITIONS, RecordingRow, Status
from callcenter.recordings.projector import RecordingProjector
from callcenter.recordings.retention import load_policy
from callcenter.recordings.verifier import Verifier, judge, locate
from callcenter.timeline.model import FactRow
from tests.support.wav import header, tone, write_wav

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)

ALLOWED = {
    ("pending", "verified"), ("pending", "degraded"), ("pending", "gap"),
    ("verified", "verified"), ("verified", "altered"), ("verified", "gap"),
    *itertools.product(("degraded", "gap", "altered"), ("verified", "degraded", "altered", "gap")),
}  # fmt: skip


@pytest.mark.parametrize(("state", "to"), list(itertools.product(Status, Status)))
def test_given_any_status_when_any_step_is_asked_then_only_the_written_ones_are_made(state: Status, to: Status) -> None:
    row = RecordingRow(status=state.value, problem="")
    if (state, to) in ALLOWED:
        row.become(to, "why")
        assert (row.status, row.problem) == (to, "why")
    else:
        with pytest.raises(IllegalTransition):
            row.become(to)
    assert set(TRANSITIONS) == set(Status)


# -- one file ------------------------------------------------------------------------------------


def test_given_a_whole_file_then_length_peak_and_checksum_are_found(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "a.wav", tone(1.5))
    found = examine(path)
    assert found is not None
    assert (found.seconds, found.finished, found.bytes) == (1.5, True, 44 + 24000)
    assert found.peak is not None
    assert found.peak >= 7900
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_given_a_file_with_other_chunks_before_its_data_then_it_is_read(tmp_path: Path) -> None:
    head = header(4)
    content = head[:12] + b"LIST\x03\x00\x00\x00abc\x00" + head[12:] + b"\x00\x01\x00\x02"
    (tmp_path / "a.wav").write_bytes(content)
    found = read_header(tmp_path / "a.wav")
    assert found is not None
    assert (found.rate, found.data_at, found.data_bytes) == (8000, 56, 4)


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVE", b"ID3" * 50, header(0)[:30], b"RIFF    WAVEdata    "]
)
def test_given_no_wav_file_then_there_is_no_header(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    assert read_header(tmp_path / "a.wav") is None


def test_given_a_header_cut_at_every_byte_then_nothing_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    for cut in range(45):
        path.write_bytes(header(100)[:cut])
        assert (read_header(path) is None) == (cut < 44)


@pytest.mark.parametrize(
    ("samples", "finished", "expected", "kind", "status", "problem"),
    [
        (tone(10), True, 10.0, "mix", Status.VERIFIED, ""),
        (tone(9.1), True, 10.0, "mix", Status.VERIFIED, ""),
        (tone(8.9), True, 10.0, "mix", Status.DEGRADED, "8.9 s of 10.0 s"),
        (tone(30), True, 10.0, "mix", Status.VERIFIED, ""),
        (tone(98.5), True, 100.0, "leg", Status.VERIFIED, ""),
        (tone(5, level=0), True, 5.0, "mix", Status.DEGRADED, "silent"),
        (tone(5, level=0), True, 5.0, "leg", Status.VERIFIED, ""),
        (tone(3), False, 3.0, "mix", Status.DEGRADED, "never finished; 3.0 s"),
        (b"", True, 10.0, "mix", Status.GAP, "no audio"),
        (b"", True, 0.3, "leg", Status.VERIFIED, ""),
        (tone(3), True, None, "mix", Status.VERIFIED, ""),
        (tone(3), False, None, "mix", Status.DEGRADED, "never finished; 3.0 s"),
        (b"", True, None, "leg", Status.GAP, "no audio"),
    ],
)
def test_given_a_file_when_judged_for_the_last_time_then_its_defect_is_named(
    tmp_path: Path, samples: bytes, finished: bool, expected: float | None, kind: str, status: Status, problem: str
) -> None:
    verdict = judge(write_wav(tmp_path / "a.wav", samples, finished=finished), expected, kind, last_look=True)
    assert verdict is not None
    assert verdict.status is status
    assert problem in verdict.problem
    assert bool(verdict.problem) == (status is not Status.VERIFIED)


def test_given_a_file_that_is_not_there_or_still_written_then_it_is_looked_at_again(tmp_path: Path) -> None:
    assert judge(tmp_path / "none.wav", 5, "mix", last_look=False) is None
    assert judge(write_wav(tmp_path / "a.wav", tone(3), finished=False), 3, "mix", last_look=False) is None
    (tmp_path / "b.wav").write_bytes(b"")
    assert judge(tmp_path / "b.wav", 3, "mix", last_look=False) is None
    assert judge(write_wav(tmp_path / "c.wav", b""), 3, "mix", last_look=False) is None


@pytest.mark.parametrize("path", ["", "../../etc/passwd", "/etc/passwd", "2026/../../x.wav", ".", "link/passwd"])
def test_given_a_path_that_leads_out_of_the_folder_then_there_is_no_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "rec").mkdir()
    (tmp_path / "rec" / "link").symlink_to("/etc")
    assert locate(tmp_path / "rec", path) is None
    assert judge(locate(tmp_path / "rec", path), 1, "mix", last_look=False) is not None


def test_given_the_policy_then_emergencies_are_kept_longest_and_a_bad_policy_is_refused(tmp_path: Path) -> None:
    """E3."""
    policy = load_policy()
    assert policy.until("emergency", NOW) > policy.until("hotline", NOW) > NOW + timedelta(days=365)
    assert policy.until(None, NOW) == policy.until("something", NOW)
    (tmp_path / "retention.json").write_text('{"version": 1}')
    with pytest.raises(InvalidInput, match=r"retention\.json"):
        load_policy(tmp_path / "retention.json")


# -- the pipeline --------------------------------------------------------------------------------


class Studio:
    """Database, recordings folder and verifier of one test."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.clock = ManualClock(NOW + timedelta(seconds=40))
        self.bus = LocalBus()
        self.verifier = Verifier(database, folder, self.clock, load_policy(), self.bus, poll_seconds=0.01)

    async def call(self, *, call_id: str = "call-1", seconds: float = 30, answered: bool = True) -> None:
        """A call that began at NOW and is over after ``seconds``."""
        values = dict.fromkeys(("caller", "did", "room", "recording", "elder_name", "via", "digit", "disposition"), "")
        row = CallRow(
            id=call_id,
            line="emergency",
            ambiguous=False,
            started_at=NOW,
            answered_at=NOW if answered else None,
            ended_at=NOW + timedelta(seconds=seconds),
            **values,
        )
        async with self.database.transaction() as session:
            session.add(row)

    async def told(self, *facts: Fact) -> None:
        async with self.database.transaction() as session:
            await RecordingProjector().apply(session, facts)

    async def recorded(
        self, name: str, seconds: float, *, kind: str = "mix", after: float = 0.0, call_id: str = "call-1"
    ) -> None:
        """The controller's facts of one file, ``after`` seconds into the call."""
        begin = NOW + timedelta(seconds=after)
        await self.told(
            said(RecordingStarted(recording_id=name, kind=kind, path=f"2026/03/02/{name}.wav"), begin, call_id),
            said(
                RecordingStopped(recording_id=name, expected_seconds=seconds),
                begin + timedelta(seconds=seconds),
                call_id,
            ),
        )

    def write(self, name: str, samples: bytes, *, finished: bool = True) -> Path:
        return write_wav(self.folder / "2026/03/02" / f"{name}.wav", samples, finished=finished)

    async def rows(self) -> dict[str, RecordingRow]:
        async with self.database.transaction() as session:
            return {row.path.rpartition("/")[2]: row for row in await session.scalars(select(RecordingRow))}

    async def row(self, name: str) -> RecordingRow:
        return (await self.rows())[f"{name}.wav"]

    async def look_again(self, name: str) -> RecordingRow:
        async with self.database.transaction() as session:
            row = await session.get(RecordingRow, name)
            assert row is not None
            await self.verifier.look_again(session, row)
        return await self.row(name)


def said(body: Body, at: datetime, call_id: str = "call-1") -> Fact:
    return record(body, at, "pbx", call_id=call_id, incident_id="incident-1")


@pytest.fixture
async def studio(database: Database, tmp_path: Path) -> AsyncIterator[Studio]:
    made = Studio(database, tmp_path / "recordings")
    yield made
    made.verifier.close()


async def test_given_a_finished_recording_then_it_is_verified_kept_by_policy_and_told(studio: Studio) -> None:
    await studio.call()
    await studio.recorded("mix", 3)
    path = studio.write("mix", tone(3))
    async with studio.bus.subscribe([FACTS]) as messages:
        assert await studio.verifier.step() == 1
        row = await studio.row("mix")
        assert (row.status, row.seconds, row.bytes) == ("verified", 3.0, path.stat().st_size)
        assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert row.retention_until == NOW + timedelta(days=3650)
        message = await asyncio.wait_for(anext(messages), 5)
        assert isinstance(message, Message)
        fact = message.fact()
        assert (fact.kind, fact.call_id, fact.incident_id) == ("recording.verified", "call-1", "incident-1")
    async with studio.database.transaction() as session:
        assert await session.get(FactRow, fact.id) is not None
    assert await studio.verifier.step() == 0


async def test_given_a_recording_that_goes_on_then_it_is_left_alone(studio: Studio) -> None:
    await studio.told(said(RecordingStarted(recording_id="mix", kind="mix", path="2026/03/02/mix.wav"), NOW))
    studio.write("mix", tone(1), finished=False)
    assert await studio.verifier.step() == 0
    assert (await studio.row("mix")).status == "pending"
    with pytest.raises(Conflict, match="still being recorded"):
        await studio.look_again("mix")


async def test_given_start_and_end_told_apart_then_the_row_has_both(studio: Studio) -> None:
    await studio.told(said(RecordingStarted(recording_id="r", kind="leg", path="r.wav", leg_id="leg-1"), NOW))
    end = NOW + timedelta(seconds=7)
    await studio.told(said(RecordingStopped(recording_id="r", expected_seconds=7), end))
    row = await studio.row("r")
    assert (row.leg_id, row.started_at, row.ended_at, row.expected_seconds) == ("leg-1", NOW, end, 7)


async def test_given_a_call_taken_in_later_then_its_recording_has_the_times_at_which_it_was_made(
    studio: Studio,
) -> None:
    """R1: the fallback recorded it, and the controller tells of it after its restart."""
    later = NOW + timedelta(minutes=9)
    began, ended = NOW + timedelta(seconds=1), NOW + timedelta(seconds=8)
    await studio.told(
        said(RecordingStarted(recording_id="r", kind="mix", path="r.wav", began_at=began), later),
        said(RecordingStopped(recording_id="r", expected_seconds=7, ended_at=ended), later),
    )
    row = await studio.row("r")
    assert (row.started_at, row.ended_at) == (began, ended)


async def test_given_the_end_of_a_file_that_never_began_then_the_fact_is_refused(studio: Studio) -> None:
    with pytest.raises(KeyError):
        await studio.told(said(RecordingStopped(recording_id="r", expected_seconds=7), NOW))


async def test_given_no_file_then_it_is_a_gap_after_the_deadline_and_not_before(studio: Studio) -> None:
    """R8."""
    await studio.recorded("mix", 20)
    studio.clock.move_to(NOW + timedelta(seconds=49))
    assert await studio.verifier.step() == 0
    studio.clock.move_to(NOW + timedelta(seconds=50))
    assert await studio.verifier.step() == 1
    row = await studio.row("mix")
    assert (row.status, row.sha256) == ("gap", None)
    assert "never written" in row.problem


async def test_given_a_file_that_cannot_be_read_then_it_is_a_gap_and_the_others_are_verified(studio: Studio) -> None:
    await studio.recorded("broken", 1)
    await studio.recorded("whole", 1)
    studio.write("broken", b"").unlink()
    (studio.folder / "2026/03/02/broken.wav").mkdir()
    studio.write("whole", tone(1))
    assert await studio.verifier.step() == 2
    rows = await studio.rows()
    assert (rows["broken.wav"].status, rows["whole.wav"].status) == ("gap", "verified")


async def test_given_a_call_that_left_no_recording_then_it_is_a_visible_gap_once(studio: Studio) -> None:
    await studio.call()
    await studio.call(call_id="never-answered", answered=False)
    await studio.verifier.sweep()
    assert await studio.rows() == {}
    studio.clock.move_to(NOW + timedelta(minutes=10))
    await studio.verifier.sweep()
    await studio.verifier.sweep()
    (row,) = (await studio.rows()).values()
    assert (row.call_id, row.status, row.problem) == ("call-1", "gap", "the call left no recording at all")


async def test_given_a_recording_whose_end_was_never_told_then_it_is_judged_by_its_call(studio: Studio) -> None:
    """R1: the controller died with the call."""
    await studio.call(seconds=5)
    await studio.told(said(RecordingStarted(recording_id="mix", kind="mix", path="2026/03/02/mix.wav"), NOW))
    studio.write("mix", tone(5))
    studio.clock.move_to(NOW + timedelta(minutes=10))
    await studio.verifier.sweep()
    await studio.verifier.step()
    row = await studio.row("mix")
    assert (row.status, row.expected_seconds) == ("verified", 5)


async def test_given_an_altered_file_when_verified_again_then_it_is_flagged_and_the_first_checksum_stays(
    studio: Studio,
) -> None:
    """GS 5.4.2.2: records cannot be altered silently."""
    await studio.recorded("mix", 3)
    path = studio.write("mix", tone(3))
    original = path.read_bytes()
    await studio.verifier.step()
    before = await studio.row("mix")
    content = bytearray(original)
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    row = await studio.look_again("mix")
    assert (row.status, row.sha256) == ("altered", before.sha256)
    path.unlink()
    assert (await studio.look_again("mix")).status == "gap"
    path.write_bytes(original)
    assert (await studio.look_again("mix")).status == "verified"


async def test_given_an_untouched_file_when_verified_again_then_it_is_no_news(studio: Studio) -> None:
    await studio.recorded("mix", 3)
    studio.write("mix", tone(3))
    await studio.verifier.step()
    await studio.look_again("mix")
    async with studio.database.transaction() as session:
        assert len(list(await session.scalars(select(FactRow)))) == 1


def loudness(path: Path, second: float) -> int:
    """Peak of a tenth of a second."""
    with wave.open(str(path), "rb") as file:
        file.setpos(round(second * 8000))
        return max(array("h", file.readframes(800)))


async def test_given_a_room_that_outlived_the_elders_line_then_a_full_mix_is_composed_and_verified(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """The elder hangs up after 2 s; op1 and the ambulance talk on until second 6."""
    studio = Studio(sqlite_database, tmp_path / "recordings")
    await studio.call(seconds=6)
    await studio.recorded("call-1", 2)
    await studio.recorded("call-1-op1", 3, kind="leg", after=1)
    await studio.recorded("call-1-120", 1, kind="leg", after=5)
    studio.write("call-1", tone(2, 300, 3000))
    studio.write("call-1-op1", tone(3, 500, 9000))
    studio.write("call-1-120", tone(1, 700, 6000))
    await studio.verifier.step()
    await studio.verifier.step()
    row = await studio.row("call-1-full")
    assert (row.status, row.composed, row.kind, row.seconds) == ("verified", True, "mix", 6.0)
    whole = studio.folder / row.path
    assert 2900 <= loudness(whole, 1.5) <= 3100, "the mix itself is not mixed with the legs once more"
    assert 8900 <= loudness(whole, 3.0) <= 9100
    assert loudness(whole, 4.5) == 0
    assert 5900 <= loudness(whole, 5.5) <= 6100
    await studio.verifier.step()
    assert len(await studio.rows()) == 4
    studio.verifier.close()


async def test_given_no_mix_but_the_legs_then_the_mix_is_made_of_them(
    sqlite_database: Database, tmp_path: Path
) -> None:
    """R8."""
    studio = Studio(sqlite_database, tmp_path / "recordings")
    studio.clock.move_to(NOW + timedelta(minutes=5))
    await studio.call(seconds=4)
    await studio.recorded("call-1", 4)
    await studio.recorded("call-1-op1", 3, kind="leg", after=1)
    studio.write("call-1-op1", tone(3, 500, 9000))
    await studio.verifier.step()
    await studio.verifier.step()
    rows = await studio.rows()
    assert (rows["call-1.wav"].status, rows["call-1-full.wav"].status) == ("gap", "verified")
    assert loudness(studio.folder / rows["call-1-full.wav"].path, 0.5) == 0
    studio.verifier.close()


async def test_given_a_leg_that_cannot_be_put_together_then_the_composed_mix_is_a_gap(
    sqlite_database: Database, tmp_path: Path
) -> None:
    studio = Studio(sqlite_database, tmp_path / "recordings")
    studio.clock.move_to(NOW + timedelta(minutes=5))
    await studio.call(seconds=4)
    await studio.recorded("call-1", 1)
    await studio.recorded("call-1-op1", 4, kind="leg")
    studio.write("call-1", tone(1))
    studio.write("call-1-op1", tone(4))
    (studio.folder / "2026/03/02" / ".call-1-full.wav.new").mkdir()
    await studio.verifier.step()
    row = await studio.row("call-1-full")
    assert row.status == "gap"
    assert "could not be put together" in row.problem
    studio.verifier.close()


async def test_given_a_room_that_ended_with_the_mix_then_nothing_is_composed(studio: Studio) -> None:
    await studio.call(seconds=3)
    await studio.recorded("call-1", 3)
    await studio.recorded("call-1-op1", 3, kind="leg", after=0.5)
    studio.write("call-1", tone(3))
    studio.write("call-1-op1", tone(3))
    await studio.verifier.step()
    assert (await studio.row("call-1")).outlived is False
    assert len(await studio.rows()) == 2


async def test_given_the_loop_then_it_verifies_and_survives_a_database_that_is_away(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/late.db"
    database = Database(url)
    studio = Studio(database, tmp_path / "recordings")
    studio.write("mix", tone(1))
    with capture_logs() as logs:
        task = asyncio.create_task(studio.verifier.run())
        await until(lambda: any(entry["event"] == "recordings cannot be verified now" for entry in logs))
        async with studio.bus.subscribe([FACTS]) as messages:
            await upgrade_async(url)
            await studio.recorded("mix", 1)
            message = await asyncio.wait_for(anext(messages), 5)
    assert isinstance(message, Message)
    assert message.fact().kind == "recording.verified"
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await database.close()


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the log has no event to wait for
            await asyncio.sleep(0.005)
