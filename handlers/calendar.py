"""My sign-ups in the calendar of my phone: a secret address, and a new one when somebody else has seen it."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.talk import Intent, Link, Talk, _, lines, script


@script("calendar", words=["calendar", "日历", "我的日历", _("Into my phone's calendar")], title=_("your calendar"))
async def calendar(talk: Talk, desk: Desk) -> None:
    """The address of my feed, and what it shows."""
    tell(talk, desk, await desk.calendars.address())


@script("newcalendar", words=["new calendar", "换日历地址"], title=_("a new calendar address"))
async def newcalendar(talk: Talk, desk: Desk) -> None:
    """Another address; the old one answers nobody any more."""
    question = _("Make a new address? The old one stops at once, also in your own calendar.")
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was changed."), Link(_("My calendar"), Intent("calendar")))
    tell(talk, desk, await desk.calendars.renew())


def tell(talk: Talk, desk: Desk, path: str) -> None:
    """The address and how to use it."""
    talk.say(
        lines(
            _("Your sign-ups in your own calendar: subscribe to this address there. What moves here moves there."),
            f"{desk.city.public_url}{path}",
            _("Keep it to yourself: whoever has it sees what you signed up for, though not your name."),
        ),
        Link(_("A new address"), Intent("newcalendar")),
        Link(_("My sign-ups"), Intent("my")),
    )
