"""A figure as text for a terminal."""

from collections.abc import Iterator
from typing import Any

from bench.figures import Result

NOISE = 0.25
"""Cores in other hands, above which a figure says more about them than about us."""


def show(result: Result) -> str:
    """Both sides' numbers, then each target with PASS or MISS."""
    return "\n".join(["", result.name, *_sides(result), *_verdicts(result), *(f"  {note}" for note in result.notes)])


def _sides(result: Result) -> Iterator[str]:
    for side, numbers in (("bare", result.bare), ("ours", result.ours)):
        trials = numbers.get("trials")
        for one in trials or ([numbers] if numbers else []):
            yield f"  {side:<5}{_line(one)}"
        if trials:
            yield f"  {side:<5}sustained {numbers['best']:.1f} calls/s"
        if any(one.get("cores", {}).get("rest", 0) > NOISE for one in trials or ([numbers] if numbers else [])):
            yield f"  ! others used more than {NOISE} cores meanwhile (rest): the figures above are worth little"
        for complaint in filter(None, (numbers.get("complaint"), numbers.get("seat_complaint"))):
            yield f"       SIPp: {complaint}"
    for name, numbers in result.beside.items():
        told = _line(numbers) if "rate" in numbers else ", ".join(f"{key}: {value}" for key, value in numbers.items())
        yield f"  {name}: {told or 'none'}"


def _verdicts(result: Result) -> Iterator[str]:
    for verdict in result.verdicts:
        word, sign = "PASS" if verdict.passed else "MISS", "≤" if verdict.at_most else "≥"
        yield f"  {word} {verdict.what}: {verdict.measured:.3g} ({sign} {verdict.limit:g})"


def _line(numbers: dict[str, Any]) -> str:
    what = "facts" if "delivery_ms" in numbers else "calls"
    parts = [f"{numbers['rate']:.1f}/s", f"{numbers['calls']} {what}", f"lost {numbers['lost']}"]
    for name in ("answer_ms", "human_ms", "human_answer_ms", "delivery_ms"):
        if name in numbers:
            values = numbers[name]
            shown = " ".join(f"{key} {values[key]:.1f}" for key in ("p50", "p95", "p99", "max"))
            parts.append(f"{name} {shown}")
    if "database_seconds_behind" in numbers:
        behind = numbers["database_seconds_behind"]
        parts.append("database not in step" if behind is None else f"database {behind:.1f} s behind")
    if "cores" in numbers:
        parts.append("cores " + " ".join(f"{name} {cores:.2f}" for name, cores in numbers["cores"].items()))
    if numbers.get("why_not"):
        parts.append(f"NOT SUSTAINED: {numbers['why_not']}")
    return "  ".join(parts)
