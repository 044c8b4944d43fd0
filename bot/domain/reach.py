"""Who can be told what, when and where: routes, quiet hours, too late, and the decision at the moment of sending."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from bot.domain.notices import ABOUT_ITS_READER, Kind, Notice

BY_WINDOW = frozenset({"wechat"})
"""Doors that let us speak first only for a while after a person did something there, and only so many times."""

DAY = 24 * 60
NEAR = -2 * 60
"""Minutes before the start from which a reminder may break quiet hours: for a start at six it comes at four."""

REFUSABLE: frozenset[Kind] = frozenset({"announcement", "reminder", "checkout"})
"""What somebody is spared who wants no messages. That their own activity moved or was cancelled they still hear."""

REPLY_KEEPS = timedelta(hours=48)
"""A reply that could not go back in its own request is worth bringing as long as WeChat lets us speak first."""


class Reason(StrEnum):
    """Why a message was not sent, or waits; kept with its row and answered to whoever asks."""

    LATE = "too late"
    QUIET = "quiet hours lasted until it was too late"
    QUIET_NOW = "quiet hours"
    OPTED_OUT = "opted out"
    CANCELLED = "activity cancelled"
    CHANGED = "activity changed since"
    NOT_SIGNED_UP = "no longer signed up"
    GONE = "what it spoke of is gone"
    NO_ADDRESS = "no open address"
    NO_WINDOW = "waits until they write"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Reminding:
    """A reminder that every shift has: when it goes out and until when it is useful, in minutes."""

    kind: Kind
    offset: int
    """From the start (reminder) or the end (checkout); negative is before."""
    useful_until: int
    """From the same moment."""
    standing: tuple[str, ...]
    """Sign-ups in these states get it."""


REMINDINGS = (
    Reminding("reminder", -DAY, -3 * 60, ("joined",)),
    Reminding("reminder", NEAR, 0, ("joined",)),
    Reminding("checkout", -10, 30, ("arrived",)),
)


@dataclass(frozen=True, slots=True)
class Reachable:
    """One address of a person, and what it allows now."""

    door: str
    external: str
    open: bool = True
    inbound: datetime | None = None
    """When they last wrote from there."""
    window_until: datetime | None = None
    window_left: int | None = None


@dataclass(frozen=True, slots=True)
class ByAddress:
    """The route: this door, this address."""

    door: str
    external: str


@dataclass(frozen=True, slots=True)
class Hold:
    """There is no route now; the message waits until the person writes."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Dropped:
    """Not to be sent any more."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Postponed:
    """To be sent at this moment; no attempt is counted."""

    until: datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one message at the moment of sending; everything about its reader and its subject."""

    expires: datetime
    urgent: bool = False
    """A reply, a change, a cancellation: breaks quiet hours."""
    opted_out: bool = False
    missing: bool = False
    """The shift, activity or kept reply that it speaks of is not there any more."""
    cancelled: bool = False
    """Of the activity."""
    changed: bool = False
    """The activity's revision is another one than when this was planned."""
    signed_up: bool = True
    """The reader still belongs to those whom it was meant for."""


def _latest_first(address: Reachable) -> datetime:
    return address.inbound or datetime.min.replace(tzinfo=UTC)


def route(addresses: Sequence[Reachable], now: datetime) -> ByAddress | Hold:
    """Where to tell a person: where they wrote last, if that door lets us speak; else at another address of theirs."""
    opened = sorted((one for one in addresses if one.open), key=_latest_first, reverse=True)
    for address in opened:
        if address.door not in BY_WINDOW or _window_is_open(address, now):
            return ByAddress(address.door, address.external)
    return Hold(Reason.NO_WINDOW if opened else Reason.NO_ADDRESS)


def _window_is_open(address: Reachable, now: datetime) -> bool:
    return address.window_until is not None and now < address.window_until and (address.window_left or 0) > 0


def quiet_until(now_local: datetime, from_minute: int, until_minute: int) -> datetime | None:
    """When the quiet hours end that `now_local` lies in, None outside them; both ends in minutes after midnight."""
    minute = now_local.hour * 60 + now_local.minute
    if from_minute <= until_minute:
        quiet, tomorrow = from_minute <= minute < until_minute, False
    else:
        quiet, tomorrow = minute >= from_minute or minute < until_minute, minute >= from_minute
    if not quiet:
        return None
    day = now_local.date() + timedelta(days=1 if tomorrow else 0)
    hour, rest = divmod(until_minute % DAY, 60)
    if until_minute == DAY:
        day += timedelta(days=1)
    return datetime.combine(day, time(hour, rest), now_local.tzinfo)


