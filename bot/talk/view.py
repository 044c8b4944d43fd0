"""What is said: `View` in the script's terms, `Page` as a door shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.facts import fact
from bot.talk.incoming import Intent
from bot.talk.wording import Words

Wants = Literal["", "text", "place", "phone", "photo"]


@fact
class Option:
    """One possible answer to the open question. The key is its identity, the value what the script gets."""

    key: str
    label: Words
    value: Any = None


@fact
class Link:
    """A button that starts a script, under any message, for ever. It carries no right: the script authorises."""

    label: Words
    intent: Intent


@fact
class WebLink:
    """A button that opens a page: a `path` below the city's public address, or a whole address (a map)."""

    label: Words
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by the path of its page below the public address; `words` is its text twin."""

    path: str
    words: Words


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to show on a map: degrees WGS-84, its name and address."""

    latitude: float
    longitude: float
    name: Words
    address: Words = ""


@fact
class View:
    """One thing said: lazy text, the options under it, what it waits for. No keyboards, no editing, no platform."""

    text: Words
    options: Sequence[Option | Link | WebLink] = ()
    wants: Wants = ""
    picture: Picture | None = None
    spot: Spot | None = None


@fact
class Button:
    """An option as a door shows it. `wire` comes back when it is pressed: `17.2` for an answer, `join-42` for
    a link."""

    number: int
    """What to type instead of pressing; 0 for pages, which cannot be typed."""
    label: str
    wire: str = ""
    url: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"number": self.number, "label": self.label, "wire": self.wire, "url": self.url}


@fact
class Page:
    """One message ready for a door: worded, numbered, within the door's length. Plain data, kept with the reply."""

    text: str
    buttons: tuple[Button, ...] = ()
    wants: Wants = ""
    picture: str = ""
    """Address of a picture, or nothing."""
    spot: tuple[float, float, str, str] | None = None
    """Latitude, longitude (WGS-84), name, address."""
    language: str = ""
    """The reader's, where a door may add words of its own: to a picture's link, to a key that shares something."""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, empty fields left out."""
        whole = {
            "text": self.text,
            "buttons": [button.to_json() for button in self.buttons],
            "wants": self.wants,
            "picture": self.picture,
            "spot": list(self.spot) if self.spot else None,
            "language": self.language,
        }
        return {name: value for name, value in whole.items() if value}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Page:
        """The page that `to_json` wrote."""
        spot = kept.get("spot")
        return cls(
            text=kept.get("text", ""),
            buttons=tuple(Button(**button) for button in kept.get("buttons", ())),
            wants=kept.get("wants", ""),
            picture=kept.get("picture", ""),
            spot=(spot[0], spot[1], spot[2], spot[3]) if spot else None,
            language=kept.get("language", ""),
        )


@fact
class Reply:
    """What one turn answers: pages, oldest first. An empty one is a silence that was meant (a leave, a
    location ping)."""

    pages: tuple[Page, ...] = field(default=())
    replayed: bool = False
    """The message had been answered before; this is the reply kept then."""
    elsewhere: Literal["", "told", "perhaps", "sender"] = ""
    """`sender`: it stands in the sender's list, behind earlier ones of this chat, and nobody else is to bring it.

    Of a replayed one: another replica has brought it (`told`), or took the message so lately that it may be bringing it
    now (`perhaps`). A door that answers within the message's own request answers all the same."""
