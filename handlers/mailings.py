"""The words of campaigns: the message itself, the question to the second person, the news for its author."""

from __future__ import annotations

from bot.domain.campaigns import Standing
from bot.domain.notices import Notice, Stream
from bot.talk import Intent, Link, Named, Picture, Span, View, Words, _, lines

LANGUAGES = ("zh_CN", "en")


def campaign(notice: Notice) -> View:
    """One message of a campaign, as its author wrote it; with the activity that its button opens."""
    said, event = notice.words, notice.event
    text = in_either(said)
    links = [Link(_("Unsubscribe"), Intent("hush", (Stream.CAMPAIGNS.key,)))]
    about: tuple[Words | None, ...] = ()
    if event is not None:
        name = Named(event.title, event.english)
        about = ("", name, Span(event.starts, event.ends), event.address)
        links.insert(0, Link(_("Sign up"), Intent("join", (str(event.activity),))))
    picture = Picture(said["picture"], "") if said.get("picture") else None
    return View(lines(text, *about), tuple(links), picture=picture)


def in_either(said: object) -> Named:
    """A text by language; a language in which it was not written is read in the other."""
    assert isinstance(said, dict)
    chinese, english = (str(said.get(one, "")) for one in LANGUAGES)
    return Named(chinese or english, english or chinese)


def news(notice: Notice) -> View:
    """To the second person: will you agree? To the author: what was decided, that it rests, that it is through."""
    said = notice.words
    look = Link(_("Look at it"), Intent("mailing", (said["campaign"],)))
    if notice.kind == "approval":
        return View(_("A campaign waits for a second person's yes: yours, if you agree."), (look,))
    text: Words = {
        Standing.RUNNING: _("Your campaign was agreed to and is on its way."),
        Standing.DECLINED: _("Your campaign was not agreed to."),
        Standing.PAUSED: _("Your campaign rests: too many of its last messages failed. Have a look before it goes on."),
        Standing.DONE: _("Your campaign is through."),
    }.get(Standing(said["news"]), "")
    return View(text, (look,))
