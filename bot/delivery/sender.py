"""One sender an account: peek, decide, write ahead, call, record. Never silently lost, never silently doubled.

A message is called only after its call is on disk under the slot's present number, and a place in flight is free again
only after its result is. So what is in flight when a process ends, and nothing else, is uncertain.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import secrets
import socket
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta, tzinfo
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from bot.delivery.pace import Bucket, ChatGaps, Pace, Times, pace_of
from bot.domain.notices import Notice
from bot.domain.reach import (
    ATTEMPTS,
    REPEATED_ONCE,
    ByAddress,
    Dropped,
    Hold,
    Postponed,
    Reachable,
    Reason,
    decide,
    places_in_flight,
    route,
    wait_after,
)
from bot.talk.door import Delivered, Door, NotSent, Outcome, Refused, Uncertain
from bot.talk.render import render
from bot.talk.view import Page, View
from bot.talk.wording import Wording
from storage import outbox, slots
from storage.database import Database, Unit
from storage.outbox import Result, Waiting
from storage.tables.delivery import State
from storage.tables.kinds import to_milliseconds
from storage.truths import Due, look

Word = Callable[[Notice], View]

log = structlog.get_logger("menkou.sender")

LEASE = 15.0
"""Seconds that a silent holder keeps its slot; renewed every third of it."""

PEEK = 0.5
"""Seconds of the account's rate that are looked at in advance: what is urgent waits no longer than this."""

STALE = 1.0
"""Seconds after which what was peeked is dropped and looked at again: decisions are of the moment of sending."""

CAMPAIGN_FLOOR = 0.1
"""Of the rate, so that campaigns never stand still behind everything else."""

CALL_LIMIT = 9.0
"""Seconds that a call may take before nobody knows; less than what an orderly stop waits."""

STOP_LIMIT = 10.0

IDLE = 0.5
"""Seconds between looks when there was nothing to do; `nudge` ends them."""

_HOST = socket.gethostname()
_PROCESS = secrets.token_hex(4)


_NUMBERS = itertools.count(1)


def own_name() -> str:
    """A sender in its slot: machine, process, what tells it from an older process of that number, its own number."""
    return f"{_HOST[:32]}:{os.getpid()}:{_PROCESS}.{next(_NUMBERS)}"


