"""The journal loses nothing it has acknowledged, whatever is cut, damaged, filled or killed (R9, R28)."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from callcenter.clock import ManualClock
from callcenter.facts import Body, Fact, kind, record
from callcenter.journal import (
    START,
    Journal,
    JournalInUse,
    JournalUnavailable,
    Position,
    Recovery,
    frame,
    segment_path,
    segments,
)
from callcenter.journal_reader import JournalReader

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
CLOCK = ManualClock(NOW)
ROOT = Path(__file__).parents[2]


@kind("test.counted")
class Counted(Body, frozen=True):
    number: int
    padding: str = ""


def fact(number: int, padding: str = "") -> Fact:
    return record(Counted(number=number, padding=padding), NOW, "system", call_id="call-1")


def numbers(facts: Iterable[Fact]) -> list[int]:
    return [item.body.number for item in facts if isinstance(item.body, Counted)]


@asynccontextmanager
async def opened(
    folder: Path, *, segment_bytes: int = 1 << 24, carry: Callable[[], Iterable[Fact]] = tuple, max_pending: int = 1000
) -> AsyncIterator[tuple[Journal, Recovery]]:
    journal = Journal(folder, CLOCK, segment_bytes=segment_bytes, carry=carry, max_pending=max_pending)
    recovery = journal.open()
    try:
        yield journal, recovery
    finally:
        await journal.close(within=5)


def read_all(folder: Path, position: Position = START) -> list[int]:
    reader = JournalReader(folder, CLOCK)
    found, _ = reader.read(position, limit=1_000_000)
    return numbers(item for item, _ in found)


async def test_given_appended_facts_when_opened_again_then_each_is_there_once_and_in_order(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, recovery):
        assert recovery == Recovery([], None)
        done = [journal.append(fact(n)) for n in range(500)]
        assert all(await asyncio.gather(*done))
        assert journal.pending == 0
    async with opened(tmp_path) as (_, recovery):
        assert numbers(recovery.facts) == list(range(500))
        assert recovery.repaired is None


async def test_given_several_facts_in_one_append_then_they_stay_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        assert await journal.append(fact(1), fact(2), fact(3))
    assert read_all(tmp_path) == [1, 2, 3]


async def test_given_a_chinese_value_with_line_breaks_when_read_then_it_is_unchanged(tmp_path: Path) -> None:
    text = "王秀英\r\n\x00 住三楼\u2028"
    async with opened(tmp_path) as (journal, _):
        await journal.append(fact(1, text))
    async with opened(tmp_path) as (_, recovery):
        (found,) = recovery.facts
        assert isinstance(found.body, Counted)
        assert found.body.padding == text


async def test_given_a_journal_cut_at_every_byte_then_only_the_torn_line_is_lost(tmp_path: Path) -> None:
    """R28."""
    lines = [frame(fact(n, "安")) for n in range(4)]
    whole = b"".join(lines)
    for cut in range(len(whole) + 1):
        folder = tmp_path / str(cut)
        folder.mkdir()
        segment_path(folder, 1).write_bytes(whole[:cut])
        kept = [n for n in range(4) if sum(map(len, lines[: n + 1])) <= cut]
        torn = cut - sum(len(lines[n]) for n in kept)
        async with opened(folder) as (journal, recovery):
            assert numbers(recovery.facts) == kept
            assert (recovery.repaired is not None) == (torn > 0)
            await journal.append(fact(99))
        assert read_all(folder) == [*kept, 99]
        if torn:
            assert (folder / "damaged").read_bytes() == whole[cut - torn : cut] + b"\n"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_given_random_damage_then_untouched_lines_are_kept_and_nothing_false_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """R28: a changed byte costs its own line (two when it was the newline), and the damage is told."""
    folder = tmp_path_factory.mktemp("journal")
    lines = [frame(fact(n)) for n in range(6)]
    content = bytearray(b"".join(lines))
    starts = [sum(map(len, lines[:n])) for n in range(6)]
    hit: set[int] = set()
    for place in data.draw(st.sets(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
        line = max(n for n in range(6) if starts[n] <= place)
        hit |= {line, line + 1} if place == starts[line] + len(lines[line]) - 1 else {line}
    segment_path(folder, 1).write_bytes(bytes(content))
    expected = [n for n in range(6) if n not in hit]

    async def reopen() -> Recovery:
        async with opened(folder) as (_, recovery):
            return recovery

    recovery = asyncio.run(reopen())
    assert numbers(recovery.facts) == expected
    assert recovery.repaired is not None
    assert read_all(folder) == expected
    assert (folder / "damaged").stat().st_size > 0


async def test_given_damage_in_the_middle_when_opened_then_later_lines_are_kept_and_it_is_told(tmp_path: Path) -> None:
    lines = [frame(fact(n)) for n in range(3)]
    segment_path(tmp_path, 1).write_bytes(lines[0] + b"rubbish\n" + lines[2])
    async with opened(tmp_path) as (_, recovery):
        assert numbers(recovery.facts) == [0, 2]
        assert recovery.repaired == "segment 1: 1 damaged line(s) in the middle were skipped and copied to 'damaged'"
    assert (tmp_path / "damaged").read_bytes() == b"rubbish\n"


async def test_given_a_full_segment_then_the_next_begins_with_what_is_still_open(tmp_path: Path) -> None:
    still_open = [fact(1000)]
    async with opened(tmp_path, segment_bytes=2000, carry=lambda: still_open) as (journal, _):
        await journal.append(*still_open)
        for n in range(40):
            await journal.append(fact(n))
        assert segments(tmp_path)[-1] > 2
    async with opened(tmp_path) as (_, recovery):
        assert numbers(recovery.facts)[0] == 1000
        assert len(recovery.facts) < 40
    everything = read_all(tmp_path)
    assert [n for n in everything if n != 1000] == list(range(40))
    assert everything.count(1000) == len(segments(tmp_path))


async def test_given_facts_appended_while_the_segment_turns_then_none_is_in_neither(tmp_path: Path) -> None:
    """The carry is asked for after the appending step is over, so the state already knows the fact."""
    state: list[Fact] = []
    async with opened(tmp_path, segment_bytes=3000, carry=lambda: list(state)) as (journal, _):
        for n in range(100):
            new = fact(n)
            done = journal.append(new)
            state.append(new)
            if n % 7 == 0:
                await done
    async with opened(tmp_path) as (_, recovery):
        assert numbers(recovery.facts) == list(range(100))


async def test_given_a_crash_between_carry_and_switch_then_the_old_segment_still_counts(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        await journal.append(fact(1), fact(2))
    segment_path(tmp_path, 2).with_suffix(".new").write_bytes(frame(fact(1))[:30])
    async with opened(tmp_path) as (journal, recovery):
        assert numbers(recovery.facts) == [1, 2]
        await journal.append(fact(3))
    assert segments(tmp_path) == [1]
    assert read_all(tmp_path) == [1, 2, 3]


async def test_given_no_room_for_a_new_segment_then_the_old_one_grows_on(tmp_path: Path) -> None:
    (tmp_path / "00000002.new").mkdir()
    journal = Journal(tmp_path, CLOCK, segment_bytes=500)
    (tmp_path / "00000002.new").rmdir()
    journal.open()
    (tmp_path / "00000002.new").mkdir()
    for n in range(20):
        await journal.append(fact(n))
    (tmp_path / "00000002.new").rmdir()
    for n in range(20, 40):
        await journal.append(fact(n))
    await journal.close()
    assert len(segments(tmp_path)) > 1
    assert read_all(tmp_path) == list(range(40))


async def test_given_a_second_controller_when_it_opens_the_journal_then_it_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path):
        with pytest.raises(JournalInUse, match="CALLCENTER_NODE"):
            Journal(tmp_path, CLOCK).open()
    async with opened(tmp_path):
        pass


async def test_given_a_file_in_the_folders_place_when_opened_then_the_error_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "journal").write_text("")
    with pytest.raises(JournalUnavailable, match="check the folder"):
        Journal(tmp_path / "journal", CLOCK).open()


WRITER = """
import asyncio, structlog, sys
from pathlib import Path
from callcenter.clock import SystemClock
from callcenter.journal import Journal
from tests.unit.test_journal import fact

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def main() -> None:
    journal = Journal(Path(sys.argv[1]), SystemClock(), segment_bytes=200_000, max_pending=10_000_000)
    journal.open()
    n = 0
    while True:
        done = [journal.append(fact(n + i)) for i in range(50)]
        await asyncio.gather(*done)
        n += 50
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("batches", [1, 7, 40])
def test_given_a_writer_killed_in_mid_write_then_every_acknowledged_fact_is_there_once(
    tmp_path: Path, batches: int
) -> None:
    """R1, R28: kill -9."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    ) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(batches)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    acknowledged = max(int(line) for line in said if line.endswith("\n"))
    assert acknowledged >= batches * 50

    async def reopen() -> None:
        async with opened(tmp_path) as (journal, _):
            await journal.append(fact(-1))

    asyncio.run(reopen())
    found = read_all(tmp_path)
    assert found[:acknowledged] == list(range(acknowledged))
    assert found[-1] == -1
    assert found[:-1] == list(range(len(found) - 1))


FULL_DISK = """
import asyncio, resource, sys
from pathlib import Path
from callcenter.clock import SystemClock
from callcenter.journal import Journal
from tests.unit.test_journal import fact

