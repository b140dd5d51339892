"""Menus and prompts over REST (B1)."""

import io
import warnings
from typing import Any

import pytest

from callcenter.api.deps import Services
from callcenter.bus import LocalBus
from callcenter.menus.keeper import MenusKeeper
from tests.api.conftest import Login

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its audioop is on its way out of Python
    from pydub import AudioSegment
    from pydub.generators import Sine

GOOD: dict[str, Any] = {
    "name": "春节菜单",
    "root": "main",
    "nodes": {
        "main": {
            "prompts": ["hotline-welcome", "menu"],
            "choices": {"0": {"do": "queue"}, "1": {"do": "node", "to": "more"}, "9": {"do": "emergency"}},
            "otherwise": {"do": "queue", "to": "general"},
        },
        "more": {
            "prompts": ["menu"],
            "choices": {"9": {"do": "emergency"}, "5": {"do": "callback"}},
            "otherwise": {"do": "queue"},
            "tries": 1,
        },
    },
}


def with_main(**changes: Any) -> dict[str, Any]:
    return {**GOOD, "nodes": {**GOOD["nodes"], "main": {**GOOD["nodes"]["main"], **changes}}}


async def test_a_menu_is_written_checked_published_and_never_changed_again(as_role: Login, services: Services) -> None:
    admin = await as_role("admin")
    live = (await admin.get("/api/v1/menus/live")).json()
    assert (live["id"], live["version"], set(live["nodes"]["main"]["choices"])) == ("built-in", 0, set("01239"))
    made = await admin.post("/api/v1/menus", json=GOOD)
    assert made.status_code == 201
    draft = made.json()
    assert (draft["version"], draft["state"]) == (1, "draft")
    path = f"/api/v1/menus/{draft['id']}"
    assert (await admin.post(f"{path}/check")).json() == {"problems": []}
    published = await admin.post(f"{path}/publish")
    assert published.status_code == 200, published.text
    assert published.json()["state"] == "live"
    assert (await admin.get("/api/v1/menus/live")).json()["id"] == draft["id"]
    refused = await admin.put(path, json=GOOD)
    assert refused.status_code == 409
    assert "new version" in refused.json()["detail"]
    assert (await admin.post(f"{path}/publish")).status_code == 409
    copy = (await admin.post(f"{path}/copy")).json()
    assert (copy["version"], copy["state"], copy["nodes"]) == (2, "draft", draft["nodes"])
    await admin.post(f"/api/v1/menus/{copy['id']}/publish")
    assert [(one["version"], one["state"]) for one in (await admin.get("/api/v1/menus")).json()["items"]] == [
        (2, "live"),
        (1, "retired"),
    ]
    keeper = MenusKeeper(services.database, services.settings.data / "menus.json", LocalBus())
    await keeper.refresh()
    assert keeper.book.live.id == copy["id"]
    assert keeper.book.menu(draft["id"]) is not None
    again = MenusKeeper(services.database, services.settings.data / "menus.json", LocalBus())
    again.restore()
    assert again.book.live == keeper.book.live


async def test_a_menu_that_would_lose_callers_is_refused_with_what_is_wrong(as_role: Login) -> None:
    admin = await as_role("admin")
    broken = with_main(
        choices={
            "1": {"do": "node", "to": "gone"},
            "2": {"do": "queue", "to": "nobody"},
            "3": {"do": "number", "to": "120"},
        },
        prompts=["no-such-prompt"],
    )
    draft = (await admin.post("/api/v1/menus", json=broken)).json()
    checked = (await admin.post(f"/api/v1/menus/{draft['id']}/check")).json()["problems"]
    codes = {(one["node"], one["code"]) for one in checked}
    assert codes == {
        ("main", "unknown_prompt"),
        ("main", "no_emergency"),
        ("main", "unknown_node"),
        ("main", "unknown_queue"),
        ("main", "unknown_number"),
        ("more", "unreachable"),
    }
    refused = await admin.post(f"/api/v1/menus/{draft['id']}/publish")
    assert refused.status_code == 409
    assert refused.json()["code"] == "menu_has_problems"
    assert len(refused.json()["problems"]) == len(checked)
    mended = await admin.put(f"/api/v1/menus/{draft['id']}", json=GOOD)
    assert mended.status_code == 200
    assert (await admin.post(f"/api/v1/menus/{draft['id']}/publish")).status_code == 200


async def test_the_built_in_menu_can_be_copied_and_goes_live_as_it_is(as_role: Login) -> None:
    admin = await as_role("admin")
    copy = (await admin.post("/api/v1/menus/built-in/copy")).json()
    assert (await admin.post(f"/api/v1/menus/{copy['id']}/publish")).status_code == 200


async def test_what_is_no_menu_is_refused(as_role: Login) -> None:
    admin = await as_role("admin")
    for body in (
        {**GOOD, "nodes": {}},
        with_main(timeout_seconds=0),
        with_main(choices={"#": {"do": "queue"}}),
        with_main(otherwise={"do": "explode"}),
        with_main(prompts=["../../etc/passwd"]),
        {**GOOD, "line": "emergency"},
    ):
        assert (await admin.post("/api/v1/menus", json=body)).status_code == 422


# --- prompts ---------------------------------------------------------------------------------------------------


