"""What somebody may do with their own data, and for how long it can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

UNDO = timedelta(days=7)
"""Between asking to be erased and being erased; also how long a link of two chats can be undone."""

TAKEAWAY = timedelta(hours=24)
"""How long the address of an export works, if it is not used before."""

LETTERS_KEEP = timedelta(days=90)
"""How long the web chat's letters are kept."""

ERASES_ON_LEAVING = frozenset({"wechat"})
"""Doors whose platform obliges us to delete what we have from it when somebody unfollows (rules of its unsubscribe
event). Blocking a Telegram bot only silences: Telegram asks for nothing more, and people block and come back."""


@dataclass(frozen=True, slots=True)
class Consent:
    """Something that was agreed to and not taken back: to what, by which text, when, through which door."""

    purpose: str
    version: str
    given: datetime
    door: str


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored about a person, as they are shown it. Counts and moments; the personal fields in their words."""

    number: str
    since: datetime
    doors: tuple[str, ...]
    name: str
    phone: str
    consented: datetime | None
    born: int | None
    sign_ups: int
    presences: int
    minutes: int
    subscriptions: int
    posts: int
    messages: int
    letters: int
    agreements: int = 0
    guardianships: int = 0
    teams: int = 0
    documents: tuple[str, ...] = ()
    """Numbers of identity documents, masked."""
    consents: tuple[Consent, ...] = ()


@dataclass(frozen=True, slots=True)
class Takeaway:
    """Where an export can be taken, once in each form: paths below the public address."""

    json: str
    table: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Erasure was asked for and happens at this moment, unless it is taken back."""

    due: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Consent was withdrawn; name and phone are gone, and these many sign-ups were given up."""

    given_up: int


@dataclass(frozen=True, slots=True)
class NothingHeld:
    """There was nothing that this could be done to."""
