"""What the city's volunteers did: the main public figures, and where the others stand."""

from __future__ import annotations

from datetime import timedelta

from bot.desk.desk import Desk
from bot.domain.figures import SPANS, Figures
from bot.talk import Intent, Link, Month, Talk, Text, WebLink, Words, _, lines, ngettext, script
from handlers.hours import as_hours


@script(
    "city",
    words=["city", "figures", "全市数据", "本市数据", "公开数据", _("The city in figures")],
    title=_("the city in figures"),
)
async def city(talk: Talk, desk: Desk) -> None:
    """The month, the year and all of it."""
    figures = desk.figures.latest()
    told = said(figures) if figures else [_("The figures are being counted; the page has them in a moment.")]
    talk.say(lines(*told), WebLink(_("All figures"), desk.figures.page), Link(_("My hours"), Intent("hours")))


def said(figures: Figures) -> list[Words]:
    """The main figures, each with its time."""
    last = (figures.periods.until - timedelta(days=1)).date()
    names: dict[str, Words] = {
        "month": Month(figures.periods.month.date()),
        "year": _("Year {year}", year=figures.periods.year.year),
        "all": _("In all"),
    }
    coming = ngettext("{n} activity is on or coming up.", "{n} activities are on or coming up.", figures.coming)
    until = _("Counted until the end of {day}.", day=last)
    return [*(span(names[one], figures, one) for one in SPANS), coming, until]


def span(name: Words, figures: Figures, one: str) -> Text:
    """One span in one line."""
    found = figures.whole[one]
    if found.people is None or found.minutes is None:
        return _("{span}: too few people to tell of", span=name)
    hours = _("{hours} h", hours=as_hours(found.minutes))
    return ngettext(
        "{span}: {n} volunteer, {hours}", "{span}: {n} volunteers, {hours}", found.people, span=name, hours=hours
    )
