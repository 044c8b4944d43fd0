"""What every use case must know of the city it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from bot.domain.figures import Figures
from bot.domain.forecast import Means
from bot.domain.places import Gazetteer, Place, beijing
from bot.domain.rulesets import SHIPPED, Rules
from storage.secrecy import Secrecy


@dataclass(slots=True)
class Board:
    """The public figures as they were last counted. Each process has its own: they are the same by the day."""

    figures: Figures | None = None


@dataclass(frozen=True, slots=True)
class City:
    """A city's time zone, places, keys and public address."""

    zone: tzinfo
    secrecy: Secrecy
    public_url: str = ""
    language: str = "zh_CN"
    quiet: tuple[int, int] = (21 * 60, 8 * 60)
    """The city's quiet hours, minutes after midnight."""
    doors: Mapping[str, str] = field(default_factory=dict)
    """How a link is opened from outside, by door: `{"telegram": "https://t.me/name?start={link}"}`."""
    means: Means = field(default_factory=Means)
    """What it sends with."""
    rules: Rules = SHIPPED
    """By which sets of rules its minutes count."""
    board: Board = field(default_factory=Board)
    account: str = ""
    """What its official account is called; empty: there is none, or nobody said."""

    @property
    def places(self) -> Gazetteer:
        """The place tree."""
        return beijing()

    def place(self, code: int | None) -> Place | None:
        """A place by its code; None where there is none."""
        return beijing().at(code)

    def within(self, code: int, node: int) -> bool:
        """Does a place lie in a node of the tree, or is it the node?"""
        return self.places.within(code, node)
