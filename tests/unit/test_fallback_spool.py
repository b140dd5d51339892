"""Calls the fallback took are in the record once, whatever the disk does (A10, R1)."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from callcenter.fallback.intake import SpooledCall, forget, of_channel, read_spool, spare
from callcenter.telephony.events import LiveChannel

LINE = "1772352000.7"
START = "1772352000.250"
STARTED = datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)
SAID = {
    "line": "emergency",
    "caller": "13800000001",
    "did": "95120",
    "start": START,
    "call": "",
    "recording": "%2Frec%2F2026%2F03%2F01%2Ffallback-1",
    "dial_status": "",
    "answered_by": "",
    "answered_seconds": "",
}


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """A spool folder; whatever lands in its stand-in in memory is cleaned away."""
    folder = tmp_path / "spool"
    folder.mkdir()
    yield folder
    for path in in_memory(folder):
        path.unlink()


def in_memory(spool: Path) -> list[Path]:
    start = Path(spare(spool))
    return list(start.parent.glob(f"{start.name}*"))


def entry(event: str, uniqueid: str = LINE, written: str = "1772352000.300", **said: str) -> tuple[str, str]:
    """A file's name and what is in it, as the dialplan writes them."""
    whole = {"as": "uri", "uniqueid": uniqueid, "event": event, "written": written, **SAID, **said}
    return f"{uniqueid}-{written}.{event}.json", json.dumps(whole, separators=(",", ":"))


def leave(spool: Path, event: str, *, before: float = 60, cut: int | None = None, **said: str) -> Path:
    """Leave an entry in the spool; ``cut``: of so many characters, written ``before`` seconds ago."""
    name, text = entry(event, **said)
    path = spool / name
    path.write_text(text[:cut])
    written = path.stat().st_mtime - before
    os.utime(path, (written, written))
    return path


def leave_in_memory(spool: Path, event: str, **said: str) -> Path:
    name, text = entry(event, **said)
    path = Path(f"{spare(spool)}{name}")
    path.write_text(text)
    return path


def ended(spool: Path, status: str = "ANSWER", **said: str) -> Path:
    answered = {"dial_status": status, "answered_by": "PJSIP%2Fop1-1", "answered_seconds": "42"}
    return leave(spool, "ended", before=60, cut=None, **{"written": "1772352050.300", **answered, **said})


def only(spool: Path) -> SpooledCall:
    (call,) = read_spool(spool, "node1")
    return call


def test_given_a_call_that_goes_on_when_taken_in_then_its_arrival_is_whole(spool: Path) -> None:
    leave(spool, "arrived")
    call = only(spool)
    assert (call.line, call.did, call.caller, call.started_at) == ("emergency", "95120", "13800000001", STARTED)
    assert (call.recording, call.ended_at, call.answered_by) == ("/rec/2026/03/01/fallback-1", None, "")


def test_given_a_finished_call_when_taken_in_twice_then_it_is_the_same_call(spool: Path) -> None:
    leave(spool, "arrived")
    ended(spool)
    first, second = read_spool(spool, "node1"), read_spool(spool, "node1")
    assert first == second
    (call,) = first
    assert (call.dial_status, call.answered_by, call.talk_seconds) == ("ANSWER", "PJSIP/op1-1", 42.0)
    assert call.ended_at == STARTED + timedelta(seconds=50.05)
    forget(first)
    assert read_spool(spool, "node1") == []
    forget(first)


@pytest.mark.parametrize("first", ["arrived", "ended"])
def test_given_both_stages_in_any_order_then_it_is_the_same_call(spool: Path, first: str) -> None:
    leave(spool, "arrived") if first == "arrived" else ended(spool)
    before = only(spool)
    forget([before])
    ended(spool, "NOANSWER") if first == "arrived" else leave(spool, "arrived")
    after = only(spool)
    assert after.call_id == before.call_id
    assert (before.ended_at is None, after.ended_at is None) == (first == "arrived", first == "ended")
    assert after.answered_by == ""


