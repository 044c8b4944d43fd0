"""Who somebody is to Menkou: a volunteer number, a language, a few habits; personal fields only with consent."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits that nobody mixes up when they are read aloud."""

CONSENT_VERSION = "2026-11"
"""Of the notice shown before the first personal field is stored."""


@dataclass(slots=True)
class Person:
    """A person as a use case sees them."""

    id: int
    number: str
    language: str
    elder: bool = False
    district: int | None = None
    born: int | None = None
    quiet: tuple[int, int] | None = None
    """Own quiet hours, minutes after midnight; None: the city's."""
    consented: bool = False
    door: str = ""
    """The door they are writing through now."""
    erasing: datetime | None = None
    """They asked to be erased, and will be at this moment; until then only the undo is for them."""


def new_number() -> str:
    """A fresh volunteer number: 40 random bits and more, public, not guessable from another."""
    return "V" + "".join(secrets.choice(ALPHABET) for _digit in range(9))


def masked(name: str) -> str:
    """A name as others may see it: `王**`, `J***`."""
    return name[:1] + "*" * min(max(len(name) - 1, 1), 3) if name else ""


ABROAD = frozenset({"telegram"})
"""Doors whose servers stand in another country. No whole name, telephone or document number goes there, whosever it
is, and nothing personal of somebody under age is asked there (PIPL, articles 36 and 38)."""


def as_shown(name: str, door: str, whole: bool = True) -> str:
    """A name as a door shows it: whole to who may see it whole, and to nobody abroad."""
    return name if whole and door not in ABROAD else masked(name)


def phone_as_shown(phone: str, door: str, whole: bool = True) -> str:
    """The same for a telephone number; abroad and to others with its middle hidden."""
    return phone if whole and door not in ABROAD else masked_phone(phone)


def masked_phone(phone: str) -> str:
    """A telephone number as its owner recognises it: `+86 138****5678`."""
    return f"{phone[:-8]}****{phone[-4:]}" if len(phone) > 8 else "****"
