"""Finding an activity: say it in a sentence, answer where, when and what kind, or share a place; then open one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from bot.desk.activities import Found
from bot.desk.desk import Desk
from bot.domain.activities import Activity
from bot.domain.enrolment import Stand
from bot.domain.kinds import KINDS
from bot.domain.places import beijing
from bot.domain.roles import Deed
from bot.domain.search import sounds_like_search
from bot.domain.writing import for_readers
from bot.talk import (
    Day,
    Incoming,
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Picture,
    Place,
    Spot,
    Talk,
    Text,
    Unclear,
    WebLink,
    Words,
    _,
    lines,
    ngettext,
    script,
)
from handlers.cards import (
    called_off,
    kind_name,
    line,
    link,
    map_link,
    offer,
    organiser,
    place_name,
    seats,
    title,
    when,
    where,
)
from handlers.terms import shown


def hears(text: str, now: datetime) -> Sequence[str] | None:
    """A free sentence that names a place, a day or a kind of service, or asks what there is."""
    return (text[:200],) if asks_for_activities(text, now) else None


async def knows_name(desk: Desk, text: str) -> Sequence[str] | None:
    """What an open activity is called, or some words of it, as on a poster: no sentence that asks for anything."""
    return (text[:200],) if await desk.activities.known(text[:200]) else None


def asks_for_activities(text: str, now: datetime) -> bool:
    """Does a sentence ask what there is to do? `now` is in the city's zone."""
    return sounds_like_search(text, now, now.tzinfo or UTC, beijing())


@script(
    "find",
    words=["find", "找活动", "活动", "找", "搜索", "search", _("Find activities")],
    title=_("finding an activity"),
    hears=hears,
    knows=knows_name,
    takes_rest=True,
)
async def find(talk: Talk, desk: Desk, sentence: str = "") -> None:
    """By a sentence, or by three answers; “near” is an answer to where."""
    if sentence.isdecimal() and len(sentence) < 10:  # 活动42, as it stands on a poster
        return talk.go(Intent("activity", (sentence,)))
    if sentence and desk.activities.asks_where(sentence):
        return talk.go(Intent("near", (sentence,)))
    if sentence:
        return await show(talk, desk, await desk.activities.search(sentence))
    anywhere = Option("anywhere", _("Anywhere in Beijing"), 0)
    districts = [Option(str(one.code), place_name(one), one.code) for one in desk.city.places.districts]
    district = await talk.ask(
        "where",
        _("Where? Choose a district, share your place, or just say what you look for."),
        spot_or_sentence(talk.now.astimezone(desk.city.zone)),
        wants="place",
        options=[anywhere, *districts],
    )
    if isinstance(district, str) and desk.activities.asks_where(district):
        return talk.go(Intent("near", (district,)))
    if isinstance(district, str):
        return await show(talk, desk, await desk.activities.search(district))
    if isinstance(district, list):
        return await show(talk, desk, await desk.activities.near(district[0], district[1]))
    times = await talk.choose("when", _("When?"), days(talk.now, desk))
    kinds = [Option("any", _("Any kind"), ""), *(Option(one.code, kind_name(one.code), one.code) for one in KINDS)]
    kind = await talk.choose("kind", _("What kind of service?"), kinds)
    span = [(datetime.fromisoformat(a), datetime.fromisoformat(b)) for a, b in times]
    await show(talk, desk, await desk.activities.find(district or None, span, kind or None))


def rough(place: Place) -> list[float]:
    """A shared place to about 100 m: no more is kept, and that while the conversation lasts."""
    return [round(place.latitude, 3), round(place.longitude, 3)]


def spot_or_sentence(now: datetime) -> Callable[[Incoming], list[float] | str]:
    """A reader of a shared place or of a sentence."""

    def read(answer: Incoming) -> list[float] | str:
        if answer.place is not None:
            return rough(answer.place)
        if answer.text and asks_for_activities(answer.text, now):
            return answer.text[:200]
        raise Unclear("")

    return read


def days(now: datetime, desk: Desk) -> list[Option]:
    """The days that people ask for, each as a list of ISO spans; empty: any day."""
    local = now.astimezone(desk.city.zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0)
    monday = today - timedelta(days=today.weekday())

    def span(start: datetime, length: int) -> list[list[str]]:
        return [[start.isoformat(), (start + timedelta(days=length)).isoformat()]]

    saturday = monday + timedelta(days=5)
    return [
        Option("any", _("Any day"), []),
        Option("today", _("Today"), span(today, 1)),
        Option("tomorrow", _("Tomorrow"), span(today + timedelta(days=1), 1)),
        Option("weekend", _("This weekend"), span(saturday, 2)),
        Option("week", _("Next week"), span(monday + timedelta(days=7), 7)),
    ]


@script(
    "near",
    words=["near", "nearby", "附近", "near me", "离我近的", _("Near me")],
    title=_("finding what is near"),
    takes_place=True,
)
async def near(talk: Talk, desk: Desk, sentence: str = "") -> None:
    """What is around a shared place, of what the sentence asked for; the place is not kept."""
    if talk.incoming.place is not None and talk.thread.question == "":
        talk.given("place", rough(talk.incoming.place))
    read = spot_or_sentence(talk.now.astimezone(desk.city.zone))

    def read_where(answer: Incoming) -> list[float] | str:
        found = read(answer)
        if isinstance(found, str) and desk.activities.asks_where(found):
            raise Unclear("")  # “near me” once more: that is what was asked
        return found

    spot = await talk.ask(
        "place",
        _("Share your place (＋ → Location, or the button), or name one, and I show what is near. I do not keep it."),
        read_where,
        wants="place",
    )
    if isinstance(spot, str):
        return await show(talk, desk, await desk.activities.search(spot))
    await show(talk, desk, await desk.activities.search(sentence, (spot[0], spot[1])))


