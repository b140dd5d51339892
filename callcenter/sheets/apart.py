"""``python -m callcenter.sheets.apart``: reads or writes one spreadsheet, and ends. Its input is untrusted.

Standard input: a line of JSON that says what to do, then a file to read, or rows to write as JSON. Standard output: the
rows as JSON, or the file.
"""

import os
import resource
import sys

import msgspec

from callcenter.sheets.reading import Rows, Unreadable, read
from callcenter.sheets.writing import Cell, write

MEMORY = 1024**3
CPU_SECONDS = 60
NICENESS = 10


class Order(msgspec.Struct, frozen=True):
    """What to do. ``do``: ``read`` or ``write``."""

    do: str
    title: str = ""
    header: list[str] = []
    notes: list[str] = []


class Read(msgspec.Struct, frozen=True):
    """What was in a file; or why not."""

    rows: Rows = []
    problem: str = ""


def main() -> None:
    """Do what is asked for, under limits of memory and time."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    line, _, content = sys.stdin.buffer.read().partition(b"\n")
    order = msgspec.json.decode(line, type=Order)
    if order.do == "write":
        rows = msgspec.json.decode(content, type=list[list[Cell]])
        answer = write(order.title, order.header, rows, order.notes)
    else:
        try:
            answer = msgspec.json.encode(Read(rows=read(content)))
        except (Unreadable, MemoryError) as error:
            answer = msgspec.json.encode(Read(problem=str(error) or "文件太大 / the file is too large"))
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
