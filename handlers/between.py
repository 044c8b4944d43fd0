"""The words of notices that come from other people: a child's wish, a guardian's answer, a squad, a place passed on."""

from __future__ import annotations

from datetime import datetime

from bot.domain.guardians import Answer
from bot.domain.notices import Event, Notice
from bot.talk import Intent, Link, Named, Span, Text, View, Words, _, lines
from handlers.guardian import ANSWER, RISK
from handlers.skills import skill_name


def word(notice: Notice, event: Event) -> View:
    """One notice as a view. Nobody is named: names do not wait in a queue, and some doors may not carry them."""
    return of_a_child(notice, event) or of_a_squad(notice, event) or of_a_place(notice, event) or View("")


def of_a_child(notice: Notice, event: Event) -> View | None:
    """Between a child and a guardian."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    number = notice.words.get("number", "")
    match notice.kind:
        case "permission":
            risks, policy = notice.words.get("risks", ""), notice.words.get("insurance", "")
            return View(
                lines(
                    _("Your child would like to take part: {title}", title=name),
                    span,
                    event.address,
                    RISK[notice.words["risk"]],
                    _("Risks: {text}", text=risks) if risks else None,
                    _("Insurance: policy {number}", number=policy) if policy else None,
                    _("Nothing is booked before you answer."),
                ),
                tuple(
                    Link(ANSWER[one], Intent("permit", (number, one)))
                    for one in (Answer.AGREED, Answer.ACCOMPANIED, Answer.REFUSED)
                ),
            )
        case "permitted":
            return permitted(notice, event, name)
    return None


def of_a_squad(notice: Notice, event: Event) -> View | None:
    """Of a group that goes nowhere without a professional: to its people, to who could lead it, to its organiser."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    match notice.kind:
        case "frozen":
            text = _(
                "{title} waits for a professional ({skill}). Your place stays yours; I am asking others, and tell you "
                "as soon as one is there.",
                title=name,
                skill=skill_name(notice.words["skill"]),
            )
            return View(lines(text, span), (MINE,))
        case "leaderless":
            text = _(
                "{title} waits for a professional ({skill}). Its people keep their places; I am asking others who "
                "have proven it.",
                title=name,
                skill=skill_name(notice.words["skill"]),
            )
            return View(lines(text, span), (manage(event),))
        case "thawed":
            text = _("A professional is there again: {title} takes place.", title=name)
            return View(lines(text, span), (MINE,))
        case "lead":
            text = _("A group needs you to lead it ({skill}): {title}", skill=skill_name(notice.words["skill"]),
                     title=name)  # fmt: skip
            return wish(notice, event, text, _("You are asked because you have proven it."))
    return None


def of_a_place(notice: Notice, event: Event) -> View | None:
    """A place that somebody offers, asks to be filled, has taken over or exchanged."""
    name, span = Named(event.title, event.english), Span(event.starts, event.ends)
    match notice.kind:
        case "invitation":
            until, where_from = notice.words.get("until", ""), notice.words.get("team", "")
            return wish(
                notice,
                event,
                _("Your team {name} asks whether you come along: {title}", name=where_from, title=name),
                _("A seat is held for you until {until}.", until=datetime.fromisoformat(until)) if until else None,
                _("Nothing is booked before you say yes."),
            )
        case "cover":
            return wish(
                notice,
                event,
                _("People are short, can you help out? {title}", title=name),
                _("You are one of a few who are asked: you follow this kind of service or this district, or helped "
                  "before."),
                beside=(Link(_("My subscriptions"), Intent("subscriptions")),),
            )  # fmt: skip
        case "covered":
            return View(lines(came_of_asking(notice, name), span), (manage(event),))
        case "taken":
            text = _("Your place was taken over, as you wished: {title}, {when}. You need not come.", title=name,
                     when=event.starts)  # fmt: skip
            return View(text, (MINE,))
        case "swapped":
            text = _("You have exchanged your place; yours is now: {title}", title=name)
            return View(lines(text, span, event.address), (MINE,))
    return None


MINE = Link(_("My sign-ups"), Intent("my"))


def manage(event: Event) -> Link:
    """The way to an activity for its organiser."""
    return Link(_("Manage"), Intent("manage", (str(event.activity),)))


def wish(notice: Notice, event: Event, text: Words, *why: Words | None, beside: tuple[Link, ...] = ()) -> View:
    """Somebody is asked to come: to what, when and where, and why they; to sign up for the very shift, or to be asked
    no more."""
    yes = Link(_("Yes, sign me up"), Intent("join", (str(event.activity), str(event.shift))))
    no = Link(_("No, not this time"), Intent("uninvited", (notice.words.get("number", ""),)))
    return View(lines(text, Span(event.starts, event.ends), event.address, *why), (yes, no, *beside))


def came_of_asking(notice: Notice, name: Words) -> Text:
    """For the organiser: whether those whom others were asked for are there."""
    match bool(notice.words.get("skill")), notice.words["outcome"]:
        case True, "filled":
            return _("A professional is there: {title}", title=name)
        case True, _outcome:
            return _("I have asked everybody who has proven it, and nobody is there yet: {title}", title=name)
        case False, "filled":
            return _("The free seats are filled: {title}", title=name)
    return _("I have asked everybody who fits, and seats are still free: {title}", title=name)


def sign_up(event: Event) -> Link:
    """The way to the sign-up for the very shift that the guardian agreed to."""
    return Link(_("Sign up"), Intent("join", (str(event.activity), str(event.shift))))


def permitted(notice: Notice, event: Event, name: Words) -> View:
    """What the guardian said, and what came of it."""
    match notice.words["answer"], notice.words["outcome"]:
        case ("agreed" | "accompanied") as answer, ("Joined" | "Waitlisted" | "AlreadyIn") as outcome:
            place = _("You are in the queue.") if outcome == "Waitlisted" else _("You are in.")
            company = _("They come along.") if answer == "accompanied" else None
            return View(lines(_("Your guardian agreed: {title}", title=name), company, place), (MINE,))
        case ("agreed" | "accompanied"), "Permitted":
            text = _("Your guardian agreed: {title}. The organiser still asks you something first.", title=name)
            return View(text, (sign_up(event),))
        case ("agreed" | "accompanied"), "MayCome":
            text = _("Your guardian agreed: {title}. Whoever leads there can add you now.", title=name)
            return View(text, (Link(_("Show my code"), Intent("mycode")),))
        case ("agreed" | "accompanied"), _outcome:
            text = _("Your guardian agreed, but something else is missing: {title}", title=name)
            return View(text, (sign_up(event),))
        case "withdrawn", "Left":
            text = _("Your guardian took the yes back, so your place was given back: {title}", title=name)
            return View(lines(text, _("Talk with them about it.")), (MINE,))
    text = _("Your guardian said no to {title}.", title=name)
    return View(lines(text, _("Talk with them about it.")), (Link(_("Find activities"), Intent("find")),))
