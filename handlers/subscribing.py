"""Hearing of new activities: subscribe to a district or a kind of service, unsubscribe from one or all."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.kinds import KINDS, match_kinds
from bot.talk import Intent, Link, Option, Talk, Words, _, script
from handlers.cards import kind_name, place_name


@script("subscribe", words=["subscribe", "订阅", "关注", _("Subscribe")], title=_("subscribing"), takes_rest=True)
async def subscribe(talk: Talk, desk: Desk, topic: str = "", value: str = "") -> None:
    """A district or a kind, also said at once (“subscribe Haidian”); then every announcement for it comes here."""
    if topic and not value:
        topic, value = named(desk, topic)
    if not topic:
        what = await talk.choose(
            "what",
            _("What would you like to hear of? Announcements come rarely, never at night, and each names the way out."),
            [Option("district", _("A district")), Option("kind", _("A kind of service"))],
            also=[Link(_("My subscriptions"), Intent("subscriptions"))],
        )
        topic, value = what, await talk.choose("which", _("Which one?"), topics(desk, what))
    if not name(desk, topic, value):
        return talk.say(_("That is not something to subscribe to."), Link(_("Subscribe"), Intent("subscribe")))
    new = await desk.people.subscribe(topic, value)
    talk.undoable(Intent("unsubscribe", (topic, value)))
    text = _("You will hear of new activities: {what}.", what=name(desk, topic, value))
    talk.say(
        text if new else _("You have subscribed to this already: {what}.", what=name(desk, topic, value)),
        Link(_("My subscriptions"), Intent("subscriptions")),
        Link(_("Unsubscribe"), Intent("unsubscribe", (topic, value))),
        Link(_("Weekly letter"), Intent("digest")),
    )


def named(desk: Desk, text: str) -> tuple[str, str]:
    """The district or the kind that somebody's own words name; empty if they name neither."""
    for found in desk.city.places.match(text):
        for place in (found.place, *desk.city.places.ancestors(found.place.code)):
            if place.level == "district":
                return "district", str(place.code)
    kinds = match_kinds(text)
    return ("kind", kinds[0].kind.code) if kinds else ("", "")


def topics(desk: Desk, what: str) -> list[Option]:
    """The districts or the kinds."""
    if what == "district":
        return [Option(str(one.code), place_name(one)) for one in desk.city.places.districts]
    return [Option(one.code, kind_name(one.code)) for one in KINDS]


def name(desk: Desk, topic: str, value: str) -> Words:
    """What a subscription is called; empty if there is no such thing."""
    if topic == "district" and value.isdecimal():
        return place_name(desk.city.place(int(value)))
    return kind_name(value) if topic == "kind" and value in {one.code for one in KINDS} else ""


@script(
    "subscriptions",
    words=["subscriptions", "我的订阅", _("My subscriptions"), _("Subscriptions")],
    title=_("my subscriptions"),
)
async def subscriptions(talk: Talk, desk: Desk) -> None:
    """What I hear of, each with its way out."""
    mine = await desk.people.subscriptions()
    if not mine:
        return talk.say(_("You have no subscriptions."), Link(_("Subscribe"), Intent("subscribe")))
    links = [Link(_("Unsubscribe: {what}", what=name(desk, *one)), Intent("unsubscribe", one)) for one in mine]
    more = Link(_("Subscribe"), Intent("subscribe"))
    none = Link(_("Unsubscribe from all"), Intent("unsubscribe", ("all",)))
    await talk.browse("list", _("You hear of these:"), [*links, more, none])


@script("unsubscribe", words=["unsubscribe", "退订", "取消订阅"])
async def unsubscribe(talk: Talk, desk: Desk, topic: str = "", value: str = "") -> None:
    """From one topic or from all; at once, also inside a running announcement."""
    mine = await desk.people.subscriptions()
    if not topic and len(mine) > 1:
        return talk.go(Intent("subscriptions"))
    if mine and topic != "all":
        topic, value = (topic, value) if topic else mine[0]
        talk.undoable(Intent("subscribe", (topic, value)))
    ended = await desk.people.unsubscribe(*((topic, value) if value else ()))
    if not ended:
        return talk.say(_("You have no subscriptions."), Link(_("Subscribe"), Intent("subscribe")))
    talk.say(_("You will not hear of that any more."), Link(_("Subscribe"), Intent("subscribe")))
