"""Codes for how an emergency ended and what caused it: versioned data, in codes.json.

Outcomes stay free text for whoever closes an incident; a code is what can be counted. A code is never taken out or
given another meaning, only added, so that old records stay readable.
"""

from functools import cache
from importlib.resources import files
from types import MappingProxyType

import msgspec


class Code(msgspec.Struct, frozen=True):
    """A code with its name in Chinese and English."""

    code: str
    zh: str
    en: str


class Codes(msgspec.Struct, frozen=True):
    """All codes of one version of the data."""

    version: int
    outcomes: tuple[Code, ...]
    causes: tuple[Code, ...]


@cache
def load_codes() -> Codes:
    """The codes that this release ships."""
    return msgspec.json.decode(files("callcenter.reports").joinpath("codes.json").read_bytes(), type=Codes)


@cache
def _names(what: str) -> MappingProxyType[str, str]:
    return MappingProxyType({code.code: code.zh for code in getattr(load_codes(), what)})


def outcome_name(outcome: str) -> str:
    """The Chinese name of an outcome; free text is its own name."""
    return _names("outcomes").get(outcome, outcome)


def cause_name(cause: str) -> str:
    """The Chinese name of a cause; an unknown code is shown as it is."""
    return _names("causes").get(cause, cause)
