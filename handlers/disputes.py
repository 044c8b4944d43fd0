"""A record is wrong: say why, see where it stands, take it further; and the other side: answer what is asked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.desk.desk import Desk
from bot.domain.anomalies import SAMPLE
from bot.domain.matters import REASONS, About, Answered, Matter, NoSuchMatter, Open, Opened, Said, Shown, State, Word
from bot.domain.records import Record
from bot.talk import Day, Intent, Joined, Link, Named, Option, Span, Talk, Text, View, Words, _, lines, ngettext, script
from handlers.answers import words
from handlers.cards import title
from handlers.hours import as_hours, entry
from handlers.lookedafter import ORGANISE
from handlers.presence import zero

SHORTEST, LONGEST = 4, 300
"""Characters of a reason."""

WHY: Mapping[str, Text] = {
    "hours": _("From when to when is wrong"),
    "absent": _("I was not there"),
    "zero": _("It counts nothing, or too little"),
    "other": _("Something else"),
}

KINDS: Mapping[About, Text] = {
    About.DISPUTE: _("Dispute"),
    About.OVERLAP: _("The same minutes recorded twice"),
    About.OBJECTION: _("Objection to a record on public notice"),
    About.REVIEW: _("Please look: something is unusual"),
}

DRAWN = _("Entered by hand, and drawn for the audit")

UNUSUAL: Mapping[str, Text] = {
    "long-day": _("a very long day"),
    "phone": _("one telephone number for several"),
    "burst": _("very many arrivals at once"),
    "reader": _("very many own codes at once"),
    "once-one": _("chats that had been one person"),
    "own": _("hours of their own"),
    "outside": _("outside the hours of check-in"),
}
"""What a rule found, where there is a list to choose from."""

WAITING = Link(_("What waits for me"), Intent("matters"))
HOURS = Link(_("My hours"), Intent("hours"))


@script(
    "dispute",
    words=["dispute", "申诉", "时长申诉", "时长不对", _("A record is wrong")],
    title=_("disputing a record"),
)
async def dispute(talk: Talk, desk: Desk, record: int = 0) -> None:
    """Which record, what is wrong, in my own words; then who recorded has to answer."""
    if not record:
        latest = await desk.records.latest(20)
        links = [Link(entry(one), Intent("dispute", (str(one.id),))) for one in latest]
        if not links:
            return talk.say(_("You have no records yet."), HOURS)
        return await talk.browse("which", _("Which record is wrong?"), links)
    found = await desk.records.mine(record)
    if found is None:
        return talk.say(_("You have no such record."), HOURS)
    known = await desk.matters.open_dispute(record)
    if known is not None:
        return disputed(talk, known)
    why = await talk.choose(
        "why", lines(entry(found), _("What is wrong?")), [Option(code, WHY[code], code) for code in REASONS]
    )
    said = await talk.ask("words", _("Please say in a sentence how it was."), words(SHORTEST, LONGEST))
    match await desk.matters.dispute(record, why, said):
        case Opened(number, due):
            talk.say(
                _(
                    "Your dispute is with who recorded it. They have until {when} to answer; after that it goes to the "
                    "centre above by itself. I tell you what happens.",
                    when=due,
                ),
                Link(_("See where it stands"), Intent("matter", (str(number),))),
            )
        case Open() as known:
            disputed(talk, known)
        case _:
            talk.say(_("You have no such record."), HOURS)


def disputed(talk: Talk, known: Open) -> None:
    """It was disputed before."""
    stands = Link(_("See where it stands"), Intent("matter", (str(known.matter),)))
    talk.say(_("You have disputed this record already."), stands)


@script(
    "matters",
    words=["matters", "待处理", "待办", "我的申诉", "my disputes", _("What waits for me")],
    title=_("what waits for you"),
)
async def matters(talk: Talk, desk: Desk) -> None:
    """What I asked, what waits for my answer, and corrections that wait for a second person."""
    mine = await desk.matters.mine()
    waiting = await desk.matters.waiting()
    agreeing = await desk.corrections.waiting()
    ways = [Link(line(one, about, mine=True), Intent("matter", (str(one.id),))) for one, about in mine]
    ways += [Link(line(one, about), Intent("matter", (str(one.id),))) for one, about in waiting]
    ways += [
        Link(_("A correction to agree to: {record}", record=entry(about)), Intent("agree", (str(one.id),)))
        for one, about in agreeing
    ]
    if not ways:
        return talk.say(_("Nothing waits for you."), HOURS)
    await talk.browse("list", ngettext("{n} matter:", "{n} matters:", len(ways)), ways)


def heading(kind: About, rule: str) -> Text:
    """What a matter is. Nothing is unusual about what was drawn by lot."""
    return DRAWN if rule == SAMPLE else KINDS[kind]


@script("sample", words=["sample", "audit sample", "抽查"], title=_("entries drawn for the audit"))
async def sample(talk: Talk, desk: Desk) -> None:
    """For the centre: hours that were entered without evidence and drawn, each to be looked at."""
    drawn = await desk.matters.sample()
    if not drawn:
        return talk.say(_("No entry waits for your look."), ORGANISE)
    links = [Link(line(one, about), Intent("matter", (str(one.id),))) for one, about in drawn]
    await talk.browse("list", _("Entered by hand, without evidence, and drawn by lot. Please look:"), links)


def line(one: Matter, about: Record, mine: bool = False) -> Words:
    """A matter in one line: what it is, about which record, and until when or where it stands."""
    rule = str(one.facts.get("rule", ""))
    what: Words = heading(one.kind, rule)
    if rule in UNUSUAL:
        what = _("Please look: {what}", what=UNUSUAL[rule])
    parts: list[Words] = [what, Day(about.starts), title(about)]
    parts.append(_("to be answered by {day}", day=Day(one.due)) if not mine else where(one))
    return Joined(tuple(parts), " · ")


@script("matter", title=_("a matter about a record"))
async def matter(talk: Talk, desk: Desk, number: int) -> None:
    """What was said, and what I may say now."""
    found = await desk.matters.shown(number)
    if isinstance(found, NoSuchMatter):
        return talk.say(_("There is no such matter that is yours to see."), WAITING)
    text = lines(
        heading(found.matter.kind, str(found.matter.facts.get("rule", ""))),
        *described(found),
        *(word(one, found) for one in found.words),
        where(found.matter),
    )
    options = [Option(one, label) for one, label in ANSWERS.items() if one in found.answers and one != Said.CORRECTED]
    ways = []
    if Said.CORRECTED in found.answers:
        ways.append(Link(_("Correct the record"), Intent("amend", (str(found.record.id), str(number)))))
    if not options:
        return talk.say(text, *ways, HOURS if found.mine else WAITING)
    said = await talk.choose("said", text, [*options, Option("later", _("Later"))], also=ways)
    if said == "later":
        return talk.say(_("It stays as it is."), WAITING)
    reason = ""
    if said in WITH_WORDS:
        # Whoever a look finds nothing wrong with never hears that there was one.
        kept = said == Said.FINE and found.matter.kind == About.REVIEW
        question = _("What did you find? It is kept with this matter.") if kept else _("Why? The other side reads it.")
        reason = await talk.ask("words", question, words(SHORTEST, LONGEST))
    match await desk.matters.answer(number, Said(said), reason):
        case Answered(state, verdict):
            talk.say(outcome(found.matter, Said(said), state, verdict), HOURS if found.mine else WAITING)
        case _:
            talk.say(_("There is no such matter that is yours to see."), WAITING)


ANSWERS: Mapping[Said, Text] = {
    Said.OURS: _("They were with us"),
    Said.THEIRS: _("They were with the other organisation"),
    Said.FINE: _("I looked: nothing is wrong"),
    Said.CORRECT: _("Ask for a correction"),
    Said.REJECT: _("Leave the record as it is"),
    Said.UP: _("Take it to the next level"),
    Said.CORRECTED: _("Correct the record"),
}

WITH_WORDS = frozenset({Said.REJECT, Said.FINE, Said.CORRECT})


def described(found: Shown) -> list[Words]:
    """The record that it is about, and the other one where there are two."""
    parts: list[Words] = [found.name, recorded(found.record)]
    if found.other:
        parts.append(recorded(found.other))
    facts = found.matter.facts
    if found.matter.kind == About.REVIEW:
        parts.append(odd(str(facts["rule"]), int(facts["found"]), int(facts["limit"])))
    if found.matter.kind == About.DISPUTE:
        parts.append(WHY[str(facts["why"])])
    return parts


def recorded(one: Record) -> Words:
    """A record, who made it, and from when to when."""
    worth: Words = zero(one.why, one.minutes) if one.why else _("{hours} h", hours=as_hours(one.minutes))
    return Joined((title(one), organiser(one), Span(one.starts, one.ends or one.starts), worth), " · ")


def organiser(one: Record) -> Words:
    """Who recorded."""
    return _("recorded by {organiser}", organiser=Named(one.organisation_name, one.organisation_english))


def odd(rule: str, found: int, limit: int) -> Words:
    """What a rule found, in words; it accuses nobody."""
    match rule:
        case "long-day":
            day, usual = as_hours(found), as_hours(limit)
            return _("{found} h in one day; above {limit} h somebody looks.", found=day, limit=usual)
        case "phone":
            return ngettext(
                "{n} person with one telephone number at this activity.",
                "{n} people with one telephone number at this activity.",
                found,
            )
        case "burst":
            return ngettext(
                "{n} arrival by code within seconds: the code may have gone round.",
                "{n} arrivals by code within seconds: the code may have gone round.",
                found,
            )
        case "reader":
            return ngettext(
                "{n} person's own code was read within seconds: they may all have been on one telephone.",
                "{n} people's own codes were read within seconds: they may all have been on one telephone.",
                found,
            )
        case "once-one":
            return ngettext(
                "{n} pair here had linked their chats as one person, and undid it.",
                "{n} pairs here had linked their chats as one person, and undid it.",
                found,
            )
        case "sample":
            return _("Nothing shows these hours. Ask who entered them how they know.")
        case "own":
            return _("Somebody of the organisation entered their own hours.")
    return ngettext(
        "{n} minute outside the hours in which people can check in and out.",
        "{n} minutes outside the hours in which people can check in and out.",
        found,
    )


def where(one: Matter) -> Words:
    """Where a matter stands."""
    if one.state == State.SETTLED:
        return VERDICTS.get(one.verdict, _("It is settled."))
    if one.state == State.ANSWERED:
        return _("Rejected; it can be taken to the next level until {when}.", when=one.due)
    if one.kind == About.OVERLAP:
        return _(
            "Both organisations can answer until {when}; then the better proven record has the minutes.", when=one.due
        )
    if one.node is None:
        return _("It stands with who recorded, until {when}.", when=one.due)
    return _("It stands with the centre above, until {when}.", when=one.due)


VERDICTS: Mapping[str, Text] = {
    "corrected": _("Settled: the record was corrected."),
    "rejected": _("Settled: the record stays as it is."),
    "fine": _("Settled: nothing is wrong."),
    "first": _("Settled: the minutes count with the first record."),
    "other": _("Settled: the minutes count with the second record."),
}

SPEECH: Mapping[Said, Text] = {
    Said.OPENED: _("asked"),
    Said.REJECT: _("the record stays as it is"),
    Said.UP: _("to the next level"),
    Said.OURS: _("they were with us"),
    Said.THEIRS: _("they were with the other"),
    Said.FINE: _("nothing is wrong"),
    Said.CORRECT: _("please correct it"),
    Said.CORRECTED: _("corrected"),
    Said.ENDED: _("the time to answer is over"),
}


def word(one: Word, found: Shown) -> Words:
    """One thing said: when, by which side, what. Nobody is named."""
    if one.person is None:
        who: Words = _("by rule")
    elif one.person == found.matter.person:
        who = _("volunteer")
    elif one.node is not None:
        who = _("centre")
    elif one.organisation is not None or one.said == Said.CORRECTED:
        who = _("who recorded")
    else:
        who = _("somebody who was there")
    said = Joined((Day(one.at), who, SPEECH[one.said]), " · ")
    return _("{said}: “{words}”", said=said, words=one.words) if one.words else said


def outcome(about: Matter, said: Said, state: State, verdict: str) -> Words:
    """What my word did."""
    if state == State.SETTLED:
        return VERDICTS.get(verdict, _("It is settled."))
    if state == State.ANSWERED:
        return _("The volunteer is told, and may go to the next level.")
    if said == Said.UP:
        return _("It is with the next level now. I tell you what happens.")
    if about.kind == About.OVERLAP:
        return _("Written down. The other organisation is asked as well.")
    return _("Whoever has to answer now is told.")


NEWS: Mapping[str, Text] = {
    "asked": _("You are asked to answer."),
    "overlap": _("Two organisations recorded the same minutes. They count once; who recorded says whose they are."),
    "up": _("It is with the next level now."),
    "asked again": _("Nobody has answered in time. Whoever has to answer is asked once more."),
    "rejected": _("Rejected. You can read why, and take it to the next level."),
    "settled": _("It is settled."),
    "shared": _("It is settled whose the minutes are."),
}


def news(told: Mapping[str, str]) -> View:
    """The notice of a step in it, to whoever asked or has to answer."""
    what = heading(About(told["kind"]), told.get("rule", ""))
    see = Link(_("See it"), Intent("matter", (told["matter"],)))
    return View(lines(what, about_record(told), NEWS[told["what"]]), (see,))


def about_record(told: Mapping[str, str]) -> Words:
    """The record that a notice speaks of."""
    return Joined((Named(told["title"], told["english"]), Day(datetime.fromisoformat(told["day"]))), " · ")
