"""Dates, months and years in figures and in Chinese: 2026-12-05, 12月5日至7日, 12.5, 5号, 12月中旬, 年底."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.domain.when.chinese_days import STEP, STEPS, WEEK, WEEKDAY_NUMBERS, WEEKDAYS
from bot.domain.when.days import FIRST_YEAR, LAST_YEAR, Asked, nth_weekday, one_day, whole_month
from bot.domain.when.words import (
    AND,
    COUNTED_THINGS,
    DATE_TAIL,
    NUMBER,
    TO,
    Day,
    day_at,
    linked_days,
    number_of,
    part_of_month,
    reads,
    with_tail,
)

YEAR = r"(?:(今年|明年|后年|去年|前年|20\d\d年)的?\s*)?"
"""A year that may stand before a month, a date, a feast."""

_YEAR_STEPS = {"今年": 0, "明年": 1, "后年": 2, "去年": -1, "前年": -2}
_YEAR_STEPS |= {"this year": 0, "next year": 1, "last year": -1}
_INSIDE = r"(?:之?内|里)?"
_MONTH_PART = r"(?:的?(初|上旬|中旬|中(?!午|间|心|学|秋|小|国)|下旬|底|末(?!班)))?"

# --- Guards: what looks like a date and is none. tests/domain/test_when.py shows what each keeps away. ----

NOT_NUMBERED = (
    r"(?!\s*(?:"
    "线|楼|院|院区|馆|门|出口|入口|口|厅|室|教室|桌|店|机|航站|路|街|胡同|弄|展|棚|站|台|仓|库|房|厂|"  # a place
    "座|位|园|区|坑|井|床|柜|闸|码|地|段|片|营|单元|学校|医院|食堂|会场|"
    "选手|员|志愿者|岗|班|组|队|球|"  # a person or a team
    "活动|项目|任务|会议|方案|通知|"  # a thing on a list
    "公|车|甲|乙|文|令|电|信"
    r"))"
)
"""5号 is no day before these: 3号线, 5号楼, 2号门, 3号车, 6号通知."""

NOT_A_DAY_SIGN = r"(?!游|元|均|常|报|志|程|期|用|本|光|内|出|托|结|薪|照|语|捐|坛|子)"
"""Nor 3日 here: 3日游, 20日元, 15日均."""

NOT_AN_ADDRESS = r"(?<![月第路街巷条弄道院村同.:/-])"
"""Nor a number after these: 建国路3号, 第3号, 甲12-3号."""

NOT_COUNTED = rf"(?!\s*(?:{COUNTED_THINGS}|点|时|分|号线|%|:|am\b|pm\b))"
"""12月5 and 12-05 are no dates before these: 12月5人, 12-05人."""

NOT_PART_OF_A_NUMBER = r"(?<![\d.第])"
"""Nor the months in 2.12月 and 第3月."""

NOT_A_MONTHLY_THING = r"(?!坛|饼|嫂|票|薪|卡)"
"""Nor is 5月 a month before these: 五月票."""


def year_of(word: str | None, asked: Asked) -> int | None:
    """The year that 明年, 2027年 or "next year" means; None: nothing was said."""
    if not word:
        return None
    return asked.today.year + _YEAR_STEPS[word] if word in _YEAR_STEPS else int(word[:4])


# --- Dates ----


@reads(
    r"(?<!\d)(20\d\d|二[零〇][零〇一二三四五六七八九]{2})"
    rf"\s*[-/.年]\s*({NUMBER})\s*[-/.月]\s*({NUMBER})(?!\d)\s*[日号]?{DATE_TAIL}"
)
def full_date(hit: re.Match[str], asked: Asked) -> Day | None:
    """2026-12-05, 2026/12/5, 二〇二六年十二月五日, 2026年12月5日至7日."""
    year, month, day = (number_of(hit[group]) or 0 for group in (1, 2, 3))
    first = asked.dated(month, day, year)
    ranges = with_tail(hit, first) if first else None
    return day_at(hit, ranges, "date") if ranges else None


@reads(
    rf"{YEAR}{NOT_PART_OF_A_NUMBER}({NUMBER})\s*月\s*({NUMBER})"
    rf"(?:\s*[日号]|(?!\d){NOT_COUNTED}){DATE_TAIL}"
)
def month_and_day(hit: re.Match[str], asked: Asked) -> Day | None:
    """12月5日, 十二月五号, 明年3月5, 12月5-7日."""
    month, day = number_of(hit[2]) or 0, number_of(hit[3]) or 0
    first = asked.dated(month, day, year_of(hit[1], asked))
    ranges = with_tail(hit, first) if first else None
    return day_at(hit, ranges, "date", bare=hit[1] is None) if ranges else None


@reads(
    r"(?<![\d/.:])(\d{1,2})/(\d{1,2})(?:/(?P<year>20\d\d))?(?![\d/%])"  # 12/5, 28/11/2026
    rf"|(?<![\d/.:-])(\d{{2}})-(\d{{2}})(?![\d/:.-]){NOT_COUNTED}"  # 12-05
    r"|(?<![\d/.:-])(\d{1,2})\.(\d{1,2})"  # 12.5, which is a number unless a time follows
    r"(?=[日号(]|\s*(?:周|星期|上午|下午|晚上|早上|中午)|\s+\d{1,2}[:点])[日号]?"
)
def date_in_figures(hit: re.Match[str], asked: Asked) -> Day | None:
    """12/5, 28/11, 11/28/2026, 12-05, 12.5 9:00."""
    year = int(hit["year"]) if hit["year"] else None
    month, day = (int(group) for index, group in enumerate(hit.groups()) if group and index != 2)
    if month > 12 and "/" in hit[0] and hit[0] != "24/7":
        month, day = day, month  # 28/11 can only be the European order
    found = asked.dated(month, day, year)
    return day_at(hit, [one_day(found)], "date", bare=year is None) if found else None


@reads(
    rf"(?:(?<=[本个上下]月)|(?<!\d){NOT_AN_ADDRESS})"
    rf"({NUMBER})\s*(?:(?P<link>{TO}|{AND})\s*({NUMBER})\s*)?(号|日){NOT_NUMBERED}{NOT_A_DAY_SIGN}(?:\s*当天)?"
)
def day_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    """5号, 28日当天, 5到8号, 5、6日."""
    if hit[4] == "日" and not hit[1][0].isdigit() and len(hit[1]) == 1:
        return None  # 三日 is three days
    number = number_of(hit[1]) or 0
    nearest = asked.monthday(number)
    if nearest is None:
        return None
    ranges = [nearest]
    if hit[3] is not None:
        first = nearest[0]
        last = asked.dated(first.month, number_of(hit[3]) or 0, first.year)
        if last is None or last <= first:
            return None
        ranges = linked_days(first, last, hit["link"])
    return day_at(hit, ranges, "monthday", bare=True, number=number)


# --- Months and years ----


@reads(rf"{YEAR}{NOT_PART_OF_A_NUMBER}({NUMBER})\s*月(?!\d){NOT_A_MONTHLY_THING}(?:份)?{_MONTH_PART}{_INSIDE}")
def month(hit: re.Match[str], asked: Asked) -> Day | None:
    """3月, 十二月份, 明年3月底, 12月中旬."""
    number = number_of(hit[2]) or 0
    if not 1 <= number <= 12:
        return None
    year = year_of(hit[1], asked)
    months = asked.months(number, year)
    return part_of_month(hit, hit[3], months, asked if year is None else None, bare=hit[1] is None)


@reads(rf"{STEP}月(?:份)?{_MONTH_PART}{_INSIDE}")
def month_by_step(hit: re.Match[str], asked: Asked) -> Day | None:
    """这个月, 下个月初, 上月底."""
    return part_of_month(hit, hit[2], [asked.month(STEPS[hit[1]])], None)


@reads(r"(?<![\d零一二三四五六七八九十个本这上下])月(初|上旬|中旬|下旬|底|末)")
def stretch_of_a_month(hit: re.Match[str], asked: Asked) -> Day | None:
    """月初, 月底."""
    return part_of_month(hit, hit[1], [asked.month(step) for step in range(-2, 3)], asked)


@reads(
    r"(今年|明年|后年|去年|前年|20\d\d年)(?:的?(年初|年底|年末|上半年|下半年|初|底))?"
    r"|(?<![\d今明去前后])(年初|年底|年末|年内)"
)
def year(hit: re.Match[str], asked: Asked) -> Day | None:
    """去年, 2027年, 明年上半年, 年底."""
    number = year_of(hit[1], asked) or asked.today.year
    part = hit[2] or hit[3] or ""
    first, after = 1, 13
    if "初" in part:
        after = 2
        if hit[1] is None and asked.look == "ahead" and asked.today.month > 1:
            number += 1
    elif "底" in part or "末" in part:
        first = 12
    elif part == "上半年":
        after = 7
    elif part == "下半年":
        first = 7
    if not FIRST_YEAR <= number <= LAST_YEAR:
        return None
    return day_at(hit, [(whole_month(number, first)[0], whole_month(number, after)[0])], "year")


@reads(rf"(?:{STEP}月|({NUMBER})月)(?:份)?的?(?:第([一二三四1234])|(最后一))个?{WEEK}([{WEEKDAYS}])")
def nth_weekday_of_a_month(hit: re.Match[str], asked: Asked) -> Day | None:
    """12月第一个周六, 下个月最后一个星期天."""
    if hit[1]:
        months = [asked.month(STEPS[hit[1]])]
    else:
        number = number_of(hit[2]) or 0
        if not 1 <= number <= 12:
            return None
        months = asked.months(number, None)
    nth = 5 if hit[4] else number_of(hit[3]) or 1
    candidates = []
    for first, after in months:
        day = nth_weekday(first.year, first.month, nth, WEEKDAY_NUMBERS[hit[5]])
        candidates.append(one_day(day if day < after else day - timedelta(days=7)))
    chosen = asked.nearest(candidates) if hit[2] else candidates[0]
    return day_at(hit, [chosen], "date") if chosen else None


READERS = (
    full_date,
    month_and_day,
    date_in_figures,
    day_of_month,
    month,
    month_by_step,
    stretch_of_a_month,
    year,
    nth_weekday_of_a_month,
)
