"""For organisers and centres: what I look after, publishing in six questions, the roster, calling off, the wall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.desk.desk import Desk
from bot.desk.organising import Listed, Roster, Seats, Told
from bot.domain.activities import CAPACITY_LIMIT, TITLE_LENGTH, Activity, Plan, Published, Unfit
from bot.domain.enrolment import Stand
from bot.domain.kinds import KINDS, kind, match_kinds
from bot.domain.places import Gazetteer
from bot.domain.roles import Deed
from bot.talk import (
    Clock,
    Incoming,
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Span,
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
from handlers.answers import count, hours, words, words_or_none
from handlers.cards import address, kind_name, line, title
from handlers.flags import reasons
from handlers.lookedafter import NOT_YOURS, ORGANISE, which_activity, which_shift
from handlers.terms import covered, shown

TRAINED = _("People are trained for this kind of service first: write when, or let a role ask for the proof.")


@script(
    "organise",
    words=["organise", "organize", "组织", "组织者", "管理活动", _("For organisers")],
    title=_("what you look after"),
)
async def organise(talk: Talk, desk: Desk) -> None:
    """What I look after, soonest first."""
    mine = await desk.organising.activities()
    ways = [Link(looked_after(one, desk), Intent("manage", (str(one.id),))) for one in mine]
    claimed = len(await desk.vouching.waiting())
    if claimed:
        ways.append(Link(ngettext("{n} claim to decide", "{n} claims to decide", claimed), Intent("claims")))
    if await desk.organising.organisations():
        ways.insert(0, Link(_("Publish an activity"), Intent("publish")))
    if await desk.skills.to_look_at():
        ways.append(Link(_("Proofs to look at"), Intent("proofs")))
    if await desk.campaigns.voices():
        ways.append(Link(_("Write to many"), Intent("campaigns")))
    drawn = len(await desk.matters.sample())
    if drawn:
        entries = ngettext("{n} entry drawn for the audit", "{n} entries drawn for the audit", drawn)
        ways.append(Link(entries, Intent("sample")))
    if not ways:
        return talk.say(_("Only organisers can do that. If you lead a group, ask your street's centre to register it."))
    await talk.browse("list", _("What you look after:"), ways)


def looked_after(card: Activity, desk: Desk) -> Words:
    """One activity in one line, a draft named as such."""
    whole = line(card, desk)
    return Joined((_("Draft"), whole), " · ") if card.state == "draft" else whole


@script("manage", title=_("managing an activity"))
async def manage(talk: Talk, desk: Desk, activity: int) -> None:
    """One activity and what my post lets me do with it."""
    card = await desk.organising.allowed(activity, Deed.ROSTER)
    if card is None:
        return talk.say(NOT_YOURS, ORGANISE)
    if card.state == "draft":
        return talk.go(Intent("draft", (str(activity),)))
    number, ahead = (str(activity),), card.starts > talk.now
    asking = await desk.admission.waiting(activity) if ahead else 0
    ways: list[Link | WebLink] = [let_in(activity, asking)] if asking else []
    ways += [Link(_("Roster"), Intent("roster", number)), Link(_("Messages"), Intent("deliveries", number))]
    ways += await on_the_spot(desk, activity)
    if not ahead and await desk.organising.allowed(activity, Deed.RECORDS):
        ways.append(Link(_("What was counted"), Intent("minutes", number)))
    if ahead and card.state == "open":
        ways += await before_it_begins(desk, activity)
    if card.ends <= talk.now:
        ways.append(Link(_("How it was"), Intent("evaluations", number)))
    if not ahead and await desk.promises.missing(activity):
        ways.append(Link(_("Excuse people"), Intent("excuse", number)))
    seated = sum(shift.taken for shift in card.shifts)
    capacity = sum(shift.capacity for shift in card.shifts)
    talk.say(
        lines(
            title(card),
            Span(card.starts, card.ends),
            _(
                "{seated} of {capacity} seats taken, {waiting} waiting",
                seated=seated,
                capacity=capacity,
                waiting=card.waiting,
            ),
            _("Called off.") if card.state != "open" else None,
        ),
        *ways,
    )


async def on_the_spot(desk: Desk, activity: int) -> list[Link | WebLink]:
    """The wall, and the roll with what can be written down of who was there."""
    number = (str(activity),)
    ways: list[Link | WebLink] = []
    wall = await desk.organising.wall(activity)
    if isinstance(wall, str):
        ways.append(WebLink(_("Check-in wall for the projector"), wall))
    page = await desk.rolls.page(activity)
    if isinstance(page, str):
        ways.append(Link(_("Take the roll"), Intent("roll", number)))
        if await desk.vouching.may_enter(activity):
            ways.append(Link(_("Confirm who was there"), Intent("vouch", number)))
            ways.append(Link(_("Enter hours by hand"), Intent("enter", number)))
        ways.append(WebLink(_("Roll on my phone, works offline"), page))
    return ways


async def before_it_begins(desk: Desk, activity: int) -> list[Link]:
    """Telling people of an open activity, and whatever of it can still be changed."""
    number = (str(activity),)
    ways = [Link(_("Poster to print"), Intent("poster", number))]
    if await desk.organising.allowed(activity, Deed.ANNOUNCE):
        ways.append(Link(_("Announce"), Intent("announce", number)))
    if not await desk.organising.allowed(activity, Deed.CHANGE):
        return ways
    ways += [
        Link(_("Another time"), Intent("move", number)),
        Link(_("Another place"), Intent("relocate", number)),
        Link(_("Number of seats"), Intent("seats", number)),
        Link(_("Conditions of joining"), Intent("joining", number)),
        Link(_("Risks, insurance, agreement"), Intent("terms", number)),
        Link(_("A professional for so many"), Intent("squad", number)),
        Link(_("Reminders"), Intent("remind", number)),
    ]
    if await desk.organising.allowed(activity, Deed.COVER):
        ways.append(Link(_("Ask people to help out"), Intent("cover", number)))
    return [
        *ways,
        *await insurer(desk, activity),
        Link(_("What it counts as"), Intent("counting", number)),
        Link(_("Call it off"), Intent("calloff", number)),
    ]


async def insurer(desk: Desk, activity: int) -> tuple[Link, ...]:
    """The way to the numbers for the insurance, for the activity's own organiser."""
    allowed = await desk.organising.allowed(activity, Deed.INSURE)
    return (Link(_("Numbers for the insurance"), Intent("insured", (str(activity),))),) if allowed else ()


