"""One sender an account: peek, decide, write ahead, call, record. Never silently lost, never silently doubled.

A message is called only after its call is on disk under the slot's present number, and a place in flight is free again
only after its result is. So what is in flight when a process ends, and nothing else, is uncertain.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.exc import DBAPIError

from bot.delivery.decisions import City, Decided, Decisions, Fields, Ready, Word
from bot.delivery.failing import Failing
from bot.delivery.ledger import Ledger
from bot.delivery.line import Line
from bot.delivery.pace import Bucket, ChatGaps, Pace, Times, pace_of
from bot.delivery.results import Results
from bot.delivery.slot import LEASE, Lease
from bot.domain.reach import Way, places_in_flight
from bot.talk.door import Delivered, Door, Forms, NotSent, Outcome, Refused, Uncertain
from bot.talk.view import Page
from storage import fanouts, grants, outbox, truths, waiting
from storage.database import Database, Unit
from storage.outbox import Result
from storage.tables.delivery import Lane
from storage.truths import Due
from storage.waiting import Waiting

log = structlog.get_logger("menkou.sender")

PEEK = 0.5
"""Seconds of the account's rate that are looked at in advance: what is urgent waits no longer than this."""

STALE = 1.0
"""Seconds after which what was peeked is dropped and looked at again: decisions are of the moment of sending."""

FARTHER = 1.25
"""How much more is looked at next when all of it left: beyond what can leave, it is read and worded in vain."""

CAMPAIGN_FLOOR = 0.1
"""Of what is sent, so that campaigns never stand still behind everything else."""

CALL_LIMIT = 9.0
"""Seconds that a call may take before nobody knows; less than what an orderly stop waits."""

STOP_LIMIT = 10.0

GROUP = 0.004
"""Seconds that a place in flight may stay empty so that others get empty with it: a write to disk costs as much for
one message as for twenty."""

AHEAD = 0.05
"""Seconds of the account's rate before the end of what was looked at, from where on the next look is taken: the calls
need not wait for it."""

