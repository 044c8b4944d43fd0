"""Public notice: what was recorded where I was, names masked, and saying that something of it is not true."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.matters import Opened
from bot.talk import Intent, Joined, Link, Talk, _, lines, script
from handlers.answers import words
from handlers.corrections import worth
from handlers.disputes import HOURS, LONGEST, SHORTEST
from handlers.hours import entry


@script(
    "notice",
    words=["notice", "public notice", "公示", _("Records on public notice")],
    title=_("records on public notice"),
)
async def notice(talk: Talk, desk: Desk) -> None:
    """Records that are not final yet, of activities where I was or that my organisation held."""
    found = await desk.matters.on_notice()
    if not found:
        return talk.say(_("Nothing is on public notice where you were."), HOURS)
    names = await desk.matters.names(found)
    links = [
        Link(Joined((names.get(one.person, ""), entry(one)), " · "), Intent("object", (str(one.id),))) for one in found
    ]
    await talk.browse("list", _("On public notice. Was one of these not so? Choose it:"), links)


@script("object", title=_("objecting to a record"))
async def objection(talk: Talk, desk: Desk, record: int) -> None:
    """What is not true about it; the centre above looks, and does not say who asked."""
    one = next((one for one in await desk.matters.on_notice() if one.id == record), None)
    if one is None:
        return talk.say(_("That is not on public notice, or not where you were."), HOURS)
    said = await talk.ask(
        "words",
        lines(entry(one), worth(one), _("What is not true about it? The centre reads it; nobody learns who wrote it.")),
        words(SHORTEST, LONGEST),
    )
    match await desk.matters.object(record, said):
        case Opened():
            talk.say(_("Thank you. The centre above looks; until then the record is not certified."), HOURS)
        case _:
            talk.say(_("You have objected to it already."), HOURS)