@script("publish", words=["publish", "发布", "发布活动"], title=_("publishing an activity"))
async def publish(talk: Talk, desk: Desk) -> None:
    """Six questions: title, kind, when, where, how many, what to know; then a look at it, then it is open, or kept."""
    organisations = await desk.organising.organisations()
    if not organisations:
        return talk.say(_("Only organisers can do that. If you lead a group, ask your street's centre to register it."))
    organisation = next(iter(organisations))
    if len(organisations) > 1:
        options = [Option(str(id_), Named(one[0], one[1]), id_) for id_, one in organisations.items()]
        organisation = await talk.choose("for", _("For which organisation?"), options)
    name = await talk.ask("title", _("1/6 What is it called?"), words(2, TITLE_LENGTH))
    kinds = [Option(one.code, kind_name(one.code), one.code) for one in KINDS]
    service = await talk.ask("kind", _("2/6 What kind of service?"), kind_of_service, options=kinds)
    span = await talk.ask("hours", _("3/6 When? Like “Sat 9:00-11:30”."), hours(talk.now, desk.city.zone))
    where = await talk.ask(
        "where", _("4/6 Where? District and address, like “海淀区 颐和园东门”."), in_the_city(desk.city.places)
    )
    capacity = await talk.ask("capacity", _("5/6 How many people?"), count(1, CAPACITY_LIMIT))
    about = await talk.ask(
        "about",
        _("6/6 What should they know: what to bring, risks, conditions?"),
        words_or_none(2, 600),
        options=[Option("none", _("Nothing more"), "")],
    )
    start, end = datetime.fromisoformat(span[0]), datetime.fromisoformat(span[1])
    point = next((one.landmark for one in desk.city.places.match(where[1]) if one.landmark), None)
    at = (point.latitude, point.longitude) if point else (None, None)
    cover = await covered(talk, service)
    plan = Plan(name, service, start, end, where[0], where[1], capacity, about, None, *at)
    plan = replace(plan, insurance=cover.insurance, risks=cover.risks)
    look = lines(
        name,
        kind_name(service),
        Span(start, end),
        address(desk.city.place(where[0]), where[1]),
        ngettext("{n} seat", "{n} seats", capacity),
        about or None,
        *shown(cover),
        TRAINED if kind(service).needs_training else None,
        "",
        _("Open it to the city?"),
    )
    ways = [
        Option("yes", _("Publish"), "open"),
        Option("conditions", _("Add conditions"), "draft"),
        Option("no", _("Not yet"), "later"),
    ]
    then = await talk.choose("sure", look, ways, yes="yes", no="no")
    keep = desk.organising.publish if then == "open" else desk.drafts.keep
    match await keep(organisation, plan):
        case Published(activity, _shift) if then == "open":
            opened(talk, activity, name)
        case Published(activity, _shift) if then == "draft":
            talk.go(Intent("draft", (str(activity),)))
        case Published(activity, _shift):
            draft = Intent("draft", (str(activity),))
            talk.say(_("Nothing was published. I keep it as a draft."), Link(_("The draft"), draft))
        case Unfit(why):
            talk.say(unfit(why), Link(_("Publish an activity"), Intent("publish")))
        case _:
            talk.say(_("Only organisers can do that. If you lead a group, ask your street's centre to register it."))


