"""Skills with their proof: mine, a new one for an organisation to look at, and an organiser who looks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime

from bot.desk.desk import Desk
from bot.domain.skills import DOCUMENTS, SKILLS, Proof, Proven, known, skill
from bot.domain.writing import fold
from bot.talk import Incoming, Intent, Joined, Link, Named, Option, Talk, Unclear, View, Words, _, lines, script
from handlers.answers import words
from handlers.introduction import Met, introduce, introduced
from handlers.lookedafter import ORGANISE

DOCUMENT: dict[str, Words] = {
    "certificate": _("A certificate"),
    "licence": _("Licence"),
    "record": _("Record of a training"),
}


def skill_name(code: str) -> Named:
    """A skill in both languages."""
    return Named(skill(code).chinese, skill(code).english)


@script("skills", words=["skills", "技能", "我的技能", "资质", "my skills", _("My skills")], title=_("your skills"))
async def skills(talk: Talk, desk: Desk) -> None:
    """What I have proven or proposed, and what I may look at."""
    mine = await desk.skills.mine()
    links = [Link(line(one, talk.now.date()), Intent("skill", (str(one.id),))) for one in mine]
    links.append(Link(_("Prove a skill"), Intent("newskill")))
    waiting = await desk.skills.to_look_at()
    if waiting:
        links.append(Link(_("Proofs to look at: {n}", n=len(waiting)), Intent("proofs")))
    text = _("Your skills:") if mine else _("Some roles need a proven skill. You have not shown any yet.")
    await talk.browse("list", text, links)


def line(one: Proof, today: date) -> Words:
    """One proof in one line."""
    state = {Proven.PROPOSED: _("not looked at yet"), Proven.DECLINED: _("not accepted")}.get(one.state)
    if state is None:
        state = _("accepted") if one.holds(today) else _("run out")
    return Joined((skill_name(one.code), state, *last_day(one)), " · ")


def expiring(said: Mapping[str, str]) -> View:
    """The notice that a proof of theirs runs out, and what to do."""
    last = date.fromisoformat(said["expires"])
    text = _("Your proof runs out: {skill}, last day {day}.", skill=skill_name(said["code"]), day=last)
    advice = _("Have it renewed in time and show me the new one; roles that need it stay open to you then.")
    ways = (Link(_("Show the new one"), Intent("newskill", (said["code"],))), Link(_("My skills"), Intent("skills")))
    return View(lines(text, advice), ways)


def proving(said: Mapping[str, str]) -> View:
    """The notice to an organisation that somebody shows it a proof."""
    text = _("A proof waits for your look: {skill}", skill=skill_name(said["code"]))
    return View(text, (Link(_("Proofs to look at"), Intent("proofs")),))


def decided(said: Mapping[str, str]) -> View:
    """The notice of what was decided about a proof."""
    name = skill_name(said["code"])
    text = (
        _("Your proof was accepted: {skill}.", skill=name)
        if said["state"] == "accepted"
        else _("Your proof was not accepted: {skill}. You can show another one.", skill=name)
    )
    return View(text, (Link(_("My skills"), Intent("skills")),))


def last_day(one: Proof) -> tuple[Words, ...]:
    """Until when it holds."""
    return (_("until {day}", day=one.expires),) if one.expires else ()


@script("skill", title=_("a proof"))
async def skill_(talk: Talk, desk: Desk, number: int) -> None:
    """One proof of mine, shown again or taken back."""
    one = next((one for one in await desk.skills.mine() if one.id == number), None)
    if one is None:
        return talk.say(_("You have no such proof."), Link(_("My skills"), Intent("skills")))
    text = lines(line(one, talk.now.date()), *document(one))
    options = [Option("keep", _("Leave it"), False), Option("back", _("Take it back"), True)]
    if not await talk.choose("what", text, options):
        return talk.go(Intent("skills"))
    await desk.skills.withdraw(number)
    talk.say(_("It is gone."), Link(_("My skills"), Intent("skills")))


def document(one: Proof) -> list[Words]:
    """What proves it."""
    shown = _("number {number}", number=one.number) if one.number else _("a photo was sent; ask to see the document")
    return [Joined((DOCUMENT.get(one.document, ""), one.issuer, shown), " · ")]


@script("newskill", title=_("proving a skill"))
async def newskill(talk: Talk, desk: Desk, code: str = "", organisation: int = 0) -> None:
    """Which skill, which document, from whom, its number or a photo, its last day; then who shall look at it."""
    lookers = await desk.skills.lookers(organisation)
    if not lookers:
        return talk.say(_("Please sign up for something first, so that the organiser knows you."), FIND)
    if await introduced(talk, desk) is not Met.READY:
        return talk.say(_("All right, nothing was changed."), FIND)
    if not known(code):
        options = [Option(one.code, skill_name(one.code), one.code) for one in SKILLS]
        code = await talk.choose("skill", _("What can you prove?"), options)
    kinds = [Option(one, DOCUMENT[one], one) for one in DOCUMENTS]
    kind = await talk.choose("document", _("{skill}: which document?", skill=skill_name(code)), kinds)
    issuer = await talk.ask("issuer", _("Who issued it?"), words(2, 60))
    proof = await talk.ask("proof", _("Its number, or a photo of it?"), number_or_photo, wants="photo")
    never = [Option("never", _("It does not run out"), "")]
    last = await talk.ask("expires", _("Its last day? Like 2027-05-31."), day_ahead(talk.now), options=never)
    looker = next(iter(lookers))
    if len(lookers) > 1:
        options = [Option(str(number), Named(*name), number) for number, name in lookers.items()]
        looker = await talk.choose("looker", _("Who shall look at it?"), options)
    kept = {"document": kind, "issuer": issuer, **proof}
    expires = date.fromisoformat(last) if last else None
    await introduce(talk, desk)
    if await desk.skills.propose(code, looker, kept, expires):
        asked = Named(*lookers[looker])
        talk.say(_("Thank you. {organiser} looks at it; I will write.", organiser=asked), MINE)
    else:
        talk.say(_("You have no such proof."), MINE)


MINE = Link(_("My skills"), Intent("skills"))
FIND = Link(_("Find activities"), Intent("find"))


def number_or_photo(answer: Incoming) -> dict[str, str]:
    """A document's number, or a photo by the platform's key."""
    if answer.photo is not None:
        return {"number": "", "photo": f"{answer.address.door}:{answer.photo.key}"}
    text = (answer.text or "").strip()
    if not re.search(r"\d", text) or not 3 <= len(text) <= 40:
        raise Unclear(_("Please send the number on the document, or a photo of it."))
    return {"number": text, "photo": ""}


def day_ahead(now: datetime) -> Callable[[Incoming], str]:
    """A day that is not over: `2027-05-31`, `2027年5月31日`, `2027.5.31`."""

    def read(answer: Incoming) -> str:
        found = re.search(r"(\d{4})\D+(\d{1,2})\D+(\d{1,2})", fold(answer.text or ""))
        try:
            day = date(*map(int, found.groups())) if found else None
        except ValueError:
            day = None
        if day is None:
            raise Unclear(_("Please send a day like 2027-05-31."))
        if day < now.date():
            raise Unclear(_("That day is over. A document that has run out proves nothing."), close=True)
        return day.isoformat()

    return read


@script("proofs", title=_("proofs to look at"))
async def proofs(talk: Talk, desk: Desk) -> None:
    """For organisers and centres: one proof after another, accepted or not."""
    waiting = await desk.skills.to_look_at()
    if not waiting:
        return talk.say(_("No proof waits for you."), ORGANISE)
    one = waiting[0]
    text = lines(
        Joined((one.name or "—", skill_name(one.proof.code)), " · "), *document(one.proof), *last_day(one.proof),
        _("Have you seen the document, and is it in order?"),
    )  # fmt: skip
    accepted = await talk.confirm(f"proof.{one.proof.id}", text, _("Accept"), _("Do not accept"))
    await desk.skills.decide(one.proof.id, accepted)
    talk.say(
        _("Accepted, I tell them.") if accepted else _("Not accepted, I tell them."),
        *((Link(_("The next"), Intent("proofs")),) if len(waiting) > 1 else ()),
        ORGANISE,
    )
