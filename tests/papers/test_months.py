"""The chart of hours by month: what it is told, in both languages, and that it draws on one sheet."""

from __future__ import annotations

import io
from datetime import date
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from bot.domain.records import Ledger
from bot.papers import months
from bot.talk.wording import Wording

BEIJING = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 11, 28)
BY_MONTH = {"2026-11": {"A": 600, "B": 120}, "2026-01": {"A": 90}, "2025-10": {"A": 6_000}}
LEDGER = Ledger(6_810, [], [], 9, {}, {}, {"A": 6_690, "B": 120}, 90, 120, BY_MONTH)


def test_twelve_months_with_their_hours_and_shares_of_the_highest() -> None:
    told = months.facts(LEDGER, TODAY, Wording("en", BEIJING))
    names = [one["name"] for one in told["months"]]
    assert " ".join(names) == "Dec Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov"
    assert [one["year"] for one in told["months"]][:3] == ["2025", "2026", ""]
    assert [one["hours"] for one in told["months"]] == ["", "1.5", *[""] * 9, "12"]
    assert told["months"][-1]["parts"] == [{"grade": "A", "share": 600 / 720}, {"grade": "B", "share": 120 / 720}]
    assert told["total"] == "113.5"  # what is older than a year is in the total
    assert [one["words"] for one in told["legend"]] == ["A: both sides 111.5 h", "B: one side 2 h"]
    assert told["notes"] == ["2 h of it is on public notice and not final yet.", "Training, kept apart: 1.5 h"]


def test_in_chinese() -> None:
    told = months.facts(LEDGER, TODAY, Wording("zh_CN", BEIJING))
    assert told["months"][-1]["name"] == "11月"
    assert told["title"] == "每月时长"
    assert told["unit"] == "小时"


@pytest.mark.parametrize("language", ["zh_CN", "en"])
@pytest.mark.parametrize("ledger", [LEDGER, Ledger(0, [], [])], ids=["full", "empty"])
def test_it_draws_on_one_sheet(language: str, ledger: Ledger) -> None:
    with Image.open(io.BytesIO(months.draw(ledger, TODAY, Wording(language, BEIJING)))) as picture:
        assert picture.format == "PNG"
        assert picture.width == 1020
        assert 350 < picture.height < 700
