"""Feasts and days of remembrance by their names, and the dates of the farmers' calendar: 国庆, 端午, 腊月二十三."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from lunar_python import Lunar, Solar

from bot.domain.when.chinese_dates import YEAR, year_of
from bot.domain.when.days import FIRST_YEAR, LAST_YEAR, Asked, Days, nth_weekday, one_day
from bot.domain.when.words import NUMBER, Day, day_at, number_of, reads


@dataclass(frozen=True, slots=True)
class Feast:
    """Month, day and length of a feast; `lunar`: by the farmers' calendar; `nth`: the nth weekday of the month."""

    month: int
    day: int = 1
    days: int = 1
    lunar: bool = False
    term: str = ""
    """The solar term that it is, where it is one."""
    nth: tuple[int, int] | None = None


# --- The table ----

SAME_DATE = {
    "元旦|新年|阳历年|new year's day|new year": Feast(1, 1),
    "情人节|valentine's day": Feast(2, 14),
    "学雷锋纪念日|学雷锋日|雷锋日|学雷锋|lei feng day|learn from lei feng day": Feast(3, 5),
    "妇女节|三八节|三八|women's day|international women's day": Feast(3, 8),
    "植树节|arbor day|tree planting day": Feast(3, 12),
    "世界水日|world water day": Feast(3, 22),
    "世界自闭症日|世界孤独症日|autism day|autism awareness day": Feast(4, 2),
    "世界地球日|地球日|earth day": Feast(4, 22),
    "世界读书日|读书日|world book day": Feast(4, 23),
    "五一劳动节|劳动节|五一|labour day|labor day|may day": Feast(5, 1, days=5),
    "五四青年节|青年节|五四|youth day": Feast(5, 4),
    "防灾减灾日|全国防灾减灾日": Feast(5, 12),
    "六一儿童节|儿童节|六一|children's day": Feast(6, 1),
    "世界环境日|环境日|world environment day|environment day": Feast(6, 5),
    "世界献血者日|世界献血日|献血日|world blood donor day": Feast(6, 14),
    "建党节|七一": Feast(7, 1),
    "建军节|八一": Feast(8, 1),
    "教师节|teachers' day|teacher's day": Feast(9, 10),
    "国庆节|国庆|十一|national day": Feast(10, 1, days=7),
    "万圣节|halloween": Feast(10, 31),
    "全国消防日|消防日|消防宣传日": Feast(11, 9),
    "世界艾滋病日|艾滋病日|world aids day": Feast(12, 1),
    "全国交通安全日|交通安全日": Feast(12, 2),
    "国际残疾人日|残疾人日": Feast(12, 3),
    "国家宪法日|宪法日|宪法宣传日": Feast(12, 4),
    "国际志愿者日|国际志愿人员日|世界志愿者日|志愿者日|international volunteer day|volunteer day|ivd": Feast(12, 5),
    "平安夜|christmas eve": Feast(12, 24),
    "圣诞节|圣诞|christmas day|christmas|xmas": Feast(12, 25),
    "跨年夜|跨年|new year's eve": Feast(12, 31),
}
NTH_WEEKDAY = {
    "母亲节|mother's day": Feast(5, nth=(2, 6)),
    "全国助残日|助残日": Feast(5, nth=(3, 6)),
    "父亲节|father's day": Feast(6, nth=(3, 6)),
    "感恩节|thanksgiving": Feast(11, nth=(4, 3)),
}
FARMERS_CALENDAR = {
    "春节|大年初一|过年|spring festival|chinese new year|lunar new year": Feast(1, 1, lunar=True),
    "元宵节|元宵|lantern festival": Feast(1, 15, lunar=True),
    "龙抬头": Feast(2, 2, lunar=True),
    "端午节|端午|dragon boat festival": Feast(5, 5, lunar=True),
    "七夕节|七夕": Feast(7, 7, lunar=True),
    "中秋节|中秋|mid-autumn festival|mid autumn festival|mid-autumn|moon festival": Feast(8, 15, lunar=True),
    "重阳节|重阳|老年节|double ninth festival|double ninth|chongyang festival": Feast(9, 9, lunar=True),
    "腊八节|腊八": Feast(12, 8, lunar=True),
    "小年": Feast(12, 23, lunar=True),
    "除夕|大年三十|年三十": Feast(12, 30, lunar=True),
}
SOLAR_TERMS = {
    "清明节|清明|qingming festival|qingming|tomb sweeping day|tomb-sweeping day": Feast(4, term="清明"),
    "冬至|winter solstice": Feast(12, term="冬至"),
}
FEASTS = {
    name: feast
    for names, feast in (SAME_DATE | NTH_WEEKDAY | FARMERS_CALENDAR | SOLAR_TERMS).items()
    for name in names.split("|")
}
"""Every feast by each of its names in the plain form."""


# --- When they are ----


