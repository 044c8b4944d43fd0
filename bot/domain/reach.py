"""Who can be told what, when and where: routes, quiet hours, too late, and the decision at the moment of sending."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum

from bot.domain import reminders
from bot.domain.notices import ABOUT_ITS_READER, AFTERWARDS, CAMPAIGNS, STREAMS, Kind, Notice

BY_WINDOW = frozenset({"wechat"})
"""Doors that let us speak first only for a while after a person did something there, and only so many times."""

SPARE = timedelta(minutes=1)
"""Kept of a 48-hour window for the way to the platform and for clocks that differ."""
ACTION_SPARE = timedelta(seconds=12)
"""The same of a window of one minute: a call may last nine seconds."""

DAY = reminders.DAY
NEAR = -reminders.NEAR

REPLY_KEEPS = timedelta(hours=48)
"""A reply that could not go back in its own request is worth bringing as long as WeChat lets us speak first."""

REPLY_HOLDS_UP = timedelta(minutes=2)
"""For so long after it was put off, the next replies of its chat go behind it; then they go directly again, for nobody
shall wait for one answer because of another. A line that seems dead is tried again within one minute."""

NEXT_TRY = timedelta(minutes=1)
"""A reply that will not be tried again within this time holds nobody up."""


class Way(StrEnum):
    """How a message goes out; kept with its row."""

    CHAT = "chat"
    """A plain message, in a chat where we may begin."""
    WINDOW = "window"
    """A customer message, within what WeChat allows after a person did something there."""
    TEMPLATE = "template"
    """WeChat's template message: fixed fields, outside every window, never for advertising."""
    GRANT = "grant"
    """WeChat's subscription notice: one for each consent that the person gave."""
    MASS = "mass"
    """WeChat's mass message to a tag, four a month."""


class Because(StrEnum):
    """Why a message took its way; kept with its row when it was sent."""

    LAST = "where they wrote last"
    OTHER = "no way in where they wrote last: another address of theirs"
    WINDOW = "within the window that they opened"
    TEMPLATE = "window closed: as a notice"
    GRANT = "window closed: with a consent of theirs"
    MASS = "nothing else reaches them: with the mass message"


class Reason(StrEnum):
    """Why a message was not sent, or waits; kept with its row and answered to whoever asks."""

    LATE = "too late"
    QUIET = "quiet hours lasted until it was too late"
    QUIET_NOW = "quiet hours"
    OPTED_OUT = "opted out"
    OFTEN = "written to often enough this week"
    CANCELLED = "activity cancelled"
    CHANGED = "activity changed since"
    NOT_SIGNED_UP = "no longer signed up"
    GONE = "what it spoke of is gone"
    NO_ADDRESS = "no open address"
    NO_WINDOW = "waits until they write"
    WROTE = "waited until they wrote"
    UNHEARD = "too late: waited until they wrote"
    QUOTA = "the platform's quota is used up"
    UNKEYED = "too old to be asked for again under its key"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Reminding:
    """A reminder that every shift has: when it goes out and until when it is useful, in minutes."""

    kind: Kind
    offset: int
    """From the start (reminder) or the end (check-out, feedback); negative is before."""
    useful_until: int
    """From the same moment."""
    standing: tuple[str, ...]
    """Sign-ups in these states get it."""


EXPECTED = ("joined", "confirmed")


def reminder(before: int) -> Reminding:
    """The reminder so many minutes before the start."""
    return Reminding("reminder", -before, -reminders.useful_until(before), EXPECTED)


ASKED_AFTER = 30
"""Minutes after the end, when whoever has not checked out is asked when they left."""

