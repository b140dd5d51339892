"""Calls the fallback took are in the record once, whatever the disk does (A10, R1)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from callcenter.fallback import spool_call
from callcenter.fallback.intake import forget, read_spool
from callcenter.fallback.spool_call import folders

SCRIPT = Path(spool_call.__file__)
ENVIRONMENT = (
    "agi_request: spool\nagi_channel: PJSIP/trunk-00000001\nagi_uniqueid: {uniqueid}\nagi_callerid: {caller}\n\n"
)
START = "1772352000.250"
STARTED = datetime(2026, 3, 1, 8, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Path]:
    """A spool folder; whatever lands in its stand-ins is cleaned away."""
    folder = tmp_path / "spool"
    yield folder
    for other in folders(str(folder))[1:]:
        shutil.rmtree(other, ignore_errors=True)


def run_script(
    spool: Path, *arguments: str, uniqueid: str = "1772352000.7", caller: str = "13800000001", stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the script as Asterisk does: isolated, environment on stdin, answers to its commands."""
    given = stdin or ENVIRONMENT.format(uniqueid=uniqueid, caller=caller).encode() + b"200 result=1\n" * 3
    run = subprocess.run(
        [sys.executable, "-I", str(SCRIPT), str(spool), *arguments],
        input=given,
        capture_output=True,
        timeout=10,
        check=False,
        cwd="/",
    )
    assert run.returncode == 0
    assert run.stderr == b""
    return run


def arrived(spool: Path, caller: str = "13800000001") -> None:
    run_script(spool, "arrived", "emergency", "95120", START, "/rec/2026/03/01/fallback-1", "", caller=caller)


def ended(spool: Path, status: str = "ANSWER", start: str = START) -> None:
    run_script(
        spool,
        "ended",
        "emergency",
        "95120",
        start,
        "/rec/2026/03/01/fallback-1",
        "",
        status,
        "PJSIP/op1-1",
        "42",
    )


def test_given_a_call_that_goes_on_when_taken_in_then_its_arrival_is_whole(spool: Path) -> None:
    arrived(spool)
    (call,) = read_spool(spool, "node1")
    assert (call.line, call.did, call.caller, call.started_at) == ("emergency", "95120", "13800000001", STARTED)
    assert (call.recording, call.ended_at, call.answered_by) == ("/rec/2026/03/01/fallback-1", None, "")


def test_given_a_finished_call_when_taken_in_twice_then_it_is_the_same_call(spool: Path) -> None:
    arrived(spool)
    ended(spool)
    first, second = read_spool(spool, "node1"), read_spool(spool, "node1")
    assert first == second
    (call,) = first
    assert (call.dial_status, call.answered_by, call.talk_seconds) == ("ANSWER", "PJSIP/op1-1", 42.0)
    assert call.ended_at is not None
    assert call.ended_at >= call.started_at
    forget(first)
    assert read_spool(spool, "node1") == []
    forget(first)


def test_given_the_end_after_the_arrival_was_taken_in_then_it_is_the_same_call(spool: Path) -> None:
    arrived(spool)
    before = read_spool(spool, "node1")
    forget(before)
    ended(spool, "NOANSWER")
    (after,) = read_spool(spool, "node1")
    assert after.call_id == before[0].call_id
    assert after.ended_at is not None
    assert after.answered_by == ""


def test_given_a_desk_that_was_busy_then_the_end_of_the_call_tells_another_start_and_it_is_the_same_call(
    spool: Path,
) -> None:
    """A10, R18: Asterisk begins a new CDR after a Dial that failed, so what the end tells as its start is later."""
    arrived(spool)
    before = read_spool(spool, "node1")
    forget(before)
    ended(spool, "BUSY", start=f"{float(START) + 5.25:.6f}")
    (after,) = read_spool(spool, "node1")
    assert after.call_id == before[0].call_id


def test_given_a_call_the_controller_knew_then_its_id_is_kept(spool: Path) -> None:
    run_script(spool, "arrived", "emergency", "95120", START, "/rec/x", "0197a000-0000-7000-8000-000000000001")
    (call,) = read_spool(spool, "node1")
    assert call.known
    assert call.call_id == "0197a000-0000-7000-8000-000000000001"


