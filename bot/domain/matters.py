"""What is asked about a record and who answers: disputes, overlaps, objections, reviews; where each stands, and when
it goes on by itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.domain.records import Record


class About(StrEnum):
    """Kinds of matters."""

    DISPUTE = "dispute"
    """Its owner says that the record is wrong."""
    OVERLAP = "overlap"
    """Two organisations recorded the same minutes of one person."""
    OBJECTION = "objection"
    """Somebody who was there says so while the record is on notice."""
    REVIEW = "review"
    """A rule found something odd. Never a penalty: a person looks."""


class State(StrEnum):
    """Where a matter is on its way."""

    OPEN = "open"
    """Whoever it stands with has to answer."""
    ANSWERED = "answered"
    """Rejected; its owner may go to the next level until the clock ends."""
    SETTLED = "settled"


class Said(StrEnum):
    """What is said in a matter."""

    OPENED = "opened"
    REJECT = "reject"
    UP = "up"
    """To the next level: by the owner, or by Menkou when a clock has run out."""
    OURS = "ours"
    THEIRS = "theirs"
    FINE = "fine"
    """Looked at, nothing is wrong."""
    CORRECT = "correct"
    """Who recorded is asked to correct."""
    CORRECTED = "corrected"
    ENDED = "ended"
    """The clock ran out and nothing was left to be said."""


REASONS = ("hours", "absent", "zero", "other")
"""Why a record is disputed: from–to is wrong; counted although I was not there; nothing counted; something else."""


@dataclass(frozen=True, slots=True)
class Matter:
    """A matter as it stands. `node`: the centre of this place; None: who recorded."""

    id: int
    kind: About
    record: int
    other: int | None
    person: int
    organisation: int
    node: int | None
    state: State
    verdict: str
    facts: Mapping[str, Any]
    opened: datetime
    due: datetime


@dataclass(frozen=True, slots=True)
class Word:
    """One thing said in a matter."""

    at: datetime
    said: Said
    person: int | None
    organisation: int | None
    node: int | None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A matter with all that was said in it, as one reader may see it."""

    matter: Matter
    record: Record
    other: Record | None
    words: Sequence[Word]
    name: str
    """Whose minutes they are; masked unless the reader is of the organisation that recorded."""
    mine: bool
    """I am the owner."""
    answers: Collection[Said]
    """What I may say now."""


@dataclass(frozen=True, slots=True)
class Opened:
    """It is open; who recorded, or the centre, has until then to answer."""

    matter: int
    due: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """There is an open matter about it already."""

    matter: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The word is written down, and this is where the matter stands now."""

    state: State
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class NoSuchMatter:
    """None of mine, none that I may answer, or none at all: says nothing about which."""


def next_level(node: int | None, path: Sequence[int], staffed: Collection[int]) -> int | None:
    """The centre above: of the organisation's places from its own upward, the next where somebody is appointed.

    Where nobody is, the last of them: the city's. None: there is no level above this one.
    """
    above = path if node is None else path[path.index(node) + 1 :] if node in path else ()
    return next((one for one in above if one in staffed), above[-1] if above else None)


def answers(matter: Matter, is_owner: bool, recorder: bool, centre: bool, last: bool) -> frozenset[Said]:
    """What somebody may say: the owner of a dispute, who recorded (one of both in an overlap), the centre where it
    stands. Nobody judges their own minutes. `last`: no level is above."""
    if matter.state == State.SETTLED:
        return frozenset()
    if is_owner:
        asked_on = matter.kind == About.DISPUTE and matter.state == State.ANSWERED and not last
        return frozenset({Said.UP}) if asked_on else frozenset()
    if matter.state != State.OPEN:
        return frozenset()
    if matter.kind == About.OVERLAP:
        return frozenset({Said.OURS, Said.THEIRS}) if recorder else frozenset()
    if matter.node is None:
        return frozenset({Said.REJECT, Said.CORRECTED}) if recorder else frozenset()
    if not centre:
        return frozenset()
    if matter.kind == About.DISPUTE:
        return frozenset({Said.REJECT, Said.CORRECTED})
    return frozenset({Said.FINE, Said.CORRECT})


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a matter: its new state, where it stands (`stays`: where it stood), and the verdict."""

    state: State
    verdict: str = ""
    node: int | None = None
    stays: bool = True


def step(matter: Matter, said: Said, above: int | None) -> Step:
    """The rule behind every word. `above`: the next level, None where there is none."""
    match said:
        case Said.REJECT if matter.kind != About.DISPUTE:
            # The centre asked for a correction and who recorded disagrees: it is the centre's again.
            return Step(State.OPEN, node=above, stays=False) if above is not None else Step(State.SETTLED, "fine")
        case Said.REJECT:
            return Step(State.ANSWERED) if above is not None else Step(State.SETTLED, "rejected")
        case Said.UP:
            return Step(State.OPEN, node=above, stays=above is None)
        case Said.CORRECT:
            return Step(State.OPEN, node=None, stays=False)
        case Said.CORRECTED:
            return Step(State.SETTLED, "corrected")
        case Said.FINE:
            return Step(State.SETTLED, "fine")
    raise ValueError(f"{said} moves nothing")


def when_due(matter: Matter, above: int | None) -> Said:
    """What happens by itself when the clock ends: an answer that did not come goes up; where nothing is above, the
    clock begins again (`UP` stays); a rejection that nobody took further is the end; an overlap is settled by rule."""
    if matter.kind == About.OVERLAP or matter.state == State.ANSWERED:
        return Said.ENDED
    return Said.UP


def overlap_holder(first: Record, other: Record, said: Mapping[int, Said], over: bool) -> int | None:
    """Whose the shared minutes are: the record that holds them; None: not settled yet.

    `said`: each organisation's last word. Who says that the person was with the other settles it at once; a claim of
    one's own is settled when the other claims them too, or the clock is over. Then the better proven has them, of two
    alike the one that was recorded first.
    """
    mine, theirs = said.get(first.organisation), said.get(other.organisation)
    if mine == Said.THEIRS and theirs != Said.THEIRS:
        return other.id
    if theirs == Said.THEIRS and mine != Said.THEIRS:
        return first.id
    if mine is not None and theirs is not None:
        return by_rule(first, other)
    if not over:
        return None
    if mine == Said.OURS:
        return first.id
    if theirs == Said.OURS:
        return other.id
    return by_rule(first, other)


def by_rule(first: Record, other: Record) -> int:
    """The better proven, then the earlier."""
    return min((first, other), key=lambda one: (one.grade, one.id)).id
