"""The certificate's sheet: one page whatever stands on it, rare characters, a code that scanners read."""

from __future__ import annotations

import io
import json
import re
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
import zxingcpp
from PIL import Image

from bot.desk.proofs import Printed
from bot.domain.proofs import Certificate, Entry, Issuer, Period, by_grade, with_check
from bot.papers import certificate as sheet
from bot.talk.wording import Wording

BEIJING = ZoneInfo("Asia/Shanghai")
CHINESE, ENGLISH = Wording("zh_CN", BEIJING), Wording("en", BEIJING)
RARE = "䶮𬭳㛃"
NUMBER = with_check(0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0)
ADDRESS = f"https://menkou.example.org/proof/{NUMBER}"


def entries(count: int, title: str = "清理昆明湖岸边垃圾", english: str = "Cleaning the lakeside") -> list[Entry]:
    first = date(2026, 1, 3)
    return [Entry(n, first + timedelta(days=3 * n), title, english, 90, "AAB"[n % 3]) for n in range(count)]


def printed(done: list[Entry], name: str = "王小明", issuer: str = "海淀绿芽志愿服务队") -> Printed:
    one = Certificate(
        id=1, number=NUMBER, person=1, volunteer="V7K3M9QXA2", issuer=Issuer(1, issuer, "Green Shoots", 110108, True),
        period=Period(date(2026, 1, 1), date(2026, 11, 24)), minutes=by_grade(done), entries=done, name=name,
        responsible="李组织", issued=datetime(2026, 11, 24, 2, tzinfo=UTC), state="valid",
    )  # fmt: skip
    return Printed(
        one, name, "李组织", ("海淀区", "Haidian"), ADDRESS, date(2026, 11, 24), date(2026, 12, 1)
    )  # fmt: skip


def draw(one: Printed, kind: Literal["pdf", "png"] = "png") -> bytes:
    return sheet.draw(one, CHINESE, ENGLISH, kind)


def picture(one: Printed) -> Image.Image:
    return Image.open(io.BytesIO(draw(one))).convert("L")


def test_the_sheet_is_a4_and_its_code_leads_to_the_public_check() -> None:
    drawn = picture(printed(entries(5)))
    assert drawn.size == (1191, 1684)
    [code] = zxingcpp.read_barcodes(drawn)
    assert code.text == ADDRESS


@pytest.mark.parametrize("name", [*RARE, "王"])
def test_rare_characters_of_names_are_drawn_each_as_itself(name: str) -> None:
    """A font that lacks them draws one box for all: two unlike characters would look the same."""
    seen = {picture(printed(entries(1), name=other)).tobytes() for other in (name, "\ue123")}
    assert len(seen) == 2


def test_the_rare_characters_are_text_in_the_pdf() -> None:
    """Each must be named in a table that turns glyphs back into characters, or a search for the name finds nothing."""
    pdf = draw(printed(entries(1), name=RARE), "pdf")
    assert pdf.startswith(b"%PDF-")
    told = b""
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            told += zlib.decompress(stream).lower()
        except zlib.error:
            told += stream.lower()
    for character in RARE:
        assert character.encode("utf-16-be").hex().encode() in told, character
    assert "囧".encode("utf-16-be").hex().encode() not in told


@pytest.mark.parametrize("count", [0, 1, 8, 9, 14, 15, 400])
def test_whatever_was_done_there_is_one_sheet_with_a_code(count: int) -> None:
    long = printed(
        entries(count, "给孩子读绘本" * 40, "Reading to children " * 20), name="王" * 40, issuer="志愿服务" * 12
    )
    assert zxingcpp.read_barcodes(picture(long))
    assert len(re.findall(rb"/Type\s*/Page\b", draw(long, "pdf"))) == 1


def test_all_four_groups_are_on_the_sheet() -> None:
    facts = sheet.facts(printed(entries(3)), CHINESE, ENGLISH)
    assert (facts["name"], facts["volunteer"]) == ("王小明", "V7K3M9QXA2")
    assert facts["hours"] == "4.5"
    assert [grade[2] for grade in facts["grades"]] == ["3.0", "1.5"]
    assert [line[2] for line in facts["lines"]] == ["清理昆明湖岸边垃圾"] * 3
    assert (facts["issuer"][0], facts["responsible"]) == ("海淀绿芽志愿服务队", "李组织")
    assert facts["number"].replace("-", "") == NUMBER
    assert facts["issued"] == ["2026年11月24日", "24 Nov 2026"]
    wanted = {"name", "document", "volunteer", "total", "content", "organisation", "responsible", "handler", "contact"}
    wanted |= {"number", "issued", "notes", "seal", "signature"}
    used = set(re.findall(r"words\.([a-z]+)", sheet.TEMPLATE.decode()))
    assert wanted - {"notes"} <= used


def test_what_somebody_typed_is_text_and_never_markup() -> None:
    one = printed(entries(1, '#panic("x") $a$ *b*', '#read("/etc/passwd")'))
    sly = replace(one, name='#panic("x")')
    assert draw(sly) != draw(one)
    assert json.dumps("#panic").strip('"') in sheet.facts(sly, CHINESE, ENGLISH)["name"]


def test_the_same_facts_give_the_same_picture() -> None:
    assert draw(printed(entries(2))) == draw(printed(entries(2)))
    assert draw(printed(entries(2))) != draw(printed(entries(3)))
