"""Once a week, what is new of what I follow: on when I ask for it, at the hour that suits me."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.digests import HOURS, USUAL
from bot.domain.notices import Notice
from bot.talk import Intent, Joined, Link, Named, Option, Span, Talk, View, Words, _, lines, script
from handlers.answers import count

WEEKDAYS = tuple(
    Named(f"周{chinese}", english)
    for chinese, english in zip(
        "一二三四五六日",
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        strict=True,
    )
)


@script("digest", words=["digest", "周报"], title=_("your weekly letter"))
async def digest(talk: Talk, desk: Desk) -> None:
    """On, at the usual hour or at another."""
    if not await desk.people.subscriptions():
        return talk.say(
            _("The weekly letter tells what is new of what you follow. Choose that first."),
            Link(_("Subscribe"), Intent("subscribe")),
        )
    now = await desk.digests.when()
    options = [Option("usual", clock(*USUAL), list(USUAL)), Option("other", _("Another day or hour"))]
    question = lines(
        _("Your weekly letter comes: {when}.", when=clock(*now)) if now else None,
        _("Once a week I can tell you what is new of what you follow, at most seven activities. When?"),
    )
    when = await talk.choose("when", question, options, also=[Link(_("No weekly letter"), Intent("nodigest"))])
    if when == "other":
        days = [Option(str(place), name, place) for place, name in enumerate(WEEKDAYS)]
        day = await talk.choose("day", _("On which day?"), days)
        asked = _("At which hour, from {first} to {last}?", first=HOURS[0], last=HOURS[-1])
        when = [day, await talk.ask("hour", asked, count(HOURS[0], HOURS[-1]))]
    await desk.digests.want(*when)
    talk.undoable(Intent("nodigest"))
    talk.say(
        _("Your weekly letter comes: {when}. When there is nothing new it does not come.", when=clock(*when)),
        Link(_("My subscriptions"), Intent("subscriptions")),
        Link(_("No weekly letter"), Intent("nodigest")),
    )


@script("nodigest", words=["no digest", "关闭周报"])
async def nodigest(talk: Talk, desk: Desk) -> None:
    """Off, at once."""
    if not await desk.digests.end():
        return talk.say(_("You get no weekly letter."), Link(_("Weekly letter"), Intent("digest")))
    talk.undoable(Intent("digest"))
    talk.say(_("No weekly letter any more."), Link(_("Weekly letter"), Intent("digest")))


def clock(weekday: int, hour: int) -> Words:
    """A day of the week and an hour."""
    return Joined((WEEKDAYS[weekday], f"{hour:02d}:00"), " ")


def letter(notice: Notice) -> View:
    """What is new, each with the way there."""
    rows = [
        Joined((f"{place}.", Named(one.title, one.english), Span(one.starts, one.ends), one.address), " ")
        for place, one in enumerate(notice.listed, 1)
    ]
    ways = [Link(Named(one.title, one.english), Intent("activity", (str(one.activity),))) for one in notice.listed]
    return View(
        lines(_("New this week, of what you follow:"), *rows),
        (*ways, Link(_("My subscriptions"), Intent("subscriptions"))),
    )
