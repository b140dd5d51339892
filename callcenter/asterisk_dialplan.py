"""What a dialplan asks of Asterisk: Asterisk itself finds out only when an elder's call comes there (R24).

It loads a dialplan that names an application nobody loaded, or a context that does not exist, without a word; the
call that meets it is dropped.
"""

import re
from collections.abc import Callable, Iterable

_STEP = re.compile(r"^\s*(?:exten\s*=>\s*[^,]*,|same\s*=>\s*)[^,]*(?:,\s*(\w*)(.*))?$")
_CONTEXT = re.compile(r"^\[([\w-]+)\]")
_INNER = re.compile(r"\?\s*([A-Z]\w*)\(")
_FUNCTION = re.compile(r"(?:\$\{|Set\()([A-Z][A-Z_]+)\(")
_GOTO = re.compile(r"\bGoto(?:If)?\((.*)\)\s*$")
_PLACE = re.compile(r"(?:^|[?:])([a-z][\w-]*),[\w-]+,\w+")


def missing(dialplan: Iterable[str], cli: Callable[[str], str], absent: Iterable[str] = ()) -> list[str]:
    """Sentences on what ``dialplan`` (texts of its files) uses and the running Asterisk behind ``cli`` does not have.

    ``absent``: modules (``app_echo``) that this machine's Asterisk came without and that a call can do without.
    """
    lines = [line for text in dialplan for line in text.splitlines() if not line.lstrip().startswith(";")]
    known = {_plain(name) for name in re.findall(r"^\s*(\w+): ", cli("core show applications"), re.MULTILINE)}
    known |= {_plain(name) for name in re.findall(r"^([A-Z]\w+) ", cli("core show functions"), re.MULTILINE)}
    known |= {_plain(module.partition("_")[2]) for module in absent}
    contexts = {found[1] for line in lines if (found := _CONTEXT.match(line))}
    said: list[str] = []
    for line in lines:
        step = _STEP.match(line)
        if step is None:
            continue
        used = [step[1] or "", *_INNER.findall(step[2] or ""), *_FUNCTION.findall(line)]
        said += [f"no {name or 'application'} for: {line.strip()}" for name in used if _plain(name) not in known]
        goto = _GOTO.search(line)
        places = _PLACE.findall(goto[1]) if goto else []
        said += [f"no context {place} for: {line.strip()}" for place in places if place not in contexts]
    return said


def _plain(name: str) -> str:
    """As Asterisk compares names: case does not count; nor, for modules' names, do underscores."""
    return name.lower().replace("_", "")
