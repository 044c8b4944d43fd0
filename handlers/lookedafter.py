"""What somebody looks after: the way back to it, what is not theirs, and which of its shifts they mean."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import Activity, Shift
from bot.domain.roles import Deed
from bot.talk import Intent, Link, Talk, Words, _
from handlers.cards import line, offer, title

ORGANISE = Link(_("What you look after"), Intent("organise"))
NOT_YOURS = _("There is no such activity among those you look after.")


async def which_activity(talk: Talk, desk: Desk, script: str, question: Words) -> None:
    """What I look after that is open or was, to choose which of it a script is about."""
    mine = await desk.organising.activities()
    links = [Link(line(one, desk), Intent(script, (str(one.id),))) for one in mine if one.state != "draft"]
    if links:
        return await talk.browse("list", question, links)
    if mine or await desk.people.posts():
        return talk.say(_("Nothing that you look after is ahead."), ORGANISE)
    talk.say(_("Only organisers can do that. If you lead a group, ask your street's centre to register it."))


async def which_shift(talk: Talk, desk: Desk, activity: int, deed: Deed) -> tuple[Activity, Shift] | None:
    """A shift that is still open, asked for where there are several, with its activity. None: there is none of which I
    may do that, and it was said."""
    card = await desk.organising.allowed(activity, deed)
    shifts = card.open_shifts(talk.now) if card else []
    if card is None or not shifts:
        talk.say(NOT_YOURS, ORGANISE)
        return None
    if len(shifts) == 1:
        return card, shifts[0]
    question = _("Which shift of {title}?", title=title(card))
    chosen: Shift = await talk.choose("shift", question, [offer(one) for one in shifts])
    return card, chosen
