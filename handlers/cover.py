"""Calling for cover, by the organiser: who would be asked, in which rounds; start, stop, or let it call by itself."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.activities import NotAllowed
from bot.domain.covers import Call, Calling, round_size
from bot.domain.roles import Deed
from bot.talk import Intent, Link, Option, Span, Talk, Words, _, lines, ngettext, script
from handlers.cards import title
from handlers.lookedafter import NOT_YOURS, ORGANISE, which_shift

STATE: dict[Calling, Words] = {
    Calling.OFF: _("Nobody has been asked yet."),
    Calling.RUNNING: _("People are being asked."),
    Calling.FILLED: _("It was filled."),
    Calling.STOPPED: _("You stopped it."),
    Calling.OVER: _("Everybody who fits was asked, or it begins too soon."),
}


@script("cover", title=_("calling for cover"))
async def cover(talk: Talk, desk: Desk, activity: int) -> None:
    """Pick a shift, see who would be asked, and start, stop or automate the call."""
    found = await which_shift(talk, desk, activity, Deed.COVER)
    if found is None:
        return None
    card, chosen = found
    call = await desk.covers.call(chosen.id)
    if not isinstance(call, Call):
        return talk.say(NOT_YOURS, ORGANISE)
    way = await talk.choose("way", standing(card, call), ways(call))
    manage = Link(_("Manage"), Intent("manage", (str(activity),)))
    match way:
        case "start":
            done = await desk.covers.start(chosen.id)
            text = _("The first people are asked now; I tell you when the seats are filled.")
        case "stop":
            done, text = await desk.covers.stop(chosen.id), _("Nobody is asked any more.")
        case _:
            done = await desk.covers.by_itself(chosen.id, way == "on")
            text = (
                _("If seats are free a day before the start, I ask people by myself.")
                if way == "on"
                else _("I ask nobody by myself.")
            )
    talk.say(NOT_YOURS if isinstance(done, NotAllowed) else text, manage)


def standing(card: object, call: Call) -> Words:
    """How it stands, and what a call would do."""
    return lines(
        title(card),
        Span(call.starts, call.ends),
        ngettext("{n} seat is free.", "{n} seats are free.", call.missing),
        STATE[call.state],
        _("Asked: {asked}, of these {refused} said no.", asked=call.asked, refused=call.refused)
        if call.asked
        else None,
        ngettext(
            "{n} person fits and could still be asked, at most {round} in a round. A no is remembered.",
            "{n} people fit and could still be asked, {round} in a round, whoever was asked least lately first, never "
            "at night. A no is remembered.",
            call.fitting,
            round=round_size(call.missing),
        )
        if call.fitting
        else _("Nobody else who fits could still be asked."),
    )


def ways(call: Call) -> list[Option]:
    """What can be done with the call."""
    found = []
    if call.state == Calling.RUNNING:
        found.append(Option("stop", _("Stop asking")))
    elif call.missing and call.fitting:
        found.append(Option("start", _("Ask people now")))
    if call.automatic:
        return [*found, Option("off", _("Do not ask by yourself"))]
    return [*found, Option("on", _("Ask by yourself when short"))]
