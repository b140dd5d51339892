"""Runs the benchmark: measures, prints the table, writes the JSON."""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.console import console
from bench.figures import MEMORY_CALLS, QUICK, Extent, Result, answer, human, lifecycle, memory
from bench.kill import kill
from bench.machine import describe
from bench.routing import routing
from bench.table import show
from callcenter.asterisk_runtime import find_asterisk
from callcenter.clock import SHANGHAI
from callcenter.errors import CallCenterError
from callcenter.settings import load_settings

FIGURES = {
    "answer": answer,
    "human": human,
    "lifecycle": lifecycle,
    "kill": kill,
    "console": console,
    "routing": routing,
    "memory": memory,
}
USUAL = ("answer", "human", "lifecycle", "kill", "console", "routing")


def main() -> int:
    """Measure; 0 when every target was reached, 1 when one was missed, 2 when it could not be measured."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some four minutes; rough")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the result")
    parser.add_argument(
        "--only",
        choices=FIGURES,
        action="append",
        help="only this figure (may be repeated); memory takes long and is only measured when asked for",
    )
    for name in ("console", "routing"):
        parser.add_argument(
            f"--{name}", action="append_const", dest="only", const=name, help=f"the same as --only {name}"
        )
    parser.add_argument("--calls", type=int, default=MEMORY_CALLS, help="how many calls for --only memory")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep instances' data and SIPp's logs there")
    arguments = parser.parse_args()
    try:
        report = asyncio.run(_measure(arguments))
    except CallCenterError as error:
        sys.stderr.write(f"bench: {error.message}\n")
        return 2
    path = arguments.json or load_settings().data / "bench" / f"{datetime.now(SHANGHAI):%Y%m%dT%H%M%S}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str) + "\n", "utf-8")
    _say(f"\nwritten: {path}")
    return 0 if report["passed"] else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    runtime = find_asterisk()
    machine = describe(runtime)
    for name, value in machine.items():
        _say(f"{name:<12} {value}")
    extent = replace(QUICK if arguments.quick else Extent(), memory_calls=max(2000, arguments.calls))
    begun = time.monotonic()
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="callcenter-bench-") as temporary:
        folder = (arguments.keep or Path(temporary)).resolve()
        for name in arguments.only or USUAL:
            results.append(await FIGURES[name](folder / name, runtime, extent))
            _say(show(results[-1]))
    machine["load_after"] = list(os.getloadavg())
    seconds = time.monotonic() - begun
    _say(f"\nload before {machine['load_before']}, after {machine['load_after']}; {seconds:.0f} s")
    return {
        "at": datetime.now(SHANGHAI).isoformat(timespec="seconds"),
        "quick": arguments.quick,
        "machine": machine,
        "seconds": round(seconds, 1),
        "figures": [result.to_dict() for result in results],
        "passed": all(verdict.passed for result in results for verdict in result.verdicts),
    }


if __name__ == "__main__":
    sys.exit(main())
