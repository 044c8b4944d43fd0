"""Days, times, months, numbers and names as a reader of each language sees them."""

from __future__ import annotations

import gettext
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.talk import Clock, Date, Day, Joined, Month, Named, Span, Wording, Words, _, lines, ngettext
from bot.talk.wording import catalogue

BEIJING = ZoneInfo("Asia/Shanghai")
CHINESE, ENGLISH = Wording("zh_CN", BEIJING), Wording("en", BEIJING)

NINE = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)
HALF_PAST_ELEVEN = datetime(2026, 11, 28, 3, 30, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 11, 28, 22, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "chinese", "english"),
    [
        (NINE, "11月28日（周六）09:00", "Sat 28 Nov 09:00"),
        (Day(NINE), "11月28日（周六）", "Sat 28 Nov"),
        (Clock(NINE), "09:00", "09:00"),
        (Span(NINE, HALF_PAST_ELEVEN), "11月28日（周六）09:00–11:30", "Sat 28 Nov 09:00–11:30"),
        (
            Span(NINE, NEXT_MORNING),
            "11月28日（周六）09:00 – 11月29日（周日）06:00",
            "Sat 28 Nov 09:00 – Sun 29 Nov 06:00",
        ),
        (Month(date(2026, 11, 1)), "2026年11月", "Nov 2026"),
        (Month(date(2026, 2, 28)), "2026年2月", "Feb 2026"),
        (date(2026, 11, 28), "2026年11月28日", "28 Nov 2026"),
        (2, "2", "2"),
        (2.0, "2", "2"),
        (2.5, "2.5", "2.5"),
        (Decimal("0.75"), "0.8", "0.8"),
        (1234.5, "1234.5", "1234.5"),
        (20_000, "20000", "20000"),
        (0.0, "0", "0"),
        (None, "", ""),
        ("王阿姨 {n}", "王阿姨 {n}", "王阿姨 {n}"),
        (Named("海淀区", "Haidian"), "海淀区", "Haidian"),
        (Named("秋日清扫"), "秋日清扫", "秋日清扫"),
        (Joined((Named("海淀区", "Haidian"), Day(NINE)), " · "), "海淀区 · 11月28日（周六）", "Haidian · Sat 28 Nov"),
        (lines("a", None, "b"), "a\nb", "a\nb"),
        (_("Menu"), "菜单", "Menu"),
        (ngettext("{n} seat left", "{n} seats left", 1), "还有 1 个名额", "1 seat left"),
        (ngettext("{n} seat left", "{n} seats left", 3), "还有 3 个名额", "3 seats left"),
        (
            _("I will remind you {when}.", when=NINE),
            "我会提醒您：11月28日（周六）09:00。",
            "I will remind you Sat 28 Nov 09:00.",
        ),
        (_("{month}: {hours} h", month=Month(date(2026, 11, 1)), hours=2.5), "2026年11月：2.5 小时", "Nov 2026: 2.5 h"),
    ],
)
def test_words_in_both_languages(words: Words | float | None, chinese: str, english: str) -> None:
    assert CHINESE(words) == chinese
    assert ENGLISH(words) == english


def test_a_moment_is_told_in_the_zone_of_the_city() -> None:
    assert Wording("en", UTC)(Span(NINE, HALF_PAST_ELEVEN)) == "Sat 28 Nov 01:00–03:30"


def test_a_span_past_midnight_in_the_city_names_both_days_though_it_is_one_day_in_utc() -> None:
    evening = datetime(2026, 11, 28, 14, 0, tzinfo=UTC)
    night = datetime(2026, 11, 28, 17, 0, tzinfo=UTC)
    assert ENGLISH(Span(evening, night)) == "Sat 28 Nov 22:00 – Sun 29 Nov 01:00"
    assert Wording("en", UTC)(Span(evening, night)) == "Sat 28 Nov 14:00–17:00"


def test_a_day_that_may_lie_in_another_year_names_it_in_the_zone_of_the_city() -> None:
    # What was agreed to “on Mon 15 Sep” had been agreed to fourteen months before.
    late = Date(datetime(2025, 9, 14, 20, 0, tzinfo=UTC))
    assert ENGLISH(late) == "15 Sep 2025"
    assert Wording("zh_CN", UTC)(late) == "2025年9月14日"


def test_a_value_is_worded_in_the_language_of_the_sentence_around_it() -> None:
    inner = _("number {n} in the queue", n=2)
    assert CHINESE(_("Go on: {title}", title=inner)) == "继续：候补第 2 位"
    assert ENGLISH(_("Go on: {title}", title=inner)) == "Go on: number 2 in the queue"


def test_what_a_person_wrote_is_never_taken_for_a_message_or_a_format() -> None:
    assert CHINESE(_("Go on: {title}", title="Menu {0} {n} %s")) == "继续：Menu {0} {n} %s"


def test_a_message_that_no_catalogue_knows_is_said_in_english() -> None:
    assert CHINESE(_("No catalogue has this sentence, {name}.", name="x")) == "No catalogue has this sentence, x."


def test_an_empty_message_says_nothing_and_not_the_header_of_the_catalogue() -> None:
    assert CHINESE(_("")) == ""


def test_a_guess_that_nobody_looked_at_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "menkou.po").write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\nPlural-Forms: nplurals=1; plural=0;\\n"\n\n'
        '#, fuzzy\nmsgid "Stop"\nmsgstr "出发"\n\nmsgid "Go"\nmsgstr "走"\n',
        encoding="utf-8",
    )
    kept = catalogue("zh_CN", tmp_path)
    assert kept.gettext("Stop") == "Stop"
    assert kept.gettext("Go") == "走"


def test_a_city_without_the_catalogue_speaks_english(tmp_path: Path) -> None:
    assert isinstance(catalogue("zh_CN", tmp_path), gettext.NullTranslations)
    assert catalogue("zh_CN", tmp_path).gettext("Menu") == "Menu"
