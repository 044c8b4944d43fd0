"""Coming together: companions, teams, and places that one person passes to another; nobody is signed up by another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.offers import SHORTEST

COMPANIONS = 5
"""People without an account of their own whom one person may bring: grown-ups, counted and not named."""

MEMBERS = 60
"""Of one team."""

NAME_LENGTH = 30

PASSED_ON = timedelta(hours=24)
"""How long a place that is passed on waits for whoever is to take it."""


class TeamKind(StrEnum):
    """What holds a team together."""

    FAMILY = "family"
    FRIENDS = "friends"
    SCHOOL = "school"
    EMPLOYER = "employer"
    RESIDENTS = "residents"


class Ask(StrEnum):
    """What somebody is asked about a shift."""

    TEAM = "team"
    """To come with their team; a seat may be held beside the leader's."""
    HANDOVER = "handover"
    """To take over somebody's place."""
    SWAP = "swap"
    """To exchange places in two shifts of one activity."""
    COVER = "cover"
    """To help out where people are short."""
    LEAD = "lead"
    """To lead a squad that lacks its professional."""


class Reply(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Team:
    """A team as its members see it."""

    id: int
    name: str
    kind: TeamKind
    code: str
    leads: bool
    """The reader leads it."""
    members: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A question about a shift, as whoever is asked sees it."""

    id: int
    ask: Ask
    shift: int
    activity: int
    title: str
    english: str
    starts: datetime
    ends: datetime
    enrolment: int | None
    """The sign-up that it comes from."""
    held: bool
    until: datetime
    team: str = ""


@dataclass(frozen=True, slots=True)
class Brought:
    """So many companions have a seat beside mine now."""

    companions: int


@dataclass(frozen=True, slots=True)
class NoRoom:
    """There are not that many seats; so many are left."""

    free: int


@dataclass(frozen=True, slots=True)
class Invited:
    """So many members were asked; `held`: a seat is held for each until then, else they queue one by one."""

    members: int
    held: bool
    until: datetime


@dataclass(frozen=True, slots=True)
class Queued:
    """People wait for this shift: a place in it is not passed by them."""

    waiting: int


@dataclass(frozen=True, slots=True)
class Offered:
    """The code by which somebody takes the place, and until when."""

    code: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Swapped:
    """Both have the other's shift now."""

    title: str
    english: str
    starts: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class NoSwap:
    """One of the two may not be in the other's shift; nothing was changed."""


@dataclass(frozen=True, slots=True)
class NotThere:
    """No such team, code, invitation or place of mine."""


@dataclass(frozen=True, slots=True)
class TooMany:
    """The team is full."""


def passes_until(starts: datetime, now: datetime, longest: timedelta = PASSED_ON) -> datetime | None:
    """Until when a place that is passed on can be taken. None: it begins too soon."""
    until = min(now + longest, starts - SHORTEST)
    return until if until > now else None
