"""The chart of hours by month, as a picture for the chat; the text beside it says the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.domain.records import Ledger
from bot.papers.sheet import drawn, template
from bot.talk.wording import Text, Wording, _, ngettext

MONTHS = 12
"""Columns; what is older is in the total."""

TEMPLATE = template("months.typ")

SHORT = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

GRADES: dict[str, Text] = {
    "A": _("A: both sides"),
    "B": _("B: one side"),
    "C": _("C: claim"),
    "D": _("D: no evidence"),
}


def draw(ledger: Ledger, today: date, speak: Wording) -> bytes:
    """The picture as PNG; for a thread."""
    return drawn(TEMPLATE, facts(ledger, today, speak), "png")


def facts(ledger: Ledger, today: date, speak: Wording) -> dict[str, Any]:
    """All that the template sets; hours with one decimal, shares of the highest month."""
    months = last_months(today)
    highest = max((sum(ledger.by_month.get(f"{one:%Y-%m}", {}).values()) for one in months), default=0) or 1
    grades = [grade for grade in GRADES if ledger.grades.get(grade)]
    notes: list[Text] = []
    if ledger.provisional:
        notes.append(_("{hours} h of it is on public notice and not final yet.", hours=hours(ledger.provisional)))
    if ledger.training:
        notes.append(_("Training, kept apart: {hours} h", hours=hours(ledger.training)))
    return {
        "language": speak.language[:2],
        "title": speak(_("Hours by month")),
        "span": speak(_("{since} to {until}", since=months[0], until=today)),
        "total": speak(hours(ledger.total)),
        "unit": speak(ngettext("hour", "hours", 1 if ledger.total == 60 else 2)),
        "letters": len(grades) > 1,
        "months": [_month(one, one == months[0], ledger, highest, speak) for one in months],
        "legend": [
            {
                "grade": grade,
                "words": speak(_("{name} {hours} h", name=GRADES[grade], hours=hours(ledger.grades[grade]))),
            }
            for grade in grades
        ],
        "notes": [speak(one) for one in notes],
    }


def _month(first: date, opens: bool, ledger: Ledger, highest: int, speak: Wording) -> dict[str, Any]:
    parts = ledger.by_month.get(f"{first:%Y-%m}", {})
    total = sum(parts.values())
    return {
        "name": SHORT[first.month - 1] if speak.language == "en" else f"{first.month}月",
        "year": str(first.year) if first.month == 1 or opens else "",
        "hours": speak(hours(total)) if total else "",
        "parts": [{"grade": one, "share": parts[one] / highest} for one in GRADES if parts.get(one)],
    }


def last_months(today: date) -> Sequence[date]:
    """The first days of the latest months, oldest first."""
    count = today.year * 12 + today.month - 1
    return [date(one // 12, one % 12 + 1, 1) for one in range(count - MONTHS + 1, count + 1)]


def hours(minutes: int) -> float:
    """Minutes as hours with one decimal."""
    return round(minutes / 60, 1)
