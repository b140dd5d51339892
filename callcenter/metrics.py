"""Prometheus metrics: what an on-call engineer looks at first (A1, B1)."""

import math
from collections import Counter as Counts
from collections.abc import Callable, Iterable
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from callcenter.calls import facts as cf
from callcenter.calls.model import Role
from callcenter.controller import Controller
from callcenter.emergency import facts as ef
from callcenter.facts import Fact
from callcenter.journal import Journal
from callcenter.notifications import facts as mf
from callcenter.reports.answer_times import Times
from callcenter.reports.live import CALLS, LiveAnswerTimes, seconds
from callcenter.routing.model import SeatState
from callcenter.watchdog import facts as f
from callcenter.watchdog.rules import PATIENCE
from callcenter.worker_link import WorkerLink

_ANSWER_BUCKETS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 3, 5, 8, 12, 20, 30, 60, 120)


_BY: tuple[Literal["kind", "area"], ...] = ("kind", "area")


def _ranks(times: Times) -> dict[str, int | None]:
    return {"0.5": times.p50_ms, "0.95": times.p95_ms, "0.99": times.p99_ms, "1": times.worst_ms}


class _Group:
    """The answer times of the last 24 hours, kind by kind or area by area; a kind that nobody had is not shown."""

    def __init__(self, by: Literal["kind", "area"], registry: CollectorRegistry) -> None:
        self._by = by
        day = f"of the last 24 hours, by {by} (A1)"
        self._seconds = Gauge(
            f"callcenter_answer_seconds_by_{by}",
            f"Answer times of emergency calls {day}; quantile 1 is the worst, +Inf was never answered.",
            [by, "who", "quantile"],
            registry=registry,
        )
        self._within = Gauge(
            f"callcenter_answered_within_limit_ratio_by_{by}",
            f"Share answered within the limit {day}; who was never answered is in the denominator.",
            [by, "who"],
            registry=registry,
        )
        self._calls = Gauge(
            f"callcenter_answer_calls_by_{by}", f"Emergency calls {day}.", [by, "answered"], registry=registry
        )

    def show(self, live: LiveAnswerTimes) -> None:
        """Set what is true now."""
        for gauge in (self._seconds, self._within, self._calls):
            gauge.clear()
        for group in live.groups(self._by):
            for who, times in (("system", group.system), ("human", group.human)):
                for quantile, value in _ranks(times).items():
                    self._seconds.labels(group.name, who, quantile).set(seconds(value, times))
                share = times.share_within_limit
                self._within.labels(group.name, who).set(math.nan if share is None else share)
            self._calls.labels(group.name, "yes").set(group.human.answered)
            self._calls.labels(group.name, "no").set(group.human.incidents - group.human.answered)