REMINDINGS = (
    *(reminder(one) for one in reminders.USUAL),
    Reminding("checkout", -10, ASKED_AFTER, ("arrived",)),
    Reminding("checkout", ASKED_AFTER, 2 * 60, ("arrived",)),
    Reminding("feedback", 3 * 60, 3 * DAY, ("left", "completed")),
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
    """After a message of theirs: until when we may speak first, and how often still."""
    window_left: int | None = None
    action_until: datetime | None = None
    """The same after a click, a scan, a follow."""
    action_left: int | None = None
    granted: Mapping[str, int] = field(default_factory=dict)
    """Subscription notices that they still allow, by template."""
    declined: frozenset[str] = frozenset()
    """Templates that they want nothing of."""


@dataclass(frozen=True, slots=True)
class Offers:
    """What this city can send through beside plain messages; data of its accounts and settings."""

    templates: Mapping[Kind, str] = field(default_factory=dict)
    """The template message of a kind of notice."""
    notices: Mapping[Kind, str] = field(default_factory=dict)
    """The subscription notice of a kind of notice."""
    customer: bool = True
    """Has the account customer messages? An unverified one has none."""
    mass: bool = False
    """Has it mass messages?"""
    codes: bool = False
    """Can it make codes that start a script when they are scanned?"""

    @property
    def asked(self) -> tuple[str, ...]:
        """Templates for which a person's consent is asked, each once."""
        return tuple(dict.fromkeys(self.notices.values()))


NEVER: Mapping[Way, datetime] = {}
"""No way is closed."""

PLAIN = Offers()
"""Plain messages and nothing else."""


@dataclass(frozen=True, slots=True)
class ByAddress:
    """The route: this door, this address, in this way, and why."""

    door: str
    external: str
    way: Way = Way.CHAT
    template: str = ""
    """Of a template message or a subscription notice."""
    because: Because = field(default=Because.LAST, compare=False)


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
    often: bool = False
    """They have had as many messages of campaigns lately as they may."""
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


def route(
    addresses: Sequence[Reachable],
    now: datetime,
    kind: Kind | None = None,
    offers: Offers = PLAIN,
    closed: Collection[Way] = (),
    cost: int = 1,
) -> ByAddress | Hold:
    """Where and how to tell a person: where they wrote last, if there is a way in; else at another address of theirs.

    `closed`: ways whose quota is used up for now. `cost`: messages that it takes in a window. A mass message is no
    route of one person's: `by_mass` says who is left for it.
    """
    opened = sorted((one for one in addresses if one.open), key=_latest_first, reverse=True)
    for place, address in enumerate(opened):
        found = _way_in(address, now, kind, offers, closed, cost)
        if found is not None:
            way, template, because = found
            if place and way is Way.CHAT:
                because = Because.OTHER
            return ByAddress(address.door, address.external, way, template, because)
    return Hold(Reason.NO_WINDOW if opened else Reason.NO_ADDRESS)


def _way_in(
    address: Reachable, now: datetime, kind: Kind | None, offers: Offers, closed: Collection[Way], cost: int
) -> tuple[Way, str, Because] | None:
    if address.door not in BY_WINDOW:
        return Way.CHAT, "", Because.LAST
    if Way.WINDOW not in closed and offers.customer and left_in_window(address, now) >= cost:
        return Way.WINDOW, "", Because.WINDOW
    if kind is None:
        return None
    template, notice = offers.templates.get(kind, ""), offers.notices.get(kind, "")
    if template and Way.TEMPLATE not in closed and template not in address.declined:
        return Way.TEMPLATE, template, Because.TEMPLATE
    if notice and Way.GRANT not in closed and notice not in address.declined and address.granted.get(notice, 0) > 0:
        return Way.GRANT, notice, Because.GRANT
    return None


def left_in_window(address: Reachable, now: datetime) -> int:
    """How many messages the windows of an address still allow. Which of two open windows the platform counts a message
    in is written nowhere: it is counted in both, and the fuller one speaks."""
    after_message = _left(address.window_until, address.window_left, now, SPARE)
    return max(after_message, _left(address.action_until, address.action_left, now, ACTION_SPARE))


def _left(until: datetime | None, left: int | None, now: datetime, spare: timedelta) -> int:
    return left or 0 if until is not None and now < until - spare else 0


def by_mass(addresses: Sequence[Reachable], kind: Kind, offers: Offers) -> str | None:
    """The address at which a mass message reaches somebody whom nothing else does; only campaigns may."""
    if not offers.mass or kind not in CAMPAIGNS:
        return None
    opened = sorted((one for one in addresses if one.open and one.door in BY_WINDOW), key=_latest_first, reverse=True)
    return opened[0].external if opened else None


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
    """Would it be of no use any more? What no event belongs to has only its own expiry. A guardian's yes is of use
    while the child stands at the gate."""
    event = notice.event
    if event is None or notice.kind in AFTERWARDS:
        return False
    if notice.kind == "reminder":
        return now >= event.starts - timedelta(minutes=reminders.useful_until(-notice.offset))
    for reminding in REMINDINGS:
        if (reminding.kind, reminding.offset) == (notice.kind, notice.offset):
            return now >= event.ends + timedelta(minutes=reminding.useful_until)
    if notice.kind in ("change", "cancellation", "checkout", "permission", "permitted"):
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
    offers: Offers = PLAIN,
    closed: Mapping[Way, datetime] = NEVER,
) -> ByAddress | Hold | Dropped | Postponed:
    """What becomes of one message at the moment when it could be sent; see `route`.

    `closed`: ways whose quota is used up, and when each opens again; who has no other waits for that.
    """
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
    found = route(addresses, now, notice.kind, offers, closed)
    if isinstance(found, Hold) and closed:
        wished = route(addresses, now, notice.kind, offers)
        if isinstance(wished, ByAddress):
            until = closed[wished.way]
            late = until >= truth.expires or too_late(notice, until)
            return Dropped(Reason.QUOTA) if late else Postponed(until, Reason.QUOTA)
    return found


