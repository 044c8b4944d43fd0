"""What Menkou counts and measures about itself, for Prometheus. No label names a person or holds what one said."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.talk.capabilities import Capabilities
from bot.talk.door import Delivered, Door, Form, Forms, NotSent, Outcome
from bot.talk.view import Page
from storage.condition import Condition
from storage.tables.delivery import Lane

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.0, 5.0, 10.0)
"""WeChat gives up at 5 s; we hand over to the sender at 4."""

CODE = re.compile(r"(?<!\d)-?\d{3,6}(?!\d)")
"""A platform's error code within a reason: Telegram's 403 and 429, WeChat's 45015."""

CODES = 100
"""Different codes before the rest are counted as `other`: a label must never grow with what comes from outside."""

OTHER = "other"


class Meters:
    """One process' meters, in a registry of their own."""

    def __init__(self, scripts: Collection[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._scripts = frozenset(scripts)
        self._codes: set[str] = set()
        self._turns = Histogram(
            "menkou_turn_seconds", "Seconds from a message to its answer on disk.",
            ["door", "script", "outcome"], buckets=SECONDS, registry=self.registry,
        )  # fmt: skip
        self._turn: dict[tuple[str, str, str], Histogram] = {}
        """By labels: the library locks and counts them anew each time that it is asked."""
        self._calls = Counter(
            "menkou_sent", "Messages that we began, by what the platform said.", ["door", "outcome", "code"],
            registry=self.registry,
        )  # fmt: skip
        self._limited = Counter(
            "menkou_limited", "Times that a platform told us to wait.", ["door"], registry=self.registry
        )
        self._waiting = Gauge(
            "menkou_outbox_waiting", "Messages that wait to be sent; without a door: until somebody writes.",
            ["door", "lane"], registry=self.registry,
        )  # fmt: skip
        self._outbox = Gauge(
            "menkou_outbox_messages", "Messages by state: sending, uncertain, dead.", ["state"], registry=self.registry
        )
        self._age = Gauge(
            "menkou_outbox_age_seconds", "How long the oldest message that could go has been due.", ["which"],
            registry=self.registry,
        )  # fmt: skip
        self._reached = Gauge("menkou_database_up", "1: the database answered.", registry=self.registry)
        self._inbox_age = Gauge(
            "menkou_inbox_age_seconds", "How long the oldest message without an answer has waited.",
            registry=self.registry,
        )  # fmt: skip
        self._inbox_waiting = Gauge(
            "menkou_inbox_waiting", "Messages that wait for their answer.", registry=self.registry
        )
        self._silent = Gauge(
            "menkou_account_silent_seconds", "How long a platform still wants an account to be silent.", ["door"],
            registry=self.registry,
        )  # fmt: skip
        self._used_up = Gauge(
            "menkou_quotas_used_up", "Quotas of a platform's APIs that are used up for today.", registry=self.registry
        )
        self._dead = Gauge("menkou_inbox_dead", "Messages that nobody could read.", registry=self.registry)

    def watch_inbox(self, waiting: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Where the figures of messages that wait for their answer come from."""
        self._inbox_waiting.set_function(waiting)
        self._inbox_age.set_function(oldest)

    def turned(self, door: str, script: str, seconds: float, outcome: str) -> None:
        """One turn; `script` is one of those that the router knows, anything else is counted as `other`."""
        if script and self._scripts and script not in self._scripts:
            script = OTHER
        labels = (door, script, outcome)
        one = self._turn.get(labels)
        if one is None:
            one = self._turn[labels] = self._turns.labels(*labels)
        one.observe(seconds)

    def sent(self, door: str, outcome: Outcome) -> None:
        """One call to a platform and what became of it."""
        reason = "" if isinstance(outcome, Delivered) else outcome.reason
        self._calls.labels(door, type(outcome).__name__.lower(), self._code(reason)).inc()
        if isinstance(outcome, NotSent) and outcome.after > 0:
            self._limited.labels(door).inc()

    def _code(self, reason: str) -> str:
        found = CODE.search(reason)
        if found is None:
            return ""
        if found[0] not in self._codes and len(self._codes) >= CODES:
            return OTHER
        self._codes.add(found[0])
        return found[0]

    def told(self, condition: Condition) -> None:
        """Take over the database's condition, just before the figures are read."""
        self._waiting.clear()
        for (door, lane), count in condition.outbox.waiting.items():
            self._waiting.labels(door, Lane(lane).name.lower() if lane in set(Lane) else OTHER).set(count)
        for state in ("sending", "uncertain", "dead"):
            self._outbox.labels(state).set(getattr(condition.outbox, state))
        self._age.labels("any").set(condition.outbox.oldest)
        self._age.labels("urgent").set(condition.urgent_age)
        self._dead.set(condition.dead_letters)
        self._silent.clear()
        for door, (seconds, _why) in condition.silent.items():
            self._silent.labels(door).set(seconds)
        self._used_up.set(len(condition.used_up))

    def reached(self, answered: bool) -> None:
        """Did the database answer when the figures were asked for? If not, the others that come from it are old."""
        self._reached.set(answered)

    def written(self) -> bytes:
        """All figures in Prometheus' text format."""
        return generate_latest(self.registry)

    def measured(self, door: Door) -> Door:
        """The same door, each of whose calls is counted."""
        return _MeasuredForms(door, door, self) if isinstance(door, Forms) else _Measured(door, self)


class _Measured:
    """A door that counts."""

    def __init__(self, door: Door, meters: Meters) -> None:
        self._door = door
        self._meters = meters

    @property
    def name(self) -> str:
        return self._door.name

    @property
    def capabilities(self) -> Capabilities:
        return self._door.capabilities

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        outcome = await self._door.send(to, page, key)
        self._meters.sent(self.name, outcome)
        return outcome


class _MeasuredForms(_Measured):
    """The same of a door that also takes forms."""

    def __init__(self, door: Door, forms: Forms, meters: Meters) -> None:
        super().__init__(door, meters)
        self._forms = forms

    async def fill(self, to: str, form: Form, key: str) -> Outcome:
        outcome = await self._forms.fill(to, form, key)
        self._meters.sent(self.name, outcome)
        return outcome

    async def broadcast(self, tag: int, page: Page, key: str) -> Outcome:
        outcome = await self._forms.broadcast(tag, page, key)
        self._meters.sent(self.name, outcome)
        return outcome
