"""A fact: something that happened, typed, versioned and never altered (A7, C10, E3).

Facts are the only thing the call path writes. A domain declares the body of each of its facts as a
`msgspec.Struct` under a stable kind; the journal stores the envelope as one JSON line, and everyone
else (database relay, live socket, replay after a restart) reads the same line.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import msgspec

from callcenter.ids import new_id

_BODIES: dict[tuple[str, int], type["Body"]] = {}


class Body(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all fact bodies; declared as ``@kind("call.opened") class CallOpened(Body, frozen=True)``.

    A new field needs a default, so that old lines still decode; a changed meaning needs a new version.
    """

    KIND: ClassVar[str] = "unknown"
    VERSION: ClassVar[int] = 1


BodyType = TypeVar("BodyType", bound=type[Body])


def kind(name: str, version: int = 1) -> Callable[[BodyType], BodyType]:
    """Class decorator: ``@kind("call.opened")`` registers a `Body` under its kind and version.

    Raises `TypeError` when two bodies claim the same kind and version.
    """

    def register(body_type: BodyType) -> BodyType:
        known = _BODIES.setdefault((name, version), body_type)
        if known is not body_type:
            raise TypeError(f"fact kind {name} v{version} is declared twice: {known} and {body_type}")
        body_type.KIND, body_type.VERSION = name, version
        return body_type

    return register


class Unknown(Body, frozen=True):
    """A body this release does not know (written by a newer one); kept as it was, never dropped."""

    data: dict[str, Any]


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened.

    ``id``: UUIDv7, the key by which everything downstream is idempotent. ``at``: aware UTC.
    ``actor``: who did it: a user name, ``system``, ``pbx``, ``elder``, ``device:<id>``.
    ``call_id``/``incident_id``: what it belongs to, for the timeline.
    """

    id: str
    at: datetime
    actor: str
    body: Body
    call_id: str | None = None
    incident_id: str | None = None

    @property
    def kind(self) -> str:
        """The body's stable kind, e.g. ``call.opened``."""
        return type(self.body).KIND


class _Line(msgspec.Struct, omit_defaults=True):
    """The stored form of a fact."""

    id: str
    at: datetime
    kind: str
    v: int
    actor: str
    data: msgspec.Raw
    call_id: str | None = None
    incident_id: str | None = None


_encoder = msgspec.json.Encoder()
_line_decoder = msgspec.json.Decoder(_Line)


def record(
    body: Body,
    at: datetime,
    actor: str,
    *,
    call_id: str | None = None,
    incident_id: str | None = None,
    id: str | None = None,
) -> Fact:
    """Make a fact now; its id is fresh unless it is derived from what was taken in."""
    return Fact(id=id or new_id(), at=at, actor=actor, body=body, call_id=call_id, incident_id=incident_id)


def encode(fact: Fact) -> bytes:
    """A fact as one line of JSON, without the newline."""
    if isinstance(fact.body, Unknown):
        kind, _, version = str(fact.body.data["kind"]).partition("@")
        data = fact.body.data["data"]
    else:
        kind, version = fact.body.KIND, str(fact.body.VERSION)
        data = fact.body
    return _encoder.encode(
        _Line(
            id=fact.id,
            at=fact.at,
            kind=kind,
            v=int(version),
            actor=fact.actor,
            data=msgspec.Raw(_encoder.encode(data)),
            call_id=fact.call_id,
            incident_id=fact.incident_id,
        )
    )


def decode(line: bytes) -> Fact:
    """The fact in a line; raises `msgspec.DecodeError` when the line is damaged."""
    stored = _line_decoder.decode(line)
    body_type = _BODIES.get((stored.kind, stored.v))
    body: Body
    if body_type is None:
        body = Unknown(data={"kind": f"{stored.kind}@{stored.v}", "data": msgspec.json.decode(stored.data)})
    else:
        body = msgspec.json.decode(stored.data, type=body_type)
    return Fact(
        id=stored.id,
        at=stored.at,
        actor=stored.actor,
        body=body,
        call_id=stored.call_id,
        incident_id=stored.incident_id,
    )
