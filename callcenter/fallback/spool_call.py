"""AGI script that leaves a call in the spool while the controller is away (A10, R1).

Asterisk runs it by itself, twice a call: when the fallback takes the call and when the call is over.
Nothing else of the product need be working, so it imports as little as it can, never raises, and tries
a second and a third folder when the spool cannot be written. One JSON file an event, complete in itself.

Usage: ``spool_call.py SPOOL EVENT LINE DID START RECORDING CALL [DIALSTATUS ANSWERED_BY ANSWERED_SECONDS]``
with EVENT ``arrived`` or ``ended``, START in epoch seconds, CALL empty unless the controller knew the call.
"""

import json
import os
import re
import sys
import time
import types
import zlib

# pyst2 prints with it when it debugs, and loading it takes as long as all the rest: in an outage with many presses
# that is what the processors would do in place of answering them.
if __name__ == "__main__":
    sys.modules["pprint"] = types.SimpleNamespace(pformat=repr)  # type: ignore[assignment]

from asterisk.agi import AGI

FIELDS = ("event", "line", "did", "start", "recording", "call", "dial_status", "answered_by", "answered_seconds")


def folders(spool: str) -> list[str]:
    """Where a call may have been left, best first; the later ones are for a full or read-only disk."""
    name = f"callcenter-spool-{zlib.crc32(spool.encode()):08x}"
    return [spool, os.path.join("/dev/shm", name), os.path.join("/tmp", name)]  # noqa: PTH118, S108 - pathlib takes 5 ms


def event(environment: dict[str, str], arguments: list[str]) -> dict[str, str]:
    """What is known of the call, from Asterisk's environment lines and the script's arguments."""
    return {
        "uniqueid": environment.get("agi_uniqueid", ""),
        "caller": environment.get("agi_callerid", ""),
        "written": f"{time.time():.3f}",
        **dict(zip(FIELDS, arguments, strict=False)),
    }


def spool(folder: str, said: dict[str, str]) -> None:
    """Leave one event in a folder: whole or not at all. Raises `OSError`."""
    os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    if os.stat(folder).st_uid != os.geteuid():  # noqa: PTH116
        raise PermissionError(f"{folder} belongs to somebody else")
    name = re.sub(r"[^A-Za-z0-9.-]", "_", said["uniqueid"])[:100] or "unknown"
    path = f"{folder}/{name}.{'ended' if said.get('event') == 'ended' else 'arrived'}.json"
    temporary = f"{path}.{os.getpid()}.new"
    with open(temporary, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(said, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    os.rename(temporary, path)  # noqa: PTH104
    descriptor = os.open(folder, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def main(arguments: list[str]) -> None:
    """Spool the call that Asterisk runs us for."""
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    # pyst2 writes all it sees to its error stream, numbers included: it gets one that goes nowhere (I1).
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        agi = AGI(sys.stdin, sys.stdout, nowhere)
        said = event(agi.env, arguments[1:])
        for folder in folders(arguments[0]):
            try:
                spool(folder, said)
            except OSError as error:
                agi.verbose(f"callcenter: cannot spool to {folder}: {error.strerror}", 1)
            else:
                return


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Exception as failure:  # whatever it is, the call must go on
        print(f'VERBOSE "callcenter: spooling failed: {type(failure).__name__}" 1', flush=True)  # noqa: T201
