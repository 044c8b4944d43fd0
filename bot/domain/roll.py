"""The leader's roll-call in one message: `1 2 5 到`, `除了3都到`, `all here but 4`, `3 走`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.domain.attendance import OPENS
from bot.domain.digits import CHINESE, normalise, read_numeral
from bot.domain.enrolment import COMING, Stand

LONGEST = 400
"""Characters of a roll-call: some hundred numbers."""

SHORT_CODE = 6
"""Digits of a person's own rotating code; numbers on the roll are shorter."""


class Mark(StrEnum):
    """What is said of somebody."""

    HERE = "here"
    LEFT = "left"
    BACK = "back"
    """What was said last does not hold, whichever it was: a second tap on the leader's page."""
    STILL = "still"
    """They have not left: what was said of leaving does not hold. That they came does."""
    NEVER = "never"
    """They have not come: nothing holds that was said of them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One mark and whom it is for: numbers of the roll, all but some, or own codes and volunteer numbers."""

    mark: Mark
    numbers: tuple[int, ...] = ()
    all: bool = False
    but: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    @property
    def of_one_roll(self) -> bool:
        """It means nothing before one knows whose roll it is of; an own code or a volunteer number means one person."""
        return bool(self.numbers) or self.all


@dataclass(frozen=True, slots=True)
class Rolled:
    """One line of the roll. `number` is for ever this person's at this activity: who joins later comes after."""

    number: int
    enrolment: int
    person: int
    stand: Stand
    starts: datetime
    ends: datetime
    arrived: datetime | None = None
    left: datetime | None = None
    left_by: str | None = None

    @property
    def seated(self) -> bool:
        """They have a seat, or had one."""
        return self.stand not in (Stand.WAITING, Stand.OFFERED)

    def is_awaited(self, at: datetime) -> bool:
        """It could be said of them now that they are here."""
        return self.stand in COMING | {Stand.ABSENT} and self.starts - OPENS <= at < self.ends

    @property
    def shown(self) -> tuple[str, datetime | None]:
        """How a leader sees it: expected, here, left or closed, and since when. What was closed by rule is still here:
        the leader may yet say when they left."""
        if self.stand == Stand.COMPLETED:
            return ("here", self.arrived) if self.left_by == "rule" else ("closed", self.left)
        if self.stand in (Stand.ARRIVED, Stand.LEFT):
            return ("left", self.left) if self.stand == Stand.LEFT else ("here", self.arrived)
        return "expected", None


@dataclass(frozen=True, slots=True)
class Marked:
    """It was written down, as of this moment."""

    mark: Mark
    at: datetime


@dataclass(frozen=True, slots=True)
class AlreadySo:
    """It had been so before, since this moment: nothing was doubled."""

    mark: Mark
    at: datetime


@dataclass(frozen=True, slots=True)
class NotMarked:
    """It could not be: `unknown` number, `seat` (none), `self`, `early`, `over`, `absent` (left without having come),
    `future` (a clock that is ahead)."""

    why: str


Outcome = Marked | AlreadySo | NotMarked

NONCES_AT_ONCE = 200
"""Ticks that a leader's page sends at once."""


@dataclass(frozen=True, slots=True)
class Tick:
    """One tap on the leader's page. `at`: by the phone's clock, already set right by how wrong that is now."""

    nonce: str
    enrolment: int
    mark: Mark
    at: datetime

_STILL = (
    r"(?:都|全)?(?:还)?(?:没有?|未)(?:走|离开|签退)|(?:都|全)?还在"
    r"|\b(?:is |are |has |have )?not (?:gone|left)\b|\bstill here\b"
)
_NEVER = r"(?:都|全)?(?:还)?(?:没有?|未)(?:到|来)|不在|\b(?:is |are )?not (?:here|there|present)\b"
_LEFT = r"(?:都|全)?(?:已经|已)?(?:先)?(?:离开|签退|走)了?|\b(?:have |has |are |is )?(?:left|gone)\b"
_HERE = r"(?:都|全)?(?:已经|已)?(?:来了|在场|到)了?|\b(?:are |is )?(?:here|present|arrived)\b"
_MARKS = re.compile(f"(?P<still>{_STILL})|(?P<never>{_NEVER})|(?P<left>{_LEFT})|(?P<here>{_HERE})")
_ALL = r"(?:全部|所有人|所有|全体|大家|全|都|\ball\b|\beveryone\b|\beverybody\b)"
_TOKEN = rf"(?:v[2-9a-z]{{9}}|\d{{{SHORT_CODE}}}|\d{{1,4}}|[{CHINESE}]{{1,4}})"
_ONE = rf"{_TOKEN}(?:\s*[-~–至]\s*{_TOKEN})?\s*号?"
_BY = r"[\s,、;/+和跟与及&]*(?:\band\b)?[\s,、;/+和跟与及&]*"
_LIST = rf"{_ONE}(?:{_BY}{_ONE})*"
_BUT_FOR = r"(?:除了?|\bexcept(?: for)?\b|\bbut\b|\bwithout\b)"
_BUT = re.compile(rf"{_BUT_FOR}\s*({_LIST})\s*(?:以外|之外|外)?(?:其他人?|其余)?")
_PIECE = re.compile(rf"({_TOKEN})(?:\s*[-~–至]\s*({_TOKEN}))?")
_TRIM = " ,、;.。!！:：-"