async def main() -> None:
    journal = Journal(Path(sys.argv[1]), SystemClock())
    journal.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    loop = asyncio.get_running_loop()
    done = []
    while journal.healthy:
        done.append(journal.append(fact(len(done), "x" * (len(done) % 90))))
        await asyncio.sleep(0.0005)
    assert "EFBIG" in journal.problem or "large" in journal.problem, journal.problem
    began = loop.time()
    assert not await journal.durable(fact(len(done)))
    assert loop.time() - began < 0.1, "a disk known to be full must not hold up the call"
    for n in range(1, 200):
        done.append(journal.append(fact(len(done) + 1)))
    assert journal.pending >= 200
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert all(await asyncio.wait_for(asyncio.gather(*done), 10))
    assert journal.healthy and journal.pending == 0
    print(len(done) + 1)
    await journal.close()

asyncio.run(main())
"""


def test_given_a_full_disk_when_there_is_room_again_then_nothing_is_lost_or_torn(tmp_path: Path) -> None:
    """R9: calls go on, nothing written is lost, what waited is written in order."""
    run = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr + run.stdout
    total = int(run.stdout.splitlines()[-1])
    assert read_all(tmp_path) == list(range(total))
    assert not (tmp_path / "damaged").exists()


CLOSED_FULL = """
import asyncio, resource, sys
from pathlib import Path
from callcenter.clock import SystemClock
from callcenter.journal import Journal
from tests.unit.test_journal import fact