async def show(talk: Talk, desk: Desk, found: Found) -> None:
    """The list, with how the question was understood."""
    if not found.activities:
        return talk.say(
            _("I found nothing open. Try another day or district, or subscribe to hear of new ones."),
            Link(_("Find activities"), Intent("find")),
            Link(_("Subscribe"), Intent("subscribe")),
        )

    async def linked(numbers: Sequence[int]) -> list[Link]:
        return [link(card, desk) for card in await desk.activities.cards(found, numbers)]

    await talk.browse("list", lines(understood(found), dropped(found)), found.activities, linked)


def understood(found: Found) -> Words:
    """What was looked for, repeated."""
    parts: list[Words] = [place_name(one) for one in found.places]
    for start, end in found.times:
        last = end - timedelta(seconds=1)
        same = last - start < timedelta(days=1)
        parts.append(Day(start) if same else Joined((Day(start), Day(last)), "–"))
    parts += [kind_name(one.code) for one in found.kinds]
    if found.words:
        parts.append(f"“{found.words}”")
    count = len(found.activities)
    shown = f"{count}+" if found.more else str(count)
    if not parts:
        return ngettext("{shown} activity:", "{shown} activities:", count, shown=shown)
    what = Joined(tuple(parts), " · ")
    return ngettext("{shown} activity for {what}:", "{shown} activities for {what}:", count, shown=shown, what=what)


def dropped(found: Found) -> Text | None:
    """What had to be given up to find anything."""
    return {
        "words": _("(Nothing had those words; here is what fits the rest.)"),
        "kinds": _("(Nothing of that kind; here are others at that place and time.)"),
        "times": _("(Nothing on that day; here are other days.)"),
        "radius": _("(Nothing within 5 km; here is the nearest.)"),
    }.get(found.dropped)


@script("activity", title=_("an activity"))
async def activity(talk: Talk, desk: Desk, number: int) -> None:
    """The activity's card: conditions, time, place, seats, who holds it, and what can be done."""
    card = await desk.activities.card(number)
    if card is None or (card.state != "open" and not await desk.organising.allowed(number, Deed.ROSTER)):
        if card is not None and card.state == "cancelled":
            return talk.say(called_off(card), Link(_("Find activities"), Intent("find")))
        return talk.say(_("There is no such activity. Send “find” to see what is on."))
    mine = next((one for one in await desk.enrolment.mine() if one.activity == number), None)
    links: list[Link | WebLink] = []
    if mine is not None:
        links.append(Link(_("My sign-up"), Intent("booking", (str(mine.id),))))
    elif card.open_shifts(talk.now):
        links.append(Link(_("Sign up") if card.free else _("Queue up"), Intent("join", (str(number),))))
    if await desk.organising.allowed(number, Deed.ROSTER):
        links.append(Link(_("Manage"), Intent("manage", (str(number),))))
    links.append(Link(_("Share"), Intent("share", (str(number),))))
    links.append(WebLink(_("Into my calendar"), desk.calendars.of_activity(number)))
    links += map_link(card.latitude, card.longitude, card.title)
    state = whether_in(mine.stand) if mine else None
    talk.say(
        lines(
            title(card),
            when(card),
            where(card, desk),
            _("{kind} · {seats}", kind=kind_name(card.kind), seats=seats(card)),
            _("For people from {n} years on", n=card.minimum_age) if card.minimum_age else None,
            *roles(card),
            _("The organiser lets people in.") if card.approval else None,
            Named(*for_readers(card.about)) if card.about else None,
            *(shown(card.terms) if card.terms else ()),
            _("Held by {organiser}", organiser=organiser(card)),
            _("Called off.") if card.state != "open" else state,
        ),
        *links,
        spot=Spot(card.latitude, card.longitude, title(card), where(card, desk))
        if card.latitude is not None and card.longitude is not None
        else None,
    )


def roles(card: Activity) -> list[Words]:
    """The roles of an activity, each with what is left; nothing where there is only one for all."""
    return [offer(shift).label for shift in card.shifts] if any(shift.role for shift in card.shifts) else []


def whether_in(stand: Stand) -> Words:
    """What the card says to somebody who signed up."""
    return {
        Stand.WAITING: _("You are in the queue."),
        Stand.OFFERED: _("A seat is held for you."),
    }.get(stand, _("You are in."))


@script("share")
async def share(talk: Talk, desk: Desk, number: int) -> None:
    """Links that open this very activity, one a door."""
    card = await desk.activities.card(number)
    if card is None or card.state != "open":
        return talk.say(_("There is no such activity. Send “find” to see what is on."))
    name = f"activity-{number}"
    opened = [f"{address.format(link=name)}" for address in desk.city.doors.values()]
    code = None
    if desk.city.means.offers.codes:
        code = Picture(f"/wechat/code/{number}.png", _("Scan this in WeChat and it opens there."))
    talk.say(
        lines(
            line(card, desk),
            *opened,
            _("In any chat with me, sending “{link}” opens it too.", link=name),
        ),
        picture=code,
    )
