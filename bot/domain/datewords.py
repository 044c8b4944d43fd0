"""The day words of the date grammar, in Chinese and English: 下周三, 12月5日至7日, 月底, 国庆, next weekend.

Read by `bot.domain.when`, whose first lines say what each word means. All texts here are in their plain form
(`bot.domain.writing`): lower case, simplified characters, half-width digits.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from lunar_python import Lunar, Solar

from bot.domain.clockwords import TO
from bot.domain.digits import read_numeral

Look = Literal["ahead", "back"]
FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Years that are read; what lies outside is a number, not a date."""

Days = tuple[date, date]
"""First day and the day after the last."""

Shape = Literal["weekday", "week", "date", "monthday", "month", "year", "feast", "relative"]


@dataclass(frozen=True, slots=True)
class Day:
    """A day word at `[start, end)` of a plain text, and the days that it means."""

    start: int
    end: int
    ranges: tuple[Days, ...]
    shape: Shape
    bare: bool = False
    """A weekday without 这 or 下, a date without a year: free to follow what stands before it."""
    weekday: int | None = None
    number: int | None = None
    """The day of the month, where only this is told."""
    alternatives: tuple[Days, ...] = ()
    gathered: bool = False
    """Made of several pieces: takes no further one."""


@dataclass(frozen=True, slots=True)
class Asked:
    """When a text is read, and which way it looks."""

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
        """Of stretches in order of time the next that is not over, or the last that has begun."""
        in_order = sorted(candidates)
        if self.look == "back":
            return next((days for days in reversed(in_order) if days[0] <= self.today), None)
        return next((days for days in in_order if days[1] > self.today), None)


def one_day(day: date) -> Days:
    """The stretch that is one day."""
    return day, day + timedelta(days=1)


def _whole_month(year: int, month: int) -> Days:
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


def merged(ranges: Iterable[Days]) -> list[Days]:
    """Stretches of days with those that touch made one."""
    merged: list[Days] = []
    for first, after in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(merged[-1][1], after)
        else:
            merged.append((first, after))
    return merged


# --- Words ----

