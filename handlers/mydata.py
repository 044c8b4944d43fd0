"""My data: what is stored and why; put right, taken away, consent taken back, all of it erased with a week to think."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.guardians import Band, band
from bot.domain.people import ABROAD, masked_phone
from bot.domain.privacy import Consent, Held, Marked, NothingHeld, Withdrawn
from bot.talk import Date, Intent, Joined, Link, Option, Talk, WebLink, Words, _, lines, ngettext, script
from handlers.answers import person_name, phone_number

DOORS: dict[str, Words] = {
    "wechat": _("WeChat"),
    "telegram": "Telegram",
    "web": _("web chat"),
    "terminal": _("terminal"),
}


@script("mydata", words=["mydata", "my data", "我的数据", "我的信息", _("My data")], title=_("my data"))
async def mydata(talk: Talk, desk: Desk) -> None:
    """What is stored, why, since when: a line each; then what can be done about it."""
    held = await desk.privacy.held()
    links = [
        Link(_("Correct my name"), Intent("correct", ("name",))),
        Link(_("Correct my phone number"), Intent("correct", ("phone",))),
        Link(_("Withdraw my consent"), Intent("withdraw")),
    ]
    talk.say(
        lines(_("This is what I keep about you:"), *kept(held)),
        *(links if held.name else ()),
        Link(_("Take everything away"), Intent("takeout")),
        Link(_("Erase everything"), Intent("erase")),
    )


def kept(held: Held) -> list[Words | None]:
    """The lines; what is not stored has none."""
    agreed = held.consented or held.since
    doors = Joined(tuple(DOORS.get(door, door) for door in held.doors), ", ")
    return [
        _("Volunteer number {number}, to tell you apart; since {day}.", number=held.number, day=Date(held.since)),
        _("Your address here ({doors}), language and habits, to answer you.", doors=doors),
        _("Name: {name}, for organisers of what you join; since {day}.", name=held.name, day=Date(agreed))
        if held.name
        else None,
        _("Phone: {phone}, so that they can reach you; since {day}.", phone=masked_phone(held.phone), day=Date(agreed))
        if held.phone
        else None,
        *(_("Document number: {number}, for the insurer, until 30 days after the activity.", number=one)
          for one in held.documents),
        _("Year of birth: {year}, because an activity asked for an age.", year=str(held.born)) if held.born else None,
        ngettext("{n} sign-up, for your seats.", "{n} sign-ups, for your seats.", held.sign_ups)
        if held.sign_ups
        else None,
        ngettext(
            "{n} presence with its minutes, for your hours.",
            "{n} presences with their minutes, for your hours.",
            held.presences,
        )
        if held.presences
        else None,
        ngettext("{n} subscription, because you asked.", "{n} subscriptions, because you asked.", held.subscriptions)
        if held.subscriptions
        else None,
        ngettext("{n} role that you were given.", "{n} roles that you were given.", held.posts) if held.posts else None,
        ngettext(
            "{n} written agreement that you accepted.", "{n} written agreements that you accepted.", held.agreements
        )
        if held.agreements
        else None,
        _("Who decides for whom: guardians and children.") if held.guardianships else None,
        ngettext("{n} team that you are in.", "{n} teams that you are in.", held.teams) if held.teams else None,
        *(agreed_to(one) for one in held.consents),
        _("What we said here: for 3 days, in case it arrives twice; on the web page for 90 days."),
    ]


PURPOSES: dict[str, Words] = {
    "enrolment": _("name and phone, to sign up"),
    "document": _("a document number, for the insurer"),
    "place": _("where you are, to prove that you were there"),
    "messages": _("messages that you did not ask for"),
}
ENROLMENT = "enrolment"


def agreed_to(one: Consent) -> Words:
    """One consent: to what, when, by which text, through which door."""
    return _(
        "You agreed on {day} ({door}, text of {version}): {purpose}.",
        day=Date(one.given),
        door=DOORS.get(one.door, one.door),
        version=one.version,
        purpose=PURPOSES.get(one.purpose, one.purpose),
    )


@script("correct", title=_("correcting my data"))
async def correct(talk: Talk, desk: Desk, what: str = "") -> None:
    """A new name or a new phone number."""
    if not desk.me.consented:
        return talk.say(
            _("I have neither your name nor your phone number. I ask when you sign up for the first time."),
            Link(_("My data"), Intent("mydata")),
        )
    if band(desk.me.born, talk.now) is not Band.ADULT and desk.me.door in ABROAD:
        abroad = _("No names of people under 18 here: this chat's servers stand abroad. Please use another chat.")
        return talk.say(abroad)
    if what not in ("name", "phone"):
        options = [Option("name", _("My name")), Option("phone", _("My phone number"))]
        what = await talk.choose("what", _("What shall I put right?"), options)
    if what == "name":
        name = await talk.ask("name", _("What is your name?"), person_name)
        if not await still_wanted(talk, desk, name):
            return talk.say(_("Nothing was changed."), Link(_("My data"), Intent("mydata")))
        await desk.privacy.correct(name=name)
    else:
        question = _("Which phone number can the organiser call?")
        await desk.privacy.correct(phone=await talk.ask("phone", question, phone_number, wants="phone"))
    talk.say(_("Put right."), Link(_("My data"), Intent("mydata")))


async def still_wanted(talk: Talk, desk: Desk, name: str) -> bool:
    """Certificates bear the name that somebody has: asked once more where some bear another."""
    others = await desk.proofs.named_otherwise(name)
    if not others:
        return True
    question = ngettext(
        "{n} certificate of yours bears another name. It becomes invalid with the change, and you can get it anew. "
        "Change your name to {name}?",
        "{n} certificates of yours bear another name. They become invalid with the change, and you can get them anew. "
        "Change your name to {name}?",
        others,
        name=desk.privacy.called(name),
    )
    return bool(await talk.confirm("sure", question, _("Yes, change it"), _("No, keep my name")))


@script("takeout", words=["takeout", "导出", "导出数据", "导出我的数据"])
async def takeout(talk: Talk, desk: Desk) -> None:
    """Everything in one file, in two forms, by addresses that work once."""
    taken = await desk.privacy.take()
    talk.say(
        _("Everything that I keep about you, in one file. Each address works once, within 24 hours; pass none on."),
        WebLink(_("As a table"), taken.table),
        WebLink(_("As JSON, for programs"), taken.json),
    )


@script("withdraw", words=["withdraw", "撤回同意", "withdraw consent"], title=_("withdrawing consent"))
async def withdraw(talk: Talk, desk: Desk) -> None:
    """Consent taken back in two messages: the word, and yes; of several, which one."""
    held = await desk.privacy.held()
    others = [one.purpose for one in held.consents if one.purpose != ENROLMENT]
    if others:
        known = [*([ENROLMENT] if desk.me.consented else []), *others]
        options = [Option(one, PURPOSES.get(one, one), one) for one in known]
        which = _("Which consent do you take back? It ends at once, and what was stored for it is erased.")
        purpose = await talk.choose("purpose", which, options)
        if purpose != ENROLMENT:
            await desk.privacy.withdraw_one(purpose)
            done = _("Done: you no longer agree to this: {purpose}.", purpose=PURPOSES.get(purpose, purpose))
            return talk.say(done, Link(_("My data"), Intent("mydata")))
    if not desk.me.consented:
        return talk.say(
            _("There is nothing to withdraw: I have neither your name nor your phone number."),
            Link(_("My data"), Intent("mydata")),
        )
    coming = await desk.privacy.coming()
    lost = (
        ngettext("{n} coming sign-up will be given up.", "{n} coming sign-ups will be given up.", coming)
        if coming
        else None
    )
    wards = len(await desk.guardians.children())
    without = (
        ngettext(
            "{n} child for whom you decide is without a guardian then, and cannot take part.",
            "{n} children for whom you decide are without a guardian then, and cannot take part.",
            wards,
        )
        if wards
        else None
    )
    question = lines(
        _("Shall I erase your name and phone number now? Your hours stay, and you can still look around."),
        lost,
        without,
    )
    if not await talk.confirm("sure", question, _("Yes, withdraw"), _("No, leave it")):
        return talk.say(_("Good, everything stays as it is."))
    match await desk.privacy.withdraw():
        case Withdrawn(given_up):
            gone = ngettext("{n} sign-up was given up.", "{n} sign-ups were given up.", given_up) if given_up else None
            talk.say(
                lines(_("Done: your consent is withdrawn, your name and phone number are gone."), gone),
                Link(_("My data"), Intent("mydata")),
            )
        case NothingHeld():
            talk.say(_("There is nothing to withdraw: I have neither your name nor your phone number."))


@script("erase", words=["erase", "erase my data", "删除我的数据", "注销", "注销账号"], title=_("erasing my data"))
async def erase(talk: Talk, desk: Desk) -> None:
    """Everything goes, after two questions and a week."""
    question = _(
        "Shall I erase everything about you: name, phone, chats, subscriptions, roles, coming sign-ups? Your hours "
        "stay in the city's figures, but nobody can tell any more that they are yours. A certificate that was issued "
        "can still be checked."
    )
    if not await talk.confirm("sure", question, _("Yes, erase"), _("No, keep it")):
        return talk.say(_("Good, everything stays as it is."))
    again = _(
        "Really? From now on I write nothing to you. For 7 days you can take it back here; after that nobody can. "
        "Take your data away before, if you want to keep your hours: send “takeout”."
    )
    if not await talk.confirm("really", again, _("Yes, erase for good"), _("No, keep it")):
        return talk.say(_("Good, everything stays as it is."))
    marked = await desk.privacy.erase()
    remember_way_back(talk, marked)
    talk.say(
        _("All about you will be erased {when}. Until then you can take it back.", when=marked.due),
        Link(_("Keep my data"), Intent("keep")),
    )


@script("erasing", silent=True)
async def erasing(talk: Talk, desk: Desk) -> None:
    """All that is said to somebody who asked to be erased."""
    if desk.me.erasing is None:
        return talk.go(Intent("mydata"))
    remember_way_back(talk, Marked(desk.me.erasing))
    talk.say(
        _("You asked me to erase everything about you; that happens {when}.", when=desk.me.erasing),
        Link(_("Keep my data"), Intent("keep")),
    )


def remember_way_back(talk: Talk, marked: Marked) -> None:
    """“undo” works for the whole week, not for ten minutes only."""
    talk.undoable(Intent("keep"))
    talk.session.undo_until = marked.due.timestamp()


@script("keep", words=["keep", "keep my data", "保留", "保留我的数据"])
async def keep(talk: Talk, desk: Desk) -> None:
    """The erasure taken back."""
    if await desk.privacy.keep():
        return talk.say(_("Good, nothing will be erased. Welcome back!"), Link(_("Menu"), Intent("menu")))
    talk.say(_("Nothing was to be erased."), Link(_("My data"), Intent("mydata")))
