"""The poster's sheet: one page of A4 whatever stands on it, a code that is read, Chinese large and English small."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image, ImageStat

from bot.papers import poster as sheet
from bot.papers.poster import Poster
from bot.papers.sheet import wide
from bot.talk.wording import Named, Span, Wording

BEIJING = ZoneInfo("Asia/Shanghai")
CHINESE, ENGLISH = Wording("zh_CN", BEIJING), Wording("en", BEIJING)
NINE = datetime(2026, 11, 28, 9, tzinfo=BEIJING)
ADDRESS = "https://menkou.example.org/chat?go=activity-42"

POSTER = Poster(
    kind=Named("环境保护", "Environment"),
    title=Named("清理昆明湖岸边垃圾", "Cleaning the shores of Kunming Lake"),
    times=[Span(NINE, NINE + timedelta(hours=2))],
    where=Named("海淀区 颐和园东门", "Haidian 颐和园东门"),
    organiser=Named("海淀绿芽志愿服务队", "Haidian Green Shoots"),
    asks=[Named("请带手套。", "Bring gloves.")],
    typed=("活动42", "activity-42"),
    chats=["t.me/menkou_bot"],
    address=ADDRESS,
    code=ADDRESS,
)
NOTHING_MORE = replace(POSTER, asks=[], chats=[], address="", code="")
DAYS = [Span(NINE + timedelta(days=n), NINE + timedelta(days=n + 1)) for n in range(4)]
FULL = replace(
    POSTER, kind=Named("环" * 500, "E" * 500), times=DAYS, where="址" * 500, organiser=Named("队" * 500, "o" * 500),
    asks=[Named("请带手套。" * 120, "Bring gloves. " * 50)] * 9, chats=["t.me/" + "b" * 200] * 3, address=ADDRESS * 9,
)  # fmt: skip


def draw(one: Poster, kind: Literal["pdf", "png"] = "png") -> bytes:
    return sheet.draw(one, CHINESE, ENGLISH, kind)


def picture(one: Poster) -> Image.Image:
    return Image.open(io.BytesIO(draw(one))).convert("RGB")


def test_the_sheet_is_a4_and_its_code_opens_the_activity() -> None:
    drawn = picture(POSTER)
    assert drawn.size == (1191, 1684)
    [code] = zxingcpp.read_barcodes(drawn)
    assert code.text == ADDRESS


def test_the_code_is_read_from_a_small_photo_of_the_whole_board() -> None:
    [code] = zxingcpp.read_barcodes(picture(POSTER).resize((400, 566)))
    assert code.text == ADDRESS


@pytest.mark.parametrize(
    "title",
    [
        Named("树"),
        Named("清理昆明湖岸边垃圾" * 56, "Cleaning the shores " * 25),
        Named("志" * 500),
        Named("a" * 500, "b" * 500),
        Named("", ""),
    ],
    ids=["one character", "500 in both", "500 characters", "one word of 500 letters", "none"],
)
@pytest.mark.parametrize("one", [POSTER, NOTHING_MORE, FULL], ids=["usual", "nothing more", "full"])
def test_whatever_stands_on_it_it_is_one_sheet_with_its_edges_free(one: Poster, title: Named) -> None:
    named = replace(one, title=title)
    pdf = draw(named, "pdf")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1
    [size] = re.findall(rb"/MediaBox\s*\[([\d. ]+)\]", pdf)
    assert [round(float(side)) for side in size.split()] == [0, 0, 595, 842]
    drawn = picture(named)
    assert bool(zxingcpp.read_barcodes(drawn)) is bool(one.code)
    for left in (0, 1191 - 60):  # printers leave half a centimetre white: no letter may stand there
        margin = drawn.crop((left, 900, left + 60, 1684))
        darkest = min(low for low, _high in ImageStat.Stat(margin).extrema)
        assert darkest > 200, left


def test_a_long_title_is_made_smaller_and_then_cut_with_a_sign_that_it_goes_on() -> None:
    whole = "清理昆明湖岸边垃圾" * 7
    assert sheet.facts(replace(POSTER, title=Named(whole)), CHINESE, ENGLISH)["title"] == [whole, ""]
    cut = sheet.facts(replace(POSTER, title=Named("志愿" * 250)), CHINESE, ENGLISH)["title"][0]
    assert cut.endswith("…")
    assert wide(cut) <= sheet.TITLE + 1


def test_english_stands_under_it_where_the_activity_has_an_english_title() -> None:
    told = sheet.facts(POSTER, CHINESE, ENGLISH)
    assert told["times"] == [["11月28日（周六）09:00–11:00", "Sat 28 Nov 09:00–11:00"]]
    assert told["words"]["join"] == ["扫码报名", "Scan to sign up"]
    assert told["typed"] == ["活动42", "activity-42"]


def test_without_one_nothing_on_it_is_english() -> None:
    told = sheet.facts(replace(POSTER, title=Named("清理湖岸")), CHINESE, ENGLISH)
    assert told["times"] == [["11月28日（周六）09:00–11:00", ""]]
    assert {english for _chinese, english in told["words"].values()} == {""}
    assert told["typed"] == ["活动42", ""]


def test_what_is_the_same_in_both_languages_stands_there_once() -> None:
    assert sheet.facts(replace(POSTER, where="颐和园东门"), CHINESE, ENGLISH)["where"] == ["颐和园东门", ""]


def test_without_a_code_the_words_take_its_place() -> None:
    assert sheet.facts(NOTHING_MORE, CHINESE, ENGLISH)["qr"] == ""
    assert draw(NOTHING_MORE) != draw(replace(NOTHING_MORE, code=ADDRESS))


def test_whether_wechat_must_scan_it_stands_under_the_code() -> None:
    assert draw(POSTER) != draw(replace(POSTER, for_wechat=True))


def test_what_somebody_typed_is_text_and_never_markup() -> None:
    sly = replace(POSTER, title=Named('#panic("x") $a$ *b*', '#read("/etc/passwd")'), where="<b> #sys.inputs")
    assert draw(sly) != draw(POSTER)
    assert json.dumps("#panic").strip('"') in sheet.facts(sly, CHINESE, ENGLISH)["title"][0]


def test_every_word_of_it_is_set_somewhere() -> None:
    used = set(re.findall(r"words\.([a-z]+)", sheet.TEMPLATE.decode()))
    assert used == set(sheet.WORDS)


def test_the_same_facts_give_the_same_picture() -> None:
    assert draw(POSTER) == draw(POSTER)
