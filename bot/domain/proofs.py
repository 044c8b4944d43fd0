"""What an organisation certifies of a volunteer's hours: the number, the period, the content, and who may take it
back."""

from __future__ import annotations

import calendar
import json
import re
import secrets
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without I, L, O and U, which are read as 1, 1, 0 and V."""

RANDOM_BITS = 128
BODY = 26
"""Characters that carry the 128 bits."""
CHECK = 2
"""Characters that carry the check: the number modulo a prime, so that every single slip and every swap of two
neighbours shows."""
PRIME = 1021
GROUP = 4

LINES = 14
"""Lines of content that one sheet of A4 holds beside everything else."""

NOTICE = timedelta(days=7)
"""Public notice inside the issuer after issuing: generally at least 7 days (民发〔2015〕149号)."""

TELL_WITHIN = timedelta(days=30)
"""How long the holder of a withdrawn certificate is still told, where no address of theirs is open just now."""

GRADES = ("A", "B", "C", "D")

REASONS = ("corrected", "name", "mistake", "untrue")
"""Why a certificate can be withdrawn. Never free words: whoever checks the number reads them."""

_MISREAD = str.maketrans("ILOU", "110V")
_IN_ADDRESS = re.compile(r"/proof/([0-9A-Za-z -]+)")
_TYPED = re.compile(r"(?:[0-9A-Za-z]{4}[ \-–—.·_]?){6}[0-9A-Za-z]{4}(?![0-9A-Za-z])")
_DATE = re.compile(r"(20\d\d)(?:\s*[-/.年]\s*(\d{1,2})(?:\s*[-/.月]\s*(\d{1,2}))?)?")


def new_number() -> str:
    """A fresh certificate number: 128 random bits and their check, 28 characters."""
    return with_check(secrets.randbits(RANDOM_BITS))


def with_check(bits: int) -> str:
    """The number that carries these bits."""
    return _letters(bits, BODY) + _letters(bits % PRIME, CHECK)


def _letters(value: int, length: int) -> str:
    return "".join(ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(length)))


def _value(text: str) -> int:
    value = 0
    for character in text:
        value = value * 32 + ALPHABET.index(character)
    return value


def is_number(text: str) -> bool:
    """Is this exactly a number in its stored form, with the right check? Says nothing about whether it was issued."""
    if len(text) != BODY + CHECK or any(character not in ALPHABET for character in text):
        return False
    bits = _value(text[:BODY])
    return bits < 1 << RANDOM_BITS and bits % PRIME == _value(text[BODY:])


def grouped(number: str) -> str:
    """As it is printed: `K7QF-2M0X-…`, seven groups of four."""
    return "-".join(number[start : start + GROUP] for start in range(0, len(number), GROUP))


@dataclass(frozen=True, slots=True)
class Typed:
    """A certificate number found in what somebody typed, and what stood after it (a name to compare)."""

    number: str
    rest: str = ""

    @property
    def sound(self) -> bool:
        """Does its check fit? If not, it was mistyped."""
        return is_number(self.number)


def read_number(text: str) -> Typed | None:
    """The number in a message: alone, in groups, in small letters, full-width, as the address of its page, with a name
    after it. None: there is none."""
    plain = unicodedata.normalize("NFKC", text).strip()
    within = _IN_ADDRESS.search(plain)
    found = _TYPED.match(within[1] if within else plain)
    if found is None:
        return None
    number = re.sub(r"[^0-9A-Za-z]", "", found[0]).upper().translate(_MISREAD)
    rest = "" if within else plain[found.end() :].strip(" ,，:：;；\n")
    if not is_number(number) and sum(character.isdigit() for character in found[0]) < GROUP - 1:
        return None  # 28 letters in words of four are a sentence
    return Typed(number, rest)


@dataclass(frozen=True, slots=True)
class Period:
    """Days in the city's zone, both included."""

    since: date
    until: date

    def moments(self, zone: tzinfo) -> tuple[datetime, datetime]:
        """From its first moment to the first moment after it."""
        start = datetime(self.since.year, self.since.month, self.since.day, tzinfo=zone)
        after = self.until + timedelta(days=1)
        return start, datetime(after.year, after.month, after.day, tzinfo=zone)


