"""A draft once more: what shall be different, and only that is asked; a new one from what had reached nobody."""

from __future__ import annotations

from bot.desk.campaigns import Mailing, Voice
from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.campaigns import Campaign, Changed, Kept, Letter, Standing, Unwritable
from bot.talk import Intent, Link, Option, Talk, _, script
from handlers import whom
from handlers.campaign import MINE, NO_SUCH, shown, text, unwritable, when


@script("mailingagain", title=_("a campaign once more"))
async def mailingagain(talk: Talk, desk: Desk, number: int) -> None:
    """Declined, or taken back in time: its words in a new draft, to be changed or sent."""
    match await desk.campaigns.renew(number):
        case Kept(kept, _people):
            talk.go(Intent("mailing", (str(kept.id),)))
        case _:
            talk.say(NO_SUCH, MINE)


@script("mailingchange", title=_("changing a campaign"))
async def mailingchange(talk: Talk, desk: Desk, number: int) -> None:
    """One thing of a draft at a time; then it is shown as it is now."""
    found = await desk.campaigns.look(number)
    if not isinstance(found, Mailing) or not found.mine or found.campaign.standing is not Standing.DRAFT:
        return talk.say(NO_SUCH, MINE)
    voice = await desk.campaigns.voice_of(found.campaign)
    if voice is None:
        return talk.say(NO_SUCH, MINE)
    letter = await changed(talk, desk, voice, found.campaign)
    match await desk.campaigns.rewrite(number, letter):
        case Changed():
            talk.go(Intent("mailing", (str(number),)))
        case Unwritable(why):
            talk.say(unwritable(why), Link(_("Change"), Intent("mailingchange", (str(number),))), MINE)
        case _:
            talk.say(NO_SUCH, MINE)


async def changed(talk: Talk, desk: Desk, voice: Voice, one: Campaign) -> Letter:
    """What it says with one thing asked anew, and whatever hangs on that."""
    offered = await desk.campaigns.showable(voice)
    activity = next((held for held in offered if held.id == one.activity), None)
    parts = [
        Option("whom", _("Whom it reaches")),
        *([Option("button", _("What its button opens"))] if offered else []),
        Option("when", _("When it leaves")),
        *worded(one),
    ]
    part: str = await talk.choose("part", _("What shall be different?"), parts)
    if part == "whom":
        return Letter(await whom.asked(talk, desk, voice), one.texts, one.timing, one.activity)
    if part == "button":
        activity = await shown(talk, desk, voice)
        if activity or one.timing.mode != "before":
            return Letter(one.audience, one.texts, one.timing, activity.id if activity else None)
    if part in ("when", "button"):
        return await another_time(talk, desk, one, activity)
    place = int(part.removeprefix("words"))
    said = await text(talk, place, len(one.texts))
    return Letter(one.audience, (*one.texts[:place], said, *one.texts[place + 1 :]), one.timing, one.activity)


def worded(one: Campaign) -> list[Option]:
    """The words of each of its messages."""
    if len(one.texts) == 1:
        return [Option("words0", _("Its words"))]
    return [Option(f"words{place}", _("The words of message {n}", n=place + 1)) for place in range(len(one.texts))]


async def another_time(talk: Talk, desk: Desk, one: Campaign, activity: Activity | None) -> Letter:
    """When it leaves; messages that it did not have before are written."""
    timing, messages = await when(talk, desk.city.zone, activity)
    more = [await text(talk, place, messages) for place in range(len(one.texts), messages)]
    return Letter(one.audience, (*one.texts[:messages], *more), timing, activity.id if activity else None)
