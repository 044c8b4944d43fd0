"""The certificate of volunteer service: one A4 sheet, Chinese with English under it, as PDF and as PNG.

Its four groups are those of 民发〔2015〕149号: who; hours and content; issuer; number, date, notes, with seal and
signature.
"""

from __future__ import annotations

import io
import json
import unicodedata
from datetime import date
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import segno
import typst

from bot.desk.proofs import Printed
from bot.domain.proofs import Line, content_lines, grouped
from bot.talk.wording import Month, Named, Text, Wording, Words, _, ngettext

Kind = Literal["pdf", "png"]

PIXELS_PER_INCH = 144.0
"""A4 is 1191 × 1684 pixels: sharp on a phone, 150 kB."""

LINE = 62
"""Columns of half a Chinese character that one line of content holds."""

ENGLISH = 0.9
"""How wide the small English is, in columns a letter."""

TEMPLATE = files("bot.papers").joinpath("certificate.typ").read_bytes()

WORDS: dict[str, Text] = {
    "title": _("Certificate of volunteer service"),
    "who": _("Volunteer"),
    "name": _("Name"),
    "document": _("Identity document"),
    "document_hint": _("type and number, filled in by hand at sealing"),
    "volunteer": _("Volunteer number"),
    "service": _("Service"),
    "period": _("Period"),
    "total": _("Hours of service"),
    "day": _("Date"),
    "content": _("Content"),
    "grade": _("Proof"),
    "hours": _("Hours"),
    "issuer": _("Issuer"),
    "organisation": _("Organisation"),
    "place": _("Place"),
    "responsible": _("Responsible person"),
    "handler": _("Handled by"),
    "handled": _("Menkou, from counted records"),
    "contact": _("Contact"),
    "signature": _("Signature"),
    "seal": _("Seal of the issuer"),
    "register": _("Register"),
    "number": _("Certificate number"),
    "issued": _("Date of issue"),
    "notes": _("Notes"),
    "scan": _("Scan to check"),
    "travel": _("Travel and training are not counted. No minute is counted twice over all organisations."),
    "free": _("Issued free of charge. Valid only as the page behind the code shows it."),
}

GRADES: dict[str, Text] = {
    "A": _("A: proven from both sides"),
    "B": _("B: proven from one side"),
    "C": _("C: claimed and approved"),
    "D": _("D: entered without evidence"),
}


@lru_cache(maxsize=1)
def fonts() -> typst.Fonts:
    """The open Chinese fonts that came with the program, and none of the machine's: a paper looks alike everywhere."""
    folder = Path(pylopdf_fonts_zh_cn.sans_path()).parent
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])


def draw(printed: Printed, chinese: Wording, english: Wording, kind: Kind) -> bytes:
    """The sheet. Takes a tenth of a second and reads fonts from disk: for a thread, never for the event loop."""
    data = json.dumps(facts(printed, chinese, english), ensure_ascii=False)
    drawn = typst.compile(
        TEMPLATE, font_paths=fonts(), format=kind, ppi=PIXELS_PER_INCH, sys_inputs={"data": data}
    )  # fmt: skip
    if not isinstance(drawn, bytes):
        raise TypeError("the certificate must fit on one sheet")
    return drawn


def facts(printed: Printed, chinese: Wording, english: Wording) -> dict[str, Any]:
    """All that the template sets: each text as [Chinese, English]."""

    def both(words: Words | date | None) -> list[str]:
        return [chinese(words), english(words)]

    one = printed.certificate
    lines = content_lines(one.entries)
    notice = _("Public notice at the issuer until {day}; objections go to the issuer.", day=printed.notice_until)
    return {
        "words": {name: both(text) for name, text in WORDS.items()},
        "name": printed.name,
        "volunteer": one.volunteer,
        "period": both(_("{since} to {until}", since=one.period.since, until=one.period.until)),
        "hours": hours(one.total),
        "unit": both(ngettext("hour", "hours", 1 if one.total == 60 else 2)),
        "grades": [
            # The letter once: with it the English of C and D breaks over two lines.
            [chinese(GRADES[grade]), english(GRADES[grade]).removeprefix(f"{grade}: "), hours(minutes)]
            for grade, minutes in one.minutes.items()
        ],
        "lines": [
            [*both(when(line)), *one_line(*both(what(line))), line.grades, hours(line.minutes)] for line in lines
        ],
        "issuer": both(Named(one.issuer.name, one.issuer.english)),
        "place": both(Named(*printed.place)),
        "responsible": printed.responsible,
        "number": grouped(one.number),
        "issued": both(printed.day),
        "notice": both(notice),
        "address": printed.address,
        "qr": code(printed.address),
    }


def hours(minutes: int) -> str:
    """Minutes as hours with one decimal, as the rules ask."""
    return f"{minutes / 60:.1f}"


def when(line: Line) -> Words:
    """The day, month or year of a line."""
    if line.by == "activity":
        return line.first.strftime("%Y-%m-%d")
    return Month(line.first) if line.by == "month" else str(line.first.year)


def what(line: Line) -> Words:
    """The activity, or how many there were."""
    if line.by == "activity":
        return Named(line.title, line.english)
    return ngettext("{n} activity", "{n} activities", line.activities)


def one_line(chinese: str, english: str) -> tuple[str, str]:
    """Cut to the line that the content has: whole sheets depend on it. English gives way first."""
    if wide(chinese) > LINE:
        return chinese[: next(n for n in range(len(chinese), 0, -1) if wide(chinese[:n]) < LINE)] + "…", ""
    return (chinese, english) if wide(chinese) + wide(english) * ENGLISH < LINE else (chinese, "")


def wide(text: str) -> int:
    """Columns that a text takes, a Chinese character being two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)


def code(address: str) -> str:
    """The QR as SVG; error correction M: 15 % may be under a stamp."""
    drawing = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawing, kind="svg", border=0, xmldecl=False)
    return drawing.getvalue().decode()
