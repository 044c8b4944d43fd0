"""How activities, places and kinds are put into words, in one place for all handlers."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote

from bot.desk.desk import Desk
from bot.domain.activities import Activity, Shift
from bot.domain.enrolment import Booking
from bot.domain.kinds import kind
from bot.domain.places import Place
from bot.domain.skills import skill
from bot.talk import Intent, Joined, Link, Named, Option, Span, Text, WebLink, Words, _, ngettext


def title(thing: object) -> Named:
    """The title of an activity, a sign-up or a record."""
    return Named(getattr(thing, "title", ""), getattr(thing, "english", ""))


def place_name(place: Place | None) -> Words:
    """A district or street."""
    return Named(place.name, place.english) if place else ""


@cache
def kind_name(code: str) -> Named:
    """A kind of service."""
    service = kind(code)
    return Named(service.chinese, service.english)


def organiser(activity: Activity) -> Named:
    """Who holds it."""
    return Named(activity.organisation_name, activity.organisation_english)


def called_off(thing: Activity | Booking) -> Text:
    """An activity, or a sign-up to it, that the organiser called off."""
    return _("Called off by the organiser: {title}, {when}. You need not come.", title=title(thing), when=thing.starts)


def seats(activity: Activity) -> Text:
    """What is left, in three words."""
    free = activity.free
    if free:
        return ngettext("{n} seat left", "{n} seats left", free)
    return ngettext("full, {n} waiting", "full, {n} waiting", activity.waiting) if activity.waiting else _("full")


def line(activity: Activity, desk: Desk) -> Words:
    """One activity in one line of a list."""
    district = place_name(desk.city.place(activity.district))
    parts: list[Words] = [title(activity), activity.starts, district]
    if activity.open_shifts(desk.now):
        parts.append(seats(activity))
    if activity.distance is not None:
        parts.append(far(activity.distance))
    return Joined(tuple(parts), " · ")


def far(metres: float) -> Text:
    """A distance as people say it."""
    if metres < 1000:
        return _("{n} m away", n=round(metres / 50) * 50)
    return _("{n} km away", n=round(metres / 1000, 1))


def link(activity: Activity, desk: Desk) -> Link:
    """The line as a button that opens the activity."""
    return Link(line(activity, desk), Intent("activity", (str(activity.id),)))


def where(activity: Activity, desk: Desk) -> Words:
    """District and address."""
    return address(desk.city.place(activity.street or activity.district), activity.address)


def address(place: Place | None, written: str) -> Words:
    """An address with its district or street, unless whoever wrote it named that already."""
    if place is None or place.name in written or (place.english and place.english.casefold() in written.casefold()):
        return written
    return Joined((place_name(place), written), " ")


def map_link(latitude: float | None, longitude: float | None, name: str) -> tuple[WebLink, ...]:
    """A button that opens the place on a map that works in China and takes WGS-84; nothing without coordinates."""
    if latitude is None or longitude is None:
        return ()
    address = f"https://uri.amap.com/marker?position={longitude:.6f},{latitude:.6f}&coordinate=wgs84&name={quote(name)}"
    return (WebLink(_("Map"), address),)


def when(activity: Activity) -> Span:
    """From when to when."""
    return Span(activity.starts, activity.ends)


def offer(shift: Shift) -> Option:
    """A shift as an answer."""
    left = ngettext("{n} seat left", "{n} seats left", shift.free) if shift.free else _("full, with a queue")
    label: Words = _("{when}, {left}", when=Span(shift.starts, shift.ends), left=left)
    named: list[Words] = [role(shift)] if shift.role else []
    parts = (*named, label, *needs(shift))
    return Option(str(shift.id), Joined(parts, " · ") if len(parts) > 1 else label, shift)


def role(shift: Shift) -> Named:
    """What somebody does in this shift."""
    return Named(shift.role, shift.role_english)


def needs(shift: Shift) -> list[Words]:
    """The skills that a role asks for."""
    return [_("needs {skill}", skill=Named(skill(code).chinese, skill(code).english)) for code in shift.needs]


def conditions(card: Activity) -> list[Words | None]:
    """What somebody must know before they sign up, beside the age."""
    return [
        _("The organiser lets people in.") if card.approval else None,
        *(_("Asked at sign-up: {question}", question=one.text) for one in card.questions),
        ngettext(
            "A seat is given back without consequence until {n} hour before the start.",
            "A seat is given back without consequence until {n} hours before the start.",
            card.leave_before // 60,
        )
        if card.leave_before
        else None,
    ]