@lru_cache(maxsize=1024)
def days_of(feast: Feast, year: int) -> Days | None:
    """The days of a feast in a common year, or in the farmers' year that begins in it; None: not known."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if feast.term:
        return one_day(_solar_term(feast.term, year, feast.month))
    if feast.lunar:
        return one_day(lunar_date(year, feast.month, feast.day))
    if feast.nth is not None:
        nth, weekday = feast.nth
        return one_day(nth_weekday(year, feast.month, nth, weekday))
    first = date(year, feast.month, feast.day)
    return first, first + timedelta(days=feast.days)


def lunar_date(year: int, month: int, day: int) -> date:
    """A day of the farmers' calendar; day 30 of a short month is its last. Raises ValueError for what is no day."""
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise ValueError(f"no day of the farmers' calendar: {month}-{day}")
    try:
        solar = Lunar.fromYmd(year, month, day).getSolar()
    except Exception as error:  # the library raises nothing more precise
        if day == 30:
            return lunar_date(year, month, 29)
        raise ValueError(str(error)) from error
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def _solar_term(term: str, year: int, month: int) -> date:
    solar = Solar.fromYmd(year, month, 15).getLunar().getJieQiTable()[term]
    if solar.getYear() != year:  # the table of a farmers' year begins with the winter solstice of the year before
        solar = Lunar.fromYmd(year + 1, 1, 1).getJieQiTable()[term]
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


# --- Their words ----

_LONGEST_FIRST = sorted(FEASTS, key=lambda name: (-len(name), name))
_CHINESE_NAMES = "|".join(re.escape(name) for name in _LONGEST_FIRST if not name.isascii())
_ENGLISH_NAMES = "|".join(re.escape(name) for name in _LONGEST_FIRST if name.isascii())

NOT_AFTER_A_NUMBER = r"(?<![\d第零一二三四五六七八九十月初])"
"""十一 is no feast after these: 第十一, 二十一, 初十一."""

NOT_A_NUMBER = r"(?![月点个号时路人名位次线湖常志报记程轻级龄度]|学校|中学|小学|小组|(?<=十一)日)"
"""Nor before these: 十一个人, 十一路, 十一学校."""


@reads(
    rf"{YEAR}{NOT_AFTER_A_NUMBER}({_CHINESE_NAMES}){NOT_A_NUMBER}(?:节)?"
    r"(?:当天|那天|假期|长假|小长假|黄金周|期间)?"
)
def chinese_feast(hit: re.Match[str], asked: Asked) -> Day | None:
    """国庆, 十一长假, 明年春节, 志愿者日."""
    return _feast_day(hit, FEASTS[hit[2]], year_of(hit[1], asked), asked)


@reads(
    rf"(?<![a-z])({_ENGLISH_NAMES})(?![a-z])(?:\s+(?:holidays?|break))?"
    r"(?:\s+(20\d\d|this year|next year|last year))?"
)
def english_feast(hit: re.Match[str], asked: Asked) -> Day | None:
    """Spring Festival, Volunteer Day, Christmas 2027, national day holiday."""
    return _feast_day(hit, FEASTS[hit[1]], year_of(hit[2], asked), asked)


def _feast_day(hit: re.Match[str], feast: Feast, year: int | None, asked: Asked) -> Day | None:
    # 除夕 and 腊八 of a farmers' year lie in the common year that follows it.
    if year is not None and feast.lunar and feast.month == 12:
        year -= 1
    found = [days for each in asked.years(year) if (days := days_of(feast, each))]
    chosen = asked.nearest(found) if year is None else (found[0] if found else None)
    if chosen is None:
        return None
    first = chosen[0]
    alternatives: tuple[Days, ...] = ()
    if feast.days > 1:
        alternatives = (one_day(first),)
    elif feast.lunar and (feast.month, feast.day) == (1, 1):
        alternatives = ((first - timedelta(days=1), first + timedelta(days=7)),)  # the holiday, from 除夕 on
    return day_at(hit, [chosen], "feast", alternatives=alternatives)


_LUNAR_MONTHS = {"正": 1, "冬": 11, "腊": 12}


@reads(
    rf"(?:农历|阴历)\s*(闰)?(正|冬|腊|{NUMBER})月\s*(初?{NUMBER})[日号]?"
    r"|(正|腊)月\s*(初?[一二三四五六七八九十廿]{1,3})"
)
def date_of_the_farmers_calendar(hit: re.Match[str], asked: Asked) -> Day | None:
    """农历八月十五, 正月初五, 腊月二十三."""
    if hit[1]:
        return None  # leap months are asked for once in a generation
    word, day_word = (hit[2], hit[3]) if hit[2] else (hit[4], hit[5])
    month = _LUNAR_MONTHS.get(word) or number_of(word) or 0
    day = number_of(day_word.removeprefix("初")) or 0
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return None
    years = (year for year in asked.years(None) if FIRST_YEAR <= year < LAST_YEAR)
    chosen = asked.nearest(one_day(lunar_date(year, month, day)) for year in years)
    return day_at(hit, [chosen], "date") if chosen else None


READERS = (chinese_feast, english_feast, date_of_the_farmers_calendar)
