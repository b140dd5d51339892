"""The ledger: the one way by which anything becomes a fact in the controller.

A fact is written to the journal, folded at once into every in-memory state (appliers, pure), and only
then shown to those who react to it (reactors), strictly in the order of the facts. So a reactor always
sees the state after the fact, and may itself record more without upsetting the order.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from callcenter.clock import Clock
from callcenter.facts import Body, Fact, record

log = structlog.get_logger(__name__)

Listener = Callable[[Fact], None]


class Sink(Protocol):
    """Where facts are kept: the journal."""

    def append(self, *facts: Fact) -> object:
        """Queue facts for writing, in order; returns at once."""


class Durable(Protocol):
    """The journal's promise, for what is dangerous to repeat."""

    async def durable(self, *, within: float = 0.5) -> bool:
        """Wait until everything appended so far would survive a power cut; False when that took too long, seconds."""


class Ledger:
    """Records facts. Single-threaded: used from the controller's event loop only."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._appliers: list[Listener] = []
        self._reactors: list[Listener] = []
        self._pending: deque[Fact] = deque()
        self._reacting = False

    def on_apply(self, applier: Listener) -> None:
        """Register a pure fold over facts; runs for new facts and for replayed ones."""
        self._appliers.append(applier)

    def on_react(self, reactor: Listener) -> None:
        """Register a policy that acts on new facts; never runs for replayed ones."""
        self._reactors.append(reactor)

    def record(
        self,
        *bodies: Body,
        actor: str,
        call_id: str | None = None,
        incident_id: str | None = None,
    ) -> list[Fact]:
        """Make facts of ``bodies`` now; returns them once every state knows them."""
        at = self._clock.now()
        facts = [record(body, at, actor, call_id=call_id, incident_id=incident_id) for body in bodies]
        self.take_in(facts)
        return facts

    def take_in(self, facts: Sequence[Fact]) -> None:
        """Record facts that were made elsewhere (their ids and times are kept)."""
        self._sink.append(*facts)
        for fact in facts:
            self._apply(fact)
        self._pending.extend(facts)
        self._react()

    def replay(self, facts: Sequence[Fact]) -> None:
        """Fold what the journal held before a restart; nothing is written and nobody reacts."""
        for fact in facts:
            self._apply(fact)

    def _apply(self, fact: Fact) -> None:
        for applier in self._appliers:
            try:
                applier(fact)
            except Exception:
                # One fold's mistake must neither keep the fact from the others nor stop a start for ever.
                log.exception("applier_failed", kind=fact.kind, fact_id=fact.id, call_id=fact.call_id)

    def _react(self) -> None:
        if self._reacting:
            return
        self._reacting = True
        try:
            while self._pending:
                fact = self._pending.popleft()
                for reactor in self._reactors:
                    try:
                        reactor(fact)
                    except Exception:
                        # One policy's mistake must not keep the others from helping the caller.
                        log.exception("reactor_failed", kind=fact.kind, fact_id=fact.id, call_id=fact.call_id)
        finally:
            self._reacting = False