def test_given_a_desk_that_was_busy_then_the_end_of_the_call_tells_another_start_and_it_is_the_same_call(
    spool: Path,
) -> None:
    """A10, R18: Asterisk begins a new CDR after a Dial that failed, so what the end tells as its start is later."""
    leave(spool, "arrived")
    before = only(spool)
    forget([before])
    ended(spool, "BUSY", start=f"{float(START) + 5.25:.6f}")
    assert only(spool).call_id == before.call_id


def test_given_who_fell_back_a_second_time_then_no_file_is_written_to_twice(spool: Path) -> None:
    """The first file may be about to be deleted when the second time is written."""
    first, second = leave(spool, "arrived"), leave(spool, "arrived", written="1772352030.000")
    assert first != second
    assert set(only(spool).files) == {first, second}


def test_given_a_call_the_controller_knew_then_its_id_is_kept(spool: Path) -> None:
    leave(spool, "arrived", call="0197a000-0000-7000-8000-000000000001")
    call = only(spool)
    assert call.known
    assert call.call_id == "0197a000-0000-7000-8000-000000000001"


def test_given_several_calls_then_they_come_oldest_first_with_ids_of_their_own(spool: Path) -> None:
    leave(spool, "arrived", uniqueid="pbx-1772352009.9", start="1772352009")
    leave(spool, "arrived")
    calls = read_spool(spool, "node1")
    assert [call.uniqueid for call in calls] == [LINE, "pbx-1772352009.9"]
    assert len({call.call_id for call in calls}) == 2


def test_given_no_start_then_it_is_read_from_the_channel_id(spool: Path) -> None:
    leave(spool, "arrived", uniqueid="pbx-1772352009.9", start="")
    assert only(spool).started_at == datetime(2026, 3, 1, 8, 0, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "caller"),
    [("", ""), ("%2B8613800000001", "+8613800000001"), ("%E7%8E%8B%22%7D%0A%", '王"}\n%'), ("%ff", "\ufffd")],
)
def test_given_whatever_number_somebody_claims_then_it_is_read_as_it_was(spool: Path, said: str, caller: str) -> None:
    """R22: URI-encoded by the dialplan, so that nothing in it is syntax."""
    leave(spool, "arrived", caller=said)
    assert only(spool).caller == caller


def test_given_a_file_of_an_earlier_release_then_it_is_taken_in_as_it_was_meant(spool: Path) -> None:
    said = {
        "uniqueid": LINE,
        "event": "arrived",
        "written": START,
        **SAID,
        "caller": "unknown",
        "recording": "/rec/100%25",
    }
    (spool / f"{LINE}.arrived.json").write_text(json.dumps(said))
    call = only(spool)
    assert (call.caller, call.did, call.recording, call.started_at) == ("", "95120", "/rec/100%25", STARTED)


@pytest.mark.parametrize("cut", range(len(entry("arrived")[1])))
def test_given_a_file_cut_at_any_byte_then_the_press_is_not_lost_and_nothing_in_it_is_half(
    spool: Path, cut: int
) -> None:
    """A10, R9: the disk was full, or the power gone; its name still tells whose call it was."""
    leave(spool, "arrived")
    whole = only(spool)
    forget([whole])
    leave(spool, "arrived", cut=cut)
    call = only(spool)
    assert (call.call_id, call.uniqueid, call.ended_at, call.line) == (whole.call_id, LINE, None, "emergency")
    assert call.started_at in {STARTED, STARTED.replace(microsecond=0)}
    assert call.caller in {whole.caller, ""}
    assert call.did in {whole.did, ""}
    assert call.recording in {whole.recording, ""}
    forget([call])
    assert list(spool.iterdir()) == []


def test_given_a_file_that_is_being_written_then_it_is_left_until_it_is_whole(spool: Path) -> None:
    path = leave(spool, "arrived", cut=40, before=0)
    assert read_spool(spool, "node1") == []
    path.write_text(entry("arrived")[1])
    assert only(spool).caller == "13800000001"


def test_given_a_spool_that_cannot_be_written_then_the_call_is_in_memory_and_found(spool: Path) -> None:
    """R9: the disk is full or read-only; here a file stands in the folder's place."""
    spool.rmdir()
    spool.write_text("")
    path = leave_in_memory(spool, "arrived")
    assert path.parent.stat().st_mode & 0o077 == 0
    call = only(spool)
    assert call.files == (path,)
    forget([call])
    assert read_spool(spool, "node1") == []