def _against(notice: Notice, truth: Truth, now: datetime) -> Reason | None:
    """Why it must not be sent. Too late comes last: what was cancelled did not merely come too late."""
    if truth.missing:
        return Reason.GONE
    if truth.opted_out and (notice.kind in STREAMS or notice.kind == "digest"):
        return Reason.OPTED_OUT
    if truth.often and notice.kind in CAMPAIGNS:
        return Reason.OFTEN
    if truth.cancelled and notice.kind != "cancellation":
        return Reason.CANCELLED
    if truth.changed:
        return Reason.CHANGED
    if not truth.signed_up:
        return Reason.NOT_SIGNED_UP
    return Reason.LATE if now >= truth.expires or too_late(notice, now) else None


FEWEST_PLACES = 4
"""Calls that may be under way however quick the platform is: one that hangs must not hold up a whole account."""


def places_in_flight(rate: float, latency: float, most: int) -> int:
    """How many calls must be under way at once to keep up `rate` a second when one takes `latency` seconds."""
    return min(most, max(FEWEST_PLACES, math.ceil(rate * latency)))


def wait_after(attempt: int, chance: float) -> float:
    """Seconds before the next attempt: 2, 8, 32 … up to 15 minutes, of which `chance` (0 to 1) takes off up to half."""
    longest = min(900.0, 2.0 * 4.0 ** max(0, attempt - 1))
    return longest * (1.0 - 0.5 * chance)


KEY_KEEPS = timedelta(minutes=9, seconds=30)
"""How long a template message can be asked for again under its key; the platform keeps `client_msg_id` ten minutes."""

ATTEMPTS = 8
"""With `wait_after` that is about an hour of an unreachable platform; then a person is asked."""

LOOKED_BACK = 200
"""Messages of a campaign that are looked at to tell whether it fails."""

MOST_FAILING = 0.05
"""Of those, the share beyond which it rests until a person has looked."""


def fails_too_often(failed: int) -> bool:
    """So many of a campaign's last `LOOKED_BACK` messages. Counted, not shared out: eleven at once are enough."""
    return failed > LOOKED_BACK * MOST_FAILING


REPEATED_ONCE: frozenset[Kind] = ABOUT_ITS_READER | AFTERWARDS | {
    "reminder", "checkout", "promotion", "offer", "lapse", "admission", "change", "cancellation", "reply", "asking",
    "leaderless",
}  # fmt: skip
"""When nobody can know whether these arrived they are said once more, in words that make sense twice."""