def opened(talk: Talk, activity: int, name: Words) -> None:
    """It is open to the city, and what can be done now."""
    number = str(activity)
    talk.undoable(Intent("calloff", (number,)))
    talk.say(
        _("It is open: {title}.", title=name),
        Link(_("See it"), Intent("activity", (number,))),
        Link(_("Announce"), Intent("announce", (number,))),
        Link(_("Manage"), Intent("manage", (number,))),
    )


def unfit(why: str) -> Text:
    """Why a plan cannot be."""
    return {
        "past": _("That time has passed. It must lie in the future."),
        "long": _("A shift can last 16 hours at most. Publish two activities instead."),
        "short": _("It must last at least 15 minutes."),
        "far": _("That is more than 400 days ahead."),
        "uninsured": _("A service with risks needs its risks and the number of its insurance policy first."),
    }.get(why, _("The number of seats must be from 1 to 20,000."))


def kind_of_service(answer: Incoming) -> str:
    """A kind by any of its names."""
    found = match_kinds(answer.text or "")
    if not found:
        raise Unclear("")
    return found[0].kind.code


def in_the_city(places: Gazetteer) -> Callable[[Incoming], list[Any]]:
    """A reader of an address that names its district, its street or a landmark: [district's code, address]."""

    def read(answer: Incoming) -> list[Any]:
        text = (answer.text or "").strip()[:200]
        for found in places.match(text):
            for place in (found.place, *places.ancestors(found.place.code)):
                if place.level == "district":
                    return [place.code, text]
        raise Unclear(_("Please name the district too, like “海淀区 颐和园东门”."))

    return read


@script("roster", words=["roster", "名单"], title=_("the roster"))
async def roster(talk: Talk, desk: Desk, activity: int = 0) -> None:
    """Who has a seat, who waits, who is there."""
    if not activity:
        return await which_activity(talk, desk, "roster", _("The roster of which activity?"))
    found = await desk.organising.roster(activity)
    if not isinstance(found, Roster):
        return talk.say(NOT_YOURS, ORGANISE)
    seated = [one for one in found.people if one.stand != Stand.WAITING]
    waiting = [one for one in found.people if one.stand == Stand.WAITING and one.admitted]
    asking = len(found.people) - len(seated) - len(waiting)
    talk.say(
        lines(
            _(
                "{title}: {n} with a seat, {waiting} waiting",
                title=title(found.activity),
                n=len(seated),
                waiting=len(waiting),
            ),
            *(listed(one.number, one) for one in sorted(seated, key=lambda one: one.number)),
            _("Queue:") if waiting else None,
            *(listed(place, one) for place, one in enumerate(waiting, 1)),
        ),
        *((let_in(activity, asking),) if asking else ()),
        Link(_("Manage"), Intent("manage", (str(activity),))),
    )


def let_in(activity: int, asking: int) -> Link:
    """The way to those who ask to come."""
    label = ngettext("{n} person asks to come", "{n} people ask to come", asking)
    return Link(label, Intent("letin", (str(activity),)))


