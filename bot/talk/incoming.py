"""What arrives: every message, press, scan and shared place of every door takes one of these shapes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from bot.facts import fact

LINK_LIMIT = 64
"""Bytes that a link may take on the wire: Telegram's `callback_data` and deep links, WeChat's `scene_str`."""

_LINK = re.compile(r"[a-z]+(-[A-Za-z0-9_]+)*\Z")


class BadLink(ValueError):
    """The text is not a link: a script's name and arguments joined by hyphens."""


@fact
class Address:
    """Where a person can be reached: a door and the platform's own id, always text."""

    door: str
    id: str

    def __str__(self) -> str:
        return f"{self.door}:{self.id}"


@fact
class Intent:
    """A script to run and its arguments: a command, a menu click, a QR scene, a deep link, an understood sentence."""

    script: str
    arguments: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The one written form, `join-42`: fits callback data, deep links, QR scenes and addresses of pages alike.

        Raises BadLink if it would not fit (64 bytes, letters, digits and underscores only).
        """
        return _link(self.script, self.arguments)

    @classmethod
    def parse(cls, link: str) -> Intent:
        """Read a link back. Raises BadLink; whether the script exists and allows it is the router's business."""
        if len(link) > LINK_LIMIT or not _LINK.match(link):
            raise BadLink(link[:LINK_LIMIT])
        script, *arguments = link.split("-")
        return cls(script, tuple(arguments))


@lru_cache(maxsize=4096)
def _link(script: str, arguments: tuple[str, ...]) -> str:
    link = "-".join((script, *arguments))
    if len(link) > LINK_LIMIT or not _LINK.match(link):
        raise BadLink(link)
    return link


@dataclass(frozen=True, slots=True)
class Place:
    """A point that a person shared: degrees in WGS-84, accuracy in metres."""

    latitude: float
    longitude: float
    accuracy: float = 0.0
    live: bool = False
    """Measured by the device just now, as opposed to a pin that a finger put on a map."""


PICTURE = "picture"
"""The name of a question that is answered by a picture itself; every other question gets its key alone."""

PHOTO = "photo"
"""The name of a question that any photo answers, one of a wall too: no code is looked for in it."""

Flaw = Literal["", "away", "kind", "large", "small"]
"""Why a picture could not be had: it did not come, is none, is too large, or too small and narrow."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A picture that a person sent: the platform's key for fetching it."""

    key: str
    picture: bytes | None = field(default=None, repr=False)
    """Itself, upright and without what a camera writes beside it: only where `PICTURE` is asked."""
    flaw: Flaw = ""


class Window(NamedTuple):
    """For how long we may speak first after something that a person did, and how often."""

    seconds: int
    messages: int
    by_action: bool = False
    """After a click, a scan, a follow: beside the window that a message opens, not instead of it."""


@fact
class Incoming:
    """One thing that arrived. Exactly one of text, pick, intent, place and photo is normally set; none:
    unknown kind."""

    address: Address
    key: str
    """What makes this message unique within its door: the same key again is the same message delivered again."""
    at: datetime
    """When it was sent, by the platform's clock, in UTC."""
    text: str | None = None
    pick: str | None = None
    """A pressed answer, `17.2`: turn and option. Carries no right and no data."""
    intent: Intent | None = None
    place: Place | None = None
    photo: Photo | None = None
    language: str | None = None
    """The platform's hint (`zh_CN`, `en`) for a person who has not chosen."""
    window: Window | None = None
    """What speaking first this message allows from now on (WeChat); None: says nothing about it."""
    raw: str = field(default="", compare=False)
    """What came over the wire, kept with the reply; without secrets, at most 64 KiB."""
