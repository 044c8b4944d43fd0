"""Who was there: the rotating code, its windows, and the minutes that follow from arriving and leaving."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

STEP = 15
"""Seconds that one code is shown. The current and the previous one are taken, so none lives longer than 30 s."""

OPENS = timedelta(minutes=60)
"""Before the start, when check-in opens."""

CHECKOUT_CLOSES = timedelta(hours=2)
"""After the end, when a forgotten check-out is closed by rule."""

OWN_WORD = timedelta(minutes=15)
"""After the end, until when somebody may leave on their own word as of now. Later it would give the planned hours to
whoever went early: when they left is then a claim."""

TRIES = 5
TRIES_WITHIN = timedelta(minutes=10)
"""Wrong codes of one person before they must wait: 8 digits and this breaker leave 0.012 % to 1,000 colluding
guessers."""

ACTIVITY_TRIES = 50
ACTIVITY_TRIES_WITHIN = timedelta(minutes=1)
"""Wrong codes at one activity, over all people, before typed codes are closed for a while."""


@dataclass(frozen=True, slots=True)
class Code:
    """One step's code: eight digits to type, 80 bits to scan, seconds until the next."""

    digits: str
    token: str
    seconds_left: float


def new_secret() -> bytes:
    """An activity's own secret."""
    return secrets.token_bytes(32)


def code_at(secret: bytes, activity: int, now: datetime) -> Code:
    """The code that is shown at this moment, bound to the activity."""
    seconds = now.timestamp()
    step = int(seconds // STEP)
    return _code(secret, activity, step, (step + 1) * STEP - seconds)


def _code(secret: bytes, activity: int, step: int, left: float) -> Code:
    digest = hmac.new(secret, f"checkin:{activity}:{step}".encode(), hashlib.sha256).digest()
    digits = f"{int.from_bytes(digest[:8]) % 100_000_000:08d}"
    token = base64.b32encode(digest[16:26]).decode()
    return Code(digits, token, left)


def step_of(secret: bytes, activity: int, given: str, now: datetime) -> int | None:
    """The step whose code this is, the current or the previous one of the activity. Compared in constant time."""
    step = int(now.timestamp() // STEP)
    found = None
    for one in (step - 1, step):
        code = _code(secret, activity, one, 0)
        if hmac.compare_digest(code.digits, given) | hmac.compare_digest(code.token, given.upper()):
            found = one
    return found


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """They are there. `late`: minutes after the start."""

    title: str
    english: str
    at: datetime
    late: int
    enrolment: int


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """They have left; these minutes were counted, or none, with the reason."""

    title: str
    english: str
    at: datetime
    minutes: int
    why: Zero | None
    enrolment: int


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """They had checked in (or out) before: the same answer, no second effect."""

    at: datetime


@dataclass(frozen=True, slots=True)
class StillElsewhere:
    """They are checked in somewhere that has not ended: that must be left first."""

    title: str
    english: str
    enrolment: int


@dataclass(frozen=True, slots=True)
class TooLateToTell:
    """The end was too long ago for a check-out on one's own word: when they left is for them to claim."""

    enrolment: int


@dataclass(frozen=True, slots=True)
class WrongCode:
    """No code of theirs: wrong, old, of another activity, or they are not registered there. All four sound the same."""

    left: int


@dataclass(frozen=True, slots=True)
class TooManyTries:
    """Wait."""

    until: datetime


@dataclass(frozen=True, slots=True)
class TooEarly:
    """Check-in is not open yet."""

    opens: datetime
    title: str
    english: str


@dataclass(frozen=True, slots=True)
class NothingNow:
    """They have nothing to check into (or out of) now; `next` is when their next one opens."""

    next: datetime | None


@dataclass(frozen=True, slots=True)
class NotSignedUp:
    """They have a code, and no sign-up that is on now: no code can be right or wrong for them."""


@dataclass(frozen=True, slots=True)
class Zero:
    """Why a record counts nothing: `short` (share present, share needed), `forgotten`, `double`; or, by the `cap` of a
    day, only a part (minutes that would have counted, minutes that a day can count)."""

    rule: str
    present: float = 0.0
    needed: float = 0.0


def window(starts: datetime, ends: datetime, now: datetime) -> str:
    """Where we are in a shift's check-in window: `early`, `open` or `over`."""
    if now < starts - OPENS:
        return "early"
    return "open" if now < ends else "over"
