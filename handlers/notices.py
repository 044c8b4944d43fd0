"""The words of what we say first: reminders, a seat that came free, changes, announcements; each makes sense
read twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.notices import Event, Notice
from bot.talk import Intent, Link, Named, Span, Spot, View, Words, _, lines
from handlers import between, certificate, corrections, disputes, feedback, mailings, skills, stars
from handlers.admission import SAID
from handlers.digest import letter
from handlers.hearing import way_out

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
    if notice.kind == "campaign":
        return mailings.campaign(notice)
    if event is None:
        return personal(notice)
    return (
        of_its_course(notice, event)
        or of_a_seat(notice, event)
        or of_being_there(notice, event)
        or to_organisers(notice, event)
        or between.word(notice, event)
    )


def of_its_course(notice: Notice, event: Event) -> View | None:
    """That an activity is there, that it is near, that it has changed, that it is called off."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    match notice.kind:
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
                coming_or_not(notice) if seated else (booking(notice),),
                spot=spot(event, name),
            )
        case "cancellation":
            text = _("Called off by the organiser: {title}, {when}. You need not come.", title=name, when=event.starts)
            return View(text, (Link(_("Find activities"), Intent("find")),))
    return None


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
                return View(lines(text, _("You are in the queue again, at its end.")), (booking(notice),))
            again = Link(_("Queue up"), Intent("join", (str(event.activity),)))
            return View(lines(text, _("You are not in the queue any more.")), (again,))
        case "admission":
            return View(lines(admitted(notice, name), span, event.address), admission_links(notice))
        case "deadline":
            until = event.starts - timedelta(minutes=int(notice.words["minutes"]))
            text = _("If you cannot come after all, please say so until {until}: {title}", until=until, title=name)
            return View(
                lines(text, _("The organiser has changed that; after it a seat is given back late.")),
                (booking(notice), give_up(notice)),
            )
    return None


def of_being_there(notice: Notice, event: Event) -> View | None:
    """Of checking in and out, and how it was."""
    name = Named(event.title, event.english)
    match notice.kind:
        case "added":
            text = _("You were added on the spot and checked in: {title}. Was that not you? Then tell me.", title=name)
            number = (str(notice.words["number"]),)
            return View(text, (CHECK_OUT, Link(_("That was not me"), Intent("notin", number))))
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
            return View(text, (CHECK_OUT,))
        case "claim":
            yes = notice.words["state"] == "approved"
            text = (
                _("The organiser has approved your claim: {title}. Thank you!", title=name)
                if yes
                else _("The organiser has declined your claim: {title}.", title=name)
            )
            return View(text, (Link(_("My claim"), Intent("claimed", (notice.words["number"],))),))
        case "feedback":
            return feedback.asked(notice, name)
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


CHECK_OUT = Link(_("Check out"), Intent("checkout"))


def booking(notice: Notice) -> Link:
    """The way to the reader's own sign-up."""
    return Link(_("My sign-up"), Intent("booking", (str(notice.enrolment),)))


def give_up(notice: Notice) -> Link:
    """To let a seat go to the queue."""
    return Link(_("No, give up my seat"), Intent("leave", (str(notice.enrolment),)))


def coming_or_not(notice: Notice) -> tuple[Link, Link]:
    """To keep a seat that somebody has, or to let it go."""
    return Link(_("Yes, I am coming"), Intent("coming", (str(notice.enrolment),))), give_up(notice)


def personal(notice: Notice) -> View:
    """A notice that speaks of its reader only; each subject has its own words."""
    about = notice.words
    match notice.kind:
        case "digest":
            return letter(notice)
        case "expiring":
            return skills.expiring(about)
        case "proving":
            return skills.proving(about)
        case "skill":
            return skills.decided(about)
        case "approval" | "mailing":
            return mailings.news(notice)
        case "withdrawn":
            return certificate.withdrawn(about)
        case "matter":
            return disputes.news(about)
        case "corrected":
            return corrections.news(about)
        case "step":
            return stars.step(about)
        case "star":
            return stars.news(about)
    return View("")


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
    return (booking(notice),)


def sender(event: Event) -> Words:
    """Who says it."""
    return _("— {organiser}", organiser=Named(event.organisation, event.organisation_english))


def spot(event: Event, name: Words) -> Spot | None:
    """The place on a map."""
    if event.latitude is None or event.longitude is None:
        return None
    return Spot(event.latitude, event.longitude, name, event.address)
