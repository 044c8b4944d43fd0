"""What a door owes to those who speak first: send one page to one address and say truly what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from bot.talk.capabilities import Capabilities
from bot.talk.incoming import Incoming
from bot.talk.view import Page, Reply
from bot.talk.wording import _


@dataclass(frozen=True, slots=True)
class Delivered:
    """The platform took it; `receipt` is its message id, or empty."""

    receipt: str = ""


@dataclass(frozen=True, slots=True)
class NotSent:
    """It is known that nothing was sent: no connection, a rate limit, a busy platform. May be tried again.

    `after`: seconds to wait. `halts`: the whole account waits, or what goes by the same API, or this recipient alone.
    `reached`: the platform said so; else there was not even a connection.
    """

    reason: str
    after: float = 0.0
    halts: Literal["", "account", "api"] = ""
    reached: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """The platform will never take this message for this person.

    `closes`: the address is gone (blocked, deactivated, unfollowed). `window`: only now, until they write again.
    `declines`: they want nothing of this kind; other kinds may come.
    """

    reason: str
    closes: bool = False
    window: bool = False
    declines: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody can know whether it arrived: a read time-out, a connection reset after the body was written."""

    reason: str


Outcome = Delivered | NotSent | Refused | Uncertain


@runtime_checkable
class Door(Protocol):
    """A platform as the sender sees it."""

    @property
    def name(self) -> str:
        """The door's name in addresses: telegram, wechat, web, terminal."""

    @property
    def capabilities(self) -> Capabilities:
        """Its numbers."""

    async def send(self, to: str, page: Page, key: str) -> Outcome:
        """Send one page to one external id.

        `key` names the message for ever: the platform's own key for repeats is made of it, where it has one. Never
        retries, never raises for anything that the platform or the network did.
        """


@dataclass(frozen=True, slots=True)
class Form:
    """A message of fixed fields, for a platform that takes such ones where it takes no text of ours."""

    template: str
    """The platform's id of the form; it tells which fields there are."""
    values: Mapping[str, str]
    """What could be said, by our own names (`title`, `when` …); the door takes what the form has and cuts it."""
    consented: bool = False
    """Uses up a consent that the person gave for one message of it."""


@runtime_checkable
class Forms(Protocol):
    """A door that also fills forms and speaks to many at once."""

    async def fill(self, to: str, form: Form, key: str) -> Outcome:
        """Send a form; the rest is as with `Door.send`."""

    async def broadcast(self, tag: int, page: Page, key: str) -> Outcome:
        """Send one page to everybody under a tag; the same key again is the same message."""


class Listener(Protocol):
    """Whom a door hands its messages to: one call, one turn, one transaction."""

    async def take(self, incoming: Incoming) -> Reply:
        """Answer one message. When this returns, what was answered is on disk; the same key again gets the same reply.

        Never raises for what a person typed: a script that broke answers with an apology and its message is kept apart.
        Raises `Overloaded` when too much is waiting and the platform should try again.
        """

    async def later(self, incoming: Incoming, said: int = 0) -> None:
        """The kept reply to this message could not go back in its own request: let the sender bring it.

        `said`: how many of its pages have arrived; it goes on with the next.
        """

    async def bury(self, door: str, key: str, raw: str, why: str) -> None:
        """Keep a message apart that nobody can read, so that it is counted, shown to the operator and stops nothing."""


class Overloaded(Exception):
    """Too much is waiting, or the database is away: nothing was kept, and the message should come again in a moment."""


TRY_AGAIN = _("This could not be written down just now; nothing was changed. Please try again in a moment.")
"""What a door says then, where its platform brings nothing again by itself."""
