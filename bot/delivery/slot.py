"""An account's slot as one process holds it: taken, renewed, lost, given back; and what earlier holders left behind."""

from __future__ import annotations

import itertools
import os
import secrets
import socket
from collections.abc import Collection

import structlog
from sqlalchemy import ColumnElement

from bot.delivery.pace import Times
from storage import outbox, slots
from storage.database import Database, Unit
from storage.presence import Presence
from storage.slots import Holder

log = structlog.get_logger("menkou.sender")

ALARM = 30.0
"""Seconds of silence from which on an operator should hear of it: no rate limit asks for so many."""

LEASE = 15.0
"""Seconds that a silent holder keeps its slot; renewed every third of it."""

DOUBT = 1.0
"""Seconds for which a holder's sign of life must be missing: one that lives has it again by then."""

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


class Lease:
    """The right to speak for an account, until it runs out; its number (`epoch`) fences every statement."""

    def __init__(
        self,
        database: Database,
        account: str,
        times: Times,
        *,
        calling: Collection[int],
        seconds: float = LEASE,
        owner: str = "",
    ) -> None:
        """`calling`: the messages whose calls this process waits for, as they are whenever it is looked at."""
        self.epoch = 0
        """The slot's number while it is ours; 0: it is not."""
        self._database = database
        self._account = account
        self._times = times
        self._calling = calling
        self._seconds = seconds
        self._owner = owner or own_name()
        self._ends = 0.0
        self._ends_wall = 0.0
        self._blocked_until = 0.0
        self._reason = ""
        self._presence = Presence(database)
        self._missed: tuple[int, float] | None = None
        """Under which number the holder's sign of life was found missing first, and when."""

    @property
    def holds(self) -> bool:
        """Is the slot ours, as far as this process can know without asking?

        By both clocks: the steady one stands still while the machine sleeps, the wall's may be set back.
        """
        return self.epoch > 0 and self._times.steady() < self._ends and self._times.wall() < self._ends_wall

    @property
    def blocked(self) -> bool:
        """Has the platform told the account to be silent for now?"""
        return self._times.wall() < self._blocked_until

    async def hold(self) -> bool:
        """Have the slot: take it if it is free, renew it if it runs low; False: somebody else has it."""
        if self.holds:
            if self._presence.is_lost or self._ends - self._times.steady() < self._seconds * 2 / 3:
                return await self.renew()
            return True
        self.epoch = 0
        wall = self._wall()
        if not await self._database.look(
            lambda unit: slots.may_take(unit, self._account, self._owner, wall, self._is_gone)
        ):
            return False
        session = await self._presence.keep()
        asked, asked_wall = self._times.steady(), self._times.wall()
        async with self._database.write() as unit:
            slot = await slots.take(
                unit, self._account, self._owner, self._wall(), self._length(), self._is_gone, session
            )
            if slot is None:
                return False
            self.epoch = slot.epoch
            try:
                await self._recover(unit)
            except BaseException:
                self.epoch = 0
                raise
        self._ends, self._ends_wall = asked + self._seconds, asked_wall + self._seconds
        self._blocked_until = slot.blocked_until / 1000
        log.info("sender.slot_taken", account=self._account, epoch=slot.epoch)
        return True

    def _is_gone(self, holder: Holder) -> bool:
        """A hint: that process has ended here, or its sign of life is missing for longer than a living one needs."""
        if is_gone(holder.owner):
            return True
        if holder.is_there:
            self._missed = None
            return False
        if self._missed is None or self._missed[0] != holder.epoch:
            self._missed = holder.epoch, self._times.steady()
        return self._times.steady() - self._missed[1] >= DOUBT

    async def renew(self) -> bool:
        """Keep the slot; a tick does this, and `hold` does it too when the lease runs low."""
        if not self.epoch:
            return False
        session = await self._presence.keep()
        asked, asked_wall = self._times.steady(), self._times.wall()
        epoch = self.epoch
        async with self._database.write() as unit:
            kept = await slots.renew(unit, self._account, epoch, self._wall(), self._length(), session)
        if kept:
            self._ends, self._ends_wall = asked + self._seconds, asked_wall + self._seconds
        elif self.epoch == epoch:
            log.warning("sender.slot_lost", account=self._account)
            self.epoch = 0
        return kept

    def forget(self) -> None:
        """Act as if the slot were lost: it is taken again under a new number, and what was being called is settled."""
        self.epoch = 0

    async def release(self) -> None:
        """Give the slot back, so that the next holder need not wait."""
        if self.epoch:
            async with self._database.write() as unit:
                await slots.release(unit, self._account, self.epoch)
            self.epoch = 0
        await self._presence.end()

    async def recover(self) -> None:
        """Settle what earlier holders were calling; also what they wrote in the very moment of the takeover."""
        if self.epoch:
            async with self._database.write() as unit:
                await self._recover(unit)

    async def _recover(self, unit: Unit) -> None:
        again, uncertain = await outbox.recover(
            unit, self._account, self.epoch, self._times.city(), list(self._calling)
        )
        if again or uncertain:
            log.warning("sender.recovered", account=self._account, again=again, uncertain=uncertain)

    @property
    def fence(self) -> ColumnElement[bool]:
        """Holds in a statement while the slot is ours."""
        return slots.fenced(self._account, self.epoch)

    def block(self, seconds: float, reason: str = "") -> None:
        """The platform wants silence from the whole account; `reason` is told to the operator."""
        until = self._times.wall() + seconds
        if until > self._blocked_until:
            self._blocked_until, self._reason = until, reason
        if seconds >= ALARM:
            log.error("sender.account_stopped", account=self._account, seconds=round(seconds), reason=reason)

    async def record_block(self, unit: Unit) -> None:
        """Write the silence down, if there is one: a successor obeys it too."""
        if self.blocked and self.epoch:
            until = round(self._blocked_until * 1000)
            await slots.block(unit, self._account, self.epoch, until, self._reason)

    def _wall(self) -> int:
        return round(self._times.wall() * 1000)

    def _length(self) -> int:
        return round(self._seconds * 1000)
