"""The words of what we say first: reminders, a seat that came free, changes, announcements; each makes sense
read twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.matters import About
from bot.domain.notices import Event, Notice
from bot.domain.proofs import grouped
from bot.domain.stars import Way
from bot.talk import Day, Intent, Joined, Link, Named, Span, Spot, Text, View, Words, _, lines
from handlers import between, feedback, mailings, skills
from handlers.admission import SAID
from handlers.certificate import OLDER, reason
from handlers.digest import letter
from handlers.disputes import heading
from handlers.hearing import way_out
from handlers.hours import as_hours
from handlers.skills import skill_name
from handlers.stars import count, refusal, step_reached

DAY = -24 * 60


def word(notice: Notice) -> View:
    """One notice as a view, for whoever reads it: first that it may come twice, then what it says, then the way out."""
    view = said(notice)
    if not view.text:
        return view
    twice = _("(You may have read this already.)") if notice.repeated else None
    return replace(view, text=lines(twice, view.text, way_out(notice.kind)))


def said(notice: Notice) -> View:
    """What it says: of an activity and its course, of somebody's own seat, to its organiser, from other people."""
    event = notice.event
    if event is None:
        return personal(notice)
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    match notice.kind:
        case "campaign":
            return mailings.campaign(notice)
        case "announcement":
            return View(
                lines(notice.words.get("text", ""), "", name, span, event.address, sender(event)),
                (
                    Link(_("See it"), Intent("activity", (str(event.activity),))),
                    Link(_("Unsubscribe"), Intent("subscriptions")),
                ),
            )
        case "reminder":
            tomorrow = notice.offset == DAY and notice.eve
            far = _("Tomorrow: {title}", title=name) if tomorrow else _("Coming up: {title}", title=name)
            first = far if notice.offset <= DAY else _("Soon: {title}", title=name)
            return View(
                lines(first, span, event.address, _("Are you still coming?")),
                coming_or_not(notice),
                spot=spot(event, name),
            )
        case "change":
            seated = notice.stand not in ("waiting", "offered")
            return View(
                lines(
                    _("Time or place have changed: {title}", title=name),
                    span,
                    event.address,
                    _("Are you still coming? If not, giving your seat up costs you nothing.")
                    if seated
                    else _("Your sign-up still waits."),
                ),
                coming_or_not(notice)
                if seated
                else (Link(_("My sign-up"), Intent("booking", (str(notice.enrolment),))),),
                spot=spot(event, name),
            )
        case "cancellation":
            text = _("Called off by the organiser: {title}, {when}. You need not come.", title=name, when=event.starts)
            return View(text, (Link(_("Find activities"), Intent("find")),))
        case "checkout" if notice.offset > 0:
            text = _(
                "{title} has ended, and you have not checked out. Did you leave at the end? Tell me when, and the "
                "organiser will confirm it. Without that it does not count.",
                title=name,
            )
            return View(text, (Link(_("Tell when I left"), Intent("claim", (str(notice.enrolment),))),))
        case "checkout":
            text = _(
                "{title} ends {when}. Please do not forget to check out, or the time does not count.",
                title=name,
                when=event.ends,
            )
            return View(text, (Link(_("Check out"), Intent("checkout")),))
        case "feedback":
            return feedback.asked(notice, name)
    return of_a_seat(notice, event) or to_organisers(notice, event) or between.word(notice, event)


