"""My hours: what counted, by month, and why a record counts nothing; and closing what was left open."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from bot.desk.subject import Subject
from bot.domain.attendance import CHECKOUT_CLOSES, Zero
from bot.domain.records import RULES, Counted, Ledger
from storage import attendance, enrolment
from storage.database import Unit


class Records(Subject):
    """My ledger."""

    async def ledger(self, latest: int = 35) -> Ledger:
        """Total, months (newest first, in the city's time zone) and the latest records."""
        minutes, presences = await attendance.total(self.unit, self.me.id)
        months: dict[str, int] = defaultdict(int)
        for starts, worth in await attendance.minutes_by_start(self.unit, self.me.id):
            months[starts.astimezone(self.city.zone).strftime("%Y-%m")] += worth
        records = await attendance.records(self.unit, self.me.id, latest)
        return Ledger(minutes, sorted(months.items(), reverse=True), records, presences)


async def close_shifts(unit: Unit, now: datetime) -> int:
    """Close what ended two hours ago: a forgotten check-out counts nothing and says so, who never came is absent.

    The planned hours are never given as a present. Returns how many check-outs were closed.
    """
    before = now - CHECKOUT_CLOSES
    open_ones = await attendance.forgotten(unit, before)
    for one in open_ones:
        await attendance.leave(unit, one.enrolment, one.arrived, "rule")
        counted = Counted(0, one.arrived, one.arrived, Zero("forgotten"))
        await attendance.keep_record(unit, one.enrolment, counted, "B", RULES.name, now)
    await enrolment.close_ended(unit, before, now)
    return len(open_ones)
