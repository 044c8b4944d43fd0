"""A person's own code, shown to whoever leads: a QR and six digits that change every two minutes."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.domain.roll import SHORT_CODE

STEP = 120
"""Seconds of one code. A picture in a chat does not change by itself, so the one before is taken too: two to four
minutes, enough to be read, too short to be sent around for tomorrow."""

Sign = Callable[[str], str]
"""The city's signature of a text: 80 bits in hexadecimal."""


@dataclass(frozen=True, slots=True)
class OwnCode:
    """What is shown: `token` in the QR, `digits` to say aloud, good until then at least."""

    number: str
    token: str
    digits: str
    until: datetime


def own_code(sign: Sign, number: str, now: datetime) -> OwnCode:
    """The code of whoever has this volunteer number, at this moment."""
    step = int(now.timestamp() // STEP)
    return _code(sign, number, step)


def _code(sign: Sign, number: str, step: int) -> OwnCode:
    token = sign(f"own:{number}:{step}")
    digits = f"{int(token[:15], 16) % 10**SHORT_CODE:0{SHORT_CODE}d}"
    return OwnCode(number, token, digits, datetime.fromtimestamp((step + 2) * STEP, UTC))


def own_code_fits(sign: Sign, number: str, given: str, now: datetime) -> bool:
    """Is this the present or the previous code of that person, scanned or typed? Compared in constant time."""
    step = int(now.timestamp() // STEP)
    fits = False
    for one in (step, step - 1):
        code = _code(sign, number, one)
        fits |= hmac.compare_digest(code.token, given.lower()) | hmac.compare_digest(code.digits, given)
    return fits
