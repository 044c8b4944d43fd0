"""When are people reminded? The organiser says “3 days, 2 hours before” and it is so for this activity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.desk.desk import Desk
from bot.domain.activities import NotAllowed
from bot.domain.reminders import DAY, HOUR, MOST, USUAL, read
from bot.domain.roles import Deed
from bot.talk import Incoming, Intent, Joined, Link, Option, Talk, Unclear, Words, _, lines, ngettext, script
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE


@script("remind", title=_("reminders of an activity"))
async def remind(talk: Talk, desk: Desk, activity: int) -> None:
    """One question; from then on its reminders go out at those moments."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.state != "open" or card.starts <= talk.now:
        return talk.say(NOT_YOURS, ORGANISE)
    question = lines(
        title(card),
        _("Reminders go out before the start: {when}.", when=listed(await desk.reminders.of(activity))),
        _("When shall they? Up to {n}, like “3 days, 2 hours”.", n=MOST),
    )
    usual = Option("usual", _("As everywhere: {when}", when=listed(USUAL)), list(USUAL))
    befores = await talk.ask("when", question, moments, options=[usual])
    if isinstance(await desk.reminders.choose(activity, befores), NotAllowed):
        return talk.say(NOT_YOURS, ORGANISE)
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    talk.say(_("Good: reminders go out {when} before the start.", when=listed(befores)), manage)


def moments(answer: Incoming) -> Sequence[int]:
    """Moments before a start."""
    befores = read(answer.text or "")
    if befores is None:
        raise Unclear(
            _("Please send one to {n} moments before the start, from 15 minutes to 4 weeks, like “3 days, 2 hours”.",
              n=MOST)
        )  # fmt: skip
    return list(befores)


def listed(befores: Iterable[int]) -> Words:
    """Moments one after another."""
    return Joined(tuple(span(one) for one in befores), ", ")


def span(minutes: int) -> Words:
    """So long, in the largest unit that says it whole."""
    if minutes % DAY == 0:
        return ngettext("{n} day", "{n} days", minutes // DAY)
    if minutes % HOUR == 0:
        return ngettext("{n} hour", "{n} hours", minutes // HOUR)
    return ngettext("{n} minute", "{n} minutes", minutes)