def usual_periods(first: date, today: date) -> dict[str, Period]:
    """What people ask for: everything, this year, the school year, last year; only those in which something was."""
    school = today.year if today.month >= 9 else today.year - 1
    wished = {
        "all": Period(first, today),
        "year": Period(date(today.year, 1, 1), today),
        "school": Period(date(school, 9, 1), min(today, date(school + 1, 8, 31))),
        "last": Period(date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    }
    return {name: one for name, one in wished.items() if one.until >= first}


def read_period(text: str, today: date) -> Period | None:
    """`2025`, `2025-03`, `2025年3月到8月` as `2025-03 2025-08`, `2025-03-01 – 2025-08-31`; nothing after today. None:
    neither of them."""
    found = list(_DATE.finditer(unicodedata.normalize("NFKC", text)))
    if not 1 <= len(found) <= 2:
        return None
    try:
        since, until = _edges(found[0])[0], _edges(found[-1])[1]
    except ValueError:
        return None
    until = min(until, today)
    return Period(since, until) if since <= until else None


def _edges(found: re.Match[str]) -> tuple[date, date]:
    """First and last day of a year, a month or a day. Raises ValueError for a day that is in no calendar."""
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    if month is None:
        return date(year, 1, 1), date(year, 12, 31)
    if day is None:
        return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    return date(year, month, day), date(year, month, day)


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody asked about a certificate: who, as far as its holder may know it."""

    at: datetime
    known: bool
    """They asked in a chat; False: on the public page, or who they were is not kept any more."""
    name: str = ""
    """Masked; empty: they never gave one."""
    organisation: tuple[str, str] | None = None
    """Where they hold a post, Chinese and English."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One counted record on a certificate."""

    record: int
    day: date
    title: str
    english: str
    minutes: int
    grade: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the content as it is printed: an activity, or a month or a year of them."""

    first: date
    title: str
    english: str
    minutes: int
    grades: str
    activities: int = 1
    by: str = "activity"
    """activity, month or year."""


def by_grade(entries: Iterable[Entry]) -> dict[str, int]:
    """Minutes by how they were proven, strongest first; only what there is."""
    minutes: dict[str, int] = defaultdict(int)
    for one in entries:
        minutes[one.grade] += one.minutes
    return {grade: minutes[grade] for grade in GRADES if minutes[grade]}


def content_lines(entries: Sequence[Entry], room: int = LINES) -> list[Line]:
    """What was done, oldest first, in at most `room` lines: by activity, else by month, else by year."""
    ordered = sorted(entries, key=lambda one: (one.day, one.record))
    if len(ordered) <= room:
        return [Line(one.day, one.title, one.english, one.minutes, one.grade) for one in ordered]
    for by in ("month", "year"):
        groups: dict[date, list[Entry]] = defaultdict(list)
        for one in ordered:
            groups[one.day.replace(day=1) if by == "month" else one.day.replace(day=1, month=1)].append(one)
        if len(groups) <= room:
            break
    return [
        Line(first, "", "", sum(one.minutes for one in group), "".join(by_grade(group)), len(group), by)
        for first, group in groups.items()
    ]


def content_text(name: str, volunteer: str, organisation: int, period: Period, entries: Sequence[Entry]) -> str:
    """What a certificate says, in one canonical text: the same content has the same hash."""
    said = [[one.record, one.minutes, one.grade] for one in sorted(entries, key=lambda one: one.record)]
    whole = [name, volunteer, organisation, period.since.isoformat(), period.until.isoformat(), said]
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


def same_name(typed: str, issued: str) -> bool:
    """Is it the name on the certificate? Spaces, width and case do not matter; nothing else is forgiven."""
    return bool(_bare(typed)) and _bare(typed) == _bare(issued)


def _bare(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split()).replace("·", "")


@dataclass(frozen=True, slots=True)
class Issuer:
    """The organisation that recorded, and therefore certifies."""

    id: int
    name: str
    english: str
    place: int
    may_issue: bool


@dataclass(frozen=True, slots=True)
class Recorder:
    """An organisation with counted records of mine, and how much it can certify now."""

    issuer: Issuer
    minutes: int
    first: datetime
    asked: int = 0
    """Minutes beside these that are asked about: they are certified once that is settled."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate as it was issued."""

    id: int
    number: str
    person: int
    volunteer: str
    issuer: Issuer
    period: Period
    minutes: Mapping[str, int]
    entries: Sequence[Entry]
    name: str
    responsible: str
    issued: datetime
    state: str
    """valid or withdrawn."""
    reason: str = ""
    withdrawn: datetime | None = None

    @property
    def total(self) -> int:
        """Minutes."""
        return sum(self.minutes.values())

    @property
    def valid(self) -> bool:
        """It has not been withdrawn."""
        return self.state == "valid"


@dataclass(frozen=True, slots=True)
class Issued:
    """Here it is; `anew` is False when the same content had been certified before and its number was given again."""

    certificate: Certificate
    anew: bool


@dataclass(frozen=True, slots=True)
class NothingCounted:
    """There are no counted minutes of this organisation in the period."""

    issuer: Issuer | None


@dataclass(frozen=True, slots=True)
class MayNotIssue:
    """The organisation is not active: it may not issue now."""

    issuer: Issuer


@dataclass(frozen=True, slots=True)
class Nameless:
    """No name is stored to be put on it."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """It is worth nothing from now on; `instead` is the one issued in its place."""

    certificate: Certificate
    instead: Certificate | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What whoever checks a number may see: no name in whole unless they typed it."""

    state: str
    """valid, withdrawn or unknown."""
    number: str
    issuer: Issuer | None = None
    period: Period | None = None
    minutes: Mapping[str, int] | None = None
    issued: datetime | None = None
    name: str = ""
    """Masked; in whole only when it was typed rightly."""
    match: bool | None = None
    """Whether a typed name is the one on it; None: none was typed."""
    withdrawn: datetime | None = None
    reason: str = ""