def test_given_a_full_disk_then_the_empty_file_goes_with_the_whole_one_in_memory(spool: Path) -> None:
    """R9: a file is often made where nothing can be written into it."""
    empty, whole = leave(spool, "arrived", cut=0), leave_in_memory(spool, "arrived")
    call = only(spool)
    assert (call.caller, set(call.files)) == ("13800000001", {empty, whole})


def test_given_another_spool_then_its_files_in_memory_are_not_ours(spool: Path, tmp_path: Path) -> None:
    leave_in_memory(spool, "arrived")
    assert read_spool(tmp_path / "other", "node1") == []


def test_given_a_damaged_file_then_it_is_set_aside_and_the_others_are_read(spool: Path) -> None:
    leave(spool, "arrived")
    (spool / "1.1.arrived.json").write_bytes(b'{"uniqueid": "1.1", "ev')
    (spool / "2.2.arrived.json").write_text(
        json.dumps({"uniqueid": "2.2", "event": "arrived", "line": "x", "did": "y", "start": "noon", "written": "1"})
    )
    assert len(read_spool(spool, "node1")) == 1
    assert sorted(path.name for path in (spool / "damaged").iterdir()) == ["1.1.arrived.json", "2.2.arrived.json"]


HOSTILE = [
    {"start": "1e300", "written": "1e308"},
    {"start": "253402300799"},
    {"start": "-62135596800"},
    {"start": "nan", "written": 1e400},
    {"start": "inf", "written": "-1e12"},
    {"start": "noon", "call": "../../x\n", "did": "${SHELL(id)}" * 100},
    {"answered_seconds": "٣" * 5, "dial_status": "ANSWER"},
    {"answered_seconds": "9" * 400, "dial_status": "ANSWER", "event": "ended", "written": "-5"},
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_given_values_that_cannot_be_then_the_press_is_taken_in_at_the_channels_time(
    spool: Path, hostile: dict[str, object]
) -> None:
    """A10: what is in a file of an earlier release is a stranger's word."""
    leave(spool, "arrived")
    said = {"uniqueid": f"{int(STARTED.timestamp())}.9", "event": "arrived", "line": "emergency", "did": "95120"}
    file = spool / "hostile.arrived.json"
    file.write_text(json.dumps(said | {"start": "", "written": START} | hostile).replace("Infinity", "1e400"))
    calls = read_spool(spool, "node1")
    if file.exists():
        found = next(call for call in calls if call.uniqueid == said["uniqueid"])
        assert found.started_at == STARTED.replace(microsecond=0)
        assert not found.known
        assert found.talk_seconds == 0
        assert found.ended_at is None or found.ended_at >= found.started_at
    else:
        assert (spool / "damaged" / file.name).exists()
    assert LINE in {call.uniqueid for call in calls}


def test_given_a_folder_that_belongs_to_somebody_else_then_nothing_in_it_is_believed_or_written(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1: the folder in memory lies where every user of the machine may write."""
    leave(spool, "arrived")
    leave_in_memory(spool, "arrived", uniqueid="1772352000.8")
    mine, lstat = spare(spool), Path.lstat

    def stolen(path: Path) -> os.stat_result:
        found = list(lstat(path))
        found[4] += 1
        return os.stat_result(found)

    with monkeypatch.context() as other:
        other.setattr(Path, "lstat", stolen)
        assert read_spool(spool, "node1") == []
        assert spare(spool) == f"{spool}/"
    assert spare(spool) == mine
    assert len(read_spool(spool, "node1")) == 2


def test_given_no_file_at_all_then_the_line_itself_tells_and_it_is_the_same_call(spool: Path) -> None:
    """R9: neither the disk nor memory took anything."""
    leave(spool, "arrived")
    line = LiveChannel(LINE, "PJSIP/trunk-1", True, 30, caller="13800000001", variables={"CC_LINE": "hotline"})
    told = of_channel(line, "node1", STARTED + timedelta(seconds=30))
    assert (told.call_id, told.line, told.caller) == (only(spool).call_id, "hotline", "13800000001")
    assert abs(told.started_at - STARTED) < timedelta(seconds=1)
