"""My hours: what counted, by month and otherwise, and why a record counts nothing; and closing what was left open."""

from __future__ import annotations

from datetime import datetime

from bot.desk import counting
from bot.desk.city import City
from bot.desk.subject import Subject
from bot.domain.attendance import CHECKOUT_CLOSES, Zero
from bot.domain.records import Counted, Ledger, Record, as_piece, elsewhere, summed
from storage import attendance, enrolment, people
from storage.database import Database, Unit

FEW = 20
"""Records that are read whole: whoever has fewer, and most have, is asked about once and not twice."""


class Records(Subject):
    """My ledger."""

    async def ledger(self, latest: int = 35) -> Ledger:
        """Total, months (newest first, in the city's time zone), kinds, organisations, grades; the latest records."""
        many = max(latest, FEW)
        records = await attendance.records(self.unit, self.me.id, many)
        if len(records) < many:  # these are all
            pieces = [as_piece(one) for one in records]
        else:
            pieces = await attendance.pieces(self.unit, self.me.id)
        return summed(pieces, records[:latest], self.now.astimezone(self.city.zone))

    async def latest(self, most: int) -> list[Record]:
        """My latest records, newest first."""
        return await attendance.records(self.unit, self.me.id, most)

    async def mine(self, number: int) -> Record | None:
        """One record of mine; None says nothing about whether it is another's."""
        found = await attendance.one_record(self.unit, number)
        return found if found is not None and found.person == self.me.id else None

    def rules_of(self, record: Record) -> tuple[str, str]:
        """What the rules are called by which a record was counted."""
        return self.city.rules.titles(record.rules)

    def elsewhere(self, record: Record) -> int:
        """Minutes of its time that count in another record of mine."""
        return elsewhere(record, self.city.rules.named(record.rules))

    async def chart(self) -> str:
        """The signed path of the picture of my hours; another one whenever the total or my language changes."""
        total = (await attendance.total(self.unit, self.me.id))[0]
        key = self.city.secrecy.signature(_chart(self.me.number, self.me.language, total))
        return f"/months/{self.me.number}.png?l={self.me.language}&t={total}&k={key}"


def _chart(number: str, language: str, total: int) -> str:
    return f"months:{number}:{language}:{total}"


async def charted(
    database: Database, city: City, number: str, language: str, total: int, key: str, now: datetime
) -> Ledger | None:
    """The ledger behind the picture, for whoever holds its signed address; None for everybody else."""
    if not city.secrecy.signed(_chart(number, language, total), key):
        return None
    async with database.read() as unit:
        who = await people.by_number(unit, number)
        if who is None:
            return None
        return summed(await attendance.pieces(unit, who), (), now.astimezone(city.zone))


async def close_shifts(unit: Unit, city: City, now: datetime) -> int:
    """Close what ended two hours ago: a forgotten check-out counts nothing and says so, who never came is absent.

    The planned hours are never given as a present. Returns how many check-outs were closed.
    """
    before = now - CHECKOUT_CLOSES
    open_ones = await attendance.forgotten(unit, before)
    for one in open_ones:
        await attendance.leave(unit, one.enrolment, one.arrived, "rule")
        counted = Counted(0, one.arrived, one.arrived, Zero("forgotten"))
        await counting.keep(unit, city, one.enrolment, counted, "B", now)
    await enrolment.close_ended(unit, before, now)
    return len(open_ones)
