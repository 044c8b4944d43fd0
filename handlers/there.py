"""I am there: a shared place as second evidence, compared once and not kept; asked for its own consent."""

from __future__ import annotations

from collections.abc import Callable

from bot.desk.desk import Desk
from bot.domain.fence import Fence, Nearness, nearness
from bot.talk import Incoming, Intent, Link, Talk, Unclear, _, script

PURPOSE = "place"
"""In the list of consents: where somebody is is sensitive (PIPL, articles 28 and 29), and is asked for by itself."""


@script("there", title=_("showing that you are there"))
async def there(talk: Talk, desk: Desk, enrolment: int) -> None:
    """The place of somebody who is checked in."""
    around = await desk.attendance.around(enrolment)
    if around is None:
        return talk.say(_("There is no place to show now."), Link(_("My sign-ups"), Intent("my")))
    known = await desk.people.agreed(PURPOSE)
    if not known:
        question = _(
            "Where you are is sensitive. I compare it once with where the activity is and keep only whether you were "
            "there, or roughly how far away; never the point. You can take this back at any time under “my data”. "
            "Do you agree?"
        )
        if not await talk.confirm("consent", question, _("I agree"), _("No")):
            return talk.say(_("Good. You are checked in all the same."), Link(_("Check out"), Intent("checkout")))
    band, accuracy = await talk.ask("place", _("Please share your place now."), shared(around), wants="place")
    if not known:
        await desk.people.agree(PURPOSE)
    near = Nearness(band, accuracy)
    if not await desk.attendance.show_place(enrolment, near):
        return talk.say(_("There is no place to show now."), Link(_("My sign-ups"), Intent("my")))
    thanks = (
        _("Thank you: you are there. The point itself is not kept.")
        if near.inside
        else _("That is some way off. The organiser will look at it; your check-in stands until then.")
    )
    talk.say(thanks, Link(_("Check out"), Intent("checkout")))


def shared(around: Fence) -> Callable[[Incoming], list[str | int]]:
    """A reader that keeps of a shared place only how near it is: [band, accuracy in metres]."""

    def read(answer: Incoming) -> list[str | int]:
        if answer.place is None:
            raise Unclear(_("Please share your place, with the button or from the plus menu in WeChat."))
        near = nearness(around, answer.place.latitude, answer.place.longitude, answer.place.accuracy)
        return [near.band, near.accuracy]

    return read
