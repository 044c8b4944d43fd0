"""What we ask of the Bot API, as it goes over the wire: a method's name and what it is given, as plain JSON.

A message to somebody goes out thousands of times an hour and is written by hand; what is asked once a start is said
with aiogram's methods. Docs: docs/decisions/24-everyday-traffic-by-hand.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import to_json

from bot.channels.telegram.library import TelegramMethod


class Call(NamedTuple):
    """One call."""

    method: str
    given: Mapping[str, Any]

    @classmethod
    def of(cls, method: TelegramMethod[Any]) -> Call:
        """The call that aiogram would make; what was not set stays unsaid."""
        return cls(method.__api_method__, method.model_dump(mode="json", exclude_unset=True, exclude_none=True))

    def but(self, **given: Any) -> Call:
        """The same call, given something else or more."""
        return Call(self.method, {**self.given, **given})

    @property
    def body(self) -> bytes:
        """What is posted. As JSON, in which a Chinese sentence is a third as long as in a form."""
        return to_json(self.given)


def press_answered(press: str) -> Call:
    """Stop the clock on a pressed button, silently."""
    return Call("answerCallbackQuery", {"callback_query_id": press})
