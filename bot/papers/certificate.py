"""The certificate of volunteer service: one A4 sheet, Chinese with English under it, as PDF and as PNG.

Its four groups are those of 民发〔2015〕149号: who; hours and content; issuer; number, date, notes, with seal and
signature.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from bot.desk.proofs import Printed
from bot.domain.proofs import Line, content_lines, grouped
from bot.papers.sheet import Kind, code, drawn, template, wide
from bot.talk.wording import Month, Named, Text, Wording, Words, _, ngettext

LINE = 62
"""Columns of half a Chinese character that one line of content holds."""

ENGLISH = 0.9
"""How wide the small English is, in columns a letter."""

TEMPLATE = template("certificate.typ")

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


def draw(printed: Printed, chinese: Wording, english: Wording, kind: Kind) -> bytes:
    """The sheet; for a thread."""
    return drawn(TEMPLATE, facts(printed, chinese, english), kind)


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
