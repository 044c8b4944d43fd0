"""Recruiting: which activity, to whom, in what words; a look at it with its routes; then it is sent."""

from __future__ import annotations

from bot.desk.announcements import TEXT_LENGTH, Announced, AnnouncedToday, Audience
from bot.desk.desk import Desk
from bot.talk import Intent, Link, Option, Talk, _, lines, ngettext, script
from handlers.answers import words
from handlers.cards import kind_name, line, place_name
from handlers.lookedafter import NOT_YOURS, ORGANISE
from handlers.routes import by_mass, routes


@script("announce", words=["announce", "招募"], title=_("announcing an activity"))
async def announce(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """To the subscribers of its district, of its kind, or of both."""
    if not activity:
        mine = [one for one in await desk.organising.activities() if one.open_shifts(talk.now)]
        if not mine:
            return talk.say(_("None of the activities that you look after is open for sign-up now."), ORGANISE)
        links = [Link(line(one, desk), Intent("announce", (str(one.id),))) for one in mine]
        return await talk.browse("list", _("Which activity shall I announce?"), links)
    district_only = await desk.announcements.audience(activity, ())
    if not isinstance(district_only, Audience):
        return talk.say(NOT_YOURS, ORGANISE)
    card = district_only.activity
    district, kind = ("district", str(card.district)), ("kind", card.kind)
    place = place_name(desk.city.place(card.district))
    options = [
        Option("district", _("Subscribers of {what}", what=place), (district,)),
        Option("kind", _("Subscribers of {what}", what=kind_name(card.kind)), (kind,)),
        Option("both", _("Both"), (district, kind)),
    ]
    topics = await talk.choose("whom", _("Who shall hear of it?"), options)
    text = await talk.ask(
        "text", _("What shall I tell them? At most {n} characters.", n=TEXT_LENGTH), words(5, TEXT_LENGTH)
    )
    audience = await desk.announcements.audience(activity, topics)
    if not isinstance(audience, Audience) or not audience.people:
        return talk.say(
            _("Nobody has subscribed to that yet. You can share the activity instead."),
            Link(_("Share"), Intent("share", (str(activity),))),
        )
    plan = await desk.announcements.routes(audience)
    mass = await by_mass(talk, plan)
    look = lines(
        text,
        line(card, desk),
        "",
        ngettext("{n} person would get it:", "{n} people would get it:", audience.people),
        *routes(plan, mass),
        "",
        _("Nobody is written to at night. Send it?"),
    )
    if not await talk.confirm("sure", look, _("Send"), _("Not now")):
        return talk.say(_("Nothing was sent."))
    match await desk.announcements.announce(activity, topics, text, mass):
        case Announced(_fanout, reached):
            talk.say(
                ngettext("On its way to {n} person.", "On its way to {n} people.", reached),
                Link(_("Manage"), Intent("manage", (str(activity),))),
            )
        case AnnouncedToday():
            talk.say(
                _("It was announced today already. One announcement per activity and day keeps people subscribed.")
            )
        case _:
            talk.say(NOT_YOURS, ORGANISE)
