"""Two chats, one person: the code, who stands better in the same shift, and where both have records."""

from __future__ import annotations

import secrets
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.enrolment import Stand
from bot.domain.people import ALPHABET

CODE_LENGTH = 8
CODE_LASTS = timedelta(minutes=10)
OFFER_LASTS = timedelta(hours=1)
"""How long the second chat's yes waits for the first one's."""

TRIES = 5
TRIES_WITHIN = timedelta(minutes=10)
"""Wrong codes of one person before a pause. 23 × 31⁷ codes: nobody guesses one in ten minutes."""

LETTERS = "".join(sign for sign in ALPHABET if sign.isalpha())

_RANK = (
    Stand.CANCELLED,
    Stand.ABSENT,
    Stand.EXCUSED,
    Stand.WAITING,
    Stand.OFFERED,
    Stand.JOINED,
    Stand.CONFIRMED,
    Stand.ARRIVED,
    Stand.LEFT,
    Stand.COMPLETED,
)


def new_code() -> str:
    """A fresh code. It begins with a letter, so that it is never taken for a check-in code."""
    return secrets.choice(LETTERS) + "".join(secrets.choice(ALPHABET) for _sign in range(CODE_LENGTH - 1))


def code_of(text: str) -> str | None:
    """A code as it was typed: case, spaces and hyphens do not matter. None: it is none."""
    bare = "".join(sign for sign in text if sign not in " -·\u3000").upper()
    fits = len(bare) == CODE_LENGTH and bare[0] in LETTERS and all(sign in ALPHABET for sign in bare)
    return bare if fits else None


@dataclass(frozen=True, slots=True)
class Place:
    """One of two sign-ups of the same person to one shift."""

    id: int
    person: int
    stand: Stand
    queue: int


def better(one: Place, other: Place) -> Place:
    """The sign-up that stays: further on its way; of two alike the earlier in the queue."""
    return max(one, other, key=lambda place: (_RANK.index(place.stand), -place.queue))


def meeting(mine: Sequence[datetime], theirs: Sequence[datetime], near: timedelta) -> list[datetime]:
    """The moments of mine that lie near one of theirs; both in order."""
    found = []
    for at in mine:
        next_one = bisect_left(theirs, at - near)
        if next_one < len(theirs) and theirs[next_one] <= at + near:
            found.append(at)
    return found


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two brings along."""

    person: int
    number: str
    name: str
    """As it is shown: whole for its owner (where the door may), masked for the other."""
    doors: tuple[str, ...]
    sign_ups: int
    minutes: int
    subscriptions: int


@dataclass(frozen=True, slots=True)
class Both:
    """The two sides, and what both have: shifts by title."""

    offer: int
    mine: Side
    theirs: Side
    shared: tuple[tuple[str, str, datetime], ...]
    """Title, English title and start of shifts ahead for which both have a place: one of the two will be given up."""
    two_names: bool
    """Have both a name, and not the same?"""


@dataclass(frozen=True, slots=True)
class Linked:
    """The two are one person now; until when it can be undone."""

    until: datetime


@dataclass(frozen=True, slots=True)
class NoSuchCode:
    """Wrong, used, too old or one's own; how many tries are left."""

    left: int


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The code that this very chat shows: it belongs into the other one."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """They typed the code before and agreed; the other chat has not answered yet."""


@dataclass(frozen=True, slots=True)
class Unlinked:
    """They are two again. `waiting`: sign-ups whose seat had been given on and that stand in the queue now."""

    waiting: int