class Metrics:
    """The metrics of one process; gauges are read at scrape time."""

    def __init__(self, controller: Controller, journal: Journal, record: WorkerLink) -> None:
        self._controller = controller
        self.registry = CollectorRegistry()
        self._facts = Counter("callcenter_facts", "Facts recorded.", ["kind"], registry=self.registry)
        self._system = Histogram(
            "callcenter_system_answer_seconds",
            "From INVITE to the machine's answer (A1).",
            ["line"],
            buckets=_ANSWER_BUCKETS,
            registry=self.registry,
        )
        self._human = Histogram(
            "callcenter_human_answer_seconds",
            "From the first INVITE of an emergency to a human in the room (A1).",
            buckets=_ANSWER_BUCKETS,
            registry=self.registry,
        )
        self._late = Counter(
            "callcenter_human_answer_late", "Emergencies over the limit of A1.", registry=self.registry
        )
        self._gauge("callcenter_open_calls", "Calls that are up.", lambda: len(controller.calls.open_calls()))
        self._gauge("callcenter_open_emergencies", "Open incidents.", lambda: controller.emergencies.open_count)
        self._gauge(
            "callcenter_waiting_emergencies", "Incidents without a human.", lambda: controller.emergencies.waiting_count
        )
        self._gauge("callcenter_waiting_hotline", "Hotline callers who wait.", lambda: len(controller.hotline.queue()))
        self._gauge("callcenter_pbx_up", "1 while Asterisk is in reach.", lambda: int(controller.link.live))
        self._gauge("callcenter_journal_pending", "Facts not yet on disk.", lambda: journal.pending)
        self._gauge("callcenter_journal_healthy", "1 while the journal writes.", lambda: int(journal.healthy))
        self._gauge("callcenter_relay_lag_facts", "Facts not yet in the database.", lambda: record.lag_facts)
        self._gauge("callcenter_relay_lag_seconds", "Age of the oldest of them.", lambda: record.lag_seconds)
        self._messages = Counter(
            "callcenter_messages",
            "What became of messages to people outside; no channel: the message itself was given up.",
            ["purpose", "channel", "result"],
            registry=self.registry,
        )
        self._gauge("callcenter_messages_waiting", "Messages not yet sent.", lambda: controller.messages.waiting_count)
        self._gauge("callcenter_channels_unwell", "Passed over for now.", lambda: len(controller.messages.unwell()))
        self._seats = Gauge("callcenter_seats", "Seats by state.", ["state"], registry=self.registry)
        self._answer_times = LiveAnswerTimes(controller.clock, controller.settings.human_answer_seconds)
        self._gauge("callcenter_longest_wait_seconds", "Longest wait without a human.", self._answer_times.longest_wait)
        self._quantiles = Gauge(
            "callcenter_answer_seconds",
            "Answer times of emergency calls from the INVITE (A1); quantile 1 is the worst, +Inf was never answered.",
            ["who", "window", "quantile"],
            registry=self.registry,
        )
        self._within = Gauge(
            "callcenter_answered_within_limit_ratio",
            "Share answered within the limit of A1; who was never answered is in the denominator.",
            ["who", "window"],
            registry=self.registry,
        )
        self._calls_counted = Gauge(
            "callcenter_answer_calls",
            "Emergency calls behind these figures.",
            ["window", "answered"],
            registry=self.registry,
        )
        self._groups = [_Group(by, self.registry) for by in _BY]
        self._wrong = Gauge(
            "callcenter_watchdog_findings", "What the watchdog finds wrong just now.", ["check"], registry=self.registry
        )
        self._presses = Counter(
            "callcenter_synthetic_presses",
            "Presses of our own through the whole chain.",
            ["result"],
            registry=self.registry,
        )
        self._press = Histogram(
            "callcenter_synthetic_press_seconds",
            "From a synthetic press's INVITE to the answer, to the test seat, and to its own voice back from there.",
            ["stage"],
            buckets=_ANSWER_BUCKETS,
            registry=self.registry,
        )
        controller.ledger.on_react(self._count)
        controller.ledger.on_react(self._answer_times.hear)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

    def _count(self, fact: Fact) -> None:
        self._facts.labels(fact.kind).inc()
        match fact.body:
            case cf.LegAnswered(role=Role.ELDER):
                call = self._controller.calls.find(fact.call_id or "")
                if call is not None and call.via == "controller":
                    self._system.labels(call.line).observe(max(0.0, (fact.at - call.invited_at).total_seconds()))
            case ef.EmergencyAnswered() | ef.AnswerLate() if not self._emergency_call(fact):
                pass
            case f.PressDone() as done:
                self._presses.labels("done").inc()
                for stage, milliseconds in (
                    ("system", done.system_ms),
                    ("human", done.human_ms),
                    ("heard", done.heard_ms),
                ):
                    self._press.labels(stage).observe(milliseconds / 1000)
            case f.PressFailed() | f.PressSkipped():
                self._presses.labels(fact.kind.rpartition("_")[2]).inc()
            case ef.EmergencyAnswered(milliseconds=milliseconds):
                self._human.observe(milliseconds / 1000)
            case ef.AnswerLate():
                self._late.inc()
            case body if isinstance(body, mf.RESULTS):
                self._count_message(body)
            case _:
                pass

    def _emergency_call(self, fact: Fact) -> bool:
        """Whether A1 counts it: alarms, drills and presses of our own are figures of their own."""
        incident = self._controller.emergencies.find(fact.incident_id or "")
        return incident is None or (incident.origin in CALLS and incident.drill is None)

    def _count_message(self, body: mf.Result) -> None:
        message = self._controller.messages.find(body.message_id)
        attempt = message.attempt(getattr(body, "attempt_id", "")) if message is not None else None
        if message is not None:
            result = type(body).KIND.removeprefix("message.")
            self._messages.labels(message.purpose, attempt.channel if attempt else "", result).inc()

    def recall(self, facts: Iterable[Fact]) -> None:
        """Take in what the journal held at the start, so that the last 24 hours do not begin with a restart."""
        self._answer_times.recall(facts)

    def _show_answer_times(self) -> None:
        for window in self._answer_times.windows():
            for who, times in (("system", window.system), ("human", window.human)):
                for quantile, value in _ranks(times).items():
                    self._quantiles.labels(who, window.name, quantile).set(seconds(value, times))
                share = times.share_within_limit
                self._within.labels(who, window.name).set(math.nan if share is None else share)
            human = window.human
            self._calls_counted.labels(window.name, "yes").set(human.answered)
            self._calls_counted.labels(window.name, "no").set(human.incidents - human.answered)
        for group in self._groups:
            group.show(self._answer_times)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        routing = self._controller.routing
        states = Counts(routing.state_of(seat) for seat in routing.seats())
        for state in SeatState:
            self._seats.labels(state).set(states[state])
        for check in PATIENCE:
            self._wrong.labels(check).set(self._controller.watch.watchdog.count(check))
        self._show_answer_times()
        return generate_latest(self.registry)
