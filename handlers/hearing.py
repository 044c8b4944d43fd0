"""What I hear unasked: reminders, calls for help, campaigns; each sort is switched off by its own word, or on again."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.desk import Desk
from bot.domain.notices import STREAMS, Kind, Stream
from bot.talk import Intent, Joined, Link, Talk, Text, Words, _, lines, script

NAMES: Mapping[Stream, Text] = {
    Stream.REMINDERS: _("Reminders of what I signed up for"),
    Stream.CALLS: _("Calls for help where people are short"),
    Stream.CAMPAIGNS: _("Announcements and campaigns"),
}

WAYS_OUT: Mapping[Stream, Text] = {
    Stream.REMINDERS: _("To stop reminders, send “no reminders”."),
    Stream.CALLS: _("To stop calls for help, send “no calls”."),
    Stream.CAMPAIGNS: _("To stop these messages, send “no campaigns”."),
}


def way_out(kind: Kind) -> Words:
    """How to hear no more of this kind; under what cannot be refused, where to see what can be."""
    if kind == "announcement":
        return _("To stop these messages, send “unsubscribe”.")
    if kind == "digest":
        return _("To stop the weekly letter, send “no digest”.")
    stream = STREAMS.get(kind)
    return WAYS_OUT[stream] if stream else _("What I write and when: send “messages”.")


@script(
    "messages",
    words=["messages", "消息设置", _("Messages"), _("Which messages I want")],
    title=_("which messages come"),
)
async def messages(talk: Talk, desk: Desk) -> None:
    """Every sort with its switch."""
    refused = await desk.people.refused()
    rows = [Joined((name, _("off") if stream in refused else _("on")), ": ") for stream, name in NAMES.items()]
    talk.say(
        lines(
            _("What I write unasked:"),
            *rows,
            _("That something of yours was moved or called off I tell you in any case."),
        ),
        *(
            Link(_("Switch on: {what}", what=name), Intent("hear", (stream.key,)))
            if stream in refused
            else Link(_("Switch off: {what}", what=name), Intent("hush", (stream.key,)))
            for stream, name in NAMES.items()
        ),
        Link(_("Weekly letter"), Intent("digest")),
        Link(_("Quiet hours"), Intent("quiet")),
        Link(_("My subscriptions"), Intent("subscriptions")),
    )


@script("hush")
async def hush(talk: Talk, desk: Desk, sort: str) -> None:
    """No more of one sort, at once, also of what is on its way."""
    stream = Stream.of(sort)
    if stream is None:
        return talk.go(Intent("messages"))
    await desk.people.refuse(stream)
    talk.undoable(Intent("hear", (sort,)))
    on = Link(_("Switch on: {what}", what=NAMES[stream]), Intent("hear", (sort,)))
    talk.say(_("Switched off: {what}.", what=NAMES[stream]), on, Link(_("All messages"), Intent("messages")))


@script("hear")
async def hear(talk: Talk, desk: Desk, sort: str) -> None:
    """One sort again."""
    stream = Stream.of(sort)
    if stream is None:
        return talk.go(Intent("messages"))
    await desk.people.accept(stream)
    talk.undoable(Intent("hush", (sort,)))
    talk.say(_("Switched on: {what}.", what=NAMES[stream]), Link(_("All messages"), Intent("messages")))


@script("noreminders", words=["no reminders", "stop reminders", "关闭提醒", "不要提醒", "别再提醒"])
async def noreminders(talk: Talk, desk: Desk) -> None:
    """The word under every reminder."""
    talk.go(Intent("hush", (Stream.REMINDERS.key,)))


@script("nocalls", words=["no calls", "stop calls", "关闭召集", "不要召集"])
async def nocalls(talk: Talk, desk: Desk) -> None:
    """The word under every call for help."""
    talk.go(Intent("hush", (Stream.CALLS.key,)))


@script("nocampaigns", words=["no campaigns", "stop campaigns", "关闭群发", "不要群发", "别再群发"])
async def nocampaigns(talk: Talk, desk: Desk) -> None:
    """The word under every message of a campaign."""
    talk.go(Intent("hush", (Stream.CAMPAIGNS.key,)))
