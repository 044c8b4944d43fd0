"""Day words in English: tomorrow, next Saturday, this weekend, Dec 5-7, 28 November 2026, late March, in 3 days."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from bot.domain.when.days import FIRST_YEAR, LAST_YEAR, Asked, Days, Unit, date_of, one_day, week_from, whole_month
from bot.domain.when.words import AND, ENGLISH_NUMBERS, TO, Day, day_at, linked_days, number_of, part_of_month, reads

_STEPS = {"this": 0, "this coming": 0, "coming": 0, "next": 1, "last": -1}
_UNITS: dict[str, Unit] = {"day": "day", "week": "week", "month": "month"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|"
    r"july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_WEEKDAY = (
    r"(mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|weds|thu(?:rs?)?(?:day)?|"
    r"fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_COUNT = rf"(\d{{1,3}}|{'|'.join(sorted(ENGLISH_NUMBERS, key=len, reverse=True))})"
_ORDINAL = r"(?:st|nd|rd|th)?"
_ALONE = r"(?<![a-z])"
"""No letter before: there is no mon in "common" and no sun in "tsunami"."""

# --- Guards: what looks like a day and is none. tests/domain/test_when.py shows what each keeps away. ----

SOMEBODY = re.compile(r"\b(?:i|we|he|she|they|the|who)\s+$")
"""After these "sat" is a verb: we sat there, who wed."""

ALSO_VERBS = ("march", "sept")
"""Long enough for a month, and yet words of other meaning where nothing says that it is one: march on."""

SHORTEST_MONTH = 4
"""A shorter word is a month only beside in, of or a year: may I join, mar, dec."""

NOT_A_PLACE = r"(?!\s+(?:floor|district|ring|street|avenue|line|time|grade|school|hospital|one|of))"
"""No day before these: the 5th floor, the 4th ring, the 2nd one."""

NOT_AN_HOUR = r"(?![\d:]|\s*(?:am|pm)\b)"
"""Dec 5 is no date in "Dec 5:30" and "Dec 5pm"."""


# --- Days and weeks by their distance from today ----


@reads(
    rf"{_ALONE}(?:((?:the )?day after tomorrow)|((?:the )?day before yesterday)|(today)|"
    r"(tomorrow|tmrw?|tmw)|(yesterday)|(this(?=\s+(?:morning|afternoon|evening))))(?![a-z])"
)
def near_day(hit: re.Match[str], asked: Asked) -> Day | None:
    """today, tmr, the day after tomorrow, the "this" of this morning."""
    step = (2, -2, 0, 1, -1, 0)[next(index for index, group in enumerate(hit.groups()) if group is not None)]
    return day_at(hit, [one_day(asked.today + timedelta(days=step))], "relative")


@reads(rf"(?:{_ALONE}(this coming|coming|this|next|last|every|the)\s+)?{_ALONE}{_WEEKDAY}s?\.?(?![a-z'])")
def weekday(hit: re.Match[str], asked: Asked) -> Day | None:
    """Saturday, next Fri, this coming Wednesday, Sundays."""
    step, word = hit[1], hit[2]
    before = hit.string[max(hit.start() - 8, 0) : hit.start()]
    if word in ("sat", "sun", "wed", "mon") and (step == "the" or SOMEBODY.search(before)):
        return None  # "we sat there", "in the sun"
    number = _WEEKDAYS.index(word[:3])
    nearest = asked.weekday(number)
    if step not in ("this", "next", "last"):
        return day_at(hit, [one_day(nearest)], "weekday", weekday=number, bare=True)
    day = asked.weekday(number, _STEPS[step])
    # On a Monday "next Friday" is for some the Friday of this week.
    alternatives = (one_day(nearest),) if step == "next" and nearest != day and nearest > asked.today else ()
    return day_at(hit, [one_day(day)], "weekday", weekday=number, alternatives=alternatives)


@reads(rf"(?:{_ALONE}(this coming|coming|this|next|last|the|every|at the|on the)\s+)?{_ALONE}week-?ends?(?![a-z])")
def weekend(hit: re.Match[str], asked: Asked) -> Day | None:
    """weekend, this weekend, next weekend (for some the present one)."""
    saturday = asked.weekday(5, _STEPS.get(hit[1], 0))
    alternatives: tuple[Days, ...] = ()
    if hit[1] == "next":
        alternatives = ((saturday - timedelta(days=7), saturday - timedelta(days=5)),)
    if hit[1] not in ("this", "next", "last") and asked.look == "back" and asked.today < saturday:
        saturday -= timedelta(days=7)
    return day_at(hit, [(saturday, saturday + timedelta(days=2))], "week", alternatives=alternatives)


@reads(rf"{_ALONE}(?:(this|next|last)\s+(week|month|year)|the (week|month) after next)(?![a-z])")
def week_month_or_year(hit: re.Match[str], asked: Asked) -> Day | None:
    """this week, last month, next year, the week after next."""
    step, unit = (_STEPS[hit[1]], hit[2]) if hit[1] else (2, hit[3])
    if unit == "week":
        return day_at(hit, [week_from(asked.weekday(0, step))], "week")
    if unit == "month":
        return day_at(hit, [asked.month(step)], "month")
    year = asked.today.year + step
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    return day_at(hit, [(whole_month(year, 1)[0], whole_month(year, 12)[1])], "year")


@reads(
    rf"{_ALONE}(?:(within|in the next|over the next|in the coming|for the next|the next|next|the coming|coming)"
    rf"\s+{_COUNT}|(in)\s+{_COUNT})\s+(day|week|month)s?(?![a-z])"
    rf"|(?<![a-z\d]){_COUNT}\s+(day|week|month)s?\s+(from now|ago)(?![a-z])"
)
def counted_days(hit: re.Match[str], asked: Asked) -> Day | None:
    """within a week, the next 3 days; in 3 days, two weeks from now, a month ago."""
    if hit[1]:
        days = asked.stretch(number_of(hit[2]) or 0, _UNITS[hit[5]])
        return day_at(hit, [days], "relative") if days else None
    number, unit = (hit[4], hit[5]) if hit[3] else (hit[6], hit[7])
    back = hit[8] == "ago"
    days = asked.stretch(number_of(number) or 0, _UNITS[unit], back=back)
    return day_at(hit, [one_day(days[0] - timedelta(days=1) if back else days[1])], "relative") if days else None


# --- Dates and months ----


@reads(
    # Dec 5, December 5th-7th, Dec 5, 2026
    rf"{_ALONE}{_MONTH}\.?\s*(\d{{1,2}}){_ORDINAL}{NOT_AN_HOUR}"
    rf"(?:\s*(?P<link>{TO}|{AND})\s*(?P<last>\d{{1,2}}){_ORDINAL}(?![\d:/-]|\s*(?:am|pm)\b))?"
    r"(?:,?\s*(?P<year>20\d\d)(?!\d))?"
    # 5 December, 5th to 7th of December 2026
    rf"|(?<![\d.:/-])(\d{{1,2}}){_ORDINAL}"
    rf"(?:\s*(?P<link2>{TO}|{AND})\s*(?P<last2>\d{{1,2}}){_ORDINAL})?"
    rf"\s*(?:of\s+)?{_MONTH}(?![a-z])\.?(?:,?\s*(?P<year2>20\d\d)(?!\d))?"
)
def date_in_words(hit: re.Match[str], asked: Asked) -> Day | None:
    """Dec 5, 28 November 2026, December 5th and 6th, 5-7 Dec."""
    if hit[1]:
        month, day, link, last_word, year_word = hit[1], hit[2], hit["link"], hit["last"], hit["year"]
    else:
        month, day, link, last_word, year_word = hit[9], hit[6], hit["link2"], hit["last2"], hit["year2"]
    year = int(year_word) if year_word else None
    first = asked.dated(_MONTHS.index(month[:3]) + 1, int(day), year)
    if first is None:
        return None
    ranges = [one_day(first)]
    if last_word:
        last = date_of(first.year, first.month, int(last_word))
        if last is None or last <= first:
            return None
        ranges = linked_days(first, last, link)
    return day_at(hit, ranges, "date", bare=year is None)


@reads(
    rf"{_ALONE}(?:(early|mid|late)[\s-]+(?:in\s+)?|(?:the\s+)?(beginning|start|middle|end) of\s+)"
    rf"(?:{_MONTH}|(?:(the|this|next|last)\s+month))(?![a-z])(?:\s+(20\d\d))?"
)
def stretch_of_a_month(hit: re.Match[str], asked: Asked) -> Day | None:
    """late March, mid December 2026, the end of next month."""
    part = hit[1] or hit[2]
    if hit[4]:
        return part_of_month(hit, part, [asked.month(_STEPS.get(hit[4], 0))], None)
    year = int(hit[5]) if hit[5] else None
    months = asked.months(_MONTHS.index(hit[3][:3]) + 1, year)
    return part_of_month(hit, part, months, asked if year is None else None)


@reads(
    rf"{_ALONE}(?:(in|this|next|last|of|during|for)\s+)?{_ALONE}{_MONTH}(?![a-z'])\.?(?!\s*\d{{1,2}}(?!\d))"
    r"(?:,?\s*(20\d\d)(?!\d))?"
)
def month(hit: re.Match[str], asked: Asked) -> Day | None:
    """December, in May, last March, Dec 2026."""
    step, word = hit[1], hit[2]
    if step is None and hit[3] is None and (len(word) < SHORTEST_MONTH or word in ALSO_VERBS):
        return None  # "may I", "march together"
    number = _MONTHS.index(word[:3]) + 1
    year = int(hit[3]) if hit[3] else None
    if step == "last":
        if year is None and number >= asked.today.month:
            year = asked.today.year - 1
        asked = replace(asked, look="back")
    return part_of_month(hit, None, asked.months(number, year), asked if year is None else None)


@reads(rf"{_ALONE}the (\d{{1,2}})(?:st|nd|rd|th)(?![a-z]){NOT_A_PLACE}")
def day_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    """the 5th, the 28th."""
    number = int(hit[1])
    nearest = asked.monthday(number)
    return day_at(hit, [nearest], "monthday", bare=True, number=number) if nearest else None


READERS = (
    near_day,
    weekday,
    weekend,
    week_month_or_year,
    stretch_of_a_month,
    date_in_words,
    month,
    day_of_month,
    counted_days,
)
