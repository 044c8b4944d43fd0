"""The conversation core: everything a handler needs to talk."""

from bot.talk.incoming import PHOTO, PICTURE, Address, BadLink, Incoming, Intent, Photo, Place
from bot.talk.script import Script, Talk, Unclear, script
from bot.talk.session import UNDO_TIME
from bot.talk.view import Link, Option, Picture, Reply, Spot, View, WebLink
from bot.talk.wording import (
    LANGUAGES,
    Clock,
    Date,
    Day,
    Joined,
    Month,
    Named,
    Span,
    Text,
    Wording,
    Words,
    _,
    lines,
    ngettext,
)

__all__ = [
    "LANGUAGES",
    "PHOTO",
    "PICTURE",
    "UNDO_TIME",
    "Address",
    "BadLink",
    "Clock",
    "Date",
    "Day",
    "Incoming",
    "Intent",
    "Joined",
    "Link",
    "Month",
    "Named",
    "Option",
    "Photo",
    "Picture",
    "Place",
    "Reply",
    "Script",
    "Span",
    "Spot",
    "Talk",
    "Text",
    "Unclear",
    "View",
    "WebLink",
    "Wording",
    "Words",
    "_",
    "lines",
    "ngettext",
    "script",
]