def listed(place: int, one: Listed) -> Words:
    """One person of a roster in one line."""
    marks: list[Words] = [f"{place}. {one.name or '—'}", one.phone]
    if one.arrived:
        marks.append(_("there since {at}", at=Clock(one.arrived)))
    elif one.stand == Stand.CONFIRMED:
        marks.append(_("is coming"))
    elif one.stand == Stand.OFFERED:
        marks.append(_("a seat is held for them"))
    elif one.stand == Stand.ABSENT:
        marks.append(_("did not come"))
    elif one.stand == Stand.EXCUSED:
        marks.append(_("was excused"))
    if one.role[0]:
        marks.insert(2, Named(*one.role))
    marks += [f"{each['asked']} {each['said']}" for each in one.answers]
    if one.why:
        marks.append(_("({why})", why=reasons(one.why)))
    if one.guardian:
        marks.append(_("(guardian: {name})", name=one.guardian))
    if one.accompanied:
        marks.append(_("with their guardian"))
    return Joined(tuple(mark for mark in marks if mark), " ")


@script("calloff", title=_("calling an activity off"))
async def calloff(talk: Talk, desk: Desk, activity: int) -> None:
    """Called off after one question; everybody is told."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.state != "open":
        return talk.say(NOT_YOURS, ORGANISE)
    question = _("Call off {title}, {when}? Everybody who signed up will be told.", title=title(card), when=card.starts)
    if not await talk.confirm("sure", question, _("Yes, call it off"), _("No")):
        return talk.say(_("Nothing was changed."))
    told(talk, await desk.organising.call_off(activity))


@script("move", title=_("moving an activity"))
async def move(talk: Talk, desk: Desk, activity: int) -> None:
    """A new time; everybody is told and asked whether they still come."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.state != "open" or card.starts <= talk.now:
        return talk.say(NOT_YOURS, ORGANISE)
    question = _("When shall {title} be? Like “Sat 9:00-11:30”.", title=title(card))
    span = await talk.ask("hours", question, hours(talk.now, desk.city.zone, card.starts))
    start, end = datetime.fromisoformat(span[0]), datetime.fromisoformat(span[1])
    sure = _("Move it to {when}? Everybody who signed up will be told.", when=Span(start, end))
    if not await talk.confirm("sure", sure):
        return talk.say(_("Nothing was changed."))
    told(talk, await desk.organising.reschedule(activity, start, end))


@script("relocate", title=_("moving an activity"))
async def relocate(talk: Talk, desk: Desk, activity: int) -> None:
    """A new place; everybody is told and asked whether they still come."""
    card = await desk.organising.allowed(activity, Deed.CHANGE)
    if card is None or card.state != "open" or card.starts <= talk.now:
        return talk.say(NOT_YOURS, ORGANISE)
    question = _("Where shall {title} be? District and address, like “海淀区 颐和园东门”.", title=title(card))
    where = await talk.ask("where", question, in_the_city(desk.city.places))
    there = address(desk.city.place(where[0]), where[1])
    sure = _("Move it to {where}? Everybody who signed up will be told.", where=there)
    if not await talk.confirm("sure", sure):
        return talk.say(_("Nothing was changed."))
    told(talk, await desk.organising.relocate(activity, where[0], where[1]))


@script("seats", title=_("the number of seats"))
async def seats(talk: Talk, desk: Desk, activity: int) -> None:
    """More or fewer seats in a shift; new ones go to the queue in its order."""
    found = await which_shift(talk, desk, activity, Deed.CHANGE)
    if found is None:
        return
    _card, shift = found
    now_there = {"capacity": shift.capacity, "taken": shift.taken}
    question = _("Seats: {capacity}, taken: {taken}. How many shall there be?", **now_there)
    least = max(shift.taken, 1)
    capacity = await talk.ask("capacity", question, count(least, CAPACITY_LIMIT))
    match await desk.organising.set_seats(shift.id, capacity):
        case Seats(_card, there, handed):
            text = ngettext("There is {n} seat now.", "There are {n} seats now.", there)
            queue = ngettext("{n} went to the queue.", "{n} went to the queue.", handed) if handed else None
            talk.say(lines(text, queue), Link(_("Manage"), Intent("manage", (str(activity),))))
        case _:
            talk.say(NOT_YOURS, ORGANISE)


def told(talk: Talk, outcome: object) -> None:
    """What came of a change."""
    match outcome:
        case Told(card, people):
            text = ngettext("Done. {n} person will be told.", "Done. {n} people will be told.", people)
            talk.say(text, Link(_("Manage"), Intent("manage", (str(card.id),))))
        case Unfit(why):
            talk.say(unfit(why))
        case _:
            talk.say(NOT_YOURS, ORGANISE)