def test_given_several_calls_then_they_come_oldest_first_with_ids_of_their_own(spool: Path) -> None:
    run_script(spool, "arrived", "emergency", "95120", "1772352009", "/rec/b", "", uniqueid="pbx-1772352009.9")
    arrived(spool)
    calls = read_spool(spool, "node1")
    assert [call.uniqueid for call in calls] == ["1772352000.7", "pbx-1772352009.9"]
    assert len({call.call_id for call in calls}) == 2


def test_given_no_start_then_it_is_read_from_the_channel_id(spool: Path) -> None:
    run_script(spool, "arrived", "emergency", "95120", "", "/rec/b", "", uniqueid="pbx-1772352009.9")
    assert read_spool(spool, "node1")[0].started_at == datetime(2026, 3, 1, 8, 0, 9, tzinfo=UTC)


def test_given_a_withheld_number_then_the_caller_is_empty(spool: Path) -> None:
    arrived(spool, caller="unknown")
    assert read_spool(spool, "node1")[0].caller == ""


def test_given_a_spool_that_cannot_be_written_then_the_call_is_left_elsewhere_and_found(spool: Path) -> None:
    """R9: the disk is full or read-only; here a file stands in the folder's place."""
    spool.write_text("")
    run = run_script(spool, "arrived", "emergency", "95120", START, "/rec/x", "")
    assert b"cannot spool" in run.stdout
    (call,) = read_spool(spool, "node1")
    assert call.files[0].parent != spool
    forget([call])
    assert read_spool(spool, "node1") == []


def test_given_a_damaged_file_then_it_is_set_aside_and_the_others_are_read(spool: Path) -> None:
    arrived(spool)
    (spool / "1.1.arrived.json").write_bytes(b'{"uniqueid": "1.1", "ev')
    (spool / "2.2.arrived.json").write_text(
        json.dumps({"uniqueid": "2.2", "event": "arrived", "line": "x", "did": "y", "start": "noon", "written": "1"})
    )
    assert len(read_spool(spool, "node1")) == 1
    assert sorted(path.name for path in (spool / "damaged").iterdir()) == ["1.1.arrived.json", "2.2.arrived.json"]


@pytest.mark.parametrize("uniqueid", ["../../etc/passwd", "", "王\\n", "a" * 500])
def test_given_a_strange_channel_id_then_the_file_stays_in_the_spool(spool: Path, uniqueid: str) -> None:
    """R22."""
    run_script(spool, "arrived", "emergency", "95120", START, "/rec/x", "", uniqueid=uniqueid)
    (call,) = read_spool(spool, "node1")
    assert call.files[0].parent == spool


@pytest.mark.parametrize("stdin", [b"\xff\xfe\n\n", b"agi_uniqueid", b"\n"])
def test_given_a_broken_environment_then_the_script_ends_quietly(spool: Path, stdin: bytes) -> None:
    """R22."""
    run_script(spool, "arrived", "emergency", "95120", START, "/rec/x", "", stdin=stdin)
    assert len(read_spool(spool, "node1")) == 1


def test_given_no_arguments_at_all_then_the_script_ends_and_says_so_to_asterisk(spool: Path) -> None:
    run = subprocess.run([sys.executable, "-I", str(SCRIPT)], input=b"\n", capture_output=True, timeout=10, check=False)
    assert run.returncode == 0
    assert run.stdout.startswith(b'VERBOSE "callcenter: spooling failed')


def test_given_numbers_in_the_environment_then_none_reaches_the_error_stream(spool: Path) -> None:
    """I1: pyst2 would write them all there; `run_script` asserts that nothing comes."""
    arrived(spool, caller="13912345678")


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
    """A10: the called number is a stranger's word and could shift what the script was told."""
    arrived(spool)
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
    assert "1772352000.7" in {call.uniqueid for call in calls}


def test_given_a_folder_that_belongs_to_somebody_else_then_nothing_in_it_is_believed(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I1: two of the three folders lie where every user of the machine may write."""
    arrived(spool)
    monkeypatch.setattr("os.geteuid", lambda: spool.stat().st_uid + 1)
    assert read_spool(spool, "node1") == []
    assert list(spool.glob("*.json"))
