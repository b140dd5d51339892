"""Recordings over the API: lists and gaps, audio with Range, who listened, what was altered (B6, E3)."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from callcenter.api.deps import Services
from callcenter.calls.tables import CallRow
from callcenter.people.schemas import ElderInput
from callcenter.people.service import create_elder
from callcenter.recordings.model import RecordingRow
from tests.api.conftest import START, Login
from tests.support.wav import tone, write_wav

PATH = "/api/v1/recordings"
ID = "0190b7c2-0000-7000-8000-000000000001"
AUDIO = f"{PATH}/{ID}/audio"


async def store(services: Services, id: str = ID, **fields: Any) -> RecordingRow:
    values: dict[str, Any] = {
        "id": id,
        "call_id": "call-1",
        "kind": "mix",
        "composed": False,
        "path": "2026/03/02/call-1.wav",
        "format": "wav",
        "started_at": START - timedelta(minutes=5),
        "ended_at": START - timedelta(minutes=4),
        "expected_seconds": 2.0,
        "status": "verified",
        "problem": "",
    }
    async with services.database.transaction() as session:
        row = RecordingRow(**(values | fields))
        session.add(row)
    return row


def content(path: Path) -> bytes:
    return path.read_bytes()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remove(path: Path) -> None:
    path.unlink()


def flip_a_bit(path: Path) -> None:
    """What a tamperer does, small enough not to be heard."""
    changed = bytearray(path.read_bytes())
    changed[5000] ^= 1
    path.write_bytes(bytes(changed))


@pytest.fixture
async def file(services: Services) -> Path:
    """A verified recording of two seconds."""
    path = write_wav(services.settings.recordings_dir / "2026/03/02/call-1.wav", tone(2))
    content = path.read_bytes()
    await store(services, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content), seconds=2.0)
    return path


async def test_given_recordings_then_they_are_listed_newest_first_and_narrowed(
    as_role: Login, services: Services
) -> None:
    ids = [f"0190b7c2-0000-7000-8000-00000000000{n}" for n in range(3)]
    await store(services, ids[0])
    await store(services, ids[1], status="gap", problem="the file was never written", path="")
    await store(services, ids[2], call_id="call-2", kind="leg", leg_id="leg-1", started_at=START)
    qa = await as_role("qa")
    for params, expected in (
        ({}, [ids[2], ids[1], ids[0]]),
        ({"status": "gap"}, [ids[1]]),
        ({"call_id": "call-2"}, [ids[2]]),
        ({"kind": "leg"}, [ids[2]]),
        ({"since": "2026-03-02T08:58:00+08:00"}, [ids[2]]),
        ({"until": "2026-03-02T08:58:00+08:00"}, [ids[1], ids[0]]),
    ):
        items = (await qa.get(PATH, params=params)).json()["items"]
        assert [item["id"] for item in items] == expected, params
    page = (await qa.get(PATH, params={"limit": 2})).json()
    assert len(page["items"]) == 2
    assert [item["id"] for item in (await qa.get(PATH, params={"cursor": page["next"]})).json()["items"]] == [ids[0]]


async def test_given_one_recording_then_its_proof_is_shown(as_role: Login, file: Path) -> None:
    shown = (await (await as_role("qa")).get(f"{PATH}/{ID}")).json()
    assert shown["sha256"] == sha256(file)
    assert (shown["status"], shown["seconds"], shown["audio"]) == ("verified", 2.0, AUDIO)
    assert "path" not in shown


async def test_given_the_audio_then_it_comes_whole_with_its_checksum_as_etag(as_role: Login, file: Path) -> None:
    operator = await as_role("operator")
    answer = await operator.get(AUDIO)
    assert (answer.status_code, answer.content) == (200, content(file))
    assert answer.headers["ETag"] == f'"{sha256(file)}"'
    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Recording-Status"] == "verified"


@pytest.mark.parametrize(
    ("given", "first", "last"),
    [
        ("bytes=0-43", 0, 43),
        ("bytes=44-", 44, 32043),
        ("bytes=-100", 31944, 32043),
        ("bytes=32000-99999", 32000, 32043),
    ],
)
async def test_given_a_range_then_206_with_exactly_that_part(
    as_role: Login, file: Path, given: str, first: int, last: int
) -> None:
    """RFC 9110 §14."""
    answer = await (await as_role("operator")).get(AUDIO, headers={"Range": given})
    assert (answer.status_code, answer.content) == (206, content(file)[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/32044"
    assert answer.headers["Content-Length"] == str(last - first + 1)


@pytest.mark.parametrize("given", ["bytes=32044-", "bytes=99999-100000", "bytes=-0"])
async def test_given_a_range_outside_the_file_then_416_says_how_long_it_is(
    as_role: Login, file: Path, given: str
) -> None:
    answer = await (await as_role("operator")).get(AUDIO, headers={"Range": given})
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == "bytes */32044"
    assert answer.json()["code"] == "range_not_satisfiable"


@pytest.mark.parametrize("given", ["bytes=5-2", "bytes=a-b", "seconds=1-2", "bytes=0-1,5-6", "bytes=", "rubbish"])
async def test_given_a_range_that_is_none_then_it_is_ignored(as_role: Login, file: Path, given: str) -> None:
    answer = await (await as_role("operator")).get(AUDIO, headers={"Range": given})
    assert (answer.status_code, len(answer.content)) == (200, 32044)


async def test_given_if_range_then_a_part_only_of_the_same_recording(as_role: Login, file: Path) -> None:
    operator = await as_role("operator")
    etag = (await operator.head(AUDIO)).headers["ETag"]
    same = await operator.get(AUDIO, headers={"Range": "bytes=0-9", "If-Range": etag})
    other = await operator.get(AUDIO, headers={"Range": "bytes=0-9", "If-Range": '"something else"'})
    assert (same.status_code, len(same.content)) == (206, 10)
    assert (other.status_code, len(other.content)) == (200, 32044)


async def test_given_head_then_the_headers_without_the_audio_and_no_listening_on_record(
    as_role: Login, file: Path
) -> None:
    operator, admin = await as_role("operator"), await as_role("admin")
    answer = await operator.head(AUDIO)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "32044")
    assert await listenings(admin) == []


async def listenings(admin: httpx.AsyncClient) -> list[dict[str, Any]]:
    items = (await admin.get("/api/v1/audit", params={"subject_id": ID})).json()["items"]
    return [item for item in items if item["action"] == "listen"]


async def test_given_each_listening_then_who_and_what_part_is_in_the_trail(as_role: Login, file: Path) -> None:
    """I3, C10."""
    operator, qa, admin = await as_role("operator"), await as_role("qa"), await as_role("admin")
    await operator.get(AUDIO)
    await qa.get(AUDIO, headers={"Range": "bytes=0-99"})
    entries = await listenings(admin)
    assert sorted(entry["actor"] for entry in entries) == ["operator1", "qa1"]
    assert any("bytes=0-99" in str(entry["changes"]) for entry in entries)


async def test_given_a_role_that_may_not_listen_then_403_and_it_may_still_see_the_list(
    as_role: Login, file: Path
) -> None:
    station = await as_role("station")
    assert (await station.get(AUDIO)).status_code == 403
    assert (await station.head(AUDIO)).status_code == 403
    assert (await station.get(PATH)).status_code == 200


async def test_given_a_file_that_has_gone_then_410_and_one_that_never_was_then_404_with_the_reason(
    as_role: Login, services: Services, file: Path
) -> None:
    operator = await as_role("operator")
    remove(file)
    gone = await operator.get(AUDIO)
    assert (gone.status_code, gone.json()["code"]) == (410, "recording_gone")
    await store(services, "gap-1", status="gap", problem="the disk was full", path="2026/x.wav")
    never = await operator.get(f"{PATH}/gap-1/audio")
    assert never.status_code == 404
    assert "the disk was full" in never.json()["detail"]


@pytest.mark.parametrize("path", ["../secret.wav", "/etc/passwd", "2026/../../secret.wav", "2026", ""])
async def test_given_a_path_out_of_the_folder_then_nothing_is_served(
    as_role: Login, services: Services, path: str
) -> None:
    """R22."""
    write_wav(services.settings.recordings_dir / "2026/03/02/a.wav", tone(0.1))
    write_wav(services.settings.recordings_dir.parent / "secret.wav", tone(0.1))
    await store(services, path=path)
    assert (await (await as_role("operator")).get(AUDIO)).status_code == 404


async def test_given_an_altered_file_when_verified_then_it_is_flagged_and_no_longer_vouched_for(
    as_role: Login, file: Path
) -> None:
    """GS 5.4.2.2."""
    qa = await as_role("qa")
    assert (await qa.post(f"{PATH}/{ID}/verify")).json()["status"] == "verified"
    flip_a_bit(file)
    flagged = (await qa.post(f"{PATH}/{ID}/verify")).json()
    assert (flagged["status"], flagged["sha256"] != sha256(file)) == ("altered", True)
    answer = await qa.get(AUDIO)
    assert answer.headers["X-Recording-Status"] == "altered"
    assert flagged["sha256"] not in answer.headers["ETag"]


async def test_given_a_recording_that_goes_on_when_verified_then_409(as_role: Login, services: Services) -> None:
    await store(services, status="pending", ended_at=None)
    assert (await (await as_role("qa")).post(f"{PATH}/{ID}/verify")).status_code == 409


async def test_given_somebody_who_serves_one_area_then_only_calls_of_its_elders_are_theirs(
    as_role: Login, services: Services, file: Path
) -> None:
    """I3."""
    async with services.database.transaction() as session:
        elder = await create_elder(session, services.clock, ElderInput(name="王秀英", area="姑苏"))
        texts = ("line", "caller", "did", "room", "recording", "elder_name", "via", "digit", "disposition")
        values: dict[str, Any] = dict.fromkeys(texts, "")
        session.add(CallRow(id="call-1", ambiguous=False, started_at=START, elder_id=elder.id, **values))
    here, there = await as_role("operator", area="姑苏"), await as_role("operator", area="吴中")
    assert (await here.get(AUDIO)).status_code == 200
    assert (await there.get(AUDIO)).status_code == 404
    assert (await there.get(PATH)).json()["items"] == []
    assert (await here.get(f"{PATH}/nothing")).status_code == 404


@pytest.mark.parametrize("shown", [True, False])
async def test_what_a_supervisor_whispered_is_a_part_for_those_who_are_told_of_supervisors(
    as_role: Login, services: Services, shown: bool
) -> None:
    """B6, B7: never in the mix; an operator who is not told that somebody whispers does not find it here either."""
    services.settings.__dict__["monitor_shown"] = shown
    await store(services)
    part = "0190b7c2-0000-7000-8000-000000000002"
    await store(services, part, kind="whisper", leg_id="leg-9", path=f"2026/03/02/call-1-whisper-{part}.wav")
    for role, told in (("supervisor", True), ("operator", shown)):
        client = await as_role(role)
        items = (await client.get(PATH, params={"call_id": "call-1"})).json()["items"]
        assert sorted(item["kind"] for item in items) == (["mix", "whisper"] if told else ["mix"])
        assert (await client.get(f"{PATH}/{part}")).status_code == (200 if told else 404)
