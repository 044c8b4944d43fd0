"""Two chats, one person: a code from one typed in the other, yes from both, a week to undo it."""

from __future__ import annotations

from bot.desk.desk import Desk
from bot.domain.attendance import TooManyTries
from bot.domain.linking import Awaited, Both, NoSuchCode, OwnCode, Side, code_of
from bot.talk import Intent, Joined, Link, Named, Option, Talk, Words, _, lines, ngettext, script
from handlers.answers import no_such_code, paired_code
from handlers.hours import as_hours
from handlers.mydata import DOORS

MINE, THEIRS, NEITHER = "mine", "theirs", "neither"
"""Whose name stays."""

CODE = _("The code has 8 letters and digits, like K7PM 3QRX. Send “link” in the other chat to see it.")


@script("link", words=["link", "绑定", "关联", _("Link another chat")], title=_("linking two chats"), takes_rest=True)
async def link(talk: Talk, desk: Desk, code: str = "") -> None:
    """Show a code, or take one; when the other side has agreed, agree."""
    code = code_of(code) or ""
    waiting = None if code else await desk.linking.waiting()
    if waiting is not None:
        return await agree(talk, desk, waiting)
    if not code:
        also = [Link(_("Undo the last link"), Intent("unlink"))] if await desk.linking.undoable() else []
        what = await talk.choose(
            "what",
            _("Are you in two chats? I can make them one: same sign-ups, same hours. Which one is this?"),
            [Option("show", _("Show me a code")), Option("have", _("I have a code"))],
            also=also,
        )
        if what == "show":
            return await show(talk, desk)
        code = await talk.ask("code", _("What is the code that the other chat shows?"), paired_code(CODE))
    await take(talk, desk, code)


async def show(talk: Talk, desk: Desk) -> None:
    """The code, and what to do with it."""
    code = await desk.linking.show_code()
    talk.say(
        lines(
            _("Your code: {code}", code=f"{code[:4]} {code[4:]}"),
            _(
                "It works for 10 minutes. Send “link {code}” in your other chat, then come back here and send “link”.",
                code=code,
            ),
        )
    )


async def take(talk: Talk, desk: Desk, code: str) -> None:
    """The code was typed here: show what would become one, and ask."""
    found = await desk.linking.look(code)
    match found:
        case TooManyTries() | NoSuchCode():
            return talk.say(no_such_code(found), Link(_("Link"), Intent("link")))
        case OwnCode():
            return talk.say(_("That is this chat's own code. Send it in your other chat, then “link” here again."))
        case Awaited():
            return talk.say(OTHER_SIDE)
    if not await talk.confirm(
        "sure",
        lines(_("Make these two one person?"), *both(found), _("Only agree if the other chat is yours.")),
        _("Yes, both are mine"),
        _("No"),
    ):
        return talk.say(_("Good, the chats stay apart."))
    if not await desk.linking.offer(code):
        return talk.say(_("That code is too old. Please ask for a new one."), Link(_("Link"), Intent("link")))
    talk.say(OTHER_SIDE)


OTHER_SIDE = _("Now go back to the other chat and send “link”: it has to agree too.")


async def agree(talk: Talk, desk: Desk, waiting: Both) -> None:
    """The chat that showed the code agrees last, and chooses the name where there are two."""
    stays = MINE
    if waiting.two_names:
        stays = await talk.choose(
            "name",
            lines(
                _("Somebody typed your code. These two would be one person:"), *both(waiting), _("Which name stays?")
            ),
            [
                Option(MINE, _("{name}, of this chat", name=waiting.mine.name)),
                Option(THEIRS, _("{name}, of the other chat", name=waiting.theirs.name)),
                Option(NEITHER, _("No, the other chat is not mine")),
            ],
        )
    question = lines(_("Make these two one person?"), *both(waiting), _("Only agree if the other chat is yours."))
    if stays == NEITHER or not await talk.confirm("sure", question, _("Yes, both are mine"), _("No")):
        await desk.linking.refuse(waiting.offer)
        return talk.say(_("Good, the chats stay apart."))
    linked = await desk.linking.agree(waiting.offer, stays == THEIRS)
    if linked is None:
        return talk.say(_("That is no longer possible."), Link(_("Link"), Intent("link")))
    talk.undoable(Intent("unlink"))
    talk.say(
        _(
            "Done: both chats are you now, with the number {number}. You can undo it until {when}.",
            number=desk.me.number,
            when=linked.until,
        ),
        Link(_("Undo the link"), Intent("unlink")),
        Link(_("My sign-ups"), Intent("my")),
    )


def both(found: Both) -> list[Words]:
    """The two sides and where they meet."""
    alike: list[Words] = [
        _(
            "Both signed up to {title}, {when}: the better place stays, the other is given up.",
            title=Named(title, english),
            when=starts,
        )
        for title, english, starts in found.shared
    ]
    names: list[Words] = [_("The two have different names.")] if found.two_names else []
    mine, theirs = side(found.mine, found.mine.name), side(found.theirs, found.theirs.name)
    return [_("Here: {side}", side=mine), _("There: {side}", side=theirs), *names, *alike]


def side(one: Side, name: str) -> Words:
    """What one of the two brings along, in one line."""
    parts: list[Words] = [name] if name else []
    parts.append(Joined(tuple(DOORS.get(door, door) for door in one.doors), ", "))
    brings = Joined(
        (
            ngettext("{n} sign-up", "{n} sign-ups", one.sign_ups),
            _("{hours} h", hours=as_hours(one.minutes)),
            ngettext("{n} subscription", "{n} subscriptions", one.subscriptions),
        ),
        ", ",
    )
    return Joined((*parts, brings), " · ")


@script("unlink", words=["unlink", "解绑", "解除绑定"], title=_("undoing a link"))
async def unlink(talk: Talk, desk: Desk) -> None:
    """Two again, within a week."""
    if not await desk.linking.undoable():
        return talk.say(_("There is no link that could be undone."), Link(_("Menu"), Intent("menu")))
    question = _("Make two people of your chats again? Everything goes back to where it came from.")
    if not await talk.confirm("sure", question, _("Yes, undo it"), _("No")):
        return talk.say(_("Good, everything stays as it is."))
    undone = await desk.linking.undo()
    if undone is None:
        return talk.say(_("There is no link that could be undone."))
    queued = (
        _("A seat that you gave up had gone to somebody else; you are at your old place in its queue.")
        if undone.waiting
        else None
    )
    talk.say(lines(_("The chats are two people again."), queued), Link(_("Menu"), Intent("menu")))
