"""Request templates of the gateway: ``{name}`` in any string of a JSON document, ``{{`` and ``}}`` for braces."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from callcenter.errors import InvalidInput

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z0-9_]+(?:\.[A-Za-z0-9_-]+)?)\}|[{}]")
_PARAMS = "params."

Json = Any
"""What json.loads gives."""


def names_in(document: Json) -> Iterator[str]:
    """Every placeholder in a document; raises `InvalidInput` for a lone brace."""
    if isinstance(document, str):
        for found in _TOKEN.finditer(document):
            if found[0] in ("{", "}"):
                raise InvalidInput(f"a lone {found[0]} in {document!r}: write {found[0] * 2}, or a name between braces")
            if found[1]:
                yield found[1]
    elif isinstance(document, Mapping):
        for key, value in document.items():
            yield from names_in(key)
            yield from names_in(value)
    elif isinstance(document, list):
        for value in document:
            yield from names_in(value)


def check(document: Json, known: Collection[str]) -> None:
    """Raises `InvalidInput` that names a placeholder which nothing would ever fill."""
    for name in names_in(document):
        if name not in known and not name.startswith(_PARAMS):
            allowed = ", ".join(sorted(known))
            raise InvalidInput(f"there is no {{{name}}}; known are {allowed} and params.NAME")


def fill(document: Json, values: Mapping[str, str], escape: Callable[[str], str] = str) -> Json:
    """The document with its placeholders filled; a parameter that was not given is empty.

    ``escape``: what each value goes through, e.g. percent-encoding in a URL.
    """
    if isinstance(document, str):
        return _TOKEN.sub(lambda found: escape(values.get(found[1], "")) if found[1] else found[0][0], document)
    if isinstance(document, Mapping):
        return {fill(key, values, escape): fill(value, values, escape) for key, value in document.items()}
    if isinstance(document, list):
        return [fill(value, values, escape) for value in document]
    return document


def check_pointer(pointer: str) -> str:
    """A JSON pointer (RFC 6901), or `InvalidInput`."""
    if pointer and not pointer.startswith("/"):
        raise InvalidInput(f"a JSON pointer begins with / (got {pointer!r})")
    return pointer


def at(document: Json, pointer: str) -> Json:
    """What a JSON pointer points to; None when there is nothing."""
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document


def word(value: Json) -> str:
    """A value of an answer as the file compares it: 0 and "0" are the same, so are true and "true"."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
