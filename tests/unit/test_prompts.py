"""The voice prompts are whole, as their manifest says, and sound like their texts."""

import array
import importlib.machinery
import importlib.util
import json
import math
import shutil
import sys
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

REPO = Path(__file__).resolve().parents[2]


def load_script() -> ModuleType:
    """scripts/make-prompts as a module: it has no .py ending."""
    path = REPO / "scripts" / "make-prompts"
    loader = importlib.machinery.SourceFileLoader("make_prompts", str(path))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


script = load_script()
PROMPTS = script.read_prompts(script.SOUNDS)
BY_NAME = pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: prompt.name)


def samples_of(name: str) -> Sequence[int]:
    """The prompt's samples, -32768 to 32767 (WAV is little-endian, as are the machines this runs on)."""
    with wave.open(str(script.SOUNDS / f"{name}.wav"), "rb") as wav:
        return array.array("h", wav.readframes(wav.getnframes()))


def levels_of(samples: Sequence[int]) -> list[float]:
    """RMS of each 20 ms, of full scale."""
    step = script.RATE // 50
    return [
        math.sqrt(sum(sample * sample for sample in part) / step) / 32768
        for part in (samples[at : at + step] for at in range(0, len(samples) - step + 1, step))
    ]


def decibels(level: float) -> float:
    return 20 * math.log10(level)


def test_the_committed_prompts_are_what_their_texts_and_manifest_say() -> None:
    assert script.check(script.SOUNDS) == []


@BY_NAME
def test_a_prompt_is_as_long_as_its_text_takes_to_say(prompt: Any) -> None:
    characters = sum("\u4e00" <= character <= "\u9fff" for character in prompt.text)
    seconds = len(samples_of(prompt.name)) / script.RATE - 2 * script.EDGE
    assert 0.1 <= seconds / characters <= 0.65


@BY_NAME
def test_a_prompt_is_heard_as_loud_as_the_others_and_never_distorted(prompt: Any) -> None:
    samples = samples_of(prompt.name)
    levels = levels_of(samples)
    voiced = [level for level in levels if level > max(levels) / 10]
    loudness = math.sqrt(sum(level**2 for level in voiced) / len(voiced))
    assert decibels(loudness) == pytest.approx(decibels(script.LEVEL), abs=1.5)
    assert decibels(max(map(abs, samples)) / 32768) <= decibels(script.PEAK) + 0.1


@BY_NAME
def test_a_prompt_begins_and_ends_with_a_breath_of_silence_and_no_more(prompt: Any) -> None:
    levels = levels_of(samples_of(prompt.name))
    loud = [number for number, level in enumerate(levels) if level > max(levels) / 100]
    before, after = loud[0] * 0.02, (len(levels) - 1 - loud[-1]) * 0.02
    assert 0.04 <= before <= 0.16
    assert 0.04 <= after <= 0.16


def test_names_are_fit_for_a_dialplan_and_digits_are_written_as_spoken() -> None:
    for prompt in PROMPTS:
        assert prompt.name.replace("-", "").isalnum()
        assert prompt.name == prompt.name.lower()
        assert not any(character.isdigit() and character.isascii() for character in prompt.text)


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def flip_a_bit(folder: Path) -> None:
    path = folder / "greeting.wav"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def change_the_rate(folder: Path) -> None:
    path = folder / "greeting.wav"
    with wave.open(str(path), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(16000)
        wav.writeframes(bytes(32000))


def reword(folder: Path) -> None:
    path = folder / "prompts.json"
    path.write_text(path.read_text(encoding="utf-8").replace("正在为您接通。", "马上为您接通。", 1), encoding="utf-8")


def unlist(folder: Path) -> None:
    path = folder / "prompts.json"
    source = json.loads(path.read_text(encoding="utf-8"))
    del source["prompts"]["greeting"]
    path.write_text(json.dumps(source), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "greeting.wav").unlink(), "greeting: greeting.wav is missing"),
        (lambda folder: (folder / "greeting.wav").write_bytes(b"hello"), "greeting: not a WAV file"),
        (flip_a_bit, "greeting: sha256 is"),
        (change_the_rate, "greeting: rate, bytes and channels are (16000, 2, 1)"),
        (reword, "greeting: source_sha256 is"),
        (unlist, "greeting.wav: listed nowhere"),
        (lambda folder: (folder / "extra.wav").write_bytes(b""), "extra.wav: listed nowhere"),
        (lambda folder: edit_manifest(folder, lambda it: it["prompts"][0].update(seconds=1.0)), "greeting: seconds is"),
        (lambda folder: edit_manifest(folder, lambda it: it["prompts"].pop(0)), "greeting: not in the manifest"),
        (lambda folder: edit_manifest(folder, lambda it: it.update(version=0)), "greeting: not in the manifest"),
    ],
    ids=["gone", "not-wav", "altered", "other-format", "reworded", "unlisted", "extra", "seconds", "entry", "version"],
)
def test_given_a_damaged_folder_when_checked_then_it_says_what_is_wrong(
    tmp_path: Path, damage: Callable[[Path], object], said: str
) -> None:
    folder = shutil.copytree(script.SOUNDS, tmp_path / "zh")
    damage(folder)
    assert any(problem.startswith(said) for problem in script.check(folder))


def test_given_one_reworded_prompt_when_made_again_then_only_that_one_is_spoken(tmp_path: Path) -> None:
    folder = shutil.copytree(script.SOUNDS, tmp_path / "zh")
    assert script.stale(folder, script.read_prompts(folder)) == []
    reword(folder)
    assert [prompt.name for prompt in script.stale(folder, script.read_prompts(folder))] == ["greeting"]