def is_gone(owner: str) -> bool:
    """Is the holder a process of this very machine that has ended? A hint that saves the rest of a lease, no more."""
    try:
        host, number, process = owner.rsplit(":", 2)
        pid = int(number)
    except ValueError:
        return False
    if host != _HOST[:32]:
        return False
    if pid == os.getpid():
        return process.partition(".")[0] != _PROCESS
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@dataclass(frozen=True, slots=True)
class City:
    """What every message of this city has in common."""

    zone: tzinfo
    language: str = "zh_CN"
    quiet: tuple[int, int] | None = (21 * 60, 8 * 60)
    """Minutes after midnight, in the city's zone."""
    public_url: str = ""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A message that may leave: put into words, with its address."""

    due: Due
    external: str
    pages: tuple[Page, ...]
    shown: list[dict[str, Any]] | None

    @property
    def waiting(self) -> Waiting:
        return self.due.waiting


class Sender:
    """Speaks for an account, one process at a time. `run` until `stop`; `step` and `drain` for tests and ticks."""

    def __init__(
        self,
        database: Database,
        door: Door,
        word: Word,
        times: Times,
        city: City,
        *,
        pace: Pace | None = None,
        doors: Collection[str] = (),
        lease: float = LEASE,
        owner: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`doors`: all that this city can send through, this one included; others are no route."""
        self.account = door.name
        self.outcomes: Counter[str] = Counter()
        """Calls by what became of them, since the start."""
        self._database = database
        self._door = door
        # More pages may follow each other when we speak first than in one passive reply.
        self._capabilities = replace(door.capabilities, replies_per_message=10)
        self._word = word
        self._times = times
        self._city = city
        self._pace = pace or pace_of(door.name)
        self._doors = frozenset(doors) | {self.account}
        self._lease = lease
        self._owner = owner or own_name()
        self._chance = chance
        self._bucket = Bucket(self._pace.rate, times.steady)
        self._gaps = ChatGaps(self._pace.per_chat, times.steady)
        self._epoch = 0
        self._lease_ends = 0.0
        self._blocked_until = 0.0
        self._latency = self._pace.latency
        self._credit = 0.0
        self._calling: dict[int, str] = {}
        self._calls: set[asyncio.Task[None]] = set()
        self._results: list[Result] = []
        self._stepping = asyncio.Lock()
        self._recording = asyncio.Lock()
        self._freed = asyncio.Event()
        self._nudged = asyncio.Event()
        self._stopping = False

    # --- Life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until `stop`. Whatever the database does, it goes on."""
        while not self._stopping:
            self._nudged.clear()
            try:
                busy = await self.step()
            except Exception as error:  # noqa: BLE001 - the sender must outlive every fault of the database
                # What was claimed in a transaction whose end nobody saw is found again under a new number.
                self._epoch = 0
                log.error("sender.failed", account=self.account, error=type(error).__name__)
                busy = 0
            if not busy and not self._stopping:
                await self._rest(IDLE)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return

    def nudge(self) -> None:
        """Look at once: something was planned, or the city's clock was moved."""
        self._nudged.set()

    async def drain(self, steps: int = 10_000) -> int:
        """Send all that can be sent now and wait for its results. Returns how many messages were dealt with."""
        dealt = 0
        for _step in range(steps):
            count = await self.step()
            await self.settled()
            dealt += count
            if not count:
                break
        return dealt

    async def settled(self) -> None:
        """Wait until nothing is in flight."""
        while self._calls:
            await asyncio.wait(set(self._calls))

    async def stop(self, patience: float = STOP_LIMIT) -> None:
        """An orderly end: peek no more, wait for the calls in flight, record them, give the slot back."""
        self._stopping = True
        self._freed.set()
        self.nudge()
        async with self._stepping:
            if self._calls:
                _ended, open_ = await asyncio.wait(set(self._calls), timeout=patience)
                # Still on disk as being sent: whoever takes the slot settles them.
                for call in open_:
                    call.cancel()
                if open_:
                    await asyncio.wait(open_)
            if self._epoch:
                async with self._database.write() as unit:
                    await slots.release(unit, self.account, self._epoch)
                self._epoch = 0

    @property
    def holds(self) -> bool:
        """Is the slot ours, as far as this process can know without asking?"""
        return self._epoch > 0 and self._times.steady() < self._lease_ends

    @property
    def in_flight(self) -> int:
        """Calls whose results are not on disk yet."""
        return len(self._calling)

    @property
    def places(self) -> int:
        """How many calls may be under way at once, from the rate and the measured latency."""
        return places_in_flight(self._pace.rate, self._latency * 1.2, self._pace.most_in_flight)

    # --- The slot --------------------------------------------------------------------------------------------------

    async def renew(self) -> bool:
        """Keep the slot; a tick does this, and `step` does it too when the lease runs low."""
        if not self._epoch:
            return False
        asked = self._times.steady()
        epoch = self._epoch
        async with self._database.write() as unit:
            kept = await slots.renew(unit, self.account, epoch, self._wall(), round(self._lease * 1000))
        if kept:
            self._lease_ends = asked + self._lease
        elif self._epoch == epoch:
            log.warning("sender.slot_lost", account=self.account)
            self._epoch = 0
        return kept

    async def recover(self) -> None:
        """Settle what earlier holders were calling; also what they wrote in the very moment of the takeover."""
        if self._epoch:
            async with self._database.write() as unit:
                await self._recover(unit)

    async def _recover(self, unit: Unit) -> None:
        again, uncertain = await outbox.recover(
            unit, self.account, self._epoch, self._times.city(), list(self._calling)
        )
        if again or uncertain:
            log.warning("sender.recovered", account=self.account, again=again, uncertain=uncertain)

    async def _hold_slot(self) -> bool:
        if self.holds:
            if self._lease_ends - self._times.steady() < self._lease * 2 / 3:
                return await self.renew()
            return True
        self._epoch = 0
        asked = self._times.steady()
        async with self._database.write() as unit:
            slot = await slots.take(unit, self.account, self._owner, self._wall(), round(self._lease * 1000), is_gone)
            if slot is None:
                return False
            self._epoch = slot.epoch
            try:
                await self._recover(unit)
            except BaseException:
                self._epoch = 0
                raise
        self._lease_ends = asked + self._lease
        self._blocked_until = slot.blocked_until / 1000
        log.info("sender.slot_taken", account=self.account, epoch=slot.epoch)
        return True

    def _wall(self) -> int:
        return round(self._times.wall() * 1000)

    # --- One round -------------------------------------------------------------------------------------------------

    async def step(self) -> int:
        """One round: look half a second ahead, decide, send. Returns how many messages it dealt with."""
        async with self._stepping:
            if self._stopping or not await self._hold_slot() or self._times.wall() < self._blocked_until:
                return 0
            messages = await self._peek()
            if not messages:
                return 0
            ready, settled = await self._decide(messages)
            return settled + await self._send(ready)

    async def _peek(self) -> list[Waiting]:
        limit = max(1, round(self._pace.rate * PEEK))
        self._credit = min(self._credit + limit * CAMPAIGN_FLOOR, limit)
        campaigns = int(self._credit)
        self._credit -= campaigns
        async with self._database.read() as unit:
            return await outbox.peek(unit, self.account, self._times.city(), limit, campaigns)

    async def _decide(self, messages: Sequence[Waiting]) -> tuple[list[_Ready], int]:
        """Those that may leave now, in words; what is to become of the others is written down."""
        now = self._times.city()
        async with self._database.read() as unit:
            dues = await look(unit, messages, now)
        ready: list[_Ready] = []
        dropped: dict[str, list[int]] = defaultdict(list)
        postponed: dict[tuple[int, str], list[int]] = defaultdict(list)
        rerouted: dict[str, list[int]] = defaultdict(list)
        held: dict[str, list[int]] = defaultdict(list)
        dead: dict[str, list[int]] = defaultdict(list)
        busy = set(self._calling.values())
        queued: Counter[str] = Counter()
        for due in dues:
            id_ = due.waiting.id
            theirs = [one for one in due.addresses if one.door in self._doors]
            decision = decide(due.notice, due.truth, theirs, now, self._city.zone, due.quiet or self._city.quiet)
            match decision:
                case Dropped(reason):
                    dropped[reason].append(id_)
                case Hold(Reason.NO_ADDRESS) if due.waiting.kind == "reply":
                    dropped[Reason.NO_ADDRESS].append(id_)
                case Hold(reason):
                    held[reason].append(id_)
                case Postponed(until, reason):
                    postponed[to_milliseconds(until), reason].append(id_)
                case ByAddress(door, _) if door != self.account:
                    rerouted[door].append(id_)
                case ByAddress(_, external):
                    wait = self._gaps.reserve(external)
                    if wait:
                        # One a second in a chat: the others stand behind each other instead of before everybody else.
                        later = now + timedelta(seconds=wait + self._gaps.gap * queued[external])
                        queued[external] += 1
                        postponed[to_milliseconds(later), "one message a second in a chat"].append(id_)
                    elif external not in busy:
                        busy.add(external)
                        worded = self._put_into_words(due, external)
                        if worded is None:
                            dead["could not be put into words"].append(id_)
                        else:
                            ready.append(worded)
        decisions = (dropped, postponed, rerouted, held, dead)
        settled = sum(len(ids) for decision in decisions for ids in decision.values())
        if settled:
            async with self._database.write() as unit:
                await outbox.settle(
                    unit, self.account, self._epoch, now,
                    dropped=dropped, postponed=postponed, rerouted=rerouted, held=held, dead=dead,
                )  # fmt: skip
        return ready, settled

    def _put_into_words(self, due: Due, external: str) -> _Ready | None:
        """In the reader's language, from what is true now; None if our own words are broken."""
        if due.pages:
            return _Ready(due, external, tuple(Page.from_json(page) for page in due.pages), None)
        wording = Wording(due.language or self._city.language, self._city.zone, due.elder)
        try:
            rendered = render([self._word(due.notice)], self._capabilities, wording, public_url=self._city.public_url)
        except Exception as error:  # noqa: BLE001 - one message that cannot be worded is set apart, the others leave
            log.error("sender.not_worded", message=due.waiting.id, kind=due.waiting.kind, error=type(error).__name__)
            return None
        if not any(page.text for page in rendered.pages):
            return None
        return _Ready(due, external, rendered.pages, [asdict(entry) for entry in rendered.shown] or None)

    async def _send(self, ready: list[_Ready]) -> int:
        peeked = self._times.steady()
        sent = 0
        while ready and self._may_go_on(peeked):
            count = min(self.places - len(self._calling), self._bucket.ready(), len(ready))
            if count < 1:
                await self._wait_for_place_or_token()
                continue
            batch, ready = ready[:count], ready[count:]
            claimed = await self._claim(batch)
            for one in batch:
                attempt = claimed.get(one.waiting.id)
                if attempt is None:
                    self._gaps.forget(one.external)
                    continue
                self._bucket.take()
                self._calling[one.waiting.id] = one.external
                call = asyncio.create_task(self._call(one, self._epoch, attempt))
                self._calls.add(call)
                call.add_done_callback(self._calls.discard)
                sent += 1
        for one in ready:
            self._gaps.forget(one.external)
        return sent + len(ready)

    def _may_go_on(self, peeked: float) -> bool:
        fresh = self._times.steady() - peeked < STALE
        return fresh and not self._stopping and self.holds and self._times.wall() >= self._blocked_until

    async def _wait_for_place_or_token(self) -> None:
        if len(self._calling) < self.places:
            await self._times.pause(max(self._bucket.wait(), 0.001))
            return
        self._freed.clear()
        if len(self._calling) >= self.places and not self._stopping:
            await self._freed.wait()

    async def _claim(self, batch: Sequence[_Ready]) -> dict[int, int]:
        """The write-ahead, committed before anything is called."""
        async with self._database.write() as unit:
            claimed = await outbox.claim(unit, self.account, self._epoch, [one.waiting.id for one in batch])
            windowed = {one.external for one in batch if one.waiting.id in claimed and _by_window(one)}
            await outbox.spend_window(unit, self.account, windowed)
        return claimed

    # --- One call --------------------------------------------------------------------------------------------------

    async def _call(self, one: _Ready, epoch: int, attempt: int) -> None:
        began = self._times.steady()
        if self.holds and self._epoch == epoch:
            outcome = await self._deliver(one)
            self._latency += 0.1 * (min(self._times.steady() - began, CALL_LIMIT) - self._latency)
        else:
            # Frozen between the write-ahead and the call, and the lease went by: somebody else speaks now.
            outcome = NotSent("its sender lost the slot before the call", halts="account")
        self.outcomes[type(outcome).__name__] += 1
        self._results.append(self._result(one, epoch, attempt, outcome))
        await self._record()

    async def _deliver(self, one: _Ready) -> Outcome:
        """All pages, in order. After the first has arrived nothing is begun anew: that would double it."""
        receipt = ""
        for number, page in enumerate(one.pages):
            key = f"{one.waiting.id}.{number}" if len(one.pages) > 1 else str(one.waiting.id)
            try:
                async with asyncio.timeout(CALL_LIMIT):
                    outcome = await self._door.send(one.external, page, key)
            except TimeoutError:
                outcome = Uncertain(f"no answer in {CALL_LIMIT:g} s")
            except Exception as error:  # noqa: BLE001 - a door that breaks its promise: nobody knows what was sent
                log.error("sender.door_raised", account=self.account, error=type(error).__name__)
                outcome = Uncertain(type(error).__name__)
            if not isinstance(outcome, Delivered):
                if number == 0:
                    return outcome
                return Uncertain(f"page {number + 1} of {len(one.pages)}: {outcome.reason}")
            receipt = receipt or outcome.receipt
        return Delivered(receipt)

    def _result(self, one: _Ready, epoch: int, attempt: int, outcome: Outcome) -> Result:
        """What the row becomes."""
        waiting = one.waiting
        now = to_milliseconds(self._times.city())
        plain = Result(
            waiting.id,
            epoch,
            attempt,
            waiting.person,
            State.PENDING,
            self.account,
            waiting.due,
            reason=None if isinstance(outcome, Delivered) else outcome.reason,
            repeated=waiting.repeated,
        )
        unused = (self.account, one.external) if _by_window(one) else None
        match outcome:
            case Delivered(receipt):
                return replace(plain, state=State.SENT, receipt=receipt or None, shown=one.shown)
            case NotSent(halts="account", after=after):
                self._gaps.forget(one.external)
                if epoch == self._epoch:
                    self._blocked_until = max(self._blocked_until, self._times.wall() + max(after, 1.0))
                return replace(plain, counted=False, gives_back=unused)
            case NotSent(after=after):
                if attempt >= ATTEMPTS:
                    return replace(plain, state=State.DEAD, gives_back=unused)
                wait = max(after, wait_after(attempt, self._chance()))
                return replace(plain, due=now + round(wait * 1000), gives_back=unused)
            case Refused(closes=closes, window=window) if closes or window:
                return self._turned_away(one, replace(plain, due=now), closes)
            case Refused():
                return replace(plain, state=State.FAILED)
            case Uncertain():
                if waiting.kind in REPEATED_ONCE and not waiting.repeated:
                    wait = wait_after(attempt, self._chance())
                    return replace(plain, repeated=True, due=now + round(wait * 1000))
                return replace(plain, state=State.UNCERTAIN)

    def _turned_away(self, one: _Ready, plain: Result, closes: bool) -> Result:
        """This address is gone, or closed until they write: another one of theirs, or wait, or it failed."""
        address = (self.account, one.external)
        plain = replace(plain, closes=address) if closes else replace(plain, window_closes=address)
        others: list[Reachable] = [
            other
            for other in one.due.addresses
            if other.door in self._doors and (other.door, other.external) != (self.account, one.external)
        ]
        match route(others, self._times.city()):
            case ByAddress(door, _):
                return replace(plain, account=door)
            case Hold(reason) if not closes or reason is Reason.NO_WINDOW:
                return replace(plain, account="", reason=Reason.NO_WINDOW.value)
        return replace(plain, state=State.FAILED)

    async def _record(self) -> None:
        """Write results down, all that came in while the last ones were being written; then free their places."""
        async with self._recording:
            results, self._results = self._results, []
            if results:
                await self._written(results)
            for result in results:
                self._calling.pop(result.id, None)
            if results:
                self._freed.set()

    async def _written(self, results: Sequence[Result]) -> None:
        wait = 0.1
        while True:
            try:
                await self._write(results)
                return
            except (DBAPIError, OSError, TimeoutError) as error:
                # A result must not be lost because the database is away: nothing else is sent meanwhile.
                log.error("sender.not_recorded", account=self.account, error=type(error).__name__)
                await self._times.pause(wait)
                wait = min(wait * 2, 2.0)
            except Exception as error:  # noqa: BLE001 - one result that cannot be written must not hold up the others
                if len(results) > 1:
                    log.error("sender.group_unrecordable", account=self.account, error=type(error).__name__)
                    for result in results:
                        await self._written([result])
                    return
                # It stays on disk as being sent, and is settled like that of a sender that ended.
                log.error("sender.unrecordable", message=results[0].id, error=type(error).__name__)
                self._epoch = 0
                return

    async def _write(self, results: Sequence[Result]) -> None:
        async with self._database.write() as unit:
            await outbox.record(unit, results, self._times.city())
            if self._blocked_until > self._times.wall() and self._epoch:
                await slots.block(unit, self.account, self._epoch, round(self._blocked_until * 1000))


def _by_window(one: _Ready) -> bool:
    """Does this address count what we say first?"""
    return any(address.external == one.external and address.window_left is not None for address in one.due.addresses)
