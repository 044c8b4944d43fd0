"""Days, weeks, months and years as arithmetic: no words here, and no clock that is asked."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

Look = Literal["ahead", "back"]
Unit = Literal["day", "week", "month"]

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Years that are read; what lies outside is a number, not a date."""

DAY_MINUTES = 24 * 60

LONGEST_STRETCH = {"day": 400, "week": 400, "month": 24}
"""How many days, weeks or months a text may count; more of them is no time for volunteering."""

Days = tuple[date, date]
"""First day and the day after the last."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When a text is read, and which way it looks. `now` is aware, in the zone of the city."""

    now: datetime
    look: Look

    @property
    def today(self) -> date:
        """The day of `now` in its own zone."""
        return self.now.date()

    @property
    def monday(self) -> date:
        """The first day of the current week."""
        return self.today - timedelta(days=self.today.weekday())

    def nearest(self, candidates: Iterable[Days]) -> Days | None:
        """The next of some stretches that is not over; looking back, the last that has begun."""
        in_order = sorted(candidates)
        if self.look == "back":
            return next((days for days in reversed(in_order) if days[0] <= self.today), None)
        return next((days for days in in_order if days[1] > self.today), None)

    def month(self, step: int) -> Days:
        """The month that lies `step` months after the current one."""
        first = months_later(self.today.replace(day=1), step)
        return whole_month(first.year, first.month)

    def years(self, year: int | None) -> Sequence[int]:
        """The year that was told, or those around the current one."""
        return (year,) if year is not None else range(self.today.year - 4, self.today.year + 5)

    def months(self, number: int, year: int | None) -> list[Days]:
        """The months with this number, in the year that was told or in those around the current one."""
        return [whole_month(each, number) for each in self.years(year) if FIRST_YEAR <= each <= LAST_YEAR]

    def dated(self, month: int, day: int, year: int | None) -> date | None:
        """The day with these numbers, the nearest one where no year was told; None: there is none."""
        candidates = [one_day(found) for each in self.years(year) if (found := date_of(each, month, day))]
        if year is not None:
            return candidates[0][0] if candidates else None
        nearest = self.nearest(candidates)
        return nearest[0] if nearest else None

    def monthday(self, number: int) -> Days | None:
        """The nearest day with this number in its month: the 5th; None: no month has it."""
        months = (self.month(step)[0] for step in range(-3, 4))
        return self.nearest(one_day(day) for first in months if (day := date_of(first.year, first.month, number)))

    def weekday(self, weekday: int, step: int | None = None) -> date:
        """A weekday (0 is Monday) of the week `step` weeks after this one; without a step the nearest one."""
        if step is not None:
            return self.monday + timedelta(days=7 * step + weekday)
        if self.look == "back":
            return self.today - timedelta(days=(self.today.weekday() - weekday) % 7)
        return self.today + timedelta(days=(weekday - self.today.weekday()) % 7)

    def stretch(self, number: int, unit: Unit, *, back: bool = False) -> Days | None:
        """So many days, weeks or months from today on, or up to today; None: too many to be meant."""
        if not 0 < number <= LONGEST_STRETCH[unit]:
            return None
        step = -number if back else number
        if unit == "month":
            far = months_later(self.today, step)
        else:
            far = self.today + timedelta(days=step * (7 if unit == "week" else 1))
        return (far + timedelta(days=1), self.today + timedelta(days=1)) if back else (self.today, far)

    def at(self, day: date, minutes: int) -> datetime:
        """A wall-clock instant; minutes beyond the day's 1440 lie on the days that follow."""
        days, minutes = divmod(minutes, DAY_MINUTES)
        return datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), self.now.tzinfo)


def one_day(day: date) -> Days:
    """The stretch that is one day."""
    return day, day + timedelta(days=1)


def week_from(monday: date) -> Days:
    """The seven days that begin on a day."""
    return monday, monday + timedelta(days=7)


def whole_month(year: int, month: int) -> Days:
    """A month of a year; month 13 is the January that follows."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def date_of(year: int, month: int, day: int) -> date | None:
    """The day with these numbers; None: there is none, or it lies outside the years that are read."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def months_later(day: date, months: int) -> date:
    """The same day of another month, or its last day where that month is shorter."""
    year, month = day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def nth_weekday(year: int, month: int, nth: int, weekday: int) -> date:
    """The nth Monday (0) to Sunday (6) of a month; a fifth that it lacks lies in the month that follows."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def merged(ranges: Iterable[Days]) -> list[Days]:
    """Stretches of days with those that touch made one."""
    whole: list[Days] = []
    for first, after in sorted(ranges):
        if whole and first <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(whole[-1][1], after)
        else:
            whole.append((first, after))
    return whole