def read_calls(text: str) -> list[Call] | None:
    """The calls of one message, in order; None: it is something else. Every word must be part of it."""
    if len(text) > LONGEST:
        return None
    calls: list[Call] = []
    for line in text.splitlines():
        if not line.strip():
            continue
        found = _line(normalise(line))
        if found is None:
            return None
        calls += found
    return calls or None


def _line(plain: str) -> list[Call] | None:
    calls, start = [], 0
    marks = list(_MARKS.finditer(plain))
    for place, mark in enumerate(marks):
        # “all here except 3”: what is left out may follow the mark.
        until = marks[place + 1].start() if place + 1 < len(marks) else len(plain)
        after = _BUT.match(plain[mark.end() : until].lstrip(_TRIM))
        whom = plain[start : mark.start()].strip(_TRIM)
        if re.search(r"[都全]", mark[0]):
            whom = f"{whom} 都"
        end = mark.end()
        if after:
            whom = f"{whom} {after[0]}"
            end = plain.index(after[0], mark.end()) + len(after[0])
        call = _call(Mark(str(mark.lastgroup)), whom.strip(_TRIM))
        if call is None:
            return None
        calls.append(call)
        start = end
    return calls if calls and not plain[start:].strip(_TRIM) else None


def _call(mark: Mark, whom: str) -> Call | None:
    but = _BUT.search(whom)
    rest = (whom[: but.start()] + " " + whom[but.end() :] if but else whom).strip(_TRIM)
    everyone = re.fullmatch(rf"(?:{_ALL}\s*)+", rest) is not None
    if but:
        return Call(mark, all=True, but=_pieces(but[1])[0]) if everyone else None
    if everyone:
        return Call(mark, all=True)
    named = re.sub(r"\s*[都全]$", "", rest)
    if not named or not re.fullmatch(_LIST, named):
        return None
    numbers, codes, people = _pieces(named)
    return Call(mark, numbers, codes=codes, people=people) if numbers or codes or people else None


def _pieces(listed: str) -> tuple[tuple[int, ...], tuple[str, ...], tuple[str, ...]]:
    numbers: list[int] = []
    codes: list[str] = []
    people: list[str] = []
    for found in _PIECE.finditer(listed):
        first, last = found[1], found[2]
        if first.startswith("v"):
            people.append(first.upper())
        elif len(first) == SHORT_CODE and first.isdecimal():
            codes.append(first)
        else:
            low = read_numeral(first) or 0
            high = read_numeral(last) or 0 if last else low
            numbers += range(low, min(high, low + LONGEST) + 1)
    return tuple(dict.fromkeys(numbers)), tuple(codes), tuple(people)


def chosen(call: Call, roll: Sequence[Rolled]) -> Iterable[tuple[int, Rolled | None]]:
    """Whom a call is for, by number: those who are named, or everybody with a seat whom it can be said of."""
    by_number = {one.number: one for one in roll}
    if not call.all:
        return [(number, by_number.get(number)) for number in call.numbers]
    return [(one.number, one) for one in roll if one.number not in call.but and one.stand in _SAID_OF[call.mark]]


def rolls_of(rolls: Mapping[int, Sequence[Rolled]], people: Collection[int], at: datetime) -> list[int]:
    """The activities, by whose rolls, where somebody of these people is awaited; where somebody is awaited nowhere, has
    or had a seat."""
    meant: dict[int, None] = {}
    for who in people:
        lines = [(activity, one) for activity, roll in rolls.items() for one in roll if one.person == who]
        awaited = [activity for activity, one in lines if one.is_awaited(at)]
        meant |= dict.fromkeys(awaited or [activity for activity, one in lines if one.seated])
    return list(meant)


_HAVE_COME = frozenset({Stand.ARRIVED, Stand.LEFT, Stand.COMPLETED})
_SAID_OF = {
    Mark.HERE: _HAVE_COME | {Stand.JOINED, Stand.CONFIRMED, Stand.ABSENT},
    Mark.LEFT: frozenset({Stand.ARRIVED, Stand.LEFT}),
    Mark.STILL: frozenset({Stand.LEFT}),
    Mark.NEVER: frozenset({Stand.ARRIVED, Stand.LEFT}),
}
"""Of whom “all” can be said."""