_N = r"(?:\d{1,3}|[零〇一二两三四五六七八九十廿]{1,4})"
AND = r"(?:、|,|和|与|及|或者?|/|&|and\b|or\b)"
_ENGLISH_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "few": 3, "couple of": 2, "a few": 3, "a couple of": 2, "two or three": 3,
}
_WEEKDAY = "一二三四五六日天"
_WEEKDAY_NUMBER = {sign: min(number, 6) for number, sign in enumerate(_WEEKDAY)} | {str(n + 1): n for n in range(7)}
_ENGLISH_WEEKDAY = (
    r"(mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|weds|thu(?:rs?)?(?:day)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_ENGLISH_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?)"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_EN = rf"(\d{{1,3}}|{'|'.join(sorted(_ENGLISH_NUMBERS, key=len, reverse=True))})"
_WEEK_STEP = {
    "": 0, "这": 0, "本": 0, "这个": 0, "这一": 0, "这一个": 0,
    "下": 1, "下个": 1, "下一": 1, "下一个": 1, "下下": 2, "下下个": 2,
    "上": -1, "上个": -1, "上一": -1, "上一个": -1, "上上": -2, "上上个": -2,
}
_STEP = r"(上上个?|上一?个?|下下个?|下一?个?|这一?个?|本)"
_ENGLISH_STEP = {"this": 0, "this coming": 0, "coming": 0, "next": 1, "last": -1}
_YEAR = r"(?:(今年|明年|后年|去年|前年|20\d\d年)的?\s*)?"
_NOT_A_DATE = (
    "线|楼|院|馆|门|出口|入口|口|厅|室|教室|桌|店|公|车|机|航站|路|街|展|棚|站|台|仓|岗|位|座|园|区|坑|井|床|柜|闸|码|地|段|胡同|"
    "弄|甲|乙|文|令|球|选手|员|志愿者|活动|项目|任务|班|组|队|会议|会场|营|片|方案|通知|单元|学校|医院|食堂|厂|库|房|电|信|院区"
)
_NUMBERED = rf"(?!\s*(?:{_NOT_A_DATE}))"
_NOT_AFTER_DAY_SIGN = r"(?!游|元|均|常|报|志|程|期|用|本|光|内|出|托|结|薪|照|语|捐|坛|子)"
_COUNTED = r"(?!\s*(?:人|个|岁|名|位|元|点|时|小时|分|公里|天|周|米|号线|%|:|people|years|km|hours|days|am\b|pm\b))"


def _year_of(word: str | None, asked: Asked) -> int | None:
    if not word:
        return None
    steps = {"今年": 0, "明年": 1, "后年": 2, "去年": -1, "前年": -2, "this year": 0, "next year": 1, "last year": -1}
    return asked.today.year + steps[word] if word in steps else int(word[:4])


def _years(asked: Asked, year: int | None) -> Sequence[int]:
    return (year,) if year is not None else range(asked.today.year - 4, asked.today.year + 5)


def _third(month: Days, part: str) -> tuple[Days, tuple[Days, ...]]:
    """The stretch of a month that 月初, 中旬, "late" and their like mean, and what else they may mean."""
    first, after = month
    tenth, twentieth = first + timedelta(days=10), first + timedelta(days=20)
    if part in ("初", "beginning", "start"):
        return (first, first + timedelta(days=5)), ((first, tenth),)
    if part in ("上旬", "early"):
        return (first, tenth), ((first, first + timedelta(days=5)),)
    if part in ("中", "中旬", "mid", "middle"):
        return (tenth, twentieth), ()
    if part in ("下旬", "late"):
        return (twentieth, after), ((after - timedelta(days=5), after),)
    return (after - timedelta(days=5), after), ((twentieth, after),)


def number_of(text: str) -> int | None:
    """The value of digits, a Chinese numeral or an English number word; None: it is none."""
    return _ENGLISH_NUMBERS[text] if text in _ENGLISH_NUMBERS else read_numeral(text)


# --- Feasts ----


@dataclass(frozen=True, slots=True)
class _Feast:
    """Month, day and length of a feast; `lunar`: by the farmers' calendar; `nth`: the nth weekday of the month."""

    month: int
    day: int = 1
    days: int = 1
    lunar: bool = False
    term: str = ""
    nth: tuple[int, int] | None = None


_FEASTS: dict[str, _Feast] = {}
for _names, _feast in (
    ("元旦|新年|阳历年|new year's day|new year", _Feast(1, 1)),
    ("情人节|valentine's day", _Feast(2, 14)),
    ("学雷锋纪念日|学雷锋日|雷锋日|学雷锋|lei feng day|learn from lei feng day", _Feast(3, 5)),
    ("妇女节|三八节|三八|women's day|international women's day", _Feast(3, 8)),
    ("植树节|arbor day|tree planting day", _Feast(3, 12)),
    ("世界水日|world water day", _Feast(3, 22)),
    ("世界自闭症日|世界孤独症日|autism day|autism awareness day", _Feast(4, 2)),
    ("世界地球日|地球日|earth day", _Feast(4, 22)),
    ("世界读书日|读书日|world book day", _Feast(4, 23)),
    ("五一劳动节|劳动节|五一|labour day|labor day|may day", _Feast(5, 1, 5)),
    ("五四青年节|青年节|五四|youth day", _Feast(5, 4)),
    ("防灾减灾日|全国防灾减灾日", _Feast(5, 12)),
    ("母亲节|mother's day", _Feast(5, nth=(2, 6))),
    ("全国助残日|助残日", _Feast(5, nth=(3, 6))),
    ("六一儿童节|儿童节|六一|children's day", _Feast(6, 1)),
    ("世界环境日|环境日|world environment day|environment day", _Feast(6, 5)),
    ("世界献血者日|世界献血日|献血日|world blood donor day", _Feast(6, 14)),
    ("父亲节|father's day", _Feast(6, nth=(3, 6))),
    ("建党节|七一", _Feast(7, 1)),
    ("建军节|八一", _Feast(8, 1)),
    ("教师节|teachers' day|teacher's day", _Feast(9, 10)),
    ("国庆节|国庆|十一|national day", _Feast(10, 1, 7)),
    ("万圣节|halloween", _Feast(10, 31)),
    ("全国消防日|消防日|消防宣传日", _Feast(11, 9)),
    ("感恩节|thanksgiving", _Feast(11, nth=(4, 3))),
    ("世界艾滋病日|艾滋病日|world aids day", _Feast(12, 1)),
    ("全国交通安全日|交通安全日", _Feast(12, 2)),
    ("国际残疾人日|残疾人日", _Feast(12, 3)),
    ("国家宪法日|宪法日|宪法宣传日", _Feast(12, 4)),
    ("国际志愿者日|国际志愿人员日|世界志愿者日|志愿者日|international volunteer day|volunteer day|ivd", _Feast(12, 5)),
    ("平安夜|christmas eve", _Feast(12, 24)),
    ("圣诞节|圣诞|christmas day|christmas|xmas", _Feast(12, 25)),
    ("跨年夜|跨年|new year's eve", _Feast(12, 31)),
    ("春节|大年初一|过年|spring festival|chinese new year|lunar new year", _Feast(1, 1, lunar=True)),
    ("元宵节|元宵|lantern festival", _Feast(1, 15, lunar=True)),
    ("龙抬头", _Feast(2, 2, lunar=True)),
    ("端午节|端午|dragon boat festival", _Feast(5, 5, lunar=True)),
    ("七夕节|七夕", _Feast(7, 7, lunar=True)),
    ("中秋节|中秋|mid-autumn festival|mid autumn festival|mid-autumn|moon festival", _Feast(8, 15, lunar=True)),
    ("重阳节|重阳|老年节|double ninth festival|double ninth|chongyang festival", _Feast(9, 9, lunar=True)),
    ("腊八节|腊八", _Feast(12, 8, lunar=True)),
    ("小年", _Feast(12, 23, lunar=True)),
    ("除夕|大年三十|年三十", _Feast(12, 30, lunar=True)),
    ("清明节|清明|qingming festival|qingming|tomb sweeping day|tomb-sweeping day", _Feast(4, term="清明")),
    ("冬至|winter solstice", _Feast(12, term="冬至")),
):
    for _name in _names.split("|"):
        _FEASTS[_name] = _feast


@lru_cache(maxsize=1024)
def _feast_in(feast: _Feast, year: int) -> Days | None:
    """The days of a feast in a common year, or in the farmers' year that begins in it; None: not known."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    if feast.term:
        solar = Solar.fromYmd(year, feast.month, 15).getLunar().getJieQiTable()[feast.term]
        # The table of a farmers' year begins with the winter solstice of the year before.
        if solar.getYear() != year:
            solar = Lunar.fromYmd(year + 1, 1, 1).getJieQiTable()[feast.term]
        return one_day(date(solar.getYear(), solar.getMonth(), solar.getDay()))
    if feast.lunar:
        return one_day(_lunar_date(year, feast.month, feast.day))
    if feast.nth is not None:
        nth, weekday = feast.nth
        return one_day(_nth_weekday(year, feast.month, nth, weekday))
    first = date(year, feast.month, feast.day)
    return first, first + timedelta(days=feast.days)


def _lunar_date(year: int, month: int, day: int) -> date:
    """A day of the farmers' calendar; day 30 of a short month is its last. Raises ValueError for what is no day."""
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise ValueError(f"no day of the farmers' calendar: {month}-{day}")
    try:
        solar = Lunar.fromYmd(year, month, day).getSolar()
    except Exception as error:
        if day == 30:
            return _lunar_date(year, month, 29)
        raise ValueError(str(error)) from error
    return date(solar.getYear(), solar.getMonth(), solar.getDay())


def _nth_weekday(year: int, month: int, nth: int, weekday: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


# --- Readers ----

_Reader = Callable[[re.Match[str], Asked], "Day | None"]
_READERS: list[tuple[re.Pattern[str], _Reader]] = []


def _reads(pattern: str) -> Callable[[_Reader], _Reader]:
    def register(reader: _Reader) -> _Reader:
        _READERS.append((re.compile(pattern, re.ASCII), reader))
        return reader

    return register


def _made(
    hit: re.Match[str],
    ranges: Iterable[Days],
    shape: Shape,
    *,
    bare: bool = False,
    weekday: int | None = None,
    number: int | None = None,
    alternatives: tuple[Days, ...] = (),
) -> Day | None:
    kept = tuple(ranges)
    if not kept or any(first >= after for first, after in kept):
        return None
    return Day(hit.start(), hit.end(), kept, shape, bare, weekday, number, alternatives)


_DATE_TAIL = rf"(?:\s*(?P<link>{TO}|{AND})\s*(?P<last>{_N})\s*[日号])?"


def _tail(hit: re.Match[str], first: date) -> list[Days] | None:
    """The days of `5日至7日` and `5、6日`, once the first is known; None: the second half is no day."""
    if hit["last"] is None:
        return [one_day(first)]
    number = number_of(hit["last"])
    last = date_of(first.year, first.month, number) if number else None
    if last is None:
        return None
    if last < first:
        last = months_later(first.replace(day=1), 1).replace(day=min(last.day, 28))
    if re.match(TO, hit["link"]):
        return [(first, last + timedelta(days=1))]
    return [one_day(first), one_day(last)]


@_reads(rf"(?<!\d)(20\d\d|二[零〇][零〇一二三四五六七八九]{{2}})\s*[-/.年]\s*({_N})\s*[-/.月]\s*({_N})(?!\d)\s*[日号]?{_DATE_TAIL}")
def _full_date(hit: re.Match[str], asked: Asked) -> Day | None:
    year, month, day = (number_of(hit[group]) or 0 for group in (1, 2, 3))
    first = date_of(year, month, day)
    ranges = _tail(hit, first) if first else None
    return _made(hit, ranges, "date") if ranges else None


def _next_date(month: int, day: int, asked: Asked, year: int | None) -> date | None:
    candidates = [one_day(found) for each in _years(asked, year) if (found := date_of(each, month, day))]
    if year is not None:
        return candidates[0][0] if candidates else None
    nearest = asked.nearest(candidates)
    return nearest[0] if nearest else None


@_reads(rf"{_YEAR}(?<![\d.第])({_N})\s*月\s*({_N})(?:\s*[日号]|(?!\d){_COUNTED}){_DATE_TAIL}")
def _month_and_day(hit: re.Match[str], asked: Asked) -> Day | None:
    month, day = number_of(hit[2]) or 0, number_of(hit[3]) or 0
    first = _next_date(month, day, asked, _year_of(hit[1], asked))
    ranges = _tail(hit, first) if first else None
    return _made(hit, ranges, "date", bare=hit[1] is None) if ranges else None


@_reads(r"(?<![\d/.:])(\d{1,2})/(\d{1,2})(?:/(?P<year>20\d\d))?(?![\d/%])|"
        r"(?<![\d/.:-])(\d{2})-(\d{2})(?![\d/:.-])" + _COUNTED
        + r"|(?<![\d/.:-])(\d{1,2})\.(\d{1,2})"
        r"(?=[日号(]|\s*(?:周|星期|上午|下午|晚上|早上|中午)|\s+\d{1,2}[:点])[日号]?")
def _numeric_date(hit: re.Match[str], asked: Asked) -> Day | None:
    year = int(hit["year"]) if hit["year"] else None
    month, day = (int(group) for index, group in enumerate(hit.groups()) if group and index != 2)
    if month > 12 and "/" in hit[0] and hit[0] != "24/7":
        month, day = day, month  # 28/11 can only be the European order
    found = _next_date(month, day, asked, year)
    return _made(hit, [one_day(found)], "date", bare=year is None) if found else None


@_reads(rf"(?:(?<=[本个上下]月)|(?<!\d)(?<![月第路街巷条弄道院村同.:/-]))({_N})\s*(?:(?P<link>{TO}|{AND})\s*({_N})\s*)?(号|日){_NUMBERED}"
        rf"{_NOT_AFTER_DAY_SIGN}(?:\s*当天)?")
def _day_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[4] == "日" and not hit[1][0].isdigit() and len(hit[1]) == 1:
        return None  # 三日 is three days
    number = number_of(hit[1]) or 0
    if not 1 <= number <= 31:
        return None
    months = (months_later(asked.today.replace(day=1), step) for step in range(-3, 4))
    candidates = [one_day(found) for month in months if (found := date_of(month.year, month.month, number))]
    nearest = asked.nearest(candidates)
    if nearest is None:
        return None
    ranges: list[Days] = [nearest]
    if hit[3] is not None:
        last = date_of(nearest[0].year, nearest[0].month, number_of(hit[3]) or 0)
        if last is None or last <= nearest[0]:
            return None
        ranges = [(nearest[0], last + timedelta(days=1))] if re.match(TO, hit["link"]) else [nearest, one_day(last)]
    return _made(hit, ranges, "monthday", bare=True, number=number)


_MONTH_PART = r"(?:的?(初|上旬|中旬|中(?!午|间|心|学|秋|小|国)|下旬|底|末(?!班)))?"


@_reads(rf"{_YEAR}(?<![\d.第])({_N})\s*月(?!\d)(?!坛|饼|嫂|票|薪|卡)(?:份)?{_MONTH_PART}(?:之?内|里)?")
def _month(hit: re.Match[str], asked: Asked) -> Day | None:
    number = number_of(hit[2]) or 0
    if not 1 <= number <= 12:
        return None
    year = _year_of(hit[1], asked)
    months = [_whole_month(each, number) for each in _years(asked, year) if FIRST_YEAR <= each <= LAST_YEAR]
    return _part_of_month(hit, hit[3], months, asked if year is None else None, bare=hit[1] is None)


def _part_of_month(
    hit: re.Match[str], part: str | None, months: Sequence[Days], asked: Asked | None, bare: bool = False
) -> Day | None:
    """A month or a stretch of it; `asked`: take the next, None: the only one."""
    if not months:
        return None
    stretches = [_third(month, part)[0] if part else month for month in months]
    chosen = asked.nearest(stretches) if asked else stretches[0]
    if chosen is None:
        return None
    alternatives = _third(months[stretches.index(chosen)], part)[1] if part else ()
    return _made(hit, [chosen], "month", alternatives=alternatives, bare=bare)


@_reads(rf"{_STEP}月(?:份)?{_MONTH_PART}(?:之?内|里)?")
def _month_by_step(hit: re.Match[str], asked: Asked) -> Day | None:
    first = months_later(asked.today.replace(day=1), _WEEK_STEP.get(hit[1], 0))
    return _part_of_month(hit, hit[2], [_whole_month(first.year, first.month)], None)


@_reads(r"(?<![\d零一二三四五六七八九十个本这上下])月(初|上旬|中旬|下旬|底|末)")
def _stretch_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    firsts = (months_later(asked.today.replace(day=1), step) for step in range(-2, 3))
    return _part_of_month(hit, hit[1], [_whole_month(first.year, first.month) for first in firsts], asked)


@_reads(r"(今年|明年|后年|去年|前年|20\d\d年)(?:的?(年初|年底|年末|上半年|下半年|初|底))?|(?<![\d今明去前后])(年初|年底|年末|年内)")
def _year(hit: re.Match[str], asked: Asked) -> Day | None:
    year = _year_of(hit[1], asked) or asked.today.year
    part = hit[2] or hit[3] or ""
    first, after = 1, 13
    if "初" in part:
        first, after = 1, 2
        if hit[1] is None and asked.look == "ahead" and asked.today.month > 1:
            year += 1
    elif "底" in part or "末" in part:
        first = 12
    elif part == "上半年":
        after = 7
    elif part == "下半年":
        first = 7
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    return _made(hit, [(_whole_month(year, first)[0], _whole_month(year, after)[0])], "year")


_BEFORE_CLOCK = r"(?=早|晚|夜|晨|上午|下午|中午|傍晚|凌晨|午|\d{1,2}[点:]|[一二两三四五六七八九十]{1,3}点)"
_OF_A_WORD = "(?<![证文光清透黎昆声])"


@_reads(rf"明后(?:两)?天|今明(?:两)?天|大后天|大前天|(?<![先])后天|前天|今[天日儿]|{_OF_A_WORD}明天(?!数|气)|{_OF_A_WORD}(?<![说发])明[日儿](?!期)|昨[天日儿]|"
        rf"(?<![如至现当])今{_BEFORE_CLOCK}|{_OF_A_WORD}(?<![说发聪])明{_BEFORE_CLOCK}|昨{_BEFORE_CLOCK}|当天(?=\d)")
def _near_day(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[0][:2] in ("明后", "今明"):
        first = asked.today + timedelta(days=hit[0][0] == "明")
        return _made(hit, [(first, first + timedelta(days=2))], "relative")
    steps = {"大后天": 3, "大前天": -3, "后天": 2, "前天": -2, "今": 0, "明": 1, "昨": -1, "当天": 0}
    step = steps[hit[0]] if hit[0] in steps else steps[hit[0][0]]
    return _made(hit, [one_day(asked.today + timedelta(days=step))], "relative")


_UNIT_DAYS = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7}


def _stretch(asked: Asked, number: int, unit: str, back: bool = False) -> Days | None:
    if not 0 < number <= 400:
        return None
    if unit in ("月", "month"):
        if number > 24:
            return None
        far = months_later(asked.today, -number if back else number)
    else:
        step = number * _UNIT_DAYS.get(unit, 7 if unit == "week" else 1)
        far = asked.today + timedelta(days=-step if back else step)
    return (far + timedelta(days=1), asked.today + timedelta(days=1)) if back else (asked.today, far)


@_reads(rf"(?:未来|接下来|今后|往后)的?({_N}|几|半)个?(天|日|周|星期|礼拜|月)(?:之?内|里)?|(?:最近|近|这)(两三|几|{_N})个?(天|日|周|星期|礼拜|月)(?:之?内|里)?|"
        rf"(?<![第\d])({_N}|半)个?(天|日|周|星期|礼拜|月)(?:之内|以内|内)")
def _coming_days(hit: re.Match[str], asked: Asked) -> Day | None:
    word, unit = (group for group in hit.groups() if group)
    if word == "半":
        number: int | None = 15
        unit = "天"
    else:
        number = 3 if word in ("几", "两三") else number_of(word)
    days = _stretch(asked, number or 0, unit, back=asked.look == "back")
    return _made(hit, [days], "relative") if days else None


@_reads(rf"(?<![第\d大])(?:过)?({_N}|半)个?(天|周|星期|礼拜|月)(?:之|以)?(后|前)(?!天|海)")
def _days_away(hit: re.Match[str], asked: Asked) -> Day | None:
    number, unit = (15, "天") if hit[1] == "半" else (number_of(hit[1]) or 0, hit[2])
    days = _stretch(asked, number, unit, back=hit[3] == "前")
    if days is None:
        return None
    return _made(hit, [one_day(days[0] - timedelta(days=1) if hit[3] == "前" else days[1])], "relative")


_WEEKDAY_WORD = (
    r"(?:一(?!起|定|直|共|样|些|般|切|次|回|趟|期)|二(?!次|手|十)|三(?!里屯|元桥|次|十)|四(?!惠|季青|元桥|次|十)|"
    r"五(?!道口|棵松|里坨|次|十)|"
    r"六(?!里桥|里屯|次|十|道口)|日(?!程|常|报|记|期|志)|天(?!坛|安门|通苑|宫院|桥|竺|气)|[1-7](?![\d.:点月号日/-]))"
)


_WEEK_WORD = rf"(?:{_STEP}|每个?)?(?:周|星期|礼拜)"


@_reads(
    rf"{_WEEK_WORD}(六日|六天|一三五|二四六|一三|二四|三五)(?![子坛里道号日点])|{_WEEK_WORD}({_WEEKDAY_WORD})"
    rf"(?:(?P<link>{TO}|、|,|/|和|或)(?P<last>[{_WEEKDAY}])(?![{_WEEKDAY}七八九十个起定些里点号月百道]))?"
)
def _weekday(hit: re.Match[str], asked: Asked) -> Day | None:
    step = hit[1] or hit[3]
    numbers = [_WEEKDAY_NUMBER[sign] for sign in (hit[2] or hit[4])]
    if hit["last"] is not None:
        last = _WEEKDAY_NUMBER[hit["last"]]
        if not re.match(TO, hit["link"]):
            numbers.append(last)
        elif last <= numbers[0]:
            return None
        else:
            first = _on_weekday(numbers[0], step, asked)
            return _made(hit, [(first, first + timedelta(days=last - numbers[0] + 1))], "weekday", weekday=numbers[0])
    first = _on_weekday(numbers[0], step, asked)
    days = [first + timedelta(days=(number - numbers[0]) % 7) for number in numbers]
    return _made(hit, merged(map(one_day, days)), "weekday", bare=not step and len(numbers) == 1, weekday=numbers[0])


def _on_weekday(weekday: int, step: str | None, asked: Asked) -> date:
    if step:
        return asked.monday + timedelta(days=7 * _WEEK_STEP[step] + weekday)
    if asked.look == "back":
        return asked.today - timedelta(days=(asked.today.weekday() - weekday) % 7)
    return asked.today + timedelta(days=(weekday - asked.today.weekday()) % 7)


@_reads(rf"(?:{_STEP}|每个?)?(?:个)?(?:周末|礼拜末|星期末|双休日)")
def _weekend(hit: re.Match[str], asked: Asked) -> Day | None:
    saturday = asked.monday + timedelta(days=5 + 7 * _WEEK_STEP.get(hit[1] or "", 0))
    if not hit[1] and asked.look == "back" and asked.today < saturday:
        saturday -= timedelta(days=7)
    return _made(hit, [(saturday, saturday + timedelta(days=2))], "week")


@_reads(rf"{_STEP}(?:周|星期|礼拜)(?!年|末)(?:之?内|里)?")
def _week(hit: re.Match[str], asked: Asked) -> Day | None:
    monday = asked.monday + timedelta(days=7 * _WEEK_STEP[hit[1]])
    return _made(hit, [(monday, monday + timedelta(days=7))], "week")


@_reads(r"工作日|平日|\bweekdays?\b")
def _working_days(hit: re.Match[str], asked: Asked) -> Day | None:
    days = (asked.today + timedelta(days=step) for step in range(7))
    return _made(hit, merged(one_day(day) for day in days if day.weekday() < 5), "week")


@_reads(rf"(?:{_STEP}月|({_N})月)(?:份)?的?(?:第([一二三四1234])|(最后一))个?(?:周|星期|礼拜)([{_WEEKDAY}])")
def _nth_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    weekday = _WEEKDAY_NUMBER[hit[5]]
    if hit[1]:
        firsts = [months_later(asked.today.replace(day=1), _WEEK_STEP[hit[1]])]
    else:
        number = number_of(hit[2]) or 0
        if not 1 <= number <= 12:
            return None
        firsts = [date(year, number, 1) for year in _years(asked, None) if FIRST_YEAR <= year <= LAST_YEAR]
    nth = 5 if hit[4] else number_of(hit[3]) or 1
    candidates = []
    for first in firsts:
        day = _nth_weekday(first.year, first.month, nth, weekday)
        candidates.append(one_day(day if day.month == first.month else day - timedelta(days=7)))
    chosen = asked.nearest(candidates) if hit[2] else candidates[0]
    return _made(hit, [chosen], "date") if chosen else None


_LONGEST_FIRST = sorted(_FEASTS, key=lambda name: (-len(name), name))
_CHINESE_FEASTS = "|".join(re.escape(name) for name in _LONGEST_FIRST if not name.isascii())
_ENGLISH_FEASTS = "|".join(re.escape(name) for name in _LONGEST_FIRST if name.isascii())

@_reads(rf"{_YEAR}(?<![\d第零一二三四五六七八九十月初])({_CHINESE_FEASTS})(?![月点个号时路人名位次线湖常志报记程轻级龄度]|学校|中学|小学|小组|(?<=十一)日)(?:节)?"
        r"(?:当天|那天|假期|长假|小长假|黄金周|期间)?")
def _chinese_feast(hit: re.Match[str], asked: Asked) -> Day | None:
    return _feast_day(hit, _FEASTS[hit[2]], _year_of(hit[1], asked), asked)


@_reads(rf"(?<![a-z])({_ENGLISH_FEASTS})(?![a-z])(?:\s+(?:holidays?|break))?"
        r"(?:\s+(20\d\d|this year|next year|last year))?")
def _english_feast(hit: re.Match[str], asked: Asked) -> Day | None:
    year = None if hit[2] is None else int(hit[2]) if hit[2].isdigit() else _year_of(hit[2], asked)
    return _feast_day(hit, _FEASTS[hit[1]], year, asked)


def _feast_day(hit: re.Match[str], feast: _Feast, year: int | None, asked: Asked) -> Day | None:
    # 除夕 and 腊八 of a farmers' year lie in the common year that follows it.
    if year is not None and feast.lunar and feast.month == 12:
        year -= 1
    found = [days for each in _years(asked, year) if (days := _feast_in(feast, each))]
    chosen = asked.nearest(found) if year is None else (found[0] if found else None)
    if chosen is None:
        return None
    first = chosen[0]
    alternatives: tuple[Days, ...] = ()
    if feast.days > 1:
        alternatives = (one_day(first),)
    elif feast.lunar and (feast.month, feast.day) == (1, 1):
        alternatives = ((first - timedelta(days=1), first + timedelta(days=7)),)
    return _made(hit, [chosen], "feast", alternatives=alternatives)


@_reads(rf"(?:农历|阴历)\s*(闰)?(正|冬|腊|{_N})月\s*(初?{_N})[日号]?|(正|腊)月\s*(初?[一二三四五六七八九十廿]{{1,3}})")
def _lunar(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[1]:
        return None  # leap months are asked for once in a generation
    word, day_word = (hit[2], hit[3]) if hit[2] else (hit[4], hit[5])
    month = {"正": 1, "冬": 11, "腊": 12}.get(word) or number_of(word) or 0
    day = number_of(day_word.removeprefix("初")) or 0
    if not (1 <= month <= 12 and 1 <= day <= 30):
        return None
    found = [one_day(_lunar_date(year, month, day)) for year in _years(asked, None) if FIRST_YEAR <= year < LAST_YEAR]
    chosen = asked.nearest(found)
    return _made(hit, [chosen], "date") if chosen else None


@_reads(
    r"(?<![a-z])(?:((?:the )?day after tomorrow)|((?:the )?day before yesterday)|(today)|(tomorrow|tmrw?|tmw)|"
    r"(yesterday)|"
    r"(this(?=\s+(?:morning|afternoon|evening))))(?![a-z])"
)
def _english_near_day(hit: re.Match[str], asked: Asked) -> Day | None:
    step = (2, -2, 0, 1, -1, 0)[next(index for index, group in enumerate(hit.groups()) if group is not None)]
    return _made(hit, [one_day(asked.today + timedelta(days=step))], "relative")


@_reads(rf"(?:(?<![a-z])(this coming|coming|this|next|last|every|the)\s+)?(?<![a-z]){_ENGLISH_WEEKDAY}s?\.?(?![a-z'])")
def _english_weekday(hit: re.Match[str], asked: Asked) -> Day | None:
    word = hit[2]
    before = hit.string[max(hit.start() - 8, 0) : hit.start()]
    subject = hit[1] == "the" or re.search(r"\b(?:i|we|he|she|they|the|who)\s+$", before)
    if subject and word in ("sat", "sun", "wed", "mon"):
        return None  # "we sat there", "in the sun"
    weekday = _WEEKDAYS.index(word[:3])
    if hit[1] in ("this", "next", "last"):
        day = asked.monday + timedelta(days=7 * _ENGLISH_STEP[hit[1]] + weekday)
        nearest = _on_weekday(weekday, None, asked)
        alternatives = (one_day(nearest),) if hit[1] == "next" and nearest != day and nearest > asked.today else ()
        return _made(hit, [one_day(day)], "weekday", weekday=weekday, alternatives=alternatives)
    return _made(hit, [one_day(_on_weekday(weekday, None, asked))], "weekday", weekday=weekday, bare=True)


@_reads(r"(?:(?<![a-z])(this coming|coming|this|next|last|the|every|at the|on the)\s+)?(?<![a-z])week-?ends?(?![a-z])")
def _english_weekend(hit: re.Match[str], asked: Asked) -> Day | None:
    saturday = asked.monday + timedelta(days=5 + 7 * _ENGLISH_STEP.get(hit[1] or "", 0))
    alternatives: tuple[Days, ...] = ()
    if hit[1] == "next":
        alternatives = ((saturday - timedelta(days=7), saturday - timedelta(days=5)),)
    if hit[1] not in ("this", "next", "last") and asked.look == "back" and asked.today < saturday:
        saturday -= timedelta(days=7)
    return _made(hit, [(saturday, saturday + timedelta(days=2))], "week", alternatives=alternatives)


@_reads(r"(?<![a-z])(?:(this|next|last)\s+(week|month|year)|the (week|month) after next)(?![a-z])")
def _english_step(hit: re.Match[str], asked: Asked) -> Day | None:
    step, unit = (_ENGLISH_STEP[hit[1]], hit[2]) if hit[1] else (2, hit[3])
    if unit == "week":
        monday = asked.monday + timedelta(days=7 * step)
        return _made(hit, [(monday, monday + timedelta(days=7))], "week")
    if unit == "month":
        first = months_later(asked.today.replace(day=1), step)
        return _made(hit, [_whole_month(first.year, first.month)], "month")
    year = asked.today.year + step
    return _made(hit, [(date(year, 1, 1), date(year + 1, 1, 1))], "year") if FIRST_YEAR <= year <= LAST_YEAR else None


@_reads(rf"(?<![a-z])(?:(early|mid|late)[\s-]+(?:in\s+)?|(?:the\s+)?(beginning|start|middle|end) of\s+)"
        rf"(?:{_ENGLISH_MONTH}|(?:(the|this|next|last)\s+month))(?![a-z])(?:\s+(20\d\d))?")
def _english_stretch(hit: re.Match[str], asked: Asked) -> Day | None:
    part = hit[1] or hit[2]
    if hit[4]:
        first = months_later(asked.today.replace(day=1), _ENGLISH_STEP.get(hit[4], 0))
        return _part_of_month(hit, part, [_whole_month(first.year, first.month)], None)
    number = _MONTHS.index(hit[3][:3]) + 1
    year = int(hit[5]) if hit[5] else None
    months = [_whole_month(each, number) for each in _years(asked, year) if FIRST_YEAR <= each <= LAST_YEAR]
    return _part_of_month(hit, part, months, asked if year is None else None)


_ORDINAL = r"(?:st|nd|rd|th)?"


@_reads(rf"(?<![a-z]){_ENGLISH_MONTH}\.?\s*(\d{{1,2}}){_ORDINAL}(?![\d:]|\s*(?:am|pm)\b)(?:\s*(?P<link>{TO}|{AND})\s*(?P<last>\d{{1,2}}){_ORDINAL}(?![\d:/-]|\s*(?:am|pm)\b))?"
        r"(?:,?\s*(?P<year>20\d\d)(?!\d))?"
        rf"|(?<![\d.:/-])(\d{{1,2}}){_ORDINAL}(?:\s*(?P<link2>{TO}|"
        rf"{AND})\s*(?P<last2>\d{{1,2}}){_ORDINAL})?\s*(?:of\s+)?{_ENGLISH_MONTH}(?![a-z])\.?"
        r"(?:,?\s*(?P<year2>20\d\d)(?!\d))?")
def _english_date(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[1]:
        month, day, link, last_word, year_word = hit[1], hit[2], hit["link"], hit["last"], hit["year"]
    else:
        month, day, link, last_word, year_word = hit[9], hit[6], hit["link2"], hit["last2"], hit["year2"]
    year = int(year_word) if year_word else None
    first = _next_date(_MONTHS.index(month[:3]) + 1, int(day), asked, year)
    if first is None:
        return None
    ranges = [one_day(first)]
    if last_word:
        last = date_of(first.year, first.month, int(last_word))
        if last is None or last <= first:
            return None
        ranges = [(first, last + timedelta(days=1))] if re.match(TO, link) else [one_day(first), one_day(last)]
    return _made(hit, ranges, "date", bare=year is None)


@_reads(rf"(?<![a-z])(?:(in|this|next|last|of|during|for)\s+)?(?<![a-z]){_ENGLISH_MONTH}(?![a-z'])\.?(?!\s*\d{{1,2}}(?!\d))(?:,?\s*(20\d\d)(?!\d))?")
def _english_month(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[1] is None and hit[3] is None and (len(hit[2]) < 4 or hit[2] in ("march", "sept")):
        return None  # "may I", "march together"
    number = _MONTHS.index(hit[2][:3]) + 1
    year = int(hit[3]) if hit[3] else asked.today.year - 1 if hit[1] == "last" and number >= asked.today.month else None
    months = [_whole_month(each, number) for each in _years(asked, year) if FIRST_YEAR <= each <= LAST_YEAR]
    if hit[1] == "last":
        asked = replace(asked, look="back")
    return _part_of_month(hit, None, months, asked if year is None else None)


@_reads(r"(?<![a-z])the (\d{1,2})(?:st|nd|rd|th)(?![a-z])"
        r"(?!\s+(?:floor|district|ring|street|avenue|line|time|grade|school|hospital|one|of))")
def _english_day_of_month(hit: re.Match[str], asked: Asked) -> Day | None:
    number = int(hit[1])
    months = (months_later(asked.today.replace(day=1), step) for step in range(-3, 4))
    nearest = asked.nearest(one_day(found) for month in months if (found := date_of(month.year, month.month, number)))
    return _made(hit, [nearest], "monthday", bare=True, number=number) if nearest else None


@_reads(r"(?<![a-z])(?:(within|in the next|over the next|in the coming|for the next|the next|next|the coming|coming)"
        rf"\s+{_EN}|(in)\s+{_EN})\s+(day|week|month)s?(?![a-z])"
        rf"|(?<![a-z\d]){_EN}\s+(day|week|month)s?\s+(from now|ago)(?![a-z])")
def _english_days(hit: re.Match[str], asked: Asked) -> Day | None:
    if hit[1]:
        days = _stretch(asked, number_of(hit[2]) or 0, hit[5])
        return _made(hit, [days], "relative") if days else None
    number, unit = (hit[4], hit[5]) if hit[3] else (hit[6], hit[7])
    back = hit[8] == "ago"
    days = _stretch(asked, number_of(number) or 0, unit, back=back)
    return _made(hit, [one_day(days[0] - timedelta(days=1) if back else days[1])], "relative") if days else None


def read_days(plain: str, asked: Asked) -> list[Day]:
    """Every reading of every day word in a plain text, overlapping ones too."""
    found: list[Day] = []
    for pattern, read in _READERS:
        position = 0
        while hit := pattern.search(plain, position):
            day = read(hit, asked)
            if day is not None:
                found.append(day)
            position = max(hit.end() if day else hit.start() + 1, hit.start() + 1)
    return found
