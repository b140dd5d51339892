"""A test that is tried once more counts once in the fault suite's table, and begins with a module's fixtures anew."""

import json
import subprocess
import sys
from pathlib import Path

from callcenter.asterisk_config import REPO

SUITE = """
import pytest, pytest_asyncio

lives = []

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running():
    lives.append("begun")
    yield len(lives)
    lives.append("ended")

def count(tally):
    tally.tried += 1
    tally.answered += 1
    tally.audited = True

pytestmark = pytest.mark.asyncio(loop_scope="module")

@pytest.mark.fault("R1")
async def test_whole(running, tally):
    count(tally)
    assert lives == ["begun"]

@pytest.mark.fault("R1")
async def test_second_try(running, tally):
    count(tally)
    assert lives == ["begun", "ended", "begun"]

@pytest.mark.fault("R2")
async def test_never(running, tally):
    count(tally)
    assert len(lives) > 9
"""


def test_given_a_second_try_then_only_the_last_one_is_counted_on_a_product_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_tried.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = fault(number): counts\n    long: long\n")
    plugins = ("-p", "tests.conftest", "-p", "tests.faults.conftest", "-p", "no:cacheprovider")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "--reruns", "1", "--faults-json", "table.json", "."],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPO), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 2 passed, 2 rerun" in done.stdout, done.stdout + done.stderr
    table = {row["no"]: row for row in json.loads((tmp_path / "table.json").read_text())}
    assert {name: table[name]["tried"] for name in ("R1", "R2")} == {"R1": 2, "R2": 1}
    assert {name: table[name]["result"] for name in ("R1", "R2")} == {"R1": "ok", "R2": "FAILED"}