def tone(kind: str, seconds: float = 1.0, rate: int = 44100) -> bytes:
    out = io.BytesIO()
    sound = Sine(440, sample_rate=rate).to_audio_segment(duration=int(seconds * 1000), volume=-30)
    sound.export(out, format=kind, **({"codec": "libvorbis"} if kind == "ogg" else {}))
    return out.getvalue()


async def upload(client: Any, audio: bytes, name: str = "custom-spring") -> Any:
    return await client.post(
        "/api/v1/prompts", data={"name": name, "text": "新春快乐"}, files={"file": ("x.bin", audio, "audio/x")}
    )


async def test_a_prompt_is_brought_to_the_sound_of_the_telephone(as_role: Login, services: Services) -> None:
    admin = await as_role("admin")
    for kind in ("wav", "mp3"):
        assert (await upload(admin, tone(kind))).status_code == 201
    made = await upload(admin, tone("ogg"))
    assert made.status_code == 201, made.text
    assert made.json()["seconds"] == pytest.approx(1, abs=0.1)
    heard = await admin.get("/api/v1/prompts/custom-spring/audio")
    sound = AudioSegment.from_wav(io.BytesIO(heard.content))
    assert (sound.frame_rate, sound.channels, sound.sample_width) == (8000, 1, 2)
    assert sound.dBFS == pytest.approx(-18, abs=2)
    assert (services.settings.data / "prompts" / "custom-spring.wav").is_file()
    listed = (await admin.get("/api/v1/prompts")).json()["items"]
    assert [one["name"] for one in listed if one["custom"]] == ["custom-spring"]
    own = next(one for one in listed if one["name"] == "menu")
    assert "紧急求助请按九" in own["text"]
    assert (await admin.get(own["audio"])).status_code == 200


BAD = [
    (b"", "empty"),
    (b"#EXTM3U\nfile:///etc/passwd\n", "no WAV"),
    (b"RIFF\x00\x00\x00\x00WAVEjunk", "damaged"),
    (b"OggS" + b"\x00" * 200, "damaged"),
    (b"ID3" + b"\x00" * 200, "damaged"),
    (tone("wav", 0.05), "long"),
    (tone("mp3", 125, 8000), "long"),
]


async def test_what_is_no_prompt_is_refused_with_a_word_why(as_role: Login) -> None:
    """A playlist would have ffmpeg open what it names: it never gets one."""
    admin = await as_role("admin")
    for audio, why in BAD:
        answer = await upload(admin, audio)
        assert (answer.status_code, why in answer.json()["detail"]) == (422, True), answer.text


async def test_silence_is_no_prompt(as_role: Login) -> None:
    out = io.BytesIO()
    AudioSegment.silent(2000, 8000).export(out, format="wav")
    answer = await upload(await as_role("admin"), out.getvalue())
    assert (answer.status_code, "nothing to be heard" in answer.json()["detail"]) == (422, True)


async def test_only_names_of_our_own_kind_may_be_uploaded(as_role: Login) -> None:
    admin, audio = await as_role("admin"), tone("wav")
    for name in ("menu", "custom-", "custom-../x", "custom-A", "custom-" + "a" * 40):
        assert (await upload(admin, audio, name)).status_code == 422


async def test_a_prompt_that_the_live_menu_plays_cannot_be_deleted(as_role: Login, services: Services) -> None:
    admin = await as_role("admin")
    await upload(admin, tone("wav"))
    draft = (await admin.post("/api/v1/menus", json=with_main(prompts=["custom-spring", "menu"]))).json()
    assert (await admin.post(f"/api/v1/menus/{draft['id']}/publish")).status_code == 200
    assert (await admin.delete("/api/v1/prompts/custom-spring")).status_code == 409
    other = (await admin.post("/api/v1/menus", json=GOOD)).json()
    await admin.post(f"/api/v1/menus/{other['id']}/publish")
    assert (await admin.delete("/api/v1/prompts/custom-spring")).status_code == 204
    assert (await admin.get("/api/v1/prompts/custom-spring/audio")).status_code == 404
    assert (await admin.delete("/api/v1/prompts/menu")).status_code == 404


async def test_operators_may_read_menus_and_not_write_them(as_role: Login) -> None:
    operator = await as_role("operator")
    assert (await operator.get("/api/v1/menus")).status_code == 200
    assert (await operator.post("/api/v1/menus", json=GOOD)).status_code == 403
    assert (await upload(operator, tone("wav"))).status_code == 403


async def test_given_dead_ends_then_each_is_told_with_its_key_and_the_name_that_is_wrong(as_role: Login) -> None:
    """B1: what a page needs to say it in its own language; a draft that somebody else changed is not written over."""
    admin = await as_role("admin")
    wrong = with_main(
        choices={"1": {"do": "node", "to": "nowhere"}, "9": {"do": "emergency"}}, otherwise={"do": "queue", "to": "x"}
    )
    made = (await admin.post("/api/v1/menus", json=wrong)).json()
    path = f"/api/v1/menus/{made['id']}"
    problems = (await admin.post(f"{path}/check")).json()["problems"]
    assert [(one["node"], one["code"], one["key"], one["to"]) for one in problems] == [
        ("main", "unknown_node", "1", "nowhere"),
        ("main", "unknown_queue", "otherwise", "x"),
        ("more", "unreachable", "", ""),
    ]
    match = {"If-Match": f'"{made["revision"]}"'}
    assert (await admin.put(path, json=GOOD, headers=match)).json()["revision"] > made["revision"]
    assert (await admin.put(path, json=wrong, headers=match)).status_code == 412
