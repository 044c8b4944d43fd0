"""Readers of answers: a phone number, a name, a count, hours, a code; each says kindly what it needs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime, tzinfo

import phonenumbers

from bot.domain.attendance import TooManyTries
from bot.domain.digits import read_count
from bot.domain.linking import NoSuchCode, code_of
from bot.domain.when import read_span, read_times
from bot.domain.writing import fold
from bot.talk import Clock, Incoming, Text, Unclear, _, ngettext

NOTHING = frozenset({"skip", "none", "no", "nothing", "-", "跳过", "不用", "没有", "无", "没了"})
"""What somebody says who has nothing to say to an open question."""

OLDEST = 110
NAME_LENGTH = 40


def phone_number(answer: Incoming) -> str:
    """A telephone number in the international form; one without a country is read as Chinese."""
    try:
        number = phonenumbers.parse(answer.text or "", "CN")
    except phonenumbers.NumberParseException:
        raise Unclear(_("That is not a phone number. Please send it in digits, like 13800138000.")) from None
    if not phonenumbers.is_valid_number(number):
        # Eight digits of it would otherwise be tried as a check-in code.
        raise Unclear(_("That number does not exist. Please check the digits."), close=True)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def person_name(answer: Incoming) -> str:
    """A name: letters, not digits, no pictures, not too long."""
    name = " ".join((answer.text or "").split())
    # Not only what counts as a letter: rare signs of names are newer than some tables of letters, or private ones.
    kinds = {unicodedata.category(sign)[0] for sign in name}
    if "S" in kinds or not kinds - {"P", "Z"} or re.search(r"[\d@:/<>]", name):
        raise Unclear(_("Please send your name as it is on your documents, without digits."))
    if len(name) > NAME_LENGTH:
        raise Unclear(_("That is {have} characters; at most {most} fit.", have=len(name), most=NAME_LENGTH))
    return name


def words(shortest: int, longest: int) -> Callable[[Incoming], str]:
    """A text of a certain length. One that is too short or too long was meant as the answer all the same."""

    def read(answer: Incoming) -> str:
        text = (answer.text or "").strip()
        if not text:
            raise Unclear(_("Please send at least {n} characters.", n=shortest))
        if len(text) < shortest:
            raise Unclear(_("Please send at least {n} characters.", n=shortest), close=True)
        if len(text) > longest:
            raise Unclear(_("That is {have} characters; at most {most} fit.", have=len(text), most=longest), close=True)
        return text

    return read


def is_nothing(answer: Incoming) -> bool:
    """Is this no text of its own, but the word for none?"""
    return fold(answer.text or "").strip() in NOTHING


def words_or_none(shortest: int, longest: int) -> Callable[[Incoming], str]:
    """A text of a certain length; empty where there is none to give."""
    read_words = words(shortest, longest)
    return lambda answer: "" if is_nothing(answer) else read_words(answer)


def count(least: int, most: int) -> Callable[[Incoming], int]:
    """A number of people."""

    def read(answer: Incoming) -> int:
        number = read_count(answer.text or "")
        if number is None or not least <= number <= most:
            said = _("Please send a number from {least} to {most}.", least=least, most=most)
            raise Unclear(said, close=number is not None)
        return number

    return read


def year_of_birth(now: datetime) -> Callable[[Incoming], int]:
    """A year that a living person may be born in."""

    def read(answer: Incoming) -> int:
        found = re.search(r"\d{4}", answer.text or "")
        if not found or not now.year - OLDEST <= int(found[0]) <= now.year:
            raise Unclear(_("Please send the year in four digits, like 1985."))
        return int(found[0])

    return read


def hours(now: datetime, zone: tzinfo, of: datetime | None = None) -> Callable[[Incoming], list[str]]:
    """From when to when, as two ISO moments. `of`: what has a day already, which is meant where the answer names none;
    unless that day is over."""
    day = of.astimezone(zone).date() if of is not None and of > now else None

    def read(answer: Incoming) -> list[str]:
        span = read_span(answer.text or "", now, zone, day)
        if span is None:
            half = bool(read_times(answer.text or "", now, zone))
            raise Unclear(_("I need a day and both times, like “Sat 9:00-11:30” or “28 Nov 14:00-16:00”."), close=half)
        start, end = span
        if start <= now:
            raise Unclear(_("That time has passed. It must lie in the future."))
        return [start.isoformat(), end.isoformat()]

    return read


def no_such_code(found: NoSuchCode | TooManyTries) -> Text:
    """Why a code of eight letters and digits led nowhere, and how often it may be tried again."""
    match found:
        case TooManyTries(until):
            return _("Too many wrong codes. Please try again at {at}.", at=Clock(until))
        case NoSuchCode(0):
            return _("That code is wrong or too old. Please wait ten minutes before you try another one.")
    return ngettext(
        "That code is wrong or too old. You have {n} more try.",
        "That code is wrong or too old. You have {n} more tries.",
        found.left,
    )


def check_in_code(answer: Incoming) -> str:
    """Eight digits, however they are grouped."""
    bare = "".join(character for character in answer.text or "" if character not in " -·\u3000")
    if len(bare) != 8 or not bare.isdecimal():
        raise Unclear(_("The code has 8 digits, like 1234 5678. It is on the organiser's screen."))
    return str(int(bare)).zfill(8)


def paired_code(advice: Text) -> Callable[[Incoming], str]:
    """Eight letters and digits that another chat shows, however they are grouped; else where to find them."""

    def read(answer: Incoming) -> str:
        code = code_of(answer.text or "")
        if code is None:
            raise Unclear(advice)
        return code

    return read
