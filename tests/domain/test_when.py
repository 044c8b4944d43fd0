"""The date grammar, measured against the conventions that stand at its top. Now is Monday 23 November 2026, 10:00."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.when import (
    chinese_dates,
    chinese_days,
    clocks,
    day_words,
    english,
    feasts,
    grammar,
    instants,
    read_moment,
    read_span,
    read_times,
)

BEIJING = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 10, tzinfo=BEIJING)


def read(text: str, now: datetime = NOW) -> list[tuple[str, str]]:
    """The intervals of a text, each as `YYYY-MM-DD HH:MM` from and to."""
    return [
        (f"{found.start:%Y-%m-%d %H:%M}", f"{found.end:%Y-%m-%d %H:%M}") for found in read_times(text, now, BEIJING)
    ]


def days(first: str, after: str) -> tuple[str, str]:
    return f"{first} 00:00", f"{after} 00:00"


ONE_STRETCH = {
    # Days near now
    "今天": days("2026-11-23", "2026-11-24"),
    "明天有什么活动": days("2026-11-24", "2026-11-25"),
    "后天": days("2026-11-25", "2026-11-26"),
    "大后天": days("2026-11-26", "2026-11-27"),
    "昨天": days("2026-11-22", "2026-11-23"),
    "後天": days("2026-11-25", "2026-11-26"),
    "未来三天": days("2026-11-23", "2026-11-26"),
    "7天内": days("2026-11-23", "2026-11-30"),
    "三天后": days("2026-11-26", "2026-11-27"),
    "两周后": days("2026-12-07", "2026-12-08"),
    # Weeks and their days
    "周六": days("2026-11-28", "2026-11-29"),
    "這週六": days("2026-11-28", "2026-11-29"),
    "周一": days("2026-11-23", "2026-11-24"),
    "星期天": days("2026-11-29", "2026-11-30"),
    "本周日": days("2026-11-29", "2026-11-30"),
    "下周三": days("2026-12-02", "2026-12-03"),
    "下礼拜二": days("2026-12-01", "2026-12-02"),
    "下個星期五": days("2026-12-04", "2026-12-05"),
    "下下周一": days("2026-12-07", "2026-12-08"),
    "上周五": days("2026-11-20", "2026-11-21"),
    "周末": days("2026-11-28", "2026-11-30"),
    "下周末": days("2026-12-05", "2026-12-07"),
    "这周": days("2026-11-23", "2026-11-30"),
    "下周": days("2026-11-30", "2026-12-07"),
    "下周一到周三": days("2026-11-30", "2026-12-03"),
    "周一至周五": days("2026-11-23", "2026-11-28"),
    "周六或周日": days("2026-11-28", "2026-11-30"),
    "周六、日": days("2026-11-28", "2026-11-30"),
    "下周的周六": days("2026-12-05", "2026-12-06"),
    # Dates and months
    "12月5日": days("2026-12-05", "2026-12-06"),
    "１２月５日": days("2026-12-05", "2026-12-06"),
    "十二月五号": days("2026-12-05", "2026-12-06"),
    "二〇二六年十二月五日": days("2026-12-05", "2026-12-06"),
    "12月5日（周六）": days("2026-12-05", "2026-12-06"),
    "12月5日至7日": days("2026-12-05", "2026-12-08"),
    "12月5-7日": days("2026-12-05", "2026-12-08"),
    "5号到8号": days("2026-12-05", "2026-12-09"),
    "28号": days("2026-11-28", "2026-11-29"),
    "下个月5号": days("2026-12-05", "2026-12-06"),
    "11/28": days("2026-11-28", "2026-11-29"),
    "3月5日": days("2027-03-05", "2027-03-06"),
    "3月": days("2027-03-01", "2027-04-01"),
    "11月": days("2026-11-01", "2026-12-01"),
    "下个月": days("2026-12-01", "2027-01-01"),
    "上个月": days("2026-10-01", "2026-11-01"),
    "月底": days("2026-11-26", "2026-12-01"),
    "12月初": days("2026-12-01", "2026-12-06"),
    "12月中旬": days("2026-12-11", "2026-12-21"),
    "去年": days("2025-01-01", "2026-01-01"),
    "12月第一个周六": days("2026-12-05", "2026-12-06"),
    # Feasts
    "国庆": days("2027-10-01", "2027-10-08"),
    "十一去哪": days("2027-10-01", "2027-10-08"),
    "五一": days("2027-05-01", "2027-05-06"),
    "元旦": days("2027-01-01", "2027-01-02"),
    "春节": days("2027-02-06", "2027-02-07"),
    "除夕": days("2027-02-05", "2027-02-06"),
    "重阳节": days("2027-10-08", "2027-10-09"),
    "中秋": days("2027-09-15", "2027-09-16"),
    "清明": days("2027-04-05", "2027-04-06"),
    "冬至": days("2026-12-22", "2026-12-23"),
    "学雷锋日": days("2027-03-05", "2027-03-06"),
    "国际志愿者日": days("2026-12-05", "2026-12-06"),
    "全国助残日": days("2027-05-16", "2027-05-17"),
    "腊月二十三": days("2027-01-30", "2027-01-31"),
    # Parts of the day and clock times
    "今晚": ("2026-11-23 18:00", "2026-11-24 00:00"),
    "明早": ("2026-11-24 06:00", "2026-11-24 12:00"),
    "周六上午": ("2026-11-28 06:00", "2026-11-28 12:00"),
    "5号下午": ("2026-12-05 12:00", "2026-12-05 18:00"),
    "明晚8点": ("2026-11-24 20:00", "2026-11-24 21:00"),
    "明天下午3点半": ("2026-11-24 15:30", "2026-11-24 16:30"),
    "周六下午2点到5点": ("2026-11-28 14:00", "2026-11-28 17:00"),
    "周六 10-12": ("2026-11-28 10:00", "2026-11-28 12:00"),
    "上午9点": ("2026-11-24 09:00", "2026-11-24 10:00"),
    "周一上午9点": ("2026-11-30 09:00", "2026-11-30 10:00"),
    "晚上12点": ("2026-11-24 00:00", "2026-11-24 01:00"),
    "早9点到晚6点": ("2026-11-24 09:00", "2026-11-24 18:00"),
    "12月5日22:00到12月6日6:00": ("2026-12-05 22:00", "2026-12-06 06:00"),
    "周六，在奥森，9点集合": ("2026-11-28 09:00", "2026-11-28 10:00"),
    # Before and after
    "周五之前": ("2026-11-23 10:00", "2026-11-27 00:00"),
    "国庆后": ("2027-10-08 00:00", "2027-11-07 00:00"),
    "下午5点以后": ("2026-11-23 17:00", "2026-11-24 00:00"),
    # English
    "today": days("2026-11-23", "2026-11-24"),
    "Tomorrow?": days("2026-11-24", "2026-11-25"),
    "the day after tomorrow": days("2026-11-25", "2026-11-26"),
    "tonight": ("2026-11-23 18:00", "2026-11-24 00:00"),
    "this Saturday": days("2026-11-28", "2026-11-29"),
    "next Saturday": days("2026-12-05", "2026-12-06"),
    "on Saturday": days("2026-11-28", "2026-11-29"),
    "this weekend": days("2026-11-28", "2026-11-30"),
    "next weekend": days("2026-12-05", "2026-12-07"),
    "next week": days("2026-11-30", "2026-12-07"),
    "Saturday next week": days("2026-12-05", "2026-12-06"),
    "last month": days("2026-10-01", "2026-11-01"),
    "Dec 5": days("2026-12-05", "2026-12-06"),
    "5 December": days("2026-12-05", "2026-12-06"),
    "December 5th, 2026": days("2026-12-05", "2026-12-06"),
    "Dec 5-7": days("2026-12-05", "2026-12-08"),
    "Mon to Fri": days("2026-11-23", "2026-11-28"),
    "Saturday and Sunday": days("2026-11-28", "2026-11-30"),
    "in 3 days": days("2026-11-26", "2026-11-27"),
    "within a week": days("2026-11-23", "2026-11-30"),
    "end of the month": days("2026-11-26", "2026-12-01"),
    "in December": days("2026-12-01", "2027-01-01"),
    "by Friday": ("2026-11-23 10:00", "2026-11-28 00:00"),
    "after 6pm": ("2026-11-23 18:00", "2026-11-24 00:00"),
    "Volunteer Day": days("2026-12-05", "2026-12-06"),
    "Spring Festival": days("2027-02-06", "2027-02-07"),
    "Saturday morning": ("2026-11-28 06:00", "2026-11-28 12:00"),
    "this morning": ("2026-11-23 06:00", "2026-11-23 12:00"),
    "2-5pm tomorrow": ("2026-11-24 14:00", "2026-11-24 17:00"),
    "from 9 to 11 on Saturday": ("2026-11-28 09:00", "2026-11-28 11:00"),
    "Saturday afternoon 2-5": ("2026-11-28 14:00", "2026-11-28 17:00"),
    "7 to 9 tonight": ("2026-11-23 19:00", "2026-11-23 21:00"),
    "28/11/2026": days("2026-11-28", "2026-11-29"),
    "11/28/2026": days("2026-11-28", "2026-11-29"),
    "12/5-12/7": days("2026-12-05", "2026-12-08"),
    "明后天": days("2026-11-24", "2026-11-26"),
    "周六周日": days("2026-11-28", "2026-11-30"),
    "half past 9 tomorrow": ("2026-11-24 09:30", "2026-11-24 10:30"),
}


@pytest.mark.parametrize(("text", "expected"), ONE_STRETCH.items(), ids=ONE_STRETCH)
def test_a_phrase_means_one_stretch(text: str, expected: tuple[str, str]) -> None:
    assert read(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "证明",
        "开个证明",
        "开證明",
        "说明",
        "声明",
        "文明",
        "证明天数",
        "证明日期",
        "光明街道",
        "3号线",
        "10号线换乘",
        "5号楼",
        "2号门集合",
        "8号志愿者",
        "8号志愿者日常",
        "建国路93号",
        "第3个",
        "第三个",
        "第十一",
        "3人",
        "20-30人",
        "3小时",
        "3.5小时",
        "两个小时",
        "三日游",
        "3个月",
        "一周一次",
        "十一学校",
        "798",
        "三里屯",
        "五道口",
        "六里桥",
        "十里河",
        "四惠",
        "周口店",
        "周年",
        "早上好",
        "上午好",
        "晚上好",
        "晚安",
        "good morning",
        "good evening",
        "check in 4471",
        "12345678",
        "11111111",
        "13812345678",
        "24/7",
        "18-35岁",
        "1.5",
        "有点累",
        "一点都不难",
        "may I join",
        "we sat there",
        "in the sun",
        "march on",
        "weekly",
        "monthly report",
        "first aid",
        "no.3",
        "hours",
        "13月5日",
        "2月30日",
        "25:00",
        "我的时长",
        "T3航站楼",
    ],
)
def test_this_names_no_time(text: str) -> None:
    assert read(text) == []


# --- Negative controls: what each guard keeps away ----


def replace_in_patterns(monkeypatch: pytest.MonkeyPatch, guard: str, other: str) -> None:
    """Let every reader of the grammar have `other` where its pattern has this guard."""
    replaced = 0

    def changed(pattern: re.Pattern[str]) -> re.Pattern[str]:
        nonlocal replaced
        replaced += guard in pattern.pattern
        return re.compile(pattern.pattern.replace(guard, other), pattern.flags)

    days = tuple(replace(reader, pattern=changed(reader.pattern)) for reader in day_words.READERS)
    times = tuple(replace(reader, pattern=changed(reader.pattern)) for reader in clocks.READERS)
    monkeypatch.setattr(day_words, "READERS", days)
    monkeypatch.setattr(clocks, "READERS", times)
    monkeypatch.setattr(instants, "BEFORE_AFTER", changed(instants.BEFORE_AFTER))
    assert replaced, "no pattern has this guard"


WEDNESDAY, SATURDAY = days("2026-11-25", "2026-11-26"), days("2026-11-28", "2026-11-29")

KEPT_AWAY = {
    "3号线": (chinese_dates.NOT_NUMBERED, []),
    "5号楼": (chinese_dates.NOT_NUMBERED, []),
    "6号通知": (chinese_dates.NOT_NUMBERED, []),
    "3日游": (chinese_dates.NOT_A_DAY_SIGN, []),
    "20日元": (chinese_dates.NOT_A_DAY_SIGN, []),
    "建国路3号": (chinese_dates.NOT_AN_ADDRESS, []),
    "第3号": (chinese_dates.NOT_AN_ADDRESS, []),
    "12月5人": (chinese_dates.NOT_COUNTED, []),
    "12-05人": (chinese_dates.NOT_COUNTED, []),
    "2.12月": (chinese_dates.NOT_PART_OF_A_NUMBER, []),
    "第3月": (chinese_dates.NOT_PART_OF_A_NUMBER, []),
    "五月票": (chinese_dates.NOT_A_MONTHLY_THING, []),
    "证明早点开": (chinese_days.NOT_IN_A_WORD, []),
    "光明日报": (chinese_days.NOT_IN_A_WORD, []),
    "文明天天讲": (chinese_days.NOT_IN_A_WORD, []),
    "说明天数": (chinese_days.NOT_TOMORROW, []),
    "查明天气": (chinese_days.NOT_TOMORROW, []),
    "说明日常": (chinese_days.NOT_EXPLAINED, []),
    "聪明早知道": (chinese_days.NOT_CLEVER, []),
    "如今早就": (chinese_days.NOT_AS_IT_IS, []),
    "第三天内": (chinese_days.NOT_A_THIRD, []),
    "周三五道口": (chinese_days.NOT_SEVERAL_OF_A_WORD, [WEDNESDAY]),
    "周六日坛": (chinese_days.NOT_SEVERAL_OF_A_WORD, [SATURDAY]),
    "第十一": (feasts.NOT_AFTER_A_NUMBER, []),
    "十一学校": (feasts.NOT_A_NUMBER, []),
    "十一个人": (feasts.NOT_A_NUMBER, []),
    "the 5th floor": (english.NOT_A_PLACE, []),
    "Dec 5pm": (english.NOT_AN_HOUR, [("2026-11-23 17:00", "2026-11-23 18:00")]),
    "三点建议": (clocks.NOT_A_POINT_OF_SPEECH, []),
    "分3时段": (clocks.NOT_A_MATTER_OF_TIME, []),
    "周六5-10人": (clocks.NOT_COUNTED, [SATURDAY]),
    "第4点": (clocks.NOT_IN_A_WORD, []),
    "1.5点": (clocks.NOT_IN_A_NUMBER, []),
    "早上好": (clocks.NOT_A_GREETING, []),
    "下午茶": (clocks.NOT_A_GREETING, []),
    "周六晚会": (clocks.NOT_A_MEAL, [SATURDAY]),
    "good morning": (clocks.NOT_WISHED, []),
    "周六前门集合": (instants.NOT_IN_FRONT, [SATURDAY]),
    "周六后海": (instants.NOT_BEHIND, [SATURDAY]),
}


@pytest.mark.parametrize(("text", "guard", "right"), [(text, *case) for text, case in KEPT_AWAY.items()], ids=KEPT_AWAY)
def test_without_its_guard_this_would_be_misread(
    text: str, guard: str, right: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(text) == right
    replace_in_patterns(monkeypatch, guard, "")
    assert read(text) != right


def test_a_guard_in_each_block_of_guards_has_its_control() -> None:
    guards = {
        guard
        for module in (chinese_dates, chinese_days, feasts, english, clocks, instants)
        for name, guard in vars(module).items()
        if name.startswith("NOT_")
    }
    assert guards == {guard for guard, _right in KEPT_AWAY.values()}


def test_with_any_sign_after_the_week_a_place_would_be_a_weekday(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ("下周三里屯有什么", "下周五道口", "下周一起去", "下周日常维护")
    assert all(read(text) == [days("2026-11-30", "2026-12-07")] for text in texts)
    replace_in_patterns(monkeypatch, chinese_days.WEEKDAY_SIGN, "[一二三四五六日天]")
    assert not any(read(text) == [days("2026-11-30", "2026-12-07")] for text in texts)


@pytest.mark.parametrize(
    ("text", "guard", "nothing"),
    [
        ("we sat there", "SOMEBODY", re.compile(r"(?!)")),
        ("march on", "ALSO_VERBS", ()),
        ("may I join", "SHORTEST_MONTH", 0),
    ],
)
def test_without_its_guard_this_english_word_would_be_a_day(
    text: str, guard: str, nothing: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(text) == []
    monkeypatch.setattr(english, guard, nothing)
    assert len(read(text)) == 1


@pytest.mark.parametrize("text", ["一点都不难", "9-11", "meet at 5"])
def test_a_clock_time_that_is_weak_alone_would_count_without_a_day(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(text) == []
    monkeypatch.setattr(grammar, "_beside_a_day", lambda *_: True)
    assert len(read(text)) == 1


def test_hours_after_a_day_would_be_a_date_if_nobody_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read("周六 10-12") == [("2026-11-28 10:00", "2026-11-28 12:00")]
    monkeypatch.setattr(grammar, "_hours_after_day", lambda *_: None)
    assert days("2027-10-12", "2027-10-13") in read("周六 10-12")


# --- Days, lists and the look back ----


def test_a_weekday_before_a_place_that_begins_with_a_numeral_is_the_week() -> None:
    assert read("下周三里屯有什么") == [days("2026-11-30", "2026-12-07")]
    assert read("周日五道口") == [days("2026-11-29", "2026-11-30")]


def test_a_part_of_several_days_is_meant_on_each() -> None:
    assert read("周末上午") == [
        ("2026-11-28 06:00", "2026-11-28 12:00"),
        ("2026-11-29 06:00", "2026-11-29 12:00"),
    ]
    assert len(read("周一到周五下午")) == 5


def test_a_list_of_days_that_do_not_touch_stays_a_list() -> None:
    assert read("周一三五") == [
        days("2026-11-23", "2026-11-24"),
        days("2026-11-25", "2026-11-26"),
        days("2026-11-27", "2026-11-28"),
    ]
    assert read("下周一或周四") == [days("2026-11-30", "2026-12-01"), days("2026-12-03", "2026-12-04")]
    assert read("周六上午或周日下午") == [
        ("2026-11-28 06:00", "2026-11-28 12:00"),
        ("2026-11-29 12:00", "2026-11-29 18:00"),
    ]


def test_on_a_sunday_the_weekend_is_the_present_one_and_next_monday_is_tomorrow() -> None:
    sunday = datetime(2026, 11, 29, 12, tzinfo=BEIJING)
    assert read("周末", sunday) == [days("2026-11-28", "2026-11-30")]
    assert read("下周一", sunday) == [days("2026-11-30", "2026-12-01")]
    assert read("周日", sunday) == [days("2026-11-29", "2026-11-30")]


def test_the_turn_of_the_year_is_crossed() -> None:
    new_years_eve = datetime(2026, 12, 31, 20, tzinfo=BEIJING)
    assert read("明天", new_years_eve) == [days("2027-01-01", "2027-01-02")]
    assert read("12月30日到1月2日", datetime(2026, 12, 1, 9, tzinfo=BEIJING)) == [days("2026-12-30", "2027-01-03")]
    assert read("下个月", new_years_eve) == [days("2027-01-01", "2027-02-01")]


def test_asked_of_hours_worked_the_same_words_look_back() -> None:
    def back(text: str) -> list[tuple[str, str]]:
        found = read_times(text, NOW, BEIJING, look="back")
        return [(f"{each.start:%Y-%m-%d}", f"{each.end:%Y-%m-%d}") for each in found]

    assert back("3月") == [("2026-03-01", "2026-04-01")]
    assert back("周六") == [("2026-11-21", "2026-11-22")]
    assert back("国庆") == [("2026-10-01", "2026-10-08")]
    assert back("12月5日") == [("2025-12-05", "2025-12-06")]
    assert back("上个月") == [("2026-10-01", "2026-11-01")]


def test_words_that_have_two_meanings_bring_the_other_one() -> None:
    next_weekend = read_times("next weekend", NOW, BEIJING)[0]
    assert next_weekend.alternatives[0][0].day == 28
    assert read_times("月底", NOW, BEIJING)[0].alternatives
    small_hours = read_times("3点", NOW, BEIJING)[0]
    assert (small_hours.start.hour, small_hours.alternatives[0][0].hour) == (15, 3)
    assert read_times("五一", NOW, BEIJING)[0].alternatives
    assert not read_times("12月5日", NOW, BEIJING)[0].alternatives


def test_a_weekday_that_contradicts_its_date_is_kept_as_the_other_reading() -> None:
    found = read_times("12月5日周日", NOW, BEIJING)[0]
    assert (found.start.day, found.alternatives[0][0].day) == (5, 29)


def test_the_span_is_what_was_written_even_in_full_width_and_traditional_letters() -> None:
    text = "請問這週六１４：００－１６：００朝陽有活動嗎"
    found = read_times(text, NOW, BEIJING)
    assert [text[start:end] for start, end in found[0].spans] == ["這週六１４：００－１６：００"]


def test_the_zone_of_the_city_decides_what_today_is() -> None:
    late_in_london = datetime(2026, 11, 23, 17, tzinfo=ZoneInfo("UTC"))
    assert read("今天", late_in_london) == [days("2026-11-24", "2026-11-25")]


MOMENTS = {
    "周六上午9点": "2026-11-28 09:00",
    "11月28日 9:00": "2026-11-28 09:00",
    "11月28日（周六）上午九点半": "2026-11-28 09:30",
    "Sat 9am": "2026-11-28 09:00",
    "9.30am Sat": "2026-11-28 09:30",
    "2026-11-28 14:30": "2026-11-28 14:30",
    "2026-11-28T14:30": "2026-11-28 14:30",
    "2026/11/28 14:30": "2026-11-28 14:30",
    "明天下午两点": "2026-11-24 14:00",
    "后天晚上七点一刻": "2026-11-25 19:15",
    "Dec 5 at 2pm": "2026-12-05 14:00",
    "tomorrow at 9": "2026-11-24 09:00",
    "下周三8时30分": "2026-12-02 08:30",
    "28/11 9:00": "2026-11-28 09:00",
    "9点": "2026-11-24 09:00",
    "周六 9:00-11:30": "2026-11-28 09:00",
    "周六 在国博 上午10点开始": "2026-11-28 10:00",
}


@pytest.mark.parametrize(("text", "expected"), MOMENTS.items(), ids=MOMENTS)
def test_a_beginning_is_read(text: str, expected: str) -> None:
    found = read_moment(text, NOW, BEIJING)
    assert found is not None
    assert f"{found:%Y-%m-%d %H:%M}" == expected
    assert found.utcoffset() == timedelta(hours=8)


@pytest.mark.parametrize("text", ["周六", "周六上午", "12月5日", "", "下周", "abc", "3号线", "第9个"])
def test_without_a_clock_time_there_is_no_beginning(text: str) -> None:
    assert read_moment(text, NOW, BEIJING) is None


SPANS = {
    "周六 9:00-11:30": ("2026-11-28 09:00", "2026-11-28 11:30"),
    "周六9：00～11：30": ("2026-11-28 09:00", "2026-11-28 11:30"),
    "11月28日下午2点到5点": ("2026-11-28 14:00", "2026-11-28 17:00"),
    "Sat 9-11:30": ("2026-11-28 09:00", "2026-11-28 11:30"),
    "2026-12-05 14:00-16:00": ("2026-12-05 14:00", "2026-12-05 16:00"),
    "12.5 9:00-11:00": ("2026-12-05 09:00", "2026-12-05 11:00"),
    "周日上午九点至十一点半": ("2026-11-29 09:00", "2026-11-29 11:30"),
    "周六早8:30-晚5:30": ("2026-11-28 08:30", "2026-11-28 17:30"),
    "Sat 9am to 5pm": ("2026-11-28 09:00", "2026-11-28 17:00"),
    "Sat 9-5": ("2026-11-28 09:00", "2026-11-28 17:00"),
    "Sat 11-1pm": ("2026-11-28 11:00", "2026-11-28 13:00"),
    "10pm-2am Saturday": ("2026-11-28 22:00", "2026-11-29 02:00"),
    "周六9点，2个半小时": ("2026-11-28 09:00", "2026-11-28 11:30"),
    "Sat 9am for 2 hours": ("2026-11-28 09:00", "2026-11-28 11:00"),
    "明天9:00，90分钟": ("2026-11-24 09:00", "2026-11-24 10:30"),
    "12月5日 22:00 到 12月6日 6:00": ("2026-12-05 22:00", "2026-12-06 06:00"),
}


@pytest.mark.parametrize(("text", "expected"), SPANS.items(), ids=SPANS)
def test_a_beginning_and_an_end_are_read(text: str, expected: tuple[str, str]) -> None:
    found = read_span(text, NOW, BEIJING)
    assert found is not None
    assert tuple(f"{each:%Y-%m-%d %H:%M}" for each in found) == expected


@pytest.mark.parametrize("text", ["周六9点", "周六上午", "12月5日至7日", "20-30人", "", "9-11"])
def test_without_an_end_there_is_no_span(text: str) -> None:
    assert read_span(text, NOW, BEIJING) is None


PIECES = st.sampled_from(
    [
        *ONE_STRETCH,
        *MOMENTS,
        *SPANS,
        "到",
        "至",
        "-",
        "或",
        "和",
        "、",
        " ",
        "之前",
        "后",
        "9",
        "31",
        "月",
        "日",
        "号",
        "点",
        "周",
        "朝阳",
        "12:61",
    ]
)
LOOSE = (
    st.lists(PIECES, max_size=6).map("".join)
    | st.text(max_size=60)
    | st.text(
        alphabet="0123456789０２年月日号点时分周六日一二三上下午个到至-:/., amp今明后天前第初末底",
        max_size=30,
    )
)


@settings(max_examples=400, deadline=None)
@given(text=LOOSE, minutes=st.integers(-400 * 1440, 400 * 1440))
def test_whatever_is_written_gives_stretches_that_end_after_they_begin(text: str, minutes: int) -> None:
    now = NOW + timedelta(minutes=minutes)
    for look in ("ahead", "back"):
        for found in read_times(text, now, BEIJING, look=look):
            assert found.end > found.start
            assert found.start.utcoffset() is not None
            assert all(end > start for start, end in found.alternatives)
            assert all(0 <= start < end <= len(text) for start, end in found.spans)
    read_moment(text, now, BEIJING)
    span = read_span(text, now, BEIJING)
    assert span is None or span[1] > span[0]


@settings(max_examples=150, deadline=None)
@given(
    text=st.sampled_from([*ONE_STRETCH, *MOMENTS, *SPANS]),
    before=st.sampled_from(["", "请问，", "您好 ", "please, ", "麻烦看一下，"]),
    after=st.sampled_from(["", "，谢谢", " thanks", "。", " 可以吗", "!"]),
)
def test_polite_words_change_nothing(text: str, before: str, after: str) -> None:
    assert read(before + text + after) == read(text)


def test_a_very_long_message_is_read_in_no_time() -> None:
    for filler in ("1", "周", "十", "12月", "9:00-", "next ", "一", "明"):
        read(filler * 2_000)