async def main() -> None:
    journal = Journal(Path(sys.argv[1]), SystemClock())
    journal.open()
    await journal.append(fact(0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))
    journal.append(*(fact(n) for n in range(1, 20)))
    await journal.close(within=5)
    assert journal.pending == 19

asyncio.run(main())
"""


def test_given_a_full_disk_when_closed_then_it_ends_and_the_written_part_is_whole(tmp_path: Path) -> None:
    """R9."""
    run = subprocess.run(
        [sys.executable, "-c", CLOSED_FULL, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stderr + run.stdout

    async def reopen() -> list[int]:
        async with opened(tmp_path) as (_, recovery):
            return numbers(recovery.facts)

    found = asyncio.run(reopen())
    assert found == list(range(len(found)))
    assert found


async def test_given_more_waiting_than_memory_allows_then_facts_are_refused_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path, max_pending=10) as (journal, _):
        kept = journal.append(*(fact(n) for n in range(10)))
        refused = journal.append(fact(10))
        assert refused.result() is False
        assert journal.lost == 1
        assert not journal.healthy
        assert await kept
    assert read_all(tmp_path) == list(range(10))


async def test_given_a_healthy_disk_when_durable_then_it_is_on_disk_before_the_dial(tmp_path: Path) -> None:
    async with opened(tmp_path) as (journal, _):
        assert await journal.durable(fact(1), within=5)
        assert read_all(tmp_path) == [1]


async def test_given_a_reader_when_facts_arrive_then_it_goes_on_where_it_was_across_segments(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path, CLOCK)
    seen: list[int] = []
    position = START
    assert reader.read(position) == ([], START)
    async with opened(tmp_path, segment_bytes=1500) as (journal, _):
        for n in range(60):
            await journal.append(fact(n))
            if n % 4 == 0:
                found, position = await asyncio.to_thread(reader.read, position, 3)
                seen += numbers(item for item, _ in found)
                assert all(place <= position for _, place in found)
        while reader.behind(position):
            found, position = reader.read(position, 7)
            seen += numbers(item for item, _ in found)
        last = segments(tmp_path)[-1]
        assert position == Position(last, segment_path(tmp_path, last).stat().st_size)
    assert seen == list(range(60))


def test_given_a_half_written_line_when_read_then_the_reader_waits_for_the_rest(tmp_path: Path) -> None:
    first, second = frame(fact(1)), frame(fact(2))
    path = segment_path(tmp_path, 1)
    reader = JournalReader(tmp_path, CLOCK)
    path.write_bytes(first + second[:-5])
    found, position = reader.read()
    assert numbers(item for item, _ in found) == [1]
    assert position == Position(1, len(first))
    path.write_bytes(first + second)
    found, _ = reader.read(position)
    assert numbers(item for item, _ in found) == [2]


def test_given_a_bad_line_at_the_end_of_a_finished_segment_then_the_reader_passes_it(tmp_path: Path) -> None:
    segment_path(tmp_path, 1).write_bytes(frame(fact(1)) + b"rubbish\n")
    reader = JournalReader(tmp_path, CLOCK)
    _, position = reader.read()
    assert reader.read(position)[0] == []
    segment_path(tmp_path, 2).write_bytes(frame(fact(2)))
    found, position = reader.read(position)
    assert numbers(item for item, _ in found) == [2]
    assert reader.behind(position) == 0


def test_given_relayed_segments_when_old_enough_then_they_go_and_the_newest_stays(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        path = segment_path(tmp_path, number)
        path.write_bytes(frame(fact(number)))
        written = (NOW - timedelta(days=40 if number < 3 else 10)).timestamp()
        os.utime(path, (written, written))
    reader = JournalReader(tmp_path, CLOCK, keep_days=30)
    assert reader.relayed(Position(2, 0)) == [1]
    assert reader.relayed(Position(4, 0)) == [2]
    assert segments(tmp_path) == [3, 4]
    assert numbers(item for item, _ in reader.read(Position(1, 0))[0]) == [3, 4]