def too_late(notice: Notice, now: datetime) -> bool:
    """Would it be of no use any more? What no event belongs to has only its own expiry."""
    event = notice.event
    if event is None:
        return False
    if notice.kind in ("reminder", "checkout"):
        for reminding in REMINDINGS:
            if (reminding.kind, reminding.offset) == (notice.kind, notice.offset):
                moment = event.ends if notice.kind == "checkout" else event.starts
                return now >= moment + timedelta(minutes=reminding.useful_until)
    if notice.kind in ("change", "cancellation", "checkout"):
        return now >= event.ends
    return now >= event.starts


def breaks_quiet(notice: Notice, urgent: bool) -> bool:
    """Replies, changes and cancellations do, and what is about the next two hours."""
    return urgent or notice.kind == "checkout" or (notice.kind == "reminder" and notice.offset >= NEAR)


def decide(
    notice: Notice,
    truth: Truth,
    addresses: Sequence[Reachable],
    now: datetime,
    zone: tzinfo,
    quiet: tuple[int, int] | None,
) -> ByAddress | Hold | Dropped | Postponed:
    """What becomes of one message at the moment when it could be sent."""
    reason = _against(notice, truth, now)
    if reason:
        return Dropped(reason)
    if quiet and not breaks_quiet(notice, truth.urgent):
        until = quiet_until(now.astimezone(zone), *quiet)
        if until is not None:
            until = until.astimezone(UTC)
            if until >= truth.expires or too_late(notice, until):
                return Dropped(Reason.QUIET)
            return Postponed(until, Reason.QUIET_NOW)
    return route(addresses, now)


def _against(notice: Notice, truth: Truth, now: datetime) -> Reason | None:
    """Why it must not be sent. Too late comes last: what was cancelled did not merely come too late."""
    cancelled = truth.cancelled and notice.kind != "cancellation"
    checks: Iterable[tuple[bool, Reason]] = (
        (truth.missing, Reason.GONE),
        (truth.opted_out and notice.kind in REFUSABLE, Reason.OPTED_OUT),
        (cancelled, Reason.CANCELLED),
        (truth.changed, Reason.CHANGED),
        (not truth.signed_up, Reason.NOT_SIGNED_UP),
        (now >= truth.expires or too_late(notice, now), Reason.LATE),
    )
    return next((reason for holds, reason in checks if holds), None)


def places_in_flight(rate: float, latency: float, most: int) -> int:
    """How many calls must be under way at once to keep up `rate` a second when one takes `latency` seconds."""
    return max(1, min(most, math.ceil(rate * latency)))


def wait_after(attempt: int, chance: float) -> float:
    """Seconds before the next attempt: 2, 8, 32 … up to 15 minutes, of which `chance` (0 to 1) takes off up to half."""
    longest = min(900.0, 2.0 * 4.0 ** max(0, attempt - 1))
    return longest * (1.0 - 0.5 * chance)


ATTEMPTS = 8
"""With `wait_after` that is about an hour of an unreachable platform; then a person is asked."""

LOOKED_BACK = 200
"""Messages of a campaign that are looked at to tell whether it fails."""

MOST_FAILING = 0.05
"""Of those, the share beyond which it rests until a person has looked."""


def fails_too_often(lately: Collection[bool]) -> bool:
    """`lately`: of a campaign's last messages, did they fail? Counted, not shared out: eleven at once are enough."""
    return sum(lately) > LOOKED_BACK * MOST_FAILING


REPEATED_ONCE: frozenset[Kind] = frozenset(
    {"reminder", "checkout", "promotion", "change", "cancellation", "reply", *ABOUT_ITS_READER}
)
"""When nobody can know whether these arrived they are said once more, in words that make sense twice."""


def first_reminder(starts: datetime, now: datetime) -> datetime | None:
    """When somebody who signs up now is first reminded; None: it begins too soon."""
    moments = (starts + timedelta(minutes=one.offset) for one in REMINDINGS if one.kind == "reminder")
    return min((moment for moment in moments if moment > now), default=None)
