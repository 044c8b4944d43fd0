"""My hours as a picture, with the same in words."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.talk import Intent, Link, Picture, Talk, _, lines, script
from handlers.hours import apart, as_hours, months, split


@script(
    "chart",
    words=["chart", "时长图", "我的时长图", "picture of my hours", _("My hours as a picture")],
    title=_("your hours as a picture"),
)
async def chart(talk: Talk, desk: Desk) -> None:
    """Twelve months in columns, split by how the hours were proven."""
    ledger = await desk.records.ledger(0)
    if not ledger.total:
        return talk.say(_("No hours have been counted yet."), Link(_("Find activities"), Intent("find")))
    talk.say(
        lines(
            _("Total: {hours} h", hours=as_hours(ledger.total)), *apart(ledger), *months(ledger), *split(ledger)
        ),
        Link(_("My hours"), Intent("hours")),
        picture=Picture(await desk.records.chart(), _("Your hours by month.")),
    )
