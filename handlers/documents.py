"""The number of my identity document, only where an insurance needs it; and the organiser's list for the insurer."""

from __future__ import annotations

from collections.abc import Callable

from bot.desk.desk import Desk
from bot.domain.documents import KINDS, PURPOSE, Cover, Wanted, masked_number, read_number
from bot.talk import (
    Incoming,
    Intent,
    Joined,
    Link,
    Named,
    Option,
    Talk,
    Text,
    Unclear,
    WebLink,
    Words,
    _,
    lines,
    script,
)
from handlers.lookedafter import NOT_YOURS, ORGANISE

NAMES: dict[str, Text] = {
    "resident": _("Resident identity card"),
    "permit": _("Travel or residence permit"),
    "passport": _("Passport"),
}

ELSEWHERE = _(
    "Please not here: this chat's servers are abroad, and such a number stays in the country. Send “document number” "
    "in WeChat or in the web chat; “link” makes both chats one."
)


async def asked_for(desk: Desk, enrolment: int) -> tuple[Link, ...]:
    """The way to give the number, where this sign-up needs one that was not given."""
    wanted = await desk.documents.wanted(enrolment)
    lacking = bool(wanted) and not wanted[0].given
    return (Link(_("Document number for the insurance"), Intent("document", (str(enrolment),))),) if lacking else ()


@script("document", words=["document number", "证件", "证件号", "证件号码"], title=_("a document number"))
async def document(talk: Talk, desk: Desk, enrolment: int = 0) -> None:
    """Which sign-up, agree, which document, its number; shown masked ever after."""
    wanted = await desk.documents.wanted(enrolment or None)
    if not wanted:
        return talk.say(_("None of your sign-ups needs a document number."), Link(_("My sign-ups"), Intent("my")))
    if desk.documents.is_abroad:
        return talk.say(ELSEWHERE)
    one = wanted[0]
    if len(wanted) > 1:
        options = [Option(str(each.enrolment), entry(each), each.enrolment) for each in wanted]
        chosen = await talk.choose("which", _("For which sign-up?"), options)
        one = next(each for each in wanted if each.enrolment == chosen)
    if not await desk.people.agreed(PURPOSE):
        question = _(
            "The insurance of this activity needs the number of your identity document. It is stored encrypted, goes "
            "to the insurer only, and is erased 30 days after the activity. You can do without it, but then you are "
            "not insured. Do you agree?"
        )
        if not await talk.confirm("agree", question, _("I agree"), _("No, thank you")):
            return talk.say(_("Good, nothing was stored. Please tell the organiser that you are not insured."))
    kind = await talk.choose("kind", _("Which document?"), [Option(code, NAMES[code], code) for code in KINDS])
    number = await talk.ask("number", _("What is its number?"), document_number(kind))
    question = _("{kind}: {number}. Is that right?", kind=NAMES[kind], number=masked_number(number))
    if not await talk.confirm("sure", question):
        return talk.say(_("Nothing was stored."), Link(_("Once more"), Intent("document", (str(one.enrolment),))))
    kept = await desk.documents.give(one.enrolment, kind, number)
    if kept is None:
        return talk.say(_("That is no longer possible."), Link(_("My sign-ups"), Intent("my")))
    talk.say(
        _("Stored: {number}. What you typed is gone from this chat's records; please delete it on your side too.",
          number=kept.number),
        Link(_("My data"), Intent("mydata")),
    )  # fmt: skip


def entry(one: Wanted) -> Words:
    """A sign-up, and what was given for it."""
    name = Named(one.title, one.english)
    return Joined((name, one.given), " · ") if one.given else name


def document_number(kind: str) -> Callable[[Incoming], str]:
    """Reads a number of this kind."""

    def read(answer: Incoming) -> str:
        number = read_number(answer.text or "", kind)
        if number is None:
            raise Unclear(
                _("That is not a valid number: 18 digits, the last may be X. Please compare digit by digit.")
                if kind == "resident"
                else _("That is not a valid number: 6 to 18 letters and digits. Please compare sign by sign.")
            )
        return number

    return read


# --- The organiser's side ---------------------------------------------------------------------------------------------


@script("insured", title=_("numbers for the insurance"))
async def insured(talk: Talk, desk: Desk, activity: int) -> None:
    """Who gave a number, masked; the file for the insurer; asking for them or no more."""
    cover = await desk.documents.cover(activity)
    if not isinstance(cover, Cover):
        return talk.say(NOT_YOURS, ORGANISE)
    name = Named(cover.title, cover.english)
    if not cover.asked:
        question = _(
            "Does the insurer of {title} demand document numbers? Only then volunteers are asked for them.", title=name
        )
        if not await talk.confirm("ask", question, _("Yes, it does"), _("No")):
            return talk.say(_("Good, nobody is asked."))
        await desk.documents.ask(activity, True)
        return talk.say(_("From now on whoever has a seat is asked."), manage(activity))
    what = await talk.choose(
        "what",
        lines(
            name,
            *(f"{one.volunteer} {one.name} {one.number}" for one in cover.people),
            _("{n} gave a number, {m} have not yet.", n=len(cover.people), m=cover.lacking),
        ),
        [
            Option("file", _("The file for the insurer"), "file"),
            Option("stop", _("Ask no more, and erase them"), "stop"),
            Option("no", _("Back"), "no"),
        ],
    )
    if what == "stop":
        await desk.documents.ask(activity, False)
        return talk.say(_("The numbers are erased, and nobody is asked any more."), manage(activity))
    if what == "no":
        return talk.say(_("Nothing was changed."), manage(activity))
    path = await desk.documents.file(activity)
    if path is None:
        return talk.say(ELSEWHERE)
    talk.say(
        _("Names and numbers, for the insurer only. The address works once, within an hour; every file is logged."),
        WebLink(_("Take it"), path),
    )


def manage(activity: int) -> Link:
    """Back to the activity."""
    return Link(_("Manage"), Intent("manage", (str(activity),)))