IDLE = 0.5
"""Seconds between looks when there was nothing to do; `nudge` ends them."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was looked at together: what of it may leave, and how much else was settled."""

    ready: list[Ready]
    settled: int
    at: float
    """When, by the steady clock."""
    epoch: int


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
        fields: Fields | None = None,
    ) -> None:
        """`doors`: all that this city can send through, this one included; others are no route.

        `fields`: what notices say where a door takes forms.
        """
        self.account = door.name
        self.outcomes: Counter[str] = Counter()
        """Calls by what became of them, since the start."""
        self._database = database
        self._door = door
        self._times = times
        self._pace = pace or pace_of(door.name)
        self._bucket = Bucket(self._pace.rate, times.steady)
        self._gaps = ChatGaps(self._pace, times.steady)
        self._calling: dict[int, tuple[str, float]] = {}
        """By message: the address whose call is under way or not on disk yet, and since when."""
        self.lease = Lease(database, door.name, times, calling=self._calling.keys(), seconds=lease, owner=owner)
        routes = frozenset(doors) | {door.name}
        self._ledger = Ledger("wechat", city.limits, times.steady)
        self._decisions = Decisions(door, word, city, self._gaps, routes, self._ledger, fields)
        self._results = Results(door.name, routes, chance, city.offers)
        self._latency = self._pace.latency
        self._owed = 0.0
        self._campaign = 0
        self._failing = Failing()
        self._line = Line()
        self._resting: dict[int, int] = {}
        self._reach = self._pace.rate * PEEK
        self._calls: set[asyncio.Task[None]] = set()
        self._open: dict[int, tuple[asyncio.Task[None], float]] = {}
        """Calls that wait for the platform, the oldest first, and until when they may."""
        self._overdue: set[int] = set()
        """Of those, which are being ended for that."""
        self._watch: asyncio.TimerHandle | None = None
        self._unwritten: list[Result] = []
        self._ahead: asyncio.Task[Look] | None = None
        self._stepping = asyncio.Lock()
        self._recording = asyncio.Lock()
        self._finished = asyncio.Event()
        self._awaited = 1
        self._wanting = False
        self._nudged = asyncio.Event()
        self._stopping = False

    # --- Life ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Send until `stop`. Whatever the database does, it goes on."""
        while not self._stopping:
            try:
                busy = await self.step()
            except Exception as error:  # noqa: BLE001 - the sender must outlive every fault of the database
                # What was claimed in a transaction whose end nobody saw is found again under a new number.
                self.lease.forget()
                self._nudged.clear()
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
        """Look at once, also in the middle of what was peeked: something was planned, or the city's clock was moved."""
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
        self._finished.set()
        self.nudge()
        async with self._stepping:
            if self._ahead is not None:
                await asyncio.gather(self._ahead, return_exceptions=True)
            if self._calls:
                _ended, open_ = await asyncio.wait(set(self._calls), timeout=patience)
                # Still on disk as being sent: whoever takes the slot settles them.
                for call in open_:
                    call.cancel()
                if open_:
                    await asyncio.wait(open_)
            if self._watch is not None:
                self._watch.cancel()
            await self.lease.release()

    @property
    def in_flight(self) -> int:
        """Calls whose results are not on disk yet."""
        return len(self._calling)

    @property
    def places(self) -> int:
        """How many calls may be under way at once, from the rate and for how long one has its place."""
        if self._line.is_dead:
            return 1  # a probe
        return places_in_flight(self._pace.rate, self._latency * 1.2, self._pace.most_in_flight)

    # --- One round -------------------------------------------------------------------------------------------------

    async def step(self) -> int:
        """One round: look half a second ahead, decide, send. Returns how many messages it dealt with."""
        async with self._stepping:
            if self._stopping or not await self.lease.hold() or self.lease.blocked:
                self._nudged.clear()  # it was heard: who may not send would look again and again, and stop everybody
                return 0
            look = await self._next_look()
            return look.settled + await self._send(look)

    async def _next_look(self) -> Look:
        """What was looked at in advance, as long as it holds, or what is there now."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            look = await ahead
            holds = look.epoch == self.lease.epoch and self._is_fresh(look) and not self._nudged.is_set()
            if look.ready and holds:
                return look
            self._forget(look.ready)
        self._nudged.clear()
        return await self._look()

    async def _look(self, left: Sequence[Ready] = ()) -> Look:
        """`left`: what has been looked at before and has not left yet."""
        at, epoch, now = self._times.steady(), self.lease.epoch, self._times.city()
        dues = await self._dues(now, left)
        decided = await self._decide(dues, now, left) if dues else Decided()
        return Look(decided.ready, decided.settled, at, epoch)

    async def _dues(self, now: datetime, left: Sequence[Ready] = ()) -> list[Due]:
        """What this account should send next, and what is true of it: seen in one look."""
        limit = max(1, round(self._reach))
        self._owed = min(self._owed, max(2.0, 2 * limit * CAMPAIGN_FLOOR))  # a debt of one second, not of a whole day
        owed, known = min(int(self._owed), limit), {one.waiting.id for one in left}

        async def look(unit: Unit) -> list[Due]:
            found = await waiting.peek(unit, self.account, now, limit + len(left), owed, self._campaign)
            messages = [one for one in found if one.id not in known]
            if messages:
                await self._ledger.look(unit, now)
            return await truths.look(unit, messages, now)

        return await self._database.look(look)

    async def _decide(self, dues: Sequence[Due], now: datetime, left: Sequence[Ready] = ()) -> Decided:
        """By what is true now; what is to become of those that may not leave is written down."""
        busy = [*(external for external, _since in self._calling.values()), *(one.external for one in left)]
        decided = self._decisions.decide(dues, now, busy)
        if decided.settled:
            await self._database.turn(lambda unit: decided.write(unit, self.account, self.lease.epoch, now))
        return decided

    async def _send(self, look: Look) -> int:
        ready, sent, waited = look.ready, 0, False
        self._wanting = True
        try:
            while ready and self._may_go_on(look) and not (sent and self._nudged.is_set()):
                worth = self._worth(len(ready))
                if self._free < (1 if waited else worth):
                    await self._wait_for_places(worth)
                    waited = True
                    continue
                if self._bucket.ready() < worth:
                    await self._wait_for_tokens(worth)
                    continue
                count = min(self._free, self._bucket.ready(), len(ready))
                batch, ready = ready[:count], ready[count:]
                sent += self._begin(batch, await self._claim(batch))
                waited = False
                self._look_ahead(ready)
        finally:
            self._wanting = False
            await self._record()
        self._reach = self._within_reach(sent, len(ready))
        self._forget(ready)
        return sent + len(ready)

    def _worth(self, left: int) -> int:
        """How many are worth a write to disk: what may leave within its time, and a share of the places."""
        return max(1, min(left, self.places // 4, round(self._pace.rate * GROUP)))

    def _look_ahead(self, left: Sequence[Ready]) -> None:
        """Look at what comes next while the rest of this leaves; not where a look also counts what quotas leave."""
        near = 0 < len(left) <= self._pace.rate * AHEAD
        if near and self._ahead is None and self._ledger.is_free and not (self._stopping or self._nudged.is_set()):
            self._ahead = asyncio.create_task(self._look(left))

    def _forget(self, ready: Iterable[Ready]) -> None:
        """They do not leave now, so the places of their chats are free."""
        for one in ready:
            self._gaps.forget(one.external)

    def _begin(self, batch: Sequence[Ready], claimed: Mapping[int, int]) -> int:
        """Call those that were claimed. Returns how many."""
        self._bucket.take(len(claimed))
        now = self._times.steady()
        for one in batch:
            attempt = claimed.get(one.waiting.id)
            if attempt is None:
                self._gaps.forget(one.external)
                continue
            self._take_turn(one.waiting)
            self._calling[one.waiting.id] = one.external, now
            call = asyncio.create_task(self._call(one, self.lease.epoch, attempt))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        return len(claimed)

    def _within_reach(self, sent: int, left: int) -> float:
        """How much to look at next: what stays lying until it is stale has been read and worded in vain."""
        most = self._pace.rate * PEEK
        return min(most, max(float(sent), self.places)) if left else min(most, FARTHER * self._reach)

    def _take_turn(self, message: Waiting) -> None:
        """What campaigns have a right to while others speak; and which of them spoke last."""
        if message.lane == Lane.CAMPAIGN:
            self._owed = max(0.0, self._owed - 1.0)
            self._campaign = message.fanout
        else:
            self._owed += CAMPAIGN_FLOOR / (1.0 - CAMPAIGN_FLOOR)

    def _is_fresh(self, look: Look) -> bool:
        return self._times.steady() - look.at < STALE

    def _may_go_on(self, look: Look) -> bool:
        return self._is_fresh(look) and not self._stopping and self.lease.holds and not self.lease.blocked

    @property
    def _free(self) -> int:
        """Places for calls, those included whose results go to disk together with the next claim."""
        return self.places - len(self._calling) + len(self._unwritten)

    async def _wait_for_places(self, worth: int) -> None:
        """For the first that gets empty, and a moment more for so many."""
        await self._until_free(1)
        try:
            async with asyncio.timeout(GROUP):
                await self._until_free(worth)
        except TimeoutError:
            return

    async def _until_free(self, places: int) -> None:
        self._awaited = places
        while self._free < places and not self._stopping:
            self._finished.clear()
            await self._finished.wait()

    async def _wait_for_tokens(self, tokens: int) -> None:
        """Results go to disk meanwhile, unless the next claim takes them along in a moment."""
        wait = max(self._bucket.wait(tokens), 0.001)
        if wait > GROUP:
            self._wanting = False
            await self._record()
        await self._times.pause(wait)
        self._wanting = True

    async def _claim(self, batch: Sequence[Ready]) -> dict[int, int]:
        """The write-ahead, on disk before anything is called; results that wait for it go along."""
        async with self._recording:
            results, self._unwritten = self._unwritten, []
            try:
                claimed = await self._database.turn(lambda unit: self._write_ahead(unit, batch, results))
            except BaseException:
                self._unwritten = results + self._unwritten
                raise
            self._recorded(results)
        return claimed

    async def _write_ahead(self, unit: Unit, batch: Sequence[Ready], results: Sequence[Result]) -> dict[int, int]:
        if results:
            await self._write(unit, results)
        claimed = await outbox.claim(unit, self.account, self.lease.epoch, [one.waiting.id for one in batch])
        await self._spend(unit, [one for one in batch if one.waiting.id in claimed])
        return claimed

    async def _spend(self, unit: Unit, leaving: Sequence[Ready]) -> None:
        """Count what the platform counts, in the transaction of the write-ahead."""
        now = self._times.city()
        windowed = {one.external for one in leaving if one.way is Way.WINDOW}
        await outbox.spend_window(unit, self.account, windowed)
        consents = [(one.external, one.form.template) for one in leaving if one.form and one.form.consented]
        await grants.spend(unit, consents)
        await outbox.keep_keys(unit, [one.waiting.id for one in leaving if one.is_keyed], now)
        await self._ledger.spend(unit, (one.way for one in leaving), now)

    # --- One call --------------------------------------------------------------------------------------------------

    async def _call(self, one: Ready, epoch: int, attempt: int) -> None:
        if self.lease.holds and self.lease.epoch == epoch:
            outcome = await self._deliver(one)
        else:
            # Frozen between the write-ahead and the call, and the lease went by: somebody else speaks now.
            outcome = NotSent("its sender lost the slot before the call", halts="account")
        self.outcomes[type(outcome).__name__] += 1
        outcome = self._rested(outcome, epoch)
        if isinstance(outcome, NotSent) and outcome.halts:
            self._halt(one, outcome, epoch)
        result = self._results.of(one, epoch, attempt, outcome, self._times.city())
        self._resting |= self._failing.after(result)
        self._unwritten.append(result)
        if self._free >= self._awaited:
            self._finished.set()
        if not self._wanting:
            await self._record()

    def _rested(self, outcome: Outcome, epoch: int) -> Outcome:
        """Let the line rest when it seems dead; what certainly did not leave by it then costs no attempt."""
        rest = self._line.rest_after(outcome, resting=self.lease.blocked)
        if not rest:
            return outcome
        if isinstance(outcome, NotSent):
            return replace(outcome, halts="account", after=rest)
        if isinstance(outcome, Uncertain) and epoch == self.lease.epoch:
            self.lease.block(rest, outcome.reason)
        return outcome

    def _halt(self, one: Ready, outcome: NotSent, epoch: int) -> None:
        """The platform wants silence: from the account, or by this way."""
        self._gaps.forget(one.external)
        if outcome.halts == "api":
            self._ledger.pause(one.way, max(outcome.after, 1.0), self._times.city())
        elif epoch == self.lease.epoch:
            self.lease.block(max(outcome.after, 1.0), outcome.reason)

    async def _deliver(self, one: Ready) -> Outcome:
        """The page whose turn it is, or the form."""
        page, form, door = one.page, one.form, self._door
        if page is None and form is None:
            return Delivered()
        key = f"{one.waiting.id}.{one.waiting.page}" if len(one.pages) > 1 else str(one.waiting.id)
        self._watch_over(one.waiting.id)
        try:
            if page is not None and one.due.tag is not None:
                return await self._broadcast(one.due.tag, page, key)
            if page is not None:
                return await door.send(one.external, page, key)
            if form is not None and isinstance(door, Forms):
                return await door.fill(one.external, form, key)
            return Refused("this door takes no forms", declines=True)
        except asyncio.CancelledError:
            call = asyncio.current_task()
            if one.waiting.id not in self._overdue or call is None or call.uncancel():
                raise  # by a stop
            return Uncertain(f"no answer in {CALL_LIMIT:g} s")
        except Exception as error:  # noqa: BLE001 - a door that breaks its promise: nobody knows what was sent
            log.error("sender.door_raised", account=self.account, error=type(error).__name__)
            return Uncertain(type(error).__name__)
        finally:
            self._open.pop(one.waiting.id, None)
            self._overdue.discard(one.waiting.id)

    def _watch_over(self, id_: int) -> None:
        """End this call when it lasts too long. One watch for all of them: hardly any ever does."""
        loop, call = asyncio.get_running_loop(), asyncio.current_task()
        if call is not None:
            self._open[id_] = call, loop.time() + CALL_LIMIT
        if self._watch is None:
            self._watch = loop.call_later(CALL_LIMIT, self._end_overdue)

    def _end_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = None
        for id_, (call, until) in self._open.items():  # the oldest first
            if until > loop.time():
                self._watch = loop.call_at(until, self._end_overdue)
                return
            self._overdue.add(id_)
            call.cancel()

    async def _broadcast(self, tag: int, page: Page, key: str) -> Outcome:
        """To everybody under a tag. The key is the city's own among all that the account ever used."""
        if isinstance(self._door, Forms):
            return await self._door.broadcast(tag, page, f"menkou-{key}")
        return Refused("this door has no messages to many")

    async def _record(self) -> None:
        """Write results down, all that came in while the last ones were being written; then free their places."""
        async with self._recording:
            results, self._unwritten = self._unwritten, []
            if results:
                await self._written(results)
                self._recorded(results)

    def _recorded(self, results: Sequence[Result]) -> None:
        now = self._times.steady()
        for result in results:
            _external, since = self._calling.pop(result.id, ("", now))
            self._latency += 0.1 * (min(now - since, CALL_LIMIT) - self._latency)
            self._resting.pop(result.campaign, None)
        if self._free >= self._awaited:
            self._finished.set()

    async def _written(self, results: Sequence[Result]) -> None:
        wait = 0.1
        while True:
            try:
                await self._database.turn(lambda unit: self._write(unit, results))
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
                self.lease.forget()
                return

    async def _write(self, unit: Unit, results: Sequence[Result]) -> None:
        now = self._times.city()
        await outbox.record(unit, results, now)
        await self._ledger.record(unit, now)
        await self.lease.record_block(unit)
        for campaign in {one.campaign for one in results} & self._resting.keys():
            # It rests until a person has looked.
            reason = f"{self._resting[campaign]} of its last messages failed"
            if await fanouts.pause(unit, campaign, reason, self.lease.fence):
                log.warning("campaign.paused", campaign=campaign, reason=reason)