def of_a_seat(notice: Notice, event: Event) -> View | None:
    """What became of the reader's own place."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    match notice.kind:
        case "promotion":
            return View(
                lines(
                    _("A seat came free and it is yours: {title}", title=name),
                    span,
                    event.address,
                    _("Can you come? If not, giving it up costs you nothing."),
                ),
                coming_or_not(notice),
                spot=spot(event, name),
            )
        case "offer":
            until = datetime.fromisoformat(notice.words["until"])
            return View(
                lines(
                    _("A seat came free: {title}", title=name),
                    span,
                    event.address,
                    _("It is held for you until {until}. Do you take it?", until=until),
                ),
                (
                    Link(_("Yes, I take it"), Intent("accept", (str(notice.enrolment),))),
                    Link(_("No, let it go on"), Intent("decline", (str(notice.enrolment),))),
                ),
                spot=spot(event, name),
            )
        case "lapse":
            text = _("The seat that was held for you went on to the next: {title}", title=name)
            if notice.stand == "waiting":
                return View(
                    lines(text, _("You are in the queue again, at its end.")),
                    (Link(_("My sign-up"), Intent("booking", (str(notice.enrolment),))),),
                )
            return View(
                lines(text, _("You are not in the queue any more.")),
                (Link(_("Queue up"), Intent("join", (str(event.activity),))),),
            )
        case "admission":
            return View(lines(admitted(notice, name), span, event.address), admission_links(notice))
        case "deadline":
            until = event.starts - timedelta(minutes=int(notice.words["minutes"]))
            text = _("If you cannot come after all, please say so until {until}: {title}", until=until, title=name)
            return View(
                lines(text, _("The organiser has changed that; after it a seat is given back late.")),
                (
                    Link(_("My sign-up"), Intent("booking", (str(notice.enrolment),))),
                    Link(_("No, give up my seat"), Intent("leave", (str(notice.enrolment),))),
                ),
            )
        case "added":
            text = _("You were added on the spot and checked in: {title}. Was that not you? Then tell me.", title=name)
            number = (str(notice.words["number"]),)
            return View(
                text,
                (Link(_("Check out"), Intent("checkout")), Link(_("That was not me"), Intent("notin", number))),
            )
        case "claim":
            yes = notice.words["state"] == "approved"
            text = (
                _("The organiser has approved your claim: {title}. Thank you!", title=name)
                if yes
                else _("The organiser has declined your claim: {title}.", title=name)
            )
            ways = (Link(_("My claim"), Intent("claimed", (notice.words["number"],))),)
            return View(text, ways)
    return None


def to_organisers(notice: Notice, event: Event) -> View | None:
    """What whoever looks after it should see to."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    number = (str(event.activity),)
    match notice.kind:
        case "guessed":
            text = _(
                "Somebody is guessing check-in codes: {title}. Typed codes are closed for a minute at a time; the code "
                "on the wall can still be scanned, and you can take the roll.",
                title=name,
            )
            return View(
                text,
                (Link(_("Take the roll"), Intent("roll", number)), Link(_("Manage"), Intent("manage", number))),
            )
        case "asking":
            text = _("Somebody asks to come and waits for your answer: {title}", title=name)
            return View(
                lines(text, span),
                (Link(_("Decide"), Intent("letin", number)), Link(_("Manage"), Intent("manage", number))),
            )
    return None


def coming_or_not(notice: Notice) -> tuple[Link, Link]:
    """To keep a seat that somebody has, or to let it go to the queue."""
    number = (str(notice.enrolment),)
    give_up = Link(_("No, give up my seat"), Intent("leave", number))
    return Link(_("Yes, I am coming"), Intent("coming", number)), give_up


