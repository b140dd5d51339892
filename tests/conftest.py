"""What all tests share: which examples are drawn, which of the fault suite's tests run, its table (R1 … R28)."""

import itertools
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.faults.table import Tally, as_text, rows, write_json

TALLY = "tally"
"""The property of a report under which a test of the fault suite hands over its counts."""
tallies = pytest.StashKey[list[Tally]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults", "the fault suite, tests/faults")
    group.addoption("--faults", action="store_true", help="Run the long fault tests too, and each at its full length.")
    group.addoption("--faults-json", metavar="FILE", help="Write the table of the fault suite into a file as JSON.")
    parser.addoption("--explore", action="store_true", help="Draw new examples for the property tests, at random.")


def pytest_configure(config: pytest.Config) -> None:
    # A change is judged by the same examples each time: what chance finds in the work of others is for --explore.
    settings.register_profile("same", derandomize=True)
    settings.load_profile("default" if config.getoption("--explore") else "same")
    config.pluginmanager.register(FaultSuite(config), "fault-suite")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    if report.when == "call":
        for tally in item.stash.get(tallies, []):
            tally.passed = report.passed
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Who tries once more (`--reruns`) begins anew: what its module shares may have been left hurt."""
    if getattr(item, "execution_count", 1) > 1 and isinstance(item, pytest.Function):
        for name, found in item._fixtureinfo.name2fixturedefs.items():
            # The event loop goes on: what else is shared may belong to it.
            if found[-1].scope == "module" and not name.startswith("_"):
                found[-1].finish(item._request)  # type: ignore[arg-type]  # which names the test, no more


class FaultSuite:
    """Leaves out the long tests, collects what the others counted (also in other processes) and prints the table."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._counted: dict[str, list[Tally]] = {}
        self._left_out = 0

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """The long ones are for `scripts/test --faults`, or for whoever names one by its ``file::test``."""
        if config.getoption("--faults") or any("::" in argument for argument in config.args):
            return
        long = [item for item in items if item.get_closest_marker("long")]
        if long:
            config.hook.pytest_deselected(items=long)
            items[:] = [item for item in items if not item.get_closest_marker("long")]
            self._left_out = len(long)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown":
            # Of a test that tried once more the last try counts.
            counted = [Tally(**value) for name, value in report.user_properties if name == TALLY]  # type: ignore[arg-type]
            self._counted[report.nodeid] = counted

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if (output := getattr(session.config, "workeroutput", None)) is not None:
            output["left_out"] = self._left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self._left_out = max(self._left_out, getattr(node, "workeroutput", {}).get("left_out", 0))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        table = rows(itertools.chain.from_iterable(self._counted.values()))
        if any(self._counted.values()):
            terminalreporter.section("fault suite")
            for line in as_text(row for row in table if row.tallies or self._config.getoption("--faults")):
                terminalreporter.write_line(line)
            if path := self._config.getoption("--faults-json"):
                write_json(table, Path(path))
        if self._left_out:
            terminalreporter.write_line(
                f"{self._left_out} long fault tests were not run: scripts/test --faults runs all of them."
            )
