"""What a door can show: numbers, so that no handler ever asks which door it is talking to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["characters", "utf16", "utf8"]


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The numbers of a door. Limits carry their source where the door defines its own instance."""

    buttons: int
    """Buttons that one message may carry; 0: options are numbered lines in the text."""
    label_length: int
    """Characters of a button's label before it is shortened."""
    text_length: int
    """Length of one message's text, counted in `unit`."""
    unit: Unit = "characters"
    option_cost: int = 0
    """What one numbered option costs beside its label, in `unit`: the markup that a door puts around it."""
    replies_per_message: int = 10
    """Messages that may go back for one that came in; the rest is kept and shown on “more”."""
    sends_pictures: bool = False
    cards: int = 0
    """Title cards (WeChat articles) in one message."""

    def length(self, text: str) -> int:
        """The text's length as this door counts it."""
        if self.unit == "utf8":
            return len(text.encode("utf-8", "replace"))
        if self.unit == "utf16":
            return len(text.encode("utf-16-le", "replace")) // 2
        return len(text)