def personal(notice: Notice) -> View:
    """A notice that speaks of its reader only."""
    said = notice.words
    match notice.kind:
        case "campaign":
            return mailings.campaign(notice)
        case "digest":
            return letter(notice)
        case "expiring":
            return skills.expiring(said)
        case "proving":
            text = _("A proof waits for your look: {skill}", skill=skill_name(said["code"]))
            return View(text, (Link(_("Proofs to look at"), Intent("proofs")),))
        case "approval" | "mailing":
            return mailings.news(notice)
        case "withdrawn":
            text = _(
                "{issuer} has withdrawn your certificate No. {number}: {reason}. It proves nothing any more.",
                issuer=Named(said["issuer"], said["english"]),
                number=grouped(said["number"]),
                reason=reason(said["reason"]),
            )
            instead = said.get("instead", "")
            anew = _("A right one was issued in its place.") if instead else None
            link = Link(_("The new certificate"), Intent("mycertificate", (instead,))) if instead else OLDER
            return View(lines(text, anew), (link,))
        case "skill":
            name = skill_name(said["code"])
            text = (
                _("Your proof was accepted: {skill}.", skill=name)
                if said["state"] == "accepted"
                else _("Your proof was not accepted: {skill}. You can show another one.", skill=name)
            )
            return View(text, (Link(_("My skills"), Intent("skills")),))
        case "matter":
            number = Link(_("See it"), Intent("matter", (said["matter"],)))
            about = about_record(said)
            what = heading(About(said["kind"]), said.get("rule", ""))
            return View(lines(what, about, MATTER[said["what"]]), (number,))
        case "corrected":
            text = _(
                "Your record was corrected: {hours} h before, {now} h now.",
                hours=as_hours(int(said["before"])),
                now=as_hours(int(said["after"])),
            )
            ways = (
                Link(_("Why"), Intent("history", (said["record"],))),
                Link(_("It is wrong"), Intent("dispute", (said["record"],))),
            )
            return View(lines(about_record(said), text), ways)
        case "step":
            return View(lines(step_reached(int(said["hours"]))), (Link(_("My hours"), Intent("hours")),))
        case "star" if said["way"] in WAITS_FOR_A_CENTRE:
            text = WAITS_FOR_A_CENTRE[said["way"]]
            return View(text, (Link(_("Stars to decide about"), Intent("starcases")),))
        case "star":
            stars = count(int(said["level"]))
            until = Day(datetime.fromisoformat(said["until"])) if said["until"] else None
            why = refusal(said["reason"])
            way: Words = {
                Way.NOTICE: _("{stars}: in public notice until {day}.", stars=stars, day=until),
                Way.GRANTED: _("{stars}: granted! The city thanks you.", stars=stars),
            }.get(Way(said["way"]), _("{stars}: refused, because {reason}.", stars=stars, reason=why))
            return View(lines(way), (Link(_("My stars"), Intent("stars")),))
    return View("")


WAITS_FOR_A_CENTRE: Mapping[str, Text] = {
    "applied": _("Somebody applies for a star: you decide whether its public notice opens."),
    "objected": _("Somebody objects to a star in public notice: nothing is granted until you have looked."),
}


def admitted(notice: Notice, name: Words) -> Words:
    """What the organiser has decided."""
    if notice.stand == "cancelled":
        why = SAID.get(notice.words["reason"], SAID["other"])
        return _("The organiser cannot take you this time: {title}. {why}.", title=name, why=why)
    if notice.stand == "waiting":
        return _("The organiser would like you to come; it is full, you stand in the queue: {title}", title=name)
    return _("The organiser lets you in, you have a seat: {title}", title=name)


def admission_links(notice: Notice) -> tuple[Link, ...]:
    """Where to go on from a decision."""
    if notice.stand == "cancelled":
        return (Link(_("Find activities"), Intent("find")),)
    return (Link(_("My sign-up"), Intent("booking", (str(notice.enrolment),))),)


MATTER = {
    "asked": _("You are asked to answer."),
    "overlap": _("Two organisations recorded the same minutes. They count once; who recorded says whose they are."),
    "up": _("It is with the next level now."),
    "asked again": _("Nobody has answered in time. Whoever has to answer is asked once more."),
    "rejected": _("Rejected. You can read why, and take it to the next level."),
    "settled": _("It is settled."),
    "shared": _("It is settled whose the minutes are."),
}


def about_record(said: Mapping[str, str]) -> Words:
    """The record that a notice speaks of."""
    return Joined((Named(said["title"], said["english"]), Day(datetime.fromisoformat(said["day"]))), " · ")


def sender(event: Event) -> Words:
    """Who says it."""
    return _("— {organiser}", organiser=Named(event.organisation, event.organisation_english))


def spot(event: Event, name: Words) -> Spot | None:
    """The place on a map."""
    if event.latitude is None or event.longitude is None:
        return None
    return Spot(event.latitude, event.longitude, name, event.address)
