"""Days and weeks by their distance from today, as Chinese names them: 明天, 今晚, 三天后, 未来两周, 下周三, 周末."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.domain.when.days import Asked, Unit, merged, one_day, week_from
from bot.domain.when.words import NUMBER, TO, Day, day_at, number_of, reads

_STEP_WORDS = {"这": 0, "这一": 0, "本": 0, "下": 1, "下一": 1, "下下": 2, "上": -1, "上一": -1, "上上": -2}
STEPS = {word + measure: step for word, step in _STEP_WORDS.items() for measure in ("", "个")}
"""How many weeks or months a word goes on or back."""

STEP = r"(上上个?|上一?个?|下下个?|下一?个?|这一?个?|本)"
WEEK = r"(?:周|星期|礼拜)"
WEEKDAYS = "一二三四五六日天"
WEEKDAY_NUMBERS = {sign: min(number, 6) for number, sign in enumerate(WEEKDAYS)} | {str(n + 1): n for n in range(7)}

_INSIDE = r"(?:之?内|里)?"
_UNIT = r"(天|日|周|星期|礼拜|月)"
_UNITS: dict[str, Unit] = {"天": "day", "日": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month"}

# --- Guards: what looks like a day and is none. tests/domain/test_when.py shows what each keeps away. ----

NOT_IN_A_WORD = r"(?<![证文光清透黎昆声])"
"""明 is no tomorrow in 证明, 文明, 光明, 清明, 透明, 黎明, 昆明, 声明: 证明早点开."""

NOT_TOMORROW = r"(?!数|气)"
"""Nor is 明天 before these: 说明天数, 查明天气."""

NOT_EXPLAINED = r"(?<![说发])"
"""Nor 明日 after these: 说明日常, 发明日."""

NOT_CLEVER = r"(?<![说发聪])"
"""Nor 明 after these: 说明上午的安排, 聪明早知道."""

NOT_AS_IT_IS = r"(?<![如至现当])"
"""Nor is 今 today after these: 如今早就, 至今晚了."""

NOT_A_THIRD = r"(?<![第\d])"
"""三天 is no stretch from today in 第三天内."""

WEEKDAY_SIGN = (
    r"(?:一(?!起|定|直|共|样|些|般|切|次|回|趟|期)|二(?!次|手|十)|三(?!里屯|元桥|次|十)|四(?!惠|季青|元桥|次|十)|"
    r"五(?!道口|棵松|里坨|次|十)|六(?!里桥|里屯|次|十|道口)|日(?!程|常|报|记|期|志)|天(?!坛|安门|通苑|宫院|桥|竺|气)|"
    r"[1-7](?![\d.:点月号日/-]))"
)
"""The sign after 周, unless a place or a word begins with it: 下周三里屯, 周一起, 周日常, 周5号."""

NOT_SEVERAL_OF_A_WORD = r"(?![子坛里道号日点])"
"""周三五 is no list of weekdays before these: 周三五道口, 周一三里屯, 周六日坛."""


# --- Days near today ----

_BEFORE_CLOCK = r"(?=早|晚|夜|晨|上午|下午|中午|傍晚|凌晨|午|\d{1,2}[点:]|[一二两三四五六七八九十]{1,3}点)"
_NEAR_DAYS = {"大后天": 3, "大前天": -3, "后天": 2, "前天": -2, "今": 0, "明": 1, "昨": -1, "当天": 0}


@reads(
    r"明后(?:两)?天|今明(?:两)?天|大后天|大前天|(?<!先)后天|前天|今[天日儿]|"
    rf"{NOT_IN_A_WORD}明天{NOT_TOMORROW}|{NOT_IN_A_WORD}{NOT_EXPLAINED}明[日儿](?!期)|昨[天日儿]|"
    rf"{NOT_AS_IT_IS}今{_BEFORE_CLOCK}|{NOT_IN_A_WORD}{NOT_CLEVER}明{_BEFORE_CLOCK}|昨{_BEFORE_CLOCK}|"
    r"当天(?=\d)"
)
def near_day(hit: re.Match[str], asked: Asked) -> Day | None:
    """今天, 明晚, 后天, 明后天."""
    if hit[0][:2] in ("明后", "今明"):
        first = asked.today + timedelta(days=hit[0][0] == "明")
        return day_at(hit, [(first, first + timedelta(days=2))], "relative")
    step = _NEAR_DAYS[hit[0]] if hit[0] in _NEAR_DAYS else _NEAR_DAYS[hit[0][0]]
    return day_at(hit, [one_day(asked.today + timedelta(days=step))], "relative")


def _counted(word: str, unit: str) -> tuple[int, Unit]:
    """How many of what 三天, 几周, 半个月 are; half of anything is taken for half a month."""
    if word == "半":
        return 15, "day"
    return 3 if word in ("几", "两三") else number_of(word) or 0, _UNITS[unit]


@reads(
    rf"(?:未来|接下来|今后|往后)的?({NUMBER}|几|半)个?{_UNIT}{_INSIDE}"
    rf"|(?:最近|近|这)(两三|几|{NUMBER})个?{_UNIT}{_INSIDE}"
    rf"|{NOT_A_THIRD}({NUMBER}|半)个?{_UNIT}(?:之内|以内|内)"
)
def coming_days(hit: re.Match[str], asked: Asked) -> Day | None:
    """未来三天, 最近两周, 7天内, 半个月内."""
    word, unit = (group for group in hit.groups() if group)
    days = asked.stretch(*_counted(word, unit), back=asked.look == "back")
    return day_at(hit, [days], "relative") if days else None


@reads(rf"(?<![第\d大])(?:过)?({NUMBER}|半)个?(天|周|星期|礼拜|月)(?:之|以)?(后|前)(?!天|海)")
def days_away(hit: re.Match[str], asked: Asked) -> Day | None:
    """三天后, 两周以后, 半个月前."""
    back = hit[3] == "前"
    days = asked.stretch(*_counted(hit[1], hit[2]), back=back)
    if days is None:
        return None
    return day_at(hit, [one_day(days[0] - timedelta(days=1) if back else days[1])], "relative")


# --- Weeks and their days ----

_WEEK_AND_STEP = rf"(?:{STEP}|每个?)?{WEEK}"


@reads(
    rf"{_WEEK_AND_STEP}(六日|六天|一三五|二四六|一三|二四|三五){NOT_SEVERAL_OF_A_WORD}"
    rf"|{_WEEK_AND_STEP}({WEEKDAY_SIGN})"
    rf"(?:(?P<link>{TO}|、|,|/|和|或)(?P<last>[{WEEKDAYS}])(?![{WEEKDAYS}七八九十个起定些里点号月百道]))?"
)
def weekday(hit: re.Match[str], asked: Asked) -> Day | None:
    """周六, 下周三, 周一三五, 周六、日, 周一至五."""
    step = STEPS.get(hit[1] or hit[3])
    numbers = [WEEKDAY_NUMBERS[sign] for sign in (hit[2] or hit[4])]
    first = asked.weekday(numbers[0], step)
    if hit["last"] is not None:
        last = WEEKDAY_NUMBERS[hit["last"]]
        if re.match(TO, hit["link"]):
            after = first + timedelta(days=last - numbers[0] + 1)
            return day_at(hit, [(first, after)], "weekday", weekday=numbers[0]) if last > numbers[0] else None
        numbers.append(last)
    days = [first + timedelta(days=(number - numbers[0]) % 7) for number in numbers]
    bare = step is None and len(numbers) == 1
    return day_at(hit, merged(map(one_day, days)), "weekday", bare=bare, weekday=numbers[0])


@reads(rf"(?:{STEP}|每个?)?(?:个)?(?:周末|礼拜末|星期末|双休日)")
def weekend(hit: re.Match[str], asked: Asked) -> Day | None:
    """周末, 下周末, 双休日."""
    saturday = asked.weekday(5, STEPS.get(hit[1], 0))
    if not hit[1] and asked.look == "back" and asked.today < saturday:
        saturday -= timedelta(days=7)
    return day_at(hit, [(saturday, saturday + timedelta(days=2))], "week")


@reads(rf"{STEP}{WEEK}(?!年|末){_INSIDE}")
def week(hit: re.Match[str], asked: Asked) -> Day | None:
    """这周, 下个星期内, 上礼拜."""
    return day_at(hit, [week_from(asked.weekday(0, STEPS[hit[1]]))], "week")


@reads(r"工作日|平日|\bweekdays?\b")
def working_days(hit: re.Match[str], asked: Asked) -> Day | None:
    """工作日, 平日, weekdays: those of the seven days that begin today."""
    days = (asked.today + timedelta(days=step) for step in range(7))
    return day_at(hit, merged(one_day(day) for day in days if day.weekday() < 5), "week")


READERS = (near_day, coming_days, days_away, weekday, weekend, week, working_days)
