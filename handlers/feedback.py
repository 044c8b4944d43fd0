"""How was it? One question after the activity, a word if they like; its organiser reads it once five have answered."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.evaluations import SHOWN_FROM, STARS, WORDS_LENGTH, Evaluated, TooFew
from bot.domain.notices import Notice
from bot.talk import Intent, Link, Named, Option, Talk, View, _, lines, ngettext, script
from handlers.answers import words
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE


@script("feedback", title=_("how it was"))
async def feedback(talk: Talk, desk: Desk, number: int) -> None:
    """Stars, then words or none."""
    mine = await desk.evaluations.of_mine(number)
    if mine is None:
        return talk.say(_("You can say how it was where you were there."), Link(_("My sign-ups"), Intent("my")))
    options = [Option(str(one), "★" * one, one) for one in STARS]
    stars = await talk.choose("stars", _("How was {title}? One star to five.", title=title(mine)), options)
    more = await talk.ask(
        "words",
        _("Would you like to add a word? The organiser reads it without your name."),
        words(2, WORDS_LENGTH),
        options=[Option("none", _("No, that is all"), "")],
    )
    await desk.evaluations.give(number, stars, more)
    talk.say(_("Thank you! The organiser sees it once {n} people have answered.", n=SHOWN_FROM), FIND)


FIND = Link(_("Find activities"), Intent("find"))


@script("evaluations", title=_("how an activity was"))
async def evaluations(talk: Talk, desk: Desk, activity: int) -> None:
    """For organisers: the mean, and the words without names."""
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    match await desk.evaluations.of_activity(activity):
        case Evaluated(count, mean, said):
            figure = ngettext("{mean} of 5 stars, {n} answer", "{mean} of 5 stars, {n} answers", count, mean=mean)
            talk.say(lines(figure, *(f"· {one}" for one in said)), manage)
        case TooFew():
            talk.say(_("Shown once {n} people have answered, so that nobody can be told apart.", n=SHOWN_FROM), manage)
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def asked(notice: Notice, name: Named) -> View:
    """The question after an activity."""
    text = _("Thank you for being there: {title}. How was it?", title=name)
    answer = Link(_("Say how it was"), Intent("feedback", (str(notice.enrolment),)))
    return View(text, (answer, Link(_("My hours"), Intent("hours"))))
