"""What all tests share: which examples are drawn, which of the fault suite's tests run, its table (R1 … R28)."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.faults.table import Tally, as_text, rows, write_json

tallies = pytest.StashKey[list[Tally]]()
_left_out = pytest.StashKey[int]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "the fault suite, tests/faults")
    group.addoption("--faults", action="store_true", help="Run the long fault tests too, and each at its full length.")
    group.addoption("--faults-json", metavar="FILE", help="Write the table of the fault suite into a file as JSON.")
    parser.addoption("--explore", action="store_true", help="Draw new examples for the property tests, at random.")


def pytest_configure(config: pytest.Config) -> None:
    # A change is judged by the same examples each time: what chance finds in the work of others is for --explore.
    settings.register_profile("same", derandomize=True)
    settings.load_profile("default" if config.getoption("--explore") else "same")
    config.stash[tallies] = []
    config.stash[_left_out] = 0


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long ones are for `scripts/test --faults`, or for whoever names one by its ``file::test``."""
    if config.getoption("--faults") or any("::" in argument for argument in config.args):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]
        config.stash[_left_out] = len(long)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    counted = item.stash.setdefault(tallies, [])
    fault = item.get_closest_marker("fault")
    if fault is not None and report.failed and not counted:  # it did not come as far as counting
        counted.append(Tally(*fault.args))
        item.config.stash[tallies] += counted
    for tally in counted:
        # What fails before or after the test itself is a failure all the same.
        tally.passed = report.passed if report.when == "call" else tally.passed and report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    counted = config.stash[tallies]
    if counted:
        table = [row for row in rows(counted) if row.tallies or config.getoption("--faults")]
        terminalreporter.section("fault suite")
        for line in as_text(table):
            terminalreporter.write_line(line)
        if path := config.getoption("--faults-json"):
            write_json(rows(counted), Path(path))
    if config.stash[_left_out]:
        terminalreporter.write_line(
            f"{config.stash[_left_out]} long fault tests were not run: scripts/test --faults runs all of them."
        )
