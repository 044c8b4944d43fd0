"""What an activity's time counts as, and for how long people are covered on the way: its organiser says, before it."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import NotAllowed
from bot.domain.roles import Deed
from bot.talk import Intent, Link, Option, Talk, _, lines, script
from handlers.answers import count
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE

SORTS = {
    "service": _("Service"),
    "training": _("Training: kept apart, no service"),
    "duty": _("Paid or school duty: no service"),
    "giving": _("Giving money or things: no service"),
}

LONGEST_WAY = 240
"""Minutes: from one end of the city to the other and a half more."""


@script("counting", title=_("what an activity counts as"))
async def counting(talk: Talk, desk: Desk, activity: int) -> None:
    """Service, training or no service; and the minutes of the way there and back."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.starts <= talk.now:
        return talk.say(NOT_YOURS, ORGANISE)
    sorts = [Option(code, name, code) for code, name in SORTS.items()]
    sort = await talk.choose("sort", lines(title(card), _("What does the time count as?")), sorts)
    way = await talk.ask(
        "way",
        _("How many minutes is the way there, at most? People are covered for it, there and back; it never counts."),
        count(0, LONGEST_WAY),
        options=[Option("usual", _("As the rules say"), -1)],
    )
    done = await desk.organising.counts_as(activity, sort, None if way < 0 else way)
    if isinstance(done, NotAllowed):
        return talk.say(NOT_YOURS)
    talk.say(_("Written down: {sort}.", sort=SORTS[sort]), Link(_("Manage"), Intent("manage", (str(activity),))))
